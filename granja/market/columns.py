"""Columns of bits: each artifact has a whole number, whose bit n tells something about slot n.

Python's whole numbers are bit sets of any length, and comparing two of them is fast.  So one ``&``
answers who seeks what somebody gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress
from typing import TypeVar

from granja.contract.ids import ArtifactId

T = TypeVar("T")

#: The slots of each artifact.  An artifact without any is left out.
Columns = dict[ArtifactId, int]


def put(columns: Columns, artifact: ArtifactId, bit: int) -> None:
    columns[artifact] = columns.get(artifact, 0) | bit


def drop(columns: Columns, artifact: ArtifactId, bit: int) -> None:
    """Clear a bit.  Nothing happens if it is not set."""
    left = columns.get(artifact, 0) & ~bit
    if left:
        columns[artifact] = left
    else:
        columns.pop(artifact, None)


def first(bits: int) -> int:
    """The lowest slot in a set that is not empty."""
    return (bits & -bits).bit_length() - 1


def chosen(bits: int, of: Sequence[T]) -> Iterator[T]:
    """The members whose slots are in a set, lowest slot first.

    It works on text, because a loop in Python over ten thousand slots is much slower.
    """
    return compress(of, marks(bits))


def marks(bits: int, size: int = 0) -> bytes:
    """One byte for each slot, 1 if it is in the set; at least ``size`` bytes."""
    return f"{bits:0{size}b}"[::-1].encode().translate(_DIGITS)


#: Maps the digits 0 and 1 to false and true.
_DIGITS = bytes.maketrans(b"01", b"\0\1")


def slots(bits: int) -> Iterator[int]:
    """Each slot in a set, lowest first.

    It works on bytes, because each step through ten thousand bits would copy all of them.
    """
    data = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    for position, byte in enumerate(data):
        while byte:
            yield position * 8 + first(byte)
            byte &= byte - 1
