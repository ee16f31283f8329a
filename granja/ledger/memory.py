"""A ledger in memory, for tests and for parties without a record (``memory:``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from granja.contract.ids import FarmerId
from granja.contract.messages import somebody
from granja.ledger.interface import IForgetful, ILedger, Kept, Opened, Stale, Value
from granja.market.facts import Declared, Fact, Registered
from granja.text.names import fold


@implementer(ILedger, IForgetful)
class MemoryLedger:
    """Keeps facts in a list, if ``keep`` is true.

    :param keep: False drops each fact after counting it.  So a server that runs for years on
        ``memory:`` does not grow.
    """

    def __init__(self, *, keep: bool = True) -> None:
        self.facts: list[Fact] = []
        self.credentials: dict[FarmerId, str] = {}
        self.kept: dict[str, dict[str, Value]] = {}
        self._keep = keep
        self._sequence = 0

    def open(self) -> Opened:
        kept = {subject: dict(values) for subject, values in self.kept.items()}
        return Opened(self._sequence, None, 0, tuple(self.facts), dict(self.credentials), kept)

    def append(
        self,
        facts: Sequence[Fact],
        after: int,
        credentials: Mapping[FarmerId, str],
        kept: Sequence[Kept] = (),
    ) -> Deferred[int]:
        if after != self._sequence:
            told = f"decided after {after}, but the ledger is at {self._sequence}"
            missed = self.facts[after:] if self._keep and after >= 0 else ()
            return fail(Stale(told, missed))
        if self._keep:
            self.facts.extend(facts)
        self.credentials.update(credentials)
        for item in kept:
            self._keep_beside(item)
        self._sequence += len(facts)
        return succeed(self._sequence)

    def _keep_beside(self, item: Kept) -> None:
        values = self.kept.setdefault(item.subject, {})
        if item.value is None:
            values.pop(item.key, None)
        else:
            values[item.key] = item.value

    def forget(self, farmers: Iterable[FarmerId]) -> Deferred[int]:
        meant = frozenset(farmers)
        return succeed(self._forget(lambda named: named.farmer in meant))

    def forget_name(self, name: str) -> Deferred[int]:
        return succeed(self._forget(lambda named: fold(named.name) == fold(name)))

    def forget_visitors(self, before: float) -> Deferred[int]:
        """Forget nothing: everything is gone when the process ends."""
        return succeed(0)

    def objection(self) -> str | None:
        return None

    def _forget(self, is_meant: Callable[[Declared | Registered], bool]) -> int:
        found: set[FarmerId] = set()
        for place, fact in enumerate(self.facts):
            if isinstance(fact, Declared | Registered) and is_meant(fact):
                self.facts[place] = replace(fact, name=somebody(fact.farmer))
                found.add(fact.farmer)
        return len(found)

    def wants_checkpoint(self) -> bool:
        return False

    def checkpoint(self, snapshot: dict[str, Any], sequence: int) -> None:
        """Do nothing: there is no start to make quick."""

    def close(self) -> Deferred[None]:
        return succeed(None)
