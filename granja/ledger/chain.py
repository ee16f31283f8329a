"""Entries and the chain of hashes that ties each one to all before it.

An entry's hash covers the hash of the entry before it, so that an edit anywhere in the past is
found, and located: either the edited entry no longer fits its own hash, or, if that was made to
fit, the next entry no longer fits its predecessor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from typing import NamedTuple

from granja.market.facts import KINDS, Begun, Fact, from_body

#: What stands in the place of the hash before the first entry.
GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry: its number and its hash."""

    sequence: int = 0
    hash: bytes = GENESIS


class Entry(NamedTuple):
    """One row of the ledger, as it is stored.

    ``time`` is in Unix seconds, ``body`` is canonical JSON, ``hash`` has 32 bytes.
    """

    sequence: int
    time: float
    kind: str
    body: str
    hash: bytes

    def fact(self, shown: Callable[[Fact], Fact] = lambda fact: fact) -> Fact:
        """What it says.

        :param shown: puts the names back, for which the chain has hashes.
        :raises BadEntry: when the kind is unknown or the fields do not fit it.
        """
        try:
            return shown(from_body(self.kind, json.loads(self.body)))
        except (ValueError, RecursionError) as error:  # JSON can be nested without end.
            raise BadEntry(self.sequence, f"it cannot be read: {error}") from None


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
    """The hash of an entry, ``before`` being the hash of the one before it.

    The encoding is unambiguous: numbers and kinds hold no ``|``, and the body comes last.
    ``repr`` gives the shortest decimal that is the same float again, on every platform.  Bytes that
    are no UTF-8, which only damage can have put there, are taken as they are read.
    """
    text = f"{sequence}|{time!r}|{kind}|{body}"
    return sha256(before + text.encode(errors="surrogateescape")).digest()


def canonical(fact: Fact) -> str:
    """The one way to write down a fact's fields: JSON with sorted keys, no spaces, in ASCII.

    As ``json.dumps(asdict(fact), …)``, but without copying all that is in a fact first.
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

    :param written: how a fact's fields are written down.
    """
    for fact in facts:
        sequence += 1
        body = written(fact)
        before = digest(before, sequence, time, fact.kind, body)
        yield Entry(sequence, time, fact.kind, body, before)


def fits(entry: Entry, before: bytes) -> bool:
    """Whether an entry is what was written after the entry whose hash is ``before``."""
    return entry.hash == digest(before, entry.sequence, entry.time, entry.kind, entry.body)


def beginning(first: Entry | None) -> Head:
    """What a chain goes on from: nothing, or the end of an archive.

    :param first: its first entry, if it has one; it may be damaged.
    """
    if first is None or first.kind != Begun.kind:
        return Head()
    try:
        return Head(first.sequence - 1, bytes.fromhex(json.loads(first.body)["head"]))
    except (ValueError, TypeError, LookupError, RecursionError):
        return Head()


def verified(entries: Iterable[Entry], before: bytes, sequence: int) -> Iterator[Entry]:
    """The same entries, each checked, from the one after ``sequence`` on.

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
