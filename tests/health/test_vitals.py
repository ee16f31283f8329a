"""What ``/metrics`` says about a farm."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.clockwork.stopwatch import BOUNDS, Stopwatch
from granja.health.stalls import LOOK, Stalls
from granja.health.vitals import Vitals
from granja.health.watch import why_not
from granja.ledger.faulty import FaultyLedger
from granja.ledger.memory import MemoryLedger
from tests.support.farm import Farm
from tests.support.guests import guest


class Still:
    def longest(self) -> float:
        return 0.25


class Numbers(SynchronousTestCase):
    def setUp(self) -> None:
        self.farm = Farm()

    def registry(self) -> CollectorRegistry:
        return Vitals(self.farm.factory, Still()).registry()

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry().get_sample_value(f"granja_{name}", labels)

    def test_people_and_talk(self) -> None:
        ana, _ = self.farm.arrives("Ana"), self.farm.arrives("Beto")
        self.farm.person()
        ana.types("hola", "¿qué tal?", ":nada")
        self.assertEqual((self.value("connections"), self.value("farmers")), (3, 2))
        begun = (
            self.value("refusals_total", reason="NotStored"),
            self.value("facts_total", kind="traded"),
        )
        self.assertEqual(begun, (0, 0))  # A rule sees the first only after this.
        self.assertEqual(self.value("lines_total"), 2 + 2)  # and two arrivals
        self.assertEqual(self.value("refusals_total", reason="UnknownCommand"), 1)
        self.assertEqual(self.value("stall_seconds"), 0.25)
        self.assertGreater(self.value("flush_seconds_count") or 0, 0)

    def test_artifacts_and_where_they_went(self) -> None:
        """Artifacts that were there or came, minus those that went, are held.  An alert compares
        this."""
        ana, beto = self.farm.arrives("Ana", "6, 6"), self.farm.arrives("Beto", "12")
        ana.types(":quitar 6", ":offer Beto 6 12")
        beto.drops()
        fates = [
            self.value("artifacts_total", fate=f) for f in ("declared", "withdrawn", "departed")
        ]
        self.assertEqual(fates, [3, 1, 1])
        self.assertEqual((self.value("artifacts_held"), self.value("artifacts_at_start")), (1, 0))
        self.assertEqual(self.value("facts_total", kind="offered"), 1)
        self.assertEqual(self.value("append_seconds_count"), 5)
        self.farm.open()  # Ana's visit has ended, which is the first thing on record now.
        self.assertEqual((self.value("artifacts_held"), self.value("artifacts_at_start")), (0, 1))

    def test_who_listens_and_who_waits(self) -> None:
        """There are two people and one line of talk: both count.  Nobody is behind."""
        ana, _ = self.farm.arrives("Ana"), self.farm.arrives("Beto")
        before = self.value("deliveries_total") or 0
        ana.types("hola")
        self.farm.settle()
        self.assertEqual((self.value("deliveries_total") or 0) - before, 2)
        for name in ("lingering", "swaps", "rings_total", "frozen", "passwords_waiting"):
            self.assertEqual(self.value(name), 0, name)
        self.assertEqual((self.value("backlog_bytes"), self.value("slow_listeners")), (0, 0))
        self.farm.factory.freezing.set(None, True)
        self.farm.settle()
        self.assertEqual(self.value("frozen"), 1)

    def test_who_lingers(self) -> None:
        """They are in the chat all the same."""
        ana, beto = self.farm.arrives("Ana"), guest(self.farm, "Beto")
        beto.drops()
        self.assertEqual((self.value("lingering"), self.value("farmers")), (1, 2))
        ana.types(":cambio 1 por 2")
        self.assertEqual(self.value("swaps"), len(self.farm.factory.market.swaps))

    def test_certificates(self) -> None:
        class Certificates:
            where = "tls:here"

            class served:  # noqa: N801
                ends = 86400.0

        vitals = Vitals(self.farm.factory, Still(), [Certificates()])
        self.farm.factory.now = lambda: 400.0
        said = vitals.registry().get_sample_value(
            "granja_certificate_seconds", {"endpoint": "tls:here"}
        )
        self.assertEqual(said, 86000.0)

    def test_logins(self) -> None:
        ana = self.farm.arrives("Ana")
        ana.types(":registrar girasoles")
        ana.drops()
        for word in ("tulipanes", "margaritas", "girasoles"):
            self.farm.person().types("Ana", word)
        outcomes = [self.value("logins_total", outcome=o) for o in ("wrong", "right")]
        self.assertEqual((outcomes, self.value("registered")), ([2, 1], 1))

    def test_ready_only_while_trades_can_be_stored(self) -> None:
        """It is ready again as soon as one of its writes is stored."""
        faulty = FaultyLedger(MemoryLedger())
        self.farm = Farm(ledger=faulty)
        ana = self.farm.arrives("Ana", "6")
        self.assertIsNone(why_not(self.farm.factory))
        faulty.fill()
        ana.types(":quitar 6")
        self.assertEqual(why_not(self.farm.factory), "the last write was not stored")
        self.failureResultOf(self.farm.factory.try_to_store())
        faulty.empty()
        self.successResultOf(self.farm.factory.try_to_store())
        self.assertIsNone(why_not(self.farm.factory))
        faulty.halt(stored=False)
        ana.types(":quitar 6")
        self.assertEqual(why_not(self.farm.factory), "trading has halted: see the log")
        self.assertEqual(self.value("halted"), 1)


class Watches(SynchronousTestCase):
    def test_how_long_things_took(self) -> None:
        watch = Stopwatch()
        for seconds in (0.0, BOUNDS[0], 0.3, 99.0):
            watch.add(seconds)
        self.assertEqual((watch.counts[0], watch.counts[9], watch.counts[-1]), (2, 1, 1))
        self.assertAlmostEqual(watch.total, 99.3 + BOUNDS[0])

    def test_how_long_the_reactor_was_kept(self) -> None:
        """This includes a stall that still lasts, and nothing older than a minute."""
        clock, now = Clock(), [0.0]
        stalls = Stalls(clock, lambda: now[0])
        stalls.start()
        now[0] += LOOK + 3
        self.assertAlmostEqual(stalls.longest(), 3)
        clock.advance(LOOK)
        now[0] += LOOK
        self.assertAlmostEqual(stalls.longest(), 3, msg="it is over, and not forgotten")
        for _ in range(250):
            clock.advance(LOOK)
            now[0] += LOOK
        self.assertLess(stalls.longest(), 1)
        stalls.stop()
        self.assertEqual(clock.getDelayedCalls(), [])
