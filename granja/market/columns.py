"""Columns of bits: for each artifact a whole number whose bit n says something of slot n.

Python's whole numbers are bit sets of any length, and to compare two of ten thousand bits takes
less than a microsecond: who asks for what somebody gives is one ``&``.
"""

from __future__ import annotations

from collections.abc import Iterator

from granja.contract.ids import ArtifactId

#: For each artifact the slots; an artifact without any is left out.
Columns = dict[ArtifactId, int]


def put(columns: Columns, artifact: ArtifactId, bit: int) -> None:
    columns[artifact] = columns.get(artifact, 0) | bit


def drop(columns: Columns, artifact: ArtifactId, bit: int) -> None:
    """Nothing happens if it is not there."""
    left = columns.get(artifact, 0) & ~bit
    if left:
        columns[artifact] = left
    else:
        columns.pop(artifact, None)


def first(bits: int) -> int:
    """The lowest slot of a set that is not empty."""
    return (bits & -bits).bit_length() - 1


def slots(bits: int) -> Iterator[int]:
    """Each of a set, the lowest first.

    By bytes, because each step through ten thousand bits would copy all of them.
    """
    data = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    for position, byte in enumerate(data):
        while byte:
            yield position * 8 + first(byte)
            byte &= byte - 1
