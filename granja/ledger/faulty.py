"""A ledger that fails when a test tells it to.  Tests find out what farmers hear then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure
from zope.interface import implementer

from granja.contract.ids import FarmerId
from granja.ledger.interface import Halted, IForgetful, ILedger, Kept, NotStored, Opened
from granja.market.facts import Fact


@implementer(ILedger, IForgetful)
class FaultyLedger:
    """Passes everything to another ledger, until a test tells it to fail.

    :param inner: the ledger that keeps things; a restart finds what is in it.
    """

    def __init__(self, inner: ILedger) -> None:
        self.inner = inner
        self._full = False
        self._halts: str | None = None
        self._halted: Halted | None = None
        self._held: list[Deferred[None]] | None = None

    # -- what goes wrong ---------------------------------------------------------------------

    def fill(self) -> None:
        """Fill the disk: from now on there is no room."""
        self._full = True

    def empty(self) -> None:
        """Make room again."""
        self._full = False

    def halt(self, *, stored: bool) -> None:
        """Let the next append end with an unknown outcome, as when a sync fails.

        :param stored: what the next start will find.  The one who appends cannot know it.
        """
        self._halts = "stored" if stored else "lost"

    def hold(self) -> None:
        """Store appends, but hold their answers back, as on a slow disk."""
        self._held = [] if self._held is None else self._held

    def release(self) -> None:
        """Give all answers that wait, in their order."""
        waiting, self._held = self._held or [], None
        for answer in waiting:
            answer.callback(None)

    def release_first(self) -> None:
        """Give the answer that has waited longest."""
        if self._held:
            self._held.pop(0).callback(None)

    # -- ILedger -----------------------------------------------------------------------------

    def open(self) -> Opened:
        opened: Opened = self.inner.open()
        return opened

    def append(
        self,
        facts: Sequence[Fact],
        after: int,
        credentials: Mapping[FarmerId, str],
        kept: Sequence[Kept] = (),
    ) -> Deferred[int]:
        if self._halted is not None:
            return self._after_hold(fail(self._halted))
        if self._full:
            return self._after_hold(fail(NotStored("SQLITE_FULL: database or disk is full")))
        if self._halts is not None:
            return self._halt(facts, after, credentials, kept)
        return self._after_hold(self.inner.append(facts, after, credentials, kept))

    def forget(self, farmers: Iterable[FarmerId]) -> Deferred[int]:
        return IForgetful(self.inner).forget(farmers)

    def forget_name(self, name: str) -> Deferred[int]:
        return IForgetful(self.inner).forget_name(name)

    def forget_visitors(self, before: float) -> Deferred[int]:
        return IForgetful(self.inner).forget_visitors(before)

    def objection(self) -> str | None:
        return IForgetful(self.inner).objection()

    def wants_checkpoint(self) -> bool:
        return bool(self.inner.wants_checkpoint())

    def checkpoint(self, snapshot: dict[str, Any], sequence: int) -> None:
        if self._halted is None and not self._full:
            self.inner.checkpoint(snapshot, sequence)

    def close(self) -> Deferred[None]:
        closed: Deferred[None] = self.inner.close()
        return closed

    def _halt(
        self,
        facts: Sequence[Fact],
        after: int,
        credentials: Mapping[FarmerId, str],
        kept: Sequence[Kept],
    ) -> Deferred[int]:
        self._halted = Halted("whether the last write is stored is not known (told so)")
        if self._halts == "lost":
            return self._after_hold(fail(self._halted))
        stored: Deferred[int] = self.inner.append(facts, after, credentials, kept)
        return self._after_hold(stored.addCallback(lambda _: Failure(self._halted)))

    def _after_hold(self, answer: Deferred[int]) -> Deferred[int]:
        if self._held is None:
            return answer
        gate: Deferred[None] = Deferred()
        self._held.append(gate)
        return gate.addCallback(lambda _: answer)
