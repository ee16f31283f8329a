"""Keepsakes: what farmers set for themselves, kept for a registered name, else for a visit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.contract import errors
from granja.ledger.interface import Kept
from granja.ledger.lane import Lane
from granja.ledger.owed import Owed
from granja.people.roster import Farmer


class Keepsakes:
    """What one room keeps for farmers, beside the ledger's chain.

    The ledger keeps what visitors set too: so it holds at all nodes, and if they come back with a
    pass after a restart.  But they need not wait for it.
    """

    log = Logger()

    def __init__(self, lane: Lane) -> None:
        self._owed = Owed(lane)

    def keep(
        self, me: Farmer, items: Sequence[Kept], done: Callable[[], None]
    ) -> Deferred[None] | None:
        """Call ``done`` as soon as ``items`` are durable.  For a visitor, call it now.

        :returns: the next line of ``me`` waits for it; it fails with NotStored or Halted.
        """
        if me.registered:
            return self._owed.store([me.id], once=items).addCallback(lambda _: done())
        done()
        self.keep_soon(items)
        return None

    def keep_soon(self, items: Sequence[Kept]) -> None:
        """Store these.  If the ledger cannot now, it does together with the next."""
        if items:
            self._owed.store([], items).addErrback(self._is_owed)

    def _is_owed(self, failure: Failure) -> None:
        if not failure.check(errors.NotStored, errors.Halted):
            self.log.failure("Something that a farmer set could not be kept", failure)
