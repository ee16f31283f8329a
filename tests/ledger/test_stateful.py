"""The crowd of ``test_market_stateful.py`` over ledgers: restarts and crashes are steps, too."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from granja.contract import errors
from granja.contract.ids import ArtifactId, FarmerId
from granja.ledger.faulty import FaultyLedger
from granja.ledger.interface import ILedger, NotStored
from granja.ledger.memory import MemoryLedger
from granja.ledger.sqlite.ledger import SQLiteLedger
from granja.market import facts as events, holding
from granja.market.facts import Fact
from granja.market.market import Market, replay
from tests.market.test_stateful import FARMERS, LIMITS, Crowd
from tests.support.ledgers import AnyThread, wait_for

#: The maker retracts; the taker does the other deeds.  To the doer it is no news.
_ANSWERS = (events.Retracted, events.Rejected, events.Traded)


class LedgerCrowd(Crowd):
    """Each deed is stored first.  After a restart the market is as the ledger says."""

    def __init__(self) -> None:
        super().__init__()
        self.away: Counter[int] = Counter()  # how much each absent farmer has to hear
        self.unseen: set[tuple[int, int]] = set()  # which offers they have not seen
        self.registered: set[int] = set()
        self.ledger = self.make()
        self.sequence = self.ledger.open().sequence

    def make(self) -> ILedger:
        """A ledger that was not opened, always of the same place."""
        raise NotImplementedError

    @initialize()
    def everybody_comes(self) -> None:
        """Called again after each construction, when there is a ledger to come to."""
        for farmer in (1, 2, 3, 4):
            self.declare(FarmerId(farmer), [ArtifactId(1), ArtifactId(2)])

    def happen(self, facts: list[Fact]) -> None:
        """Decide, append, durable, apply: in that order."""
        self.sequence = wait_for(self.ledger.append(facts, self.sequence, {}))
        before = set(self.market.offers.values())
        super().happen(facts)
        for fact in facts:
            if isinstance(fact, events.Offered) and fact.taker in self.away:
                self.unseen.add((fact.taker, fact.offer))
        answers = {fact.offer: type(fact) for fact in facts if isinstance(fact, _ANSWERS)}
        for offer in before - set(self.market.offers.values()):
            answer = answers.get(offer.number)
            if offer.maker in self.away and answer is not events.Retracted:
                self.away[offer.maker] += 1
            if offer.taker in self.away and answer in (None, events.Retracted):
                self.away[offer.taker] += (offer.taker, offer.number) not in self.unseen

    # -- names that stay -----------------------------------------------------------------------

    @rule(farmer=FARMERS)
    def register(self, farmer: FarmerId) -> None:
        try:
            self.happen(holding.decide_registration(self.market, farmer, f"F{farmer}"))
        except errors.AlreadyRegistered:
            assert farmer in self.registered
            return
        assert farmer not in self.registered
        self.registered.add(farmer)

    @rule(farmer=FARMERS)
    def leave(self, farmer: FarmerId) -> None:
        """A registered farmer keeps everything and hears later what happened."""
        if farmer not in self.registered:
            super().leave(farmer)
            return
        facts = holding.decide_departure(self.market, farmer)
        assert bool(facts) == (farmer not in self.away)
        self.happen(facts)
        self.away.setdefault(farmer, 0)

    @rule(farmer=FARMERS)
    def come_back(self, farmer: FarmerId) -> None:
        facts = holding.decide_return(self.market, farmer)
        assert bool(facts) == (farmer in self.away)
        self.happen(facts)
        self.away.pop(farmer, None)
        self.unseen = {(taker, number) for taker, number in self.unseen if taker != farmer}

    @invariant()
    def those_who_are_away_hear_everything(self) -> None:
        told = {farmer: len(n.ends) + n.more for farmer, n in self.market.away.items()}
        assert told == dict(self.away)
        assert set(self.market.registered) == self.registered

    # -- restarts ------------------------------------------------------------------------------

    @rule()
    def take_a_snapshot(self) -> None:
        self.ledger.checkpoint(self.market.snapshot(), self.sequence)

    @rule()
    def restart(self) -> None:
        """An orderly end, and a new beginning."""
        wait_for(self.ledger.close())
        self.begin_again(self.make())

    def begin_again(self, ledger: ILedger) -> None:
        found = ledger.open()
        market = Market.restore(found.snapshot, LIMITS) if found.snapshot else Market(LIMITS)
        replay(market, found.facts)
        assert found.sequence == self.sequence
        assert settled(market) == settled(self.market)
        self.ledger, self.market = ledger, market

    def teardown(self) -> None:
        wait_for(self.ledger.close())


def settled(market: Market) -> dict[str, str]:
    """A market's state without the order in which it came about."""
    state = market.snapshot()
    state["held"] = [[farmer, sorted(held)] for farmer, held in state["held"]]
    return {
        key: json.dumps(sorted(value, key=json.dumps) if isinstance(value, list) else value)
        for key, value in state.items()
    }


class MemoryCrowd(LedgerCrowd):
    """Over the memory ledger, the same object after each restart."""

    def make(self) -> ILedger:
        self.kept = getattr(self, "kept", None) or MemoryLedger()
        return self.kept


class SQLiteCrowd(LedgerCrowd):
    """The same over SQLite.  Here a crash is a step too."""

    def make(self) -> ILedger:
        if not hasattr(self, "folder"):
            self.folder = tempfile.TemporaryDirectory(prefix="granja-")
            self.path = Path(self.folder.name) / "0.db"
            self.crashes = 0
        reactor: Any = AnyThread()
        return SQLiteLedger(self.path, reactor, lambda: self.now)

    @rule()
    def crash(self) -> None:
        """``kill -9``: what the files hold at this moment is all that is left."""
        old, self.crashes = self.path, self.crashes + 1
        self.path = old.with_name(f"{self.crashes}.db")
        for end in ("", "-wal"):
            if old.with_name(old.name + end).exists():
                shutil.copy(
                    old.with_name(old.name + end), self.path.with_name(self.path.name + end)
                )
        wait_for(self.ledger.close())
        self.begin_again(self.make())

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


class FullDiskCrowd(MemoryCrowd):
    """The same over a disk that is full at times.  Refused deeds have not happened."""

    full = 0

    def make(self) -> ILedger:
        return FaultyLedger(super().make())

    def happen(self, facts: list[Fact]) -> None:
        """Refused at first, and then asked again, as a farmer would."""
        self.full += 1
        faulty = cast(FaultyLedger, self.ledger)
        if self.full % 3 == 0:
            before = settled(self.market)
            faulty.fill()
            try:
                super().happen(facts)
            except NotStored:
                assert settled(self.market) == before
            else:
                raise AssertionError("stored on a full disk")
            faulty.empty()
        super().happen(facts)


class Restarts(SynchronousTestCase):
    """This holds for any deeds and any number of restarts."""

    def play(self, crowd: type[LedgerCrowd], examples: int) -> None:
        run_state_machine_as_test(
            crowd,
            settings=settings(
                max_examples=examples,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )

    def test_over_memory(self) -> None:
        """The fake is true."""
        self.play(MemoryCrowd, 60)

    def test_over_sqlite(self) -> None:
        """Nothing is lost by a restart, a snapshot or a crash."""
        self.play(SQLiteCrowd, 15)

    def test_over_a_disk_that_is_full_now_and_then(self) -> None:
        """Nothing half happens."""
        self.play(FullDiskCrowd, 60)

    def test_a_ledger_that_forgets_is_noticed(self) -> None:
        """One that loses the last fact at a restart fails this test, so the others can."""

        class Forgetful(MemoryCrowd):
            @rule()
            def restart(self) -> None:
                self.kept.facts[-1:] = []
                super().restart()

        with self.assertRaises(AssertionError):
            run_state_machine_as_test(
                Forgetful,
                settings=settings(
                    max_examples=50,
                    deadline=None,
                    database=None,
                    print_blob=False,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
