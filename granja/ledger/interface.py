"""What every ledger promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Interface

from granja.contract.ids import FarmerId
from granja.market.facts import Fact


class LedgerError(Exception):
    """The facts were not stored; the text says why."""


class NotStored(LedgerError):
    """Surely not stored (no room, no permission): the ledger is as it was; try again later."""


class Stale(LedgerError):
    """The decision was made against an older state than the ledger's; nothing was stored.

    When something was missed, the next append may come in a turn that a shared ledger keeps for it,
    and for which others wait: it is made soon, with nothing to store if there is nothing.

    :param missed: the facts that were stored since that state, in order; empty when the ledger
        cannot say them.
    """

    def __init__(self, why: str, missed: Sequence[Fact] = ()) -> None:
        super().__init__(why)
        self.missed = tuple(missed)


class Halted(LedgerError):
    """Whether the facts are stored is not known (a sync failed), or what is stored is not what it
    was (somebody else has written to it).  Every later append fails the same way until the ledger
    is opened anew."""


class LedgerRefused(Exception):
    """The ledger cannot be opened; the text is one sentence for the operator."""


#: What can be kept beside the chain: what JSON has.
Value = str | int | float | bool | list[Any] | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that is kept with the ledger, and not in its chain: it may be forgotten.

    ``subject``: what it is about, such as ``passes``.  ``key``: which one of them.  ``value``: what
    is kept under it from now on, None to forget it.
    """

    subject: str
    key: str
    value: Value | None


#: What a ledger keeps beside its chain: values by key, by subject.
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
    """This ledger holds names where they cannot be taken out; the text is a sentence."""


class IForgetful(Interface):
    """A ledger that can forget names, although nothing of its chain changes."""

    def forget(farmers: Iterable[FarmerId]) -> Deferred[int]:  # noqa: N805
        """Leave no byte of these farmers' names in the ledger's files, in and beside the chain.

        In their place stands :func:`granja.contract.messages.somebody`.  Whoever calls it sees to
        it that the market knows these farmers no more.

        :returns: fires with how many names that were; fails with :class:`NotStored`,
            :class:`Halted`, or :class:`CannotForget` when older entries hold names in plain.
        """

    def forget_name(name: str) -> Deferred[int]:  # noqa: N805
        """The same for everybody who has had a name, in any spelling: nobody has it now."""

    def objection() -> str | None:
        """Why this ledger cannot forget, in a sentence, or None."""

    def forget_visitors(before: float) -> Deferred[int]:  # noqa: N805
        """The same, but only in the chain, for the visitors who left before that time.

        :param before: in Unix seconds.
        """


class ILedger(Interface):
    """An append-only record of facts, numbered from 1 without gaps."""

    def open() -> Opened:
        """Read what is there; blocks; called once, before the server listens.

        :raises LedgerRefused: with a sentence, when it is in use, newer, or damaged.
        """

    def append(
        facts: Sequence[Fact],  # noqa: N805 (a zope interface has no self)
        after: int,
        credentials: Mapping[FarmerId, str],
        kept: Sequence[Kept] = (),
    ) -> Deferred[int]:
        """Store facts, password verifiers and what is kept beside the chain, all or nothing.

        :param after: the sequence number that the decision was made against.
        :param kept: in their order; a later one replaces an earlier one of the same key.
        :returns: fires with the new last sequence number once the facts survive a power cut;
            fails with :class:`NotStored`, :class:`Stale` or :class:`Halted`.
        """

    def checkpoint(snapshot: dict[str, Any], sequence: int) -> None:  # noqa: N805
        """Take note of the state at ``sequence``, so that a later :meth:`open` is quick.

        A hint: a ledger may ignore it, and does it behind the appends in its own time.
        """

    def wants_checkpoint() -> bool:
        """Whether enough facts have come since the last snapshot to be worth another."""

    def close() -> Deferred[None]:
        """Finish what was begun and let go of the file."""
