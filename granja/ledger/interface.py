"""The interface of a ledger: what every ledger promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Interface

from granja.contract.ids import FarmerId
from granja.market.facts import Fact


class LedgerError(Exception):
    """The facts are not stored.  The text says why."""


class NotStored(LedgerError):
    """Surely not stored (no room, no permission).  The ledger is unchanged; try again later."""


class Stale(LedgerError):
    """The decision used an older state than the ledger's, and nothing was stored.

    If ``missed`` is not empty, a shared ledger may keep a turn for the next append, and others wait
    for it.  So make that append soon, even if it has nothing to store.

    :param missed: the facts stored since that state, in order; empty if the ledger cannot give
        them.
    """

    def __init__(self, why: str, missed: Sequence[Fact] = ()) -> None:
        super().__init__(why)
        self.missed = tuple(missed)


class Halted(LedgerError):
    """Nobody knows whether the facts are stored (a sync failed), or somebody else has changed the
    ledger.  Every later append fails in the same way until the ledger is opened again."""


class LedgerRefused(Exception):
    """The ledger cannot be opened.  The text is one sentence for the operator."""


#: What a ledger can keep beside the chain: any value of JSON.
Value = str | int | float | bool | list[Any] | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """A thing that the ledger keeps beside its chain, so it may be forgotten.

    ``subject``: what it is about, such as ``passes``.  ``key``: which of them.  ``value``: what the
    ledger keeps under the key from now on; None forgets it.
    """

    subject: str
    key: str
    value: Value | None


#: What a ledger keeps beside its chain: values by subject and key.
AllKept = Mapping[str, Mapping[str, Value]]


@dataclass(frozen=True)
class Opened:
    """What a ledger remembers.

    ``snapshot`` is a :meth:`granja.market.market.Market.snapshot` taken at sequence number
    ``snapshot_sequence`` (None, and where the chain begins, when there is none), ``facts`` are
    those after it, in order, ``sequence`` is the number of the last one.  ``credentials`` are
    password verifiers by farmer.  ``kept`` is what is kept beside the chain: by its subject, then
    by its key.
    """

    sequence: int = 0
    snapshot: dict[str, Any] | None = None
    snapshot_sequence: int = 0
    facts: Iterable[Fact] = ()
    credentials: Mapping[FarmerId, str] = field(default_factory=dict)
    kept: AllKept = field(default_factory=dict)


class CannotForget(LedgerError):
    """This ledger holds names where nobody can remove them.  The text is a sentence."""


class IForgetful(Interface):
    """A ledger that can forget names while its chain stays the same."""

    def forget(farmers: Iterable[FarmerId]) -> Deferred[int]:  # noqa: N805
        """Remove every byte of these farmers' names from the ledger's files, also beside the chain.

        :func:`granja.contract.messages.somebody` stands in their place.  The caller makes sure that
        the market does not know these farmers any more.

        :returns: fires with the number of names; fails with :class:`NotStored`, :class:`Halted`, or
            :class:`CannotForget` when older entries hold names in plain.
        """

    def forget_name(name: str) -> Deferred[int]:  # noqa: N805
        """Forget everybody who has had a name, in any spelling.  Nobody may have it now."""

    def objection() -> str | None:
        """A sentence about why this ledger cannot forget, or None."""

    def forget_visitors(before: float) -> Deferred[int]:  # noqa: N805
        """Forget, only in the chain, the names of visitors who left before a time.

        :param before: in Unix seconds.
        """


class ILedger(Interface):
    """A record of facts that only grows.  Its entries have numbers from 1, without gaps."""

    def open() -> Opened:
        """Read what is there.  It blocks.  The server calls it once, before it listens.

        :raises LedgerRefused: with a sentence, when the ledger is in use, newer, or damaged.
        """

    def append(
        facts: Sequence[Fact],  # noqa: N805 (a zope interface has no self)
        after: int,
        credentials: Mapping[FarmerId, str],
        kept: Sequence[Kept] = (),
    ) -> Deferred[int]:
        """Store facts, password verifiers and things beside the chain: all or nothing.

        :param after: the sequence number that the decision is based on.
        :param kept: in order; a later one replaces an earlier one with the same key.
        :returns: fires with the new last sequence number once the facts survive a power cut; fails
            with :class:`NotStored`, :class:`Stale` or :class:`Halted`.
        """

    def checkpoint(snapshot: dict[str, Any], sequence: int) -> None:  # noqa: N805
        """Save the state at ``sequence``, so that a later :meth:`open` is quick.

        This is a hint.  A ledger may ignore it, and saves the state after the appends that wait.
        """

    def wants_checkpoint() -> bool:
        """Whether enough facts have come since the last snapshot for another one."""

    def close() -> Deferred[None]:
        """Finish what has begun, and close the file."""
