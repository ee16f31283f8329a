"""Who comes back with a pass at another node is told what they have not read (PROTOCOL §5b)."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import ArtifactId, FarmerId
from granja.contract.messages import Departed, Missed, Said
from granja.market.facts import Returned
from granja.nodes.readers import Readers
from granja.nodes.retelling import MOST, Gap, pack, unpack
from granja.people.returning import Unread
from granja.settings import Settings
from tests.support.farm import Person
from tests.support.guests import Guest, guest, returns
from tests.support.village import PASSWORD, Village


def lines(person: Guest) -> list[str]:
    """What they read after ``¡OK!``."""
    told = [message["line"] for message in person.reads() if "line" in message]
    return told[told.index("[SERVER] ¡OK!") + 1 :]


class _Late:
    """Keeps what the ledger tells a node until somebody calls it."""

    def __init__(self, watcher: Any, held: list[Any]) -> None:
        self._watcher, self._held = watcher, held

    def others(self, *told: Any) -> None:
        self._held.append(partial(self._watcher.others, *told))

    def beside(self, *told: Any) -> None:
        self._watcher.beside(*told)


class Returning(SynchronousTestCase):
    history = 200

    def setUp(self) -> None:
        self.village = Village(3, settings=Settings(rate=None, history=self.history))
        self.here, self.there, self.third = self.village.farms
        self.gus, self.beto, self.caro = self.village.arrive("Gus", "Beto", "Caro")
        self.eva = guest(self.there, "Eva", "21")
        self.village.quiet()

    def talk(self, *texts: str) -> None:
        """One after the other speaks, each at their own node."""
        for number, text in enumerate(texts):
            (self.gus, self.beto, self.caro)[number % 3].types(text)
            self.village.settle()


class WithAPassword(Returning):
    def test_whispers_are_told_at_whatever_node(self) -> None:
        """They lingered at another node.  Talk is not told, as at one node."""
        village = Village(2, registered=("Ana",))
        here, there = village.farms
        ana, gus = Guest(there, "Ana"), here.arrives("Gus")
        rude = here.arrives("Rude")
        there.people.append(ana)
        ana.types("Ana", PASSWORD, ":ignorar Rude")
        village.quiet()
        ana.drops()
        village.settle()
        gus.types("hola", ":p Ana ¿vuelves?", ":yo espera")
        rude.types(":p Ana no")
        again = here.person()
        again.types("Ana", PASSWORD)
        village.settle()
        told = again.hears()
        self.assertEqual(told[told.index("[SERVER] ¡OK!") + 1 :], ["Gus te susurra: ¿vuelves?"])

    def test_a_node_that_does_not_answer(self) -> None:
        village = Village(2, registered=("Ana",))
        here, there = village.farms
        ana = Guest(there, "Ana")
        ana.types("Ana", PASSWORD)
        village.settle()
        ana.drops()
        village.settle()
        again = here.person()
        there.dies()
        again.types("Ana", PASSWORD)
        village.pass_time(3.0)
        self.assertEqual(again.hears()[-1], "[SERVER] ¡OK!")

    def test_who_hangs_up_meanwhile(self) -> None:
        """She lingers where she was."""
        village = Village(2, registered=("Ana",))
        here, there = village.farms
        ana, gus = Guest(there, "Ana"), here.arrives("Gus")
        ana.types("Ana", PASSWORD)
        village.settle()
        ana.reads()
        ana.drops()
        village.settle()
        gus.types(":p Ana ¿vuelves?")
        again = here.person()
        again.types("Ana")
        again.protocol.dataReceived(PASSWORD.encode() + b"\r\n")
        elsewhere: Any = here.factory.roster.find("Ana").elsewhere  # type: ignore[union-attr]
        ask = elsewhere.ask

        def hangs_up(*question: Any) -> Any:
            again.drops()
            return ask(*question)

        self.patch(elsewhere, "ask", hangs_up)
        village.settle()
        back = returns(there, ana.secret, ana.n)
        village.settle()
        self.assertIn("Gus te susurra: ¿vuelves?", back.hears())


class Whole(Returning):
    def test_everything_since_the_line_was_lost_in_order(self) -> None:
        """Talk of all nodes, whispers, comings and goings; nobody notices that they moved."""
        self.talk("antes")
        self.eva.reads()
        heard = self.eva.n
        self.eva.drops()
        self.talk("uno", "dos", "tres")
        self.gus.types(":p Eva un secreto", ":yo saluda")
        ana = self.third.arrives("Ana")
        ana.types(":q")
        self.village.settle()
        self.village.quiet()
        back = returns(self.third, self.eva.secret, heard)
        back.n = heard
        self.assertEqual(
            lines(back),
            ["Gus: uno", "Beto: dos", "Caro: tres", "Gus te susurra: un secreto", "* Gus saluda",
             "[SERVER] Cliente Ana conectado.", "[SERVER] Ana desconectado."],
        )  # fmt: skip
        self.talk("cuatro")
        self.assertEqual([message["line"] for message in back.reads()], ["Gus: cuatro"])
        for person in (self.gus, self.caro):
            self.assertEqual([line for line in person.hears() if "Eva" in line], [])

    def test_what_was_written_into_a_dead_line_is_told_too(self) -> None:
        """The number says what they have read, whatever was sent; and the data are whole."""
        heard = self.eva.n
        self.talk("uno")
        self.eva.drops()
        back = returns(self.here, self.eva.secret, heard)
        told = [message for message in back.reads() if message["type"] == "said"]
        self.assertEqual([(m["from"], m["text"], m["line"]) for m in told],
                         [("Gus", "uno", "Gus: uno")])  # fmt: skip

    def test_while_the_old_line_stands(self) -> None:
        """Without a number, what was sent there is read."""
        self.talk("uno")
        back = returns(self.here, self.eva.secret)
        self.assertEqual(lines(back), [])
        self.assertTrue(self.eva.is_closed)

    def test_who_is_ignored_is_not_told(self) -> None:
        self.eva.types(":ignorar Gus")
        self.eva.reads()
        heard = self.eva.n
        self.eva.drops()
        self.talk("uno", "dos")
        self.assertEqual(lines(returns(self.third, self.eva.secret, heard)), ["Beto: dos"])

    def test_news_of_a_visitors_trades(self) -> None:
        """The record keeps none for visitors."""
        dora = self.here.arrives("Dora", "32")
        self.eva.types(":offer Dora 21 32")
        self.eva.reads()
        heard = self.eva.n
        self.eva.drops()
        dora.types(":accept")
        self.village.settle()
        told = lines(returns(self.third, self.eva.secret, heard))
        self.assertIn("[SERVER] Intercambio realizado", told[0])
        self.assertEqual(len(told), 1)

    def test_news_that_the_record_keeps_too_are_told_once(self) -> None:
        """It keeps them for who is registered and lingers."""
        self.eva.types(f":registrar {PASSWORD}")
        dora = self.here.arrives("Dora", "32")
        self.eva.types(":offer Dora 21 32")
        self.village.settle()
        self.eva.reads()
        heard = self.eva.n
        self.eva.drops()
        self.village.settle()
        dora.types(":reject")
        self.village.settle()
        told = lines(returns(self.third, self.eva.secret, heard))
        self.assertEqual(told, ["[SERVER] Intercambio rechazado"])

    def test_the_same_pass_tells_the_same_again(self) -> None:
        """The answer may have been lost."""
        heard = self.eva.n
        self.eva.drops()
        self.talk("uno", "dos")
        first = returns(self.third, self.eva.secret, heard)
        first.drops()
        again = returns(self.third, self.eva.secret, heard)
        self.assertEqual(lines(again), ["Gus: uno", "Beto: dos"])

    def test_numbers_go_on_after_those_of_the_other_node(self) -> None:
        heard = self.eva.n
        self.eva.drops()
        back = returns(self.third, self.eva.secret, heard)
        self.assertGreater(min(message["n"] for message in back.reads() if "n" in message), heard)

    def test_what_is_said_while_the_other_node_answers(self) -> None:
        """It had not heard that yet: it is told after the rest, and once."""
        self.eva.drops()
        self.talk("uno")
        self.there.bus.delay = 0.2
        back = Guest(self.third)
        self.third.people.append(back)
        back.hears()
        back.types(f":volver {self.eva.secret}")
        self.gus.types("dos", ":yo espera")
        self.caro.types("tres", ":yo saluda")
        ana = self.here.arrives("Ana")
        self.village.pass_time(1.0)
        self.assertEqual(
            lines(back),
            ["Gus: uno", "Gus: dos", "* Gus espera", "Caro: tres", "* Caro saluda",
             "[SERVER] Cliente Ana conectado."],
        )  # fmt: skip
        ana.types("ya")
        self.assertEqual([message["line"] for message in back.reads()], ["Ana: ya"])

    def test_two_who_come_back_at_once(self) -> None:
        """The one who waits longer is told what is said until their own answer comes."""
        ida = guest(self.here, "Ida", "22")
        self.village.quiet()
        heard = {one: one.n for one in (self.eva, ida)}
        backs = []
        for one, node in ((self.eva, self.there), (ida, self.here)):
            one.drops()
            node.bus.delay = 0.8 if one is self.eva else 0.1
            back = Guest(self.third)
            self.third.people.append(back)
            back.types(f":volver {one.secret} {heard[one]}")
            backs.append(back)
        self.village.pass_time(0.3)
        self.caro.types("dos")
        self.village.pass_time(1.0)
        self.caro.types("tres")
        self.village.pass_time(1.0)
        for back in backs:
            self.assertEqual(lines(back), ["Caro: dos", "Caro: tres"])

    def test_an_offer_that_the_other_node_has_not_followed_yet(self) -> None:
        """It answers when it knows as much of the record as the node that asks."""
        dora = self.here.arrives("Dora", "32")
        self.eva.reads()
        heard = self.eva.n
        self.eva.drops()
        held: list[Any] = []
        self.there.shared.watcher = _Late(self.there.shared.watcher, held)  # type: ignore[assignment]
        dora.types(":offer Eva 32 21")
        self.village.settle()
        back = Guest(self.third)
        self.third.people.append(back)
        back.hears()
        back.types(f":volver {self.eva.secret} {heard}")
        self.assertEqual(back.reads(), [])
        for follow in held:
            follow()
        self.village.pass_time(0.1)
        self.assertIn("Dora quiere intercambiar", lines(back)[0])

    def test_a_node_that_does_not_follow_the_record(self) -> None:
        """It answers what it knows, after a second."""
        heard = self.eva.n
        self.eva.drops()
        self.gus.types(":p Eva un secreto")
        held: list[Any] = []
        self.there.shared.watcher = _Late(self.there.shared.watcher, held)  # type: ignore[assignment]
        self.here.arrives("Dora", "32")
        back = returns(self.third, self.eva.secret, heard)
        self.assertEqual(back.reads(), [])
        self.village.pass_time(1.1)
        self.assertIn("Gus te susurra: un secreto", lines(back))

    def test_what_the_farm_says_where_they_linger(self) -> None:
        """They are told it at the node that says it, too."""
        heard = self.eva.n
        self.eva.drops()
        self.there.arrives("Dora")
        back = returns(self.there, self.eva.secret, heard)
        self.assertIn("[SERVER] Cliente Dora conectado.", back.hears())

    def test_a_line_that_ends_while_the_other_node_answers(self) -> None:
        """They linger where they were."""
        self.eva.drops()
        self.there.bus.delay = 0.2
        back = Guest(self.third)
        back.hears()
        back.types(f":volver {self.eva.secret}")
        back.drops()
        self.village.pass_time(1.0)
        self.there.bus.delay = 0.0
        self.talk("uno")
        self.assertEqual(lines(returns(self.third, self.eva.secret)), ["Gus: uno"])


class AtThatMoment(Returning):
    """Somebody speaks in the very moment in which one node asks the other.  It is told once."""

    def when_asked(self, *speakers: tuple[Person, str]) -> None:
        """These speak just before the question arrives."""
        bus: Any = self.third.bus
        request = bus.request

        def requested(*asked: Any) -> Any:
            for speaker, text in speakers:
                data = f"{text}\r\n".encode()
                self.village.clock.callLater(0, speaker.protocol.dataReceived, data)
            return request(*asked)

        self.patch(bus, "request", requested)

    def test_at_the_node_that_is_asked(self) -> None:
        heard = self.eva.n
        self.eva.drops()
        self.when_asked((self.beto, "uno"))
        back = returns(self.third, self.eva.secret, heard)
        self.assertEqual(lines(back), ["Beto: uno"])

    def test_at_the_node_that_is_asked_while_the_old_line_stands(self) -> None:
        """It is written there, so it is read."""
        self.when_asked((self.beto, "uno"))
        back = returns(self.third, self.eva.secret)
        self.assertEqual(lines(back), [])
        self.assertIn("Beto: uno", self.eva.hears())

    def test_at_the_node_that_asks(self) -> None:
        """Just before it does."""
        heard = self.eva.n
        self.eva.drops()
        append = self.third.shared.append

        def speaks_first(*stored: Any) -> Any:
            self.caro.protocol.dataReceived(b"uno\r\n")
            return append(*stored)

        self.patch(self.third.shared, "append", speaks_first)
        back = returns(self.third, self.eva.secret, heard)
        self.assertEqual(lines(back), ["Caro: uno"])

    def test_what_was_lost_on_the_way_to_the_other_node_is_counted(self) -> None:
        """By the question at the latest."""
        heard = self.eva.n
        self.eva.drops()
        self.there.bus.to_lose = 1
        self.caro.types("perdida")
        self.talk("uno")
        back = returns(self.third, self.eva.secret, heard)
        self.assertEqual(lines(back), ["[SERVER] Te perdiste 1 línea.", "Gus: uno"])
        self.assertEqual(self.beto.hears(), ["Gus: uno", "[SERVER] Te perdiste 1 línea."])


class WithoutTheBus(Returning):
    """The node that they come from does not hear that they are at another one now."""

    def setUp(self) -> None:
        super().setUp()
        self.eva.types(":doy 21")
        self.dora = self.there.arrives("Dora", "32")
        self.village.quiet()
        self.there.bus.cut()

    def assert_all_is_hers(self, back: Guest) -> None:
        """She is there, with her artifact and a pass that works, and nobody noticed anything."""
        self.there.bus.mend()
        self.village.pass_time(3)
        back.reads()
        self.assertFalse(back.is_closed)
        for person in (self.gus, self.beto, self.caro):
            self.assertEqual([line for line in person.hears() if "Eva" in line], [])
        self.gus.types(":ver Eva")
        self.assertIn("Ancla", self.gus.hears()[0])
        again = returns(self.here, back.secret)
        self.assertIn("[SERVER] Tus artefactos son: Ancla", again.hears())
        self.assertEqual(self.village.lists(), [["Gus", "Beto", "Caro", "Eva", "Dora"]] * 3)

    def test_there_they_linger_until_they_do_so_no_more(self) -> None:
        """It is not on record that they left: they did not."""
        back = returns(self.third, self.eva.secret)
        self.eva.drops()
        self.village.pass_time(121)
        self.assert_all_is_hers(back)

    def test_they_had_lingered_there_before(self) -> None:
        self.eva.drops()
        back = returns(self.third, self.eva.secret)
        self.village.pass_time(121)
        self.assert_all_is_hers(back)

    def test_their_node_records_late_who_has_left(self) -> None:
        """Its own people, and nobody else."""
        back = returns(self.third, self.eva.secret)
        self.eva.drops()
        self.village.pass_time(121)
        self.there.shared.away = True
        self.dora.types(":q")
        self.dora.drops()
        self.village.settle()
        self.there.shared.away = False
        self.village.pass_time(6)
        self.gus.types(":ver Eva")
        self.assertIn("Ancla", self.gus.hears()[-1])
        self.assertFalse(back.is_closed)

    def test_they_say_goodbye_there(self) -> None:
        """On the old line.  They have another one."""
        back = returns(self.third, self.eva.secret)
        self.eva.types(":q")
        self.eva.drops()
        self.village.pass_time(3)
        self.assert_all_is_hers(back)

    def test_they_go_there_and_back(self) -> None:
        """Where they came from, they are here again; and the other node hears nothing of it."""
        away = returns(self.third, self.eva.secret)
        away.reads()
        self.eva.drops()
        back = returns(self.there, away.secret)
        away.drops()
        self.village.pass_time(121)
        self.assert_all_is_hers(back)

    def test_a_node_that_has_never_heard_of_them(self) -> None:
        """It says that they may come in a moment, and not that the pass is bad."""
        ida = guest(self.there, "Ida", "22")
        self.third.bus.cut()
        ida.drops()
        back = returns(self.third, ida.secret, ida.n)
        said = ["[SERVER] Ahora no se puede entrar; inténtalo en un momento."]
        self.assertEqual(back.hears(), [*said, "[SERVER] Ingresa tu nombre:"])
        self.there.bus.mend()
        self.third.bus.mend()
        self.village.pass_time(3)
        back.types(f":volver {ida.secret} {ida.n}")
        self.assertIn("[SERVER] Tus artefactos son: Trocitos de cristal", back.hears())
        back.types(":q")
        back.drops()
        wrong = returns(self.third, "0" * 32)
        self.assertIn("[SERVER] Error: ese pase ya no sirve.", wrong.hears())

    def test_they_leave_the_other_node(self) -> None:
        """The name is free everywhere."""
        back = returns(self.third, self.eva.secret)
        self.eva.drops()
        self.village.pass_time(121)
        back.types(":q")
        back.drops()
        self.there.bus.mend()
        self.village.pass_time(3)
        self.assertEqual(self.village.lists(), [["Gus", "Beto", "Caro", "Dora"]] * 3)
        self.there.arrives("Eva")
        self.assertEqual(self.village.lists(), [["Gus", "Beto", "Caro", "Dora", "Eva"]] * 3)

    def test_their_node_has_lost_its_lease(self) -> None:
        """It could not record who had left meanwhile, and tries again."""
        self.there.shared.away = True
        self.dora.types(":q")
        self.dora.drops()
        self.village.pass_time(1)
        self.village.record.end(self.there.writer)
        self.village.record.renew()
        self.village.settle()
        self.there.shared.away = False
        self.there.shared.fence()
        self.village.pass_time(6)
        back = returns(self.third, self.eva.secret)
        self.there.bus.mend()
        self.village.pass_time(3)
        self.village.quiet()
        self.gus.types(":ver Eva")
        self.assertIn("Ancla", self.gus.hears()[0])
        self.assertFalse(back.is_closed)
        self.assertEqual(self.village.lists(), [["Gus", "Caro", "Eva"]] * 3)


class CutOffOnTheWay(Returning):
    """The table of names has them at the third node already, where they never come in."""

    def is_cut_off(self, farmer: Guest) -> None:
        farmer.drops()
        self.there.bus.delay = 0.2
        back = Guest(self.third)
        back.types(f":volver {farmer.secret}")
        back.drops()
        self.village.pass_time(1.0)
        self.there.bus.delay = 0.0
        self.assertIn("Eva", self.village.lists()[0])

    def assert_free(self) -> None:
        """The name is nobody's after some seconds: a newcomer has it."""
        self.village.pass_time(6.0)
        self.assertEqual(self.village.lists(), [["Gus", "Beto", "Caro"]] * 3)
        newcomer = self.here.person("Eva").arrives()
        self.assertFalse(newcomer.is_closed)
        self.assertEqual(self.village.lists(), [["Gus", "Beto", "Caro", "Eva"]] * 3)

    def test_the_name_is_free_once_they_have_left_the_other_node(self) -> None:
        self.is_cut_off(self.eva)
        self.village.pass_time(121)
        self.assert_free()

    def test_all_hear_it_when_somebody_who_is_registered_comes_again(self) -> None:
        self.eva.types(f":registrar {PASSWORD}")
        self.eva.reads()
        self.is_cut_off(self.eva)
        self.village.pass_time(121)
        self.village.pass_time(6)
        self.village.quiet()
        self.here.person("Eva").types("Eva", PASSWORD)
        self.village.settle()
        told = ["[SERVER] Cliente Eva conectado."]
        self.assertEqual([each.hears() for each in (self.gus, self.beto, self.caro)], [told] * 3)

    def test_they_come_back_there_after_all(self) -> None:
        """Nobody notices, and the name stays theirs."""
        self.is_cut_off(self.eva)
        back = returns(self.third, self.eva.secret)
        self.village.settle()
        self.assertIn("[SERVER] ¡OK!", back.hears())
        self.village.pass_time(121)
        self.assertEqual(self.village.lists(), [["Gus", "Beto", "Caro", "Eva"]] * 3)
        taken = self.here.person()
        taken.types("Eva")
        self.assertIn("[SERVER] Nombre ya en uso.", taken.hears())

    def test_they_wait_for_the_other_node_while_it_gives_them_up(self) -> None:
        """Its record of that comes after the one of their return.  In the end they are here."""
        self.eva.types(f":registrar {PASSWORD}")
        self.eva.reads()
        farmer = self.eva.protocol.farmer.id
        self.eva.drops()
        self.village.pass_time(119.0)
        self.there.bus.delay = 1.5
        back = self.third.person("Eva")
        back.types("Eva", PASSWORD)
        self.village.pass_time(5.0)
        self.there.bus.delay = 0.0
        self.village.pass_time(3.0)
        self.assertEqual(back.hears()[-1], "[SERVER] ¡OK!")
        self.assertIsInstance(self.village.record.record.facts[-1], Returned)
        for farm in self.village.farms:
            self.assertNotIn(farmer, farm.factory.market.away)

    def test_they_come_back_there_just_as_the_other_node_gives_them_up(self) -> None:
        """The table goes on to have them there."""
        self.eva.types(f":registrar {PASSWORD}")
        self.eva.reads()
        self.is_cut_off(self.eva)
        self.village.pass_time(118.0)
        back = self.third.person("Eva")
        back.types("Eva")
        self.there.bus.delay = 1.5
        back.types(PASSWORD)
        self.village.pass_time(3.0)
        self.there.bus.delay = 0.0
        self.assertIn("[SERVER] ¡OK!", back.hears())
        (row,) = (row for row in self.village.record.rows.values() if row.spelling == "Eva")
        self.assertEqual(row.writer, self.third.writer)

    def says_goodbye_meanwhile(self) -> None:
        """They leave on the old connection while the new one is on its way in."""
        back = Guest(self.third)
        self.third.people.append(back)
        back.types(f":volver {self.eva.secret}")
        self.eva.types(":q")
        self.eva.drops()
        self.village.pass_time(2.0)
        self.assertIn("[SERVER] Error: ese pase ya no sirve.", back.hears())

    def test_who_says_goodbye_while_the_other_node_answers(self) -> None:
        self.there.bus.delay = 0.2
        self.says_goodbye_meanwhile()
        self.there.bus.delay = 0.0
        self.assert_free()

    def test_who_says_goodbye_while_the_table_of_names_is_slow(self) -> None:
        """Their node could not note that the pass has ended."""
        enter, clock = self.third.shared.enter, self.village.clock
        slowly = partial(deferLater, clock, 0.5, enter)
        self.patch(self.third.shared, "enter", slowly)
        self.there.shared.away = True
        self.says_goodbye_meanwhile()
        self.there.shared.away = False
        self.village.pass_time(6.0)
        self.assert_free()


class Mourning(Returning):
    """Their node has died.  The others know how far they had read a second before, or less."""

    def setUp(self) -> None:
        super().setUp()
        self.village.pass_time(1.1)
        self.village.quiet()

    def back(self, number: int | None, seconds: float = 3.0) -> list[str]:
        """What they read who come back at the third node with this number."""
        back = Guest(self.third)
        self.third.people.append(back)
        back.hears()
        back.types(f":volver {self.eva.secret} {'' if number is None else number}".rstrip())
        self.village.pass_time(seconds)
        return lines(back)

    def reads(self, *texts: str) -> int:
        """They read this.  Returns the number of the last line."""
        self.talk(*texts)
        self.eva.reads()
        return self.eva.n


class Dead(Mourning):
    def test_what_was_said_since_they_read_last_is_told(self) -> None:
        """They were told nothing by their node, which does not answer.  Nothing is told twice."""
        self.reads("antes")
        self.village.pass_time(1.1)
        heard = self.reads("visto", "y esto")
        self.there.dies()
        self.gus.types("uno", ":yo saluda")
        self.caro.types("dos")
        self.village.settle()
        self.assertEqual(self.back(heard), ["Gus: uno", "* Gus saluda", "Caro: dos"])

    def test_whoever_says_no_number_hears_again_what_their_node_did_not_report(self) -> None:
        self.reads("antes")
        self.village.pass_time(1.1)
        self.reads("visto")
        self.there.dies()
        self.caro.types("uno")
        self.village.settle()
        self.assertEqual(self.back(None), ["Gus: visto", "Caro: uno"])

    def taken_in(self) -> int:
        """Another node has taken them in.  Returns the last line that they had read."""
        heard = self.reads("visto")
        self.there.dies()
        self.caro.types("uno")
        self.village.settle()
        self.there.is_buried()
        self.caro.types(":p Eva dos")
        self.village.settle()
        return heard

    #: What they read then: nothing of it twice, and that the dead node has ended.
    told = ["Caro: uno", "[SERVER] Beto desconectado.", "Caro te susurra: dos"]

    def test_where_another_node_has_taken_them_in(self) -> None:
        heard = self.taken_in()
        self.assertEqual(lines(returns(self.here, self.eva.secret, heard)), self.told)

    def test_after_another_node_has_taken_them_in(self) -> None:
        """Their new node asks that one."""
        heard = self.taken_in()
        self.assertEqual(lines(returns(self.third, self.eva.secret, heard)), self.told)

    def test_the_same_pass_tells_the_same_again(self) -> None:
        heard = self.reads("visto")
        self.there.dies()
        self.caro.types("uno")
        self.village.settle()
        self.assertEqual(self.back(heard), ["Caro: uno"])
        self.assertEqual(self.back(heard), ["Caro: uno"])

    def test_a_number_that_cannot_be(self) -> None:
        """They are told nothing, and their numbers go on from there."""
        self.reads("visto")
        self.there.dies()
        self.caro.types("uno")
        self.village.settle()
        self.assertEqual(self.back(10**30), [])

    def test_who_is_ignored_is_not_told(self) -> None:
        self.eva.types(":ignorar Gus")
        self.eva.reads()
        self.village.pass_time(1.1)
        heard = self.eva.n
        self.there.dies()
        self.gus.types("uno")
        self.caro.types("dos")
        self.village.settle()
        self.assertEqual(self.back(heard), ["Caro: dos"])

    def test_whoever_says_no_number_is_told_what_was_said_since(self) -> None:
        """Nothing had been said for a while before."""
        self.there.dies()
        self.caro.types("uno")
        self.village.settle()
        self.assertEqual(self.back(None), ["Caro: uno"])

    def test_at_a_node_that_has_just_begun(self) -> None:
        """It is told at once how far everybody has read."""
        late = self.village.starts()
        self.there.dies()
        self.caro.types("uno")
        self.village.settle()
        back = returns(late, self.eva.secret, self.eva.n)
        self.village.pass_time(3.0)
        self.assertEqual(lines(back), ["Caro: uno"])

    def test_what_was_said_just_when_the_node_told_how_far_they_have_read(self) -> None:
        bus, clock = self.there.bus, self.village.clock
        before = bus.published
        while bus.published == before:
            clock.advance(0.001)
        clock.callLater(0.9995, self.beto.protocol.dataReceived, b"visto\r\n")
        clock.advance(1.0005)
        self.village.settle()
        self.assertEqual(self.eva.hears(), ["Beto: visto"])
        self.there.dies()
        self.caro.types("uno")
        self.village.settle()
        self.assertEqual(self.back(self.eva.n), ["Caro: uno"])

    def test_what_became_of_an_offer_is_told_too(self) -> None:
        """The record keeps it for who is registered and lingers."""
        self.eva.types(f":registrar {PASSWORD}")
        dora = self.here.arrives("Dora", "32")
        dora.types(":offer Eva 32 21")
        self.eva.reads()
        self.eva.drops()
        self.village.pass_time(1.1)
        self.there.dies()
        dora.types(":retirar")
        self.village.settle()
        told = self.back(self.eva.n)
        self.assertEqual(told, ["[SERVER] Mientras no estabas: Dora retiró la oferta #1."])

    def test_who_is_registered_and_taken_in_is_away_on_record(self) -> None:
        """So that the news are kept for them."""
        self.eva.types(f":registrar {PASSWORD}")
        self.eva.reads()
        farmer = self.eva.protocol.farmer.id
        self.there.dies()
        self.there.is_buried()
        self.assertEqual(self.village.lists()[0], ["Gus", "Caro", "Eva"])
        for farm in (self.here, self.third):
            self.assertIn(farmer, farm.factory.market.away)

    def test_what_no_node_has_told_is_not_told_again(self) -> None:
        """A node of an older granja tells no numbers; nor does anybody of a visit that is over."""
        self.patch(Readers, "note", lambda *_: None)
        self.eva = guest(self.there, "Flora", "1")
        self.village.pass_time(1.1)
        heard = self.eva.n
        self.there.dies()
        self.caro.types("uno")
        self.village.settle()
        self.assertEqual(self.back(heard), [])


class StillThere(SynchronousTestCase):
    """Somebody goes on to a node that dies, while their first one is cut off from the bus, and
    has them still."""

    def test_they_are_at_the_first_one_for_all(self) -> None:
        village = Village(3, registered=("Ana",))
        first, second, third = village.farms
        gus = third.arrives("Gus")
        ana = Guest(first, "Ana")
        first.people.append(ana)
        first.bus.cut()
        ana.types("Ana", PASSWORD)
        ana.reads()
        returns(second, ana.secret)
        second.dies()
        second.is_buried()
        first.bus.mend()
        village.pass_time(3.0)
        gus.hears()
        gus.types(":p Ana hola")
        self.assertIn("Gus te susurra: hola", ana.hears())
        self.assertEqual(gus.hears(), [])

    def test_the_node_that_died_was_cut_off(self) -> None:
        """The others have them at the first one still: none of them takes them in."""
        village = Village(3)
        oldest, second, first = village.farms
        eva, gus = guest(first, "Eva", "21"), oldest.arrives("Gus")
        second.bus.cut()
        returns(second, eva.secret)
        second.dies()
        second.is_buried()
        village.pass_time(150.0)
        self.assertFalse(eva.is_closed)
        gus.types(":p Eva hola")
        self.assertIn("Gus te susurra: hola", eva.hears())
        (row,) = (row for row in village.record.rows.values() if row.spelling == "Eva")
        self.assertEqual(row.writer, first.writer)

    def test_they_come_back_nowhere(self) -> None:
        """They leave, and the name is free everywhere."""
        village = Village(3)
        first, second, third = village.farms
        gus = third.arrives("Gus", "12")
        eva = guest(first, "Eva", "21")
        gus.types(":offer Eva 12 21")
        first.bus.cut()
        returns(second, eva.secret)
        eva.drops()
        second.dies()
        second.is_buried()
        village.pass_time(121.0)
        self.assertIn("[SERVER] La oferta #1 ya no es válida: Eva se fue.", gus.hears())
        first.bus.mend()
        village.pass_time(3.0)
        third.arrives("Eva")
        lists = village.lists()
        self.assertEqual((lists[0], lists[2]), (["Gus", "Eva"], ["Gus", "Eva"]))


class TakenInTwice(SynchronousTestCase):
    """Their node has died, and two that do not hear one another have each taken them in."""

    def setUp(self) -> None:
        self.village = Village(2)
        self.first, self.second = self.village.farms
        self.eva = guest(self.first, "Eva", "21")
        self.second.bus.cut()
        self.third = self.village.starts()
        self.first.dies()
        self.village.record.end(self.first.writer)
        shared: Any = self.second.shared
        enter = shared.enter
        shared.enter = partial(deferLater, self.village.clock, 0.5, enter)
        self.village.record.renew()
        self.village.pass_time(1.0)  # The table has them at the second one in the end.
        shared.enter = enter

    def test_they_stay_where_they_come_back(self) -> None:
        """Whichever of the two that is."""
        back = returns(self.second, self.eva.secret)
        self.second.bus.mend()
        self.village.pass_time(3.0)
        back.reads()
        self.assertFalse(back.is_closed)
        self.village.pass_time(121.0)
        self.assertFalse(back.is_closed)
        self.assertEqual(self.village.lists()[1:], [["Eva"]] * 2)

    def test_they_do_not_come_back(self) -> None:
        """The name is free everywhere."""
        self.second.bus.mend()
        self.village.pass_time(124.0)
        self.assertEqual(self.village.lists()[1:], [[]] * 2)
        for farm in (self.second, self.third):
            eva = farm.arrives("Eva")
            self.assertEqual(self.village.lists()[1:], [["Eva"]] * 2)
            eva.types(":q")
            eva.drops()


class LeftByTheirNode(SynchronousTestCase):
    """The node of a visitor loses its lease while they are on the way to another one."""

    def setUp(self) -> None:
        self.village = Village(2)
        self.there, self.here = self.village.farms
        eva = guest(self.there, "Eva", "21")
        self.gus = self.here.arrives("Gus")
        self.there.bus.delay = 0.5
        self.back = returns(self.here, eva.secret)
        self.village.record.end(self.there.writer)
        self.there.shared.fence()

    def test_they_come_in_with_what_they_have(self) -> None:
        """It says that they are gone, but they are not."""
        self.village.pass_time(5.0)
        said = [message.get("line") for message in self.back.reads()]
        self.assertIn("[SERVER] Hola de nuevo, Eva.", said)
        eva = self.back.protocol.farmer
        assert eva is not None
        self.assertIn(ArtifactId(21), self.here.factory.market.copies(eva.id))
        self.assertEqual([sorted(names) for names in self.village.lists()], [["Eva", "Gus"]] * 2)

    def test_they_hang_up(self) -> None:
        """Their name is free for others."""
        self.back.drops()
        self.there.bus.delay = 0.0
        self.village.pass_time(150.0)
        self.assertEqual(self.village.lists(), [["Gus"]] * 2)
        for farm in (self.here, self.there):
            eva = farm.arrives("Eva")
            self.assertEqual(sorted(self.here.factory.roster.names()), ["Eva", "Gus"])
            eva.types(":q")
            eva.drops()
            self.village.settle()


class LeftBehind(SynchronousTestCase):
    """Somebody goes on, and a node where they were before does not say that they are gone."""

    def test_they_go_on_once_more_from_node_to_node(self) -> None:
        """The node that had taken them in meanwhile hears that they left, and not yet where they
        are: it has lost a message."""
        village = Village(3)
        first, second, taker = village.farms
        eva = guest(first, "Eva", "21")
        second.arrives("Dora")
        village.record.end(second.writer)
        second.shared.fence()
        taker.bus.to_lose = 2
        village.record.end(first.writer)
        village.record.renew()
        village.settle()
        first.shared.fence()
        returns(first, eva.secret)
        back = returns(second, eva.secret)
        village.pass_time(10.0)
        back.reads()
        farmer = back.protocol.farmer
        assert farmer is not None
        self.assertIn(ArtifactId(21), taker.factory.market.copies(farmer.id))

    def test_before_anybody_takes_them_in(self) -> None:
        """Their node has lost its lease, and nobody has taken them in yet.  Before that, the first
        one had something else to put on record."""
        village = Village(2)
        first, second = village.farms
        eva, gus = guest(first, "Eva", "21"), first.arrives("Gus", "12")
        returns(second, eva.secret)
        first.shared.away = True
        gus.drops()
        village.record.end(second.writer)
        second.shared.fence()
        first.shared.away = False
        village.pass_time(6.0)
        village.record.renew()
        village.pass_time(3.0)
        back = returns(first, eva.secret)
        back.reads()
        farmer = back.protocol.farmer
        assert farmer is not None
        self.assertIn(ArtifactId(21), first.factory.market.copies(farmer.id))


class ShortAndDead(Mourning):
    history = 1

    def test_what_is_no_longer_kept_is_counted(self) -> None:
        heard = self.reads("visto")
        self.there.dies()
        for text in ("uno", "dos", "tres"):
            self.caro.types(text)
        self.village.settle()
        self.assertEqual(self.back(heard), ["[SERVER] Te perdiste 2 líneas.", "Caro: tres"])


class Short(Returning):
    history = 2

    def test_what_is_no_longer_kept_is_counted(self) -> None:
        heard = self.eva.n
        self.eva.drops()
        self.talk("uno", "dos", "tres", "cuatro", "cinco")
        self.assertEqual(
            lines(returns(self.third, self.eva.secret, heard)),
            ["[SERVER] Te perdiste 3 líneas.", "Gus: cuatro", "Beto: cinco"],
        )


class Packing(SynchronousTestCase):
    def test_what_does_not_fit_is_counted(self) -> None:
        """The newest lines stay."""
        long = [Unread(Said("Ana", f"{n} " + "x" * 1000), n) for n in range(1000)]
        answer = pack([Unread(Missed(7), 0), *long], after=5, count=9, partial=True, heard={1: 2})
        self.assertLess(len(answer), MOST + 10_000)
        told = unpack(answer, Gap(), ())
        self.assertEqual((told.after, told.count, told.partial), (5, 9, True))
        first, *rest = [message.line() for message, _ in told.lines]
        self.assertEqual(first, f"[SERVER] Te perdiste {1007 - len(rest)} líneas.")
        self.assertEqual(rest, [line.message.line() for line in long[-len(rest) :]])

    def test_only_what_the_other_node_had_not_heard_is_added(self) -> None:
        gap = Gap()
        gap.note(1, 3, ("said", 7, "Ana", b"ya\nviejo", 0.5))
        gap.note(1, 5, ["said", 7, "Ana", "a\nb", 0.5])
        gap.note(1, 5, ("went", 3))
        gap.note(2, 1, ("departed", "Eva"))
        gap.note(2, 2, ("acted", 8, "Sordo", b"x", 0.5))
        answer = pack([], after=0, count=0, partial=False, heard={1: 3})
        told = [message for message, _ in unpack(answer, gap, {FarmerId(8)}).lines]
        self.assertEqual(told, [Said("Ana", "a"), Said("Ana", "b"), Departed("Eva")])
