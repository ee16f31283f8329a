"""Snapshots: a state of the market that a ledger keeps, and whether we may believe it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from twisted.logger import Logger

from granja.market.market import Market

#: How many a ledger keeps: the last one, and one in reserve.
KEPT = 2


@dataclass(frozen=True)
class Snapshot:
    """``state`` (JSON) is the market right after entry ``sequence``, whose hash is ``hash``.

    These are the values that were found.  Believe them only if the snapshot is whole and
    :meth:`objection` has none.
    """

    sequence: int
    hash: bytes
    state: str
    checksum: bytes

    @cached_property
    def content(self) -> dict[str, Any]:
        """The state, decoded only once, because that takes long."""
        content: dict[str, Any] = json.loads(self.state)
        return content

    def objection(self, entry_hash: bytes | None) -> str | None:
        """Half a sentence about what is wrong with it, or None.

        :param entry_hash: the hash of its entry; None if there is no such entry.
        """
        if entry_hash is None:
            return "it was taken at an entry that is not there"
        if entry_hash != self.hash:
            return "it belongs to another history"
        return _objection(self)

    @property
    def is_whole(self) -> bool:
        """Whether its checksum fits."""
        return self.checksum == checksum(self.hash, self.state)


def _objection(snapshot: Snapshot) -> str | None:
    """Try the state.  A forger, or our own mistake, may have given a checksum to something else."""
    try:
        Market.restore(snapshot.content)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError):
        return "what it says is not the state of a market"
    return None


def first_trusted(
    found: Iterable[Snapshot], distrust: Callable[[Snapshot], str | None], log: Logger
) -> Snapshot | None:
    """The newest snapshot that we can trust.  It logs and skips the others.

    :param found: the newest first.
    :param distrust: half a sentence about what is wrong with one, or None.
    :param log: of the engine.
    """
    for snapshot in found:
        problem = distrust(snapshot)
        if problem is None:
            return snapshot
        log.warn("The snapshot at {n} is left aside: {why}.", n=snapshot.sequence, why=problem)
    return None


def checksum(entry_hash: bytes, state: str) -> bytes:
    """Shows that a snapshot is as it was stored."""
    return sha256(entry_hash + state.encode(errors="surrogateescape")).digest()


def comparable(state: Mapping[str, Any]) -> str:
    """A market's state as text that does not depend on the order of its parts.

    :raises RecursionError: for a state that no market has.
    """

    def settle(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return sorted((settle(item) for item in value), key=as_text)
        return value

    as_text = json.JSONEncoder(sort_keys=True).encode  # One for all: each ``dumps`` makes its own.

    return as_text({key: settle(value) for key, value in state.items()})


def fingerprint(state: Mapping[str, Any]) -> str:
    """A hash in hexadecimal: two markets in the same state have the same one."""
    return sha256(comparable(state).encode(errors="surrogateescape")).hexdigest()


def dump(state: dict[str, Any]) -> str:
    """The same as :func:`json.dumps`, but in pieces.

    One call for everything would stop all other threads, and so the chat, until it ends.
    """
    pieces = (f"{json.dumps(key)}:{_dump_value(value)}" for key, value in state.items())
    return "{" + ",".join(pieces) + "}"


def _dump_value(value: Any) -> str:
    if not isinstance(value, list):
        return json.dumps(value)
    steps = range(0, len(value), 500)
    return "[" + ",".join(json.dumps(value[at : at + 500])[1:-1] for at in steps) + "]"
