"""A farmer hears once what happened during their absence, even if something fails in between.

The plays show that they hear it at all.  The tests here are hard to act in a play.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import FarmerId
from granja.ledger.faulty import FaultyLedger
from granja.ledger.memory import MemoryLedger
from granja.market.facts import Registered
from granja.market.market import Limits, Market, replay
from granja.people.attendance import MOST_AT_ONCE, RETRY
from granja.settings import Settings
from tests.support.farm import Farm, Person

MEANWHILE = (
    "[SERVER] Mientras no estabas: Gus aceptó la oferta #1: "
    "tu Escápula prehistórica por su Disco raro."
)


class NewsCase(SynchronousTestCase):
    """A farm over a disk with moods."""

    def setUp(self) -> None:
        self.memory = MemoryLedger()
        self.disk = FaultyLedger(self.memory)
        self.farm = Farm(Settings(rate=None), self.disk)

    def returns(self) -> Person:
        """Ana, who is registered, comes back."""
        person = self.farm.person("Ana")
        person.types("Ana", "tulipanes")
        return person

    def release(self) -> None:
        """The disk is quick again."""
        self.disk.release()
        self.farm.settle()

    def restart(self) -> None:
        """The server stops in good order, and starts again."""
        self.successResultOf(self.farm.factory.finish_begun())
        self.farm.factory.say_goodbye()
        self.farm.settle()
        self.farm.open()


class NewsTests(NewsCase):
    """Ana, who is registered, has offered something to Gus."""

    def setUp(self) -> None:
        super().setUp()
        self.gus = self.farm.arrives("Gus", "12")
        self.ana = self.farm.arrives("Ana", "32")
        self.ana.types(":registrar tulipanes", ":offer Gus 32 12")

    def news(self, person: Person) -> list[str]:
        return [line for line in person.hears() if "Mientras" in line]

    def test_who_is_cut_off_while_coming_back_hears_it_the_next_time(self) -> None:
        """The password was right, the disk was slow, and the line dropped."""
        self.ana.drops()
        self.gus.types(":accept")
        self.disk.hold()
        self.returns().drops()
        self.release()
        self.assertEqual(self.news(self.returns()), [MEANWHILE])

    def test_who_is_cut_off_before_hears_it_too(self) -> None:
        """Something else of hers was still being written when she came and went again."""
        self.gus.types(":agregar 21", ":agregar 12")
        self.ana.drops()
        self.gus.types(":accept")
        self.disk.hold()
        self.gus.types(":offer Ana 21 12")
        self.returns().drops()
        self.release()
        self.assertEqual(self.news(self.returns()), [MEANWHILE])

    def test_what_a_visitor_who_leaves_at_that_moment_ends_is_told(self) -> None:
        """Recorded together: the visitor's leaving, and her coming back, which is first."""
        beto = self.farm.person("Beto")
        beto.types("Beto", "21", "si", ":offer Ana 21 32")
        self.ana.drops()
        self.disk.hold()
        self.gus.types(":agregar 1")
        beto.drops()
        returning = self.returns()
        self.release()
        heard = returning.hears()
        self.assertEqual(heard[-1], "[SERVER] La oferta #2 ya no es válida: Beto se fue.")
        self.assertEqual([line for line in heard[:-1] if "#2" in line], [], "it waits no more")

    def test_what_happened_as_the_line_was_cut_is_told_after_a_restart(self) -> None:
        """Gus accepts, and while that is being written Ana's line drops."""
        self.disk.hold()
        self.gus.types(":accept")
        self.ana.drops()
        self.release()
        self.restart()
        self.assertEqual(self.news(self.returns()), [MEANWHILE])
        self.restart()
        self.assertEqual(self.news(self.returns()), [])

    def test_what_is_recorded_together_with_a_leaving_is_told_after_a_restart(self) -> None:
        """Gus gives away what Ana's offer wants, right before she leaves.  Both wait for the same
        write."""
        self.disk.hold()
        self.farm.person("Beto").types("Beto", "21", "si")
        self.gus.types(":quitar 12")
        self.ana.drops()
        self.release()
        self.restart()
        why = "la oferta #1 ya no es válida: Gus ya no tiene Disco raro."
        heard = f"[SERVER] Mientras no estabas: {why}"
        self.assertEqual(self.news(self.returns()), [heard])

    def test_what_was_missed_is_told_once_without_a_restart(self) -> None:
        self.disk.hold()
        self.gus.types(":accept")
        self.ana.drops()
        self.release()
        self.assertEqual(self.news(self.returns()), [MEANWHILE])
        self.restart()
        self.assertEqual(self.news(self.returns()), [])

    def test_what_was_heard_changes_nothing_that_is_on_record(self) -> None:
        """The market stays what a replay of the ledger makes of it, or the audit would cry out."""
        self.ana.drops()
        self.gus.types(":accept")
        self.disk.fill()
        self.assertEqual(self.news(self.returns()), [MEANWHILE])
        market = Market()
        replay(market, self.memory.facts)
        self.assertEqual(market.snapshot(), self.farm.factory.market.snapshot())

    def test_what_could_not_be_recorded_as_told_is_not_told_again(self) -> None:
        self.ana.drops()
        self.gus.types(":accept")
        self.disk.fill()
        first = self.returns()
        self.assertEqual(self.news(first), [MEANWHILE])
        first.drops()
        self.assertEqual(self.news(self.returns()), [])

    def test_what_one_has_seen_is_no_news(self) -> None:
        """Ana comes back while the disk is full, sees the trade, and leaves before her coming
        could be recorded."""
        self.ana.drops()
        self.disk.fill()
        ana = self.returns()
        self.disk.empty()
        self.gus.types(":accept")
        self.assertIn("Intercambio realizado", ana.hears()[-1])
        ana.drops()
        self.assertEqual(self.news(self.returns()), [])

    def test_a_visitor_who_has_left_trades_no_more(self) -> None:
        """This holds even while their leaving, with all that they held, can't be recorded."""
        self.disk.fill()
        beto = self.farm.person("Beto")
        self.disk.empty()
        beto.types("Beto", "21", "si", ":offer Gus 21 12")
        self.gus.hears()
        self.disk.fill()
        beto.drops()
        self.disk.empty()
        self.gus.types(":accept 2")
        self.assertEqual(self.gus.hears()[-1], "[SERVER] Error: no hay una oferta #2 para ti.")
        self.farm.pass_time(6)
        self.assertEqual(self.gus.hears(), ["[SERVER] La oferta #2 ya no es válida: Beto se fue."])

    def test_what_ends_with_the_server_is_told_after_the_next_start(self) -> None:
        """Ana's offer to Gus, a visitor, ends when the server stops while both are inside.  Either
        she or some visitors came first."""
        for n in range(1, 9):
            visitor = self.farm.arrives(f"Visita{n}", "12")
            self.ana.types(":retirar", f":offer Visita{n} 32 12")
            visitor.hears()
        self.restart()
        heard = "[SERVER] Mientras no estabas: la oferta #9 ya no es válida: Visita8 se fue."
        self.assertEqual(self.news(self.returns()), [heard])


class HardStories(NewsCase):
    """What random stories found: several things at one moment, over an unreliable disk."""

    def setUp(self) -> None:
        super().setUp()
        self.gus = self.farm.arrives("Gus", "12, 14")
        self.ana = self.farm.arrives("Ana", "32, 32")

    def registered(self, offer: str) -> None:
        self.ana.types(":registrar tulipanes", offer)

    def ends(self, person: Person) -> list[str]:
        """What she hears about the end of offers."""
        told = (line.removeprefix("[SERVER] ") for line in person.hears())
        return [line for line in told if "válida" in line or "Mientras" in line]

    def test_cut_off_while_registering(self) -> None:
        """Others' deeds that are written together with her leaving, or with her registration."""
        for first in (":registrar tulipanes", ":artefactos"):
            self.setUp()
            self.ana.types(":offer Gus 32 14")
            self.disk.hold()
            self.ana.types(first)
            if first == ":artefactos":
                self.farm.person("Eva").types("Eva", "1", "si")
            self.gus.types(":quitar 14")
            self.ana.types(":registrar tulipanes")
            self.disk.release_first()
            self.ana.drops()
            self.release()
            why = "la oferta #1 ya no es válida: Gus ya no tiene Cuchara oxidada."
            self.assertEqual(self.ends(self.returns()), [f"Mientras no estabas: {why}"])

    def test_cut_off_while_an_earlier_return_is_being_recorded(self) -> None:
        self.registered(":u")
        beto = self.farm.arrives("Beto", "21")
        self.ana.types(":offer Beto 32 21")
        self.ana.drops()
        self.disk.fill()
        ana = self.returns()
        beto.drops()
        self.disk.empty()
        self.disk.hold()
        self.farm.pass_time(RETRY + 1)
        ana.drops()
        self.release()
        self.assertEqual(self.ends(ana), [])
        why = "la oferta #1 ya no es válida: Beto se fue."
        self.assertEqual(self.ends(self.returns()), [f"Mientras no estabas: {why}"])

    def test_cut_off_while_a_return_fails_to_be_recorded(self) -> None:
        """The record keeps her news, so nobody else need."""
        self.registered(":offer Gus 32 12")
        self.ana.drops()
        self.gus.types(":accept")
        self.disk.fill()
        self.disk.hold()
        self.returns().drops()
        self.disk.empty()
        self.release()
        self.assertEqual(self.ends(self.returns()), [MEANWHILE.removeprefix("[SERVER] ")])

    def test_cut_off_before_an_earlier_return_can_be_recorded(self) -> None:
        """Gus's deed is written first, and the return waits for that."""
        self.registered(":offer Gus 32 12")
        self.ana.drops()
        self.disk.fill()
        ana = self.returns()
        self.disk.empty()
        self.disk.hold()
        self.gus.types(":accept")
        self.farm.pass_time(RETRY + 1)
        ana.drops()
        self.release()
        self.assertEqual(self.ends(self.returns()), [MEANWHILE.removeprefix("[SERVER] ")])

    def test_taken_over_while_an_offer_ends(self) -> None:
        """Exactly one of the connections hears it, even if the newcomer's connection is cut."""
        for is_cut in (False, True):
            self.setUp()
            self.registered(":offer Gus 32 14")
            self.ana.drops()
            self.disk.fill()
            before = self.returns()
            before.hears()
            self.disk.empty()
            self.disk.hold()
            self.farm.person("Eva").types("Eva", "1", "si")
            self.gus.types(":quitar 14")
            newcomer = self.returns()
            if is_cut:
                newcomer.drops()
            self.release()
            heard = self.ends(before) + self.ends(newcomer)
            before.drops()
            heard += self.ends(self.returns())
            why = "La oferta #1 ya no es válida: Gus ya no tiene Cuchara oxidada."
            self.assertEqual(heard, [why])

    def test_what_comes_after_fifty_that_were_heard(self) -> None:
        """She hears it in words, although the record has no room for more news."""
        self.registered(":u")
        self.farm.factory.market.limits = Limits(offers=50, offers_each=50)
        self.ana.types(*[f":agregar {number}" for number in range(33, 38)])
        for number in range(1, 11):
            self.gus.types(f":agregar {number}")
            self.gus.types(*[f":offer Ana {number} {wanted}" for wanted in range(33, 38)])
        self.ana.drops()
        self.gus.types(*[f":retirar {number}" for number in range(1, 51)])
        self.disk.fill()
        visit = self.returns()
        self.assertEqual(len(self.ends(visit)), 50)
        visit.drops()
        self.disk.empty()
        visit = self.returns()
        self.gus.types(":offer Ana 12 32")
        visit.drops()
        self.gus.types(":retirar")
        self.assertEqual(
            self.ends(self.returns()), ["Mientras no estabas: Gus retiró la oferta #51."]
        )

    def test_what_came_and_went_unseen_is_no_news(self) -> None:
        """Whether the record keeps it for her, or she is cut off while the disk is full."""
        self.registered(":offer Gus 32 12")
        self.ana.drops()
        self.gus.types(":offer Ana 12 32", ":retirar 2", ":offer Ana 13 32", ":accept 1")
        told = [MEANWHILE.removeprefix("[SERVER] ")]
        self.disk.fill()
        visit = self.returns()
        self.assertEqual(self.ends(visit), told)
        visit.drops()
        self.disk.empty()
        self.gus.types(":offer Ana 32 12", ":retirar")
        self.restart()
        self.assertEqual(self.ends(self.returns()), [])

    def test_an_offer_that_waited_unseen_and_was_told_is_news_when_it_ends(self) -> None:
        self.registered(":u")
        self.ana.drops()
        self.gus.types(":offer Ana 12 32")
        self.returns().drops()
        self.gus.drops()
        self.assertEqual(
            self.ends(self.returns()),
            ["Mientras no estabas: la oferta #1 ya no es válida: Gus se fue."],
        )

    def test_a_stop_before_all_is_on_record_again(self) -> None:
        """The disk was full, and has room since a moment ago."""
        self.registered(":offer Gus 32 12")
        self.disk.fill()
        self.ana.drops()
        self.disk.empty()
        self.gus.types(":accept")
        self.restart()
        self.assertEqual(self.ends(self.returns()), [MEANWHILE.removeprefix("[SERVER] ")])
        self.restart()
        self.assertEqual(self.ends(self.returns()), [])

    def test_a_visit_that_a_stop_follows(self) -> None:
        self.registered(":offer Gus 32 12")
        self.ana.drops()
        self.gus.types(":accept")
        self.disk.fill()
        visit = self.returns()
        self.assertEqual(len(self.ends(visit)), 1)
        visit.drops()
        self.disk.empty()
        self.restart()
        self.assertEqual(self.ends(self.returns()), [])

    def test_a_thousand_who_could_not_be_recorded(self) -> None:
        """They are tried again in portions, and not before the last try is over."""
        factory = self.farm.factory
        for number in range(100, 100 + 2 * MOST_AT_ONCE):
            factory.market.apply(Registered(FarmerId(number), f"Ana{number}"))
        self.disk.fill()
        self.disk.hold()
        sweep = factory.presence.attendance.reconcile()
        self.disk.release_first()
        self.farm.pass_time(RETRY * 3)
        self.assertNoResult(sweep)
        waiting = sum(map(len, factory.lane._lines.values()))
        self.assertEqual(waiting, MOST_AT_ONCE - 1)  # The first was written alone.
        self.release()
        self.successResultOf(sweep)
        self.assertEqual(factory.lane._lines, {})
        self.disk.empty()
        self.farm.pass_time(RETRY + 1)
        self.assertEqual(len(factory.market.away), 2 * MOST_AT_ONCE)

    def retries(self) -> int:
        reconcile = self.farm.factory.presence.attendance.reconcile
        return sum(call.func == reconcile for call in self.farm.clock.calls)

    def test_one_retry_for_all(self) -> None:
        self.registered(":u")
        self.disk.fill()
        self.ana.drops()
        self.gus.drops()
        self.farm.pass_time(RETRY + 1)
        self.assertEqual(self.retries(), 1)

    def test_no_retry_that_is_in_vain(self) -> None:
        """After the ledger has halted, or when the server stops."""
        self.registered(":u")
        self.disk.fill()
        self.farm.factory.finish_begun()
        self.ana.drops()
        self.assertEqual(self.retries(), 0)
        self.setUp()
        self.registered(":u")
        self.disk.halt(stored=False)
        self.ana.drops()
        self.assertEqual(self.retries(), 0)

    def test_no_retry_after_the_end_of_the_server(self) -> None:
        self.registered(":u")
        self.disk.fill()
        self.ana.drops()
        closed = Deferred.fromCoroutine(self.farm.factory.close())
        self.farm.settle()
        self.assertTrue(closed.called)
        self.assertEqual(self.retries(), 0)

    def test_nothing_is_kept_for_visitors_who_are_gone(self) -> None:
        self.registered(":offer Gus 32 12")
        self.disk.fill()
        self.gus.drops()
        self.disk.empty()
        self.ana.types(":retirar")
        self.farm.pass_time(RETRY + 1)
        self.assertEqual(self.farm.factory.presence.news._unheard, {})

    def test_a_server_that_has_ended_tries_no_more(self) -> None:
        """Its ledger is closed by then."""
        self.registered(":u")
        self.disk.fill()
        self.ana.drops()
        self.farm.factory.presence.stop()
        self.disk.empty()
        before = list(self.memory.facts)
        self.farm.pass_time(2 * RETRY)
        self.assertEqual(self.memory.facts, before)
