"""Entries, and the chain of hashes that ties each entry to all entries before it.

An entry's hash covers the hash of the entry before it.  So we find every change of the past, and
its place: the changed entry does not fit its own hash.  If somebody has made it fit, then the next
entry does not fit the one before it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from typing import Any, NamedTuple

from granja.market.facts import KINDS, Begun, Fact, from_body

#: The hash that stands before the first entry.
GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry: its number and its hash."""

    sequence: int = 0
    hash: bytes = GENESIS


class Entry(NamedTuple):
    """One row of the ledger, as it is stored.

    ``time``: Unix seconds.  ``body``: canonical JSON.  ``hash``: 32 bytes.
    """

    sequence: int
    time: float
    kind: str
    body: str
    hash: bytes

    def fact(self, shown: Callable[[Fact], Fact] = lambda fact: fact) -> Fact:
        """The fact in this entry.

        :param shown: puts the names in the place of the chain's hashes.
        :raises BadEntry: when the kind is unknown or the fields do not fit it.
        """
        try:
            return shown(from_body(self.kind, _decoded(self.body)))
        except (ValueError, RecursionError) as error:  # A forged JSON can be nested very deep.
            raise BadEntry(self.sequence, f"it cannot be read: {error}") from None


_DECODER = json.JSONDecoder()


def _decoded(body: str) -> Any:
    """The value of a body.  It has no space around it, so we need not search for one.

    :raises ValueError: when it is not JSON.
    """
    value, end = _DECODER.raw_decode(body)
    return value if end == len(body) else json.loads(body)


class BadEntry(Exception):
    """An entry that is not what was written.

    :param sequence: its number.
    :param why: half a sentence for the operator.
    """

    def __init__(self, sequence: int, why: str) -> None:
        super().__init__(f"entry {sequence} is damaged: {why}")
        self.sequence = sequence
        self.why = why


def digest(before: bytes, sequence: int, time: float, kind: str, body: str) -> bytes:
    """The hash of an entry.

    The text has only one meaning: numbers and kinds contain no ``|``, and the body comes last.
    ``repr`` gives the shortest decimal that is the same float again, on every platform.  Bytes that
    are no UTF-8 come only from damage; the hash covers them as they are.

    :param before: the hash of the entry before it.
    :param time: Unix seconds.
    """
    text = f"{sequence}|{time!r}|{kind}|{body}"
    return sha256(before + text.encode(errors="surrogateescape")).digest()


def canonical(fact: Fact) -> str:
    """The one way to write a fact's fields: JSON with sorted keys, no spaces, in ASCII.

    It gives the text of ``json.dumps(asdict(fact), …)``, without a copy of the fact first.
    """
    return _ENCODER.encode({name: getattr(fact, name) for name in _FIELDS[type(fact)]})


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=asdict)

#: The names of each kind's fields.
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in KINDS.values()}


def extend(
    before: bytes,
    sequence: int,
    time: float,
    facts: Iterable[Fact],
    written: Callable[[Fact], str] = canonical,
) -> Iterator[Entry]:
    """The entries that follow the one numbered ``sequence``, whose hash is ``before``.

    :param time: Unix seconds.
    :param written: writes a fact's fields.
    """
    for fact in facts:
        sequence += 1
        body = written(fact)
        before = digest(before, sequence, time, fact.kind, body)
        yield Entry(sequence, time, fact.kind, body, before)


def fits(entry: Entry, before: bytes) -> bool:
    """Whether this entry was written after the entry whose hash is ``before``."""
    return entry.hash == digest(before, entry.sequence, entry.time, entry.kind, entry.body)


def beginning(first: Entry | None) -> Head:
    """The end of the archive before the chain; the empty head if there is none.

    :param first: its first entry, if it has one; it may be damaged.
    """
    if first is None or first.kind != Begun.kind:
        return Head()
    try:
        return Head(first.sequence - 1, bytes.fromhex(json.loads(first.body)["head"]))
    except (ValueError, TypeError, LookupError, RecursionError):
        return Head()


def verified(entries: Iterable[Entry], before: bytes, sequence: int) -> Iterator[Entry]:
    """The same entries, each checked.  They begin with the one after ``sequence``.

    :raises BadEntry: at the first that is missing or does not fit.
    """
    for entry in entries:
        sequence += 1
        if entry.sequence != sequence:
            raise BadEntry(sequence, "it is missing")
        if not fits(entry, before):
            raise BadEntry(sequence, "it does not fit its hash")
        before = entry.hash
        yield entry
