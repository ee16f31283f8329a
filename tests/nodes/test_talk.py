"""Talk between nodes: everybody hears it, in order, and what was lost is counted."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from granja.accounts.throttle import Attempt
from granja.nodes.tick import Tick, decode
from granja.settings import Settings
from tests.support.guests import guest
from tests.support.village import PASSWORD, Village, missed


class Talk(SynchronousTestCase):
    def setUp(self) -> None:
        self.village = Village(3)
        self.ana, self.beto, self.caro = self.village.arrive("Ana", "Beto", "Caro")

    def hear(self) -> list[list[str]]:
        return [person.hears() for person in (self.ana, self.beto, self.caro)]

    def test_everybody_hears_a_line_of_another_node(self) -> None:
        """Each once, and the speaker does not hear themselves."""
        self.ana.types("¡Hola, granja!")
        self.assertEqual(self.hear(), [[], ["Ana: ¡Hola, granja!"], ["Ana: ¡Hola, granja!"]])

    def test_what_somebody_does_and_what_the_farm_says_cross_too(self) -> None:
        """``:yo``, emoticons, arrivals, departures."""
        self.ana.types(":yo saluda", ":smile")
        dora = self.village.farms[0].person("Dora").arrives()
        dora.types(":q")
        heard = [
            "* Ana saluda",
            "Ana: :)",
            "[SERVER] Cliente Dora conectado.",
            "[SERVER] Dora desconectado.",
        ]
        self.assertEqual(self.hear(), [heard[2:], heard, heard])

    def test_any_text_crosses(self) -> None:
        """With quotes, backslashes, and letters and signs of any script."""
        text = 'dijo "hola\\n" y \\ se fue: ñandú, 豆, 🌱'
        self.ana.types(text, f":yo {text}")
        heard = [f"Ana: {text}", f"* Ana {text}"]
        self.assertEqual(self.hear(), [[], heard, heard])

    def test_much_is_said_in_several_messages(self) -> None:
        """A bus takes a megabyte at the most."""
        said: list[bytes] = []
        self.village.farms[2].bus.subscribe("granja.talk", said.append)
        text = [f"{number} " + "x" * 500 for number in range(1000)]
        for at in range(0, 1000, 100):
            lines = "".join(f"{line}\r\n" for line in text[at : at + 100])
            self.ana.protocol.dataReceived(lines.encode())
        self.village.settle()
        self.assertEqual(self.beto.hears(), [f"Ana: {line}" for line in text])
        self.assertLess(max(map(len, said)), 300_000)
        self.assertLess(len(said), 10)

    def test_ticks_have_some_time_between_them(self) -> None:
        """What is said a moment after a message goes out two milliseconds after it."""
        bus, clock = self.village.farms[0].bus, self.village.clock
        published = bus.published
        self.ana.protocol.dataReceived(b"uno\r\n")
        clock.advance(0)
        self.assertEqual(bus.published, published + 1)
        clock.advance(0.001)
        self.ana.protocol.dataReceived(b"dos\r\n")
        clock.advance(0.0005)
        self.assertEqual(bus.published, published + 1)
        clock.advance(0.0006)
        self.assertEqual(bus.published, published + 2)
        self.assertEqual(self.beto.hears(), ["Ana: uno", "Ana: dos"])

    def test_one_message_a_tick(self) -> None:
        """For any number of lines and listeners there is one message, and one write each."""
        farm, other = self.village.farms[:2]
        published, writes = farm.bus.published, other.factory.board.counters.writes
        self.ana.sends(b"".join(b"linea %d\r\n" % number for number in range(50)))
        self.assertEqual(farm.bus.published, published + 1)
        self.assertEqual(other.factory.board.counters.writes, writes + 1)
        self.assertEqual(len(self.beto.hears()), 50)

    def test_history_is_the_same_everywhere(self) -> None:
        """It is the same for people who come in at another node later."""
        self.ana.types("uno")
        self.beto.types(":yo cuenta dos")
        dora = self.village.farms[2].arrives("Dora")
        dora.types(":historial")
        self.assertEqual([line.partition("] ")[2] for line in dora.hears()[1:]],
                         ["Ana: uno", "* Beto cuenta dos"])  # fmt: skip

    def test_who_is_ignored_is_not_heard(self) -> None:
        """This holds for talk from another node too."""
        self.beto.types(":ignorar Ana")
        self.beto.hears()
        self.ana.types("¿me oyes?", ":yo espera")
        self.assertEqual(self.hear(), [[], [], ["Ana: ¿me oyes?", "* Ana espera"]])

    def test_a_message_that_comes_twice_is_heard_once(self) -> None:
        """The number of the message tells."""
        said: list[bytes] = []
        self.village.farms[2].bus.subscribe("granja.talk", said.append)
        self.ana.types("una vez")
        for data in said:
            self.village.farms[0].bus.publish("granja.talk", data)
        self.village.settle()
        self.assertEqual(self.beto.hears(), ["Ana: una vez"])

    def test_lost_messages_are_counted(self) -> None:
        """Everybody who did not hear them reads the count: before the next line, or at the
        renewal."""
        bus = self.village.farms[1].bus
        bus.to_lose = 2
        self.ana.types("uno", "dos", "tres")
        self.assertEqual(self.beto.hears(), [missed(2), "Ana: tres"])
        bus.to_lose = 1
        self.ana.types("cuatro")
        self.assertEqual(self.beto.hears(), [])
        self.village.pass_time(1.0)
        self.assertEqual(self.beto.hears(), [missed(1)])
        self.assertEqual(len(self.caro.hears()), 4)

    def loses(self) -> list[str]:
        """What Beto hears when a line of Ana's node gets lost."""
        self.village.settle()
        self.beto.hears()
        self.village.farms[1].bus.to_lose = 1
        self.ana.types("perdida", "no perdida")
        return self.beto.hears()

    def test_only_what_was_lost_is_counted(self) -> None:
        """Whatever her node told before: deeds, who is cut off, what people have read, wrong
        passwords, a swap that somebody could close, a node that has died."""
        here, _, third = self.village.farms
        lost = [missed(1), "Ana: no perdida"]
        self.ana.types(":yo saluda", ":yo espera")
        self.assertEqual(self.loses(), lost)
        guest(here, "Eva").drops()
        self.village.pass_time(1.1)
        self.assertEqual(self.loses(), lost)
        here.factory.accounts.tell_wrong(Attempt("ana", "192.0.2.1"))
        self.assertEqual(self.loses(), lost)
        self.ana.types(":agregar 1", ":cambio 1 por 2")
        self.village.pass_time(1.1)
        self.assertEqual(self.loses(), lost)
        third.dies()
        third.is_buried()
        self.assertEqual(self.loses(), lost)

    def test_how_far_somebody_has_read_is_told_once(self) -> None:
        """Not again for the talk that everybody hears."""
        guest(self.village.farms[0], "Eva")
        said: list[bytes] = []
        self.village.pass_time(1.1)
        self.village.farms[2].bus.subscribe("granja.talk", said.append)
        for text in ("uno", "dos"):
            self.ana.types(text)
            self.village.pass_time(1.1)
        words = [entry[0] for data in said for entry in decode(data).entries]
        self.assertEqual(words, ["said", "said"])

    def test_what_is_no_tick_is_left_alone(self) -> None:
        """The log says so, without a traceback."""
        bus = self.village.farms[0].bus
        for data in (b"", b"\xff", b"[]", b'{"a":1}', b'[1,"x",0,[],null]', b"[" * 5000):
            bus.publish("granja.talk", data)
        strange: list[Any] = [
            ["said", 1],
            ["said", "x", 2, 3, 4],
            [],
            5,
            ["wow", 1],
            ["arrived", 7],
        ]
        bus.publish("granja.talk", Tick(1, 1000, 0, strange).encode())
        self.village.settle()
        self.assertEqual(self.beto.hears(), [])


class ShortHistory(SynchronousTestCase):
    def test_deeds_at_another_node_are_kept_as_lines_are(self) -> None:
        village = Village(2, settings=Settings(rate=None, history=2))
        ana, beto = village.arrive("Ana", "Beto")
        ana.types(":yo saluda", ":yo espera", ":yo se va")
        beto.hears()
        beto.types(":historial")
        told = [line.partition("] ")[2] for line in beto.hears()[1:]]
        self.assertEqual(told, ["* Ana espera", "* Ana se va"])


class Cut(SynchronousTestCase):
    def setUp(self) -> None:
        self.village = Village(2)
        self.here, self.there = self.village.farms
        self.ana, self.beto = self.village.arrive("Ana", "Beto")

    def test_each_node_has_its_own_talk_meanwhile(self) -> None:
        """Afterwards everybody hears how many lines of the others they missed."""
        self.there.bus.cut()
        caro, dora = self.here.arrives("Caro"), self.there.arrives("Dora")
        self.ana.types("aquí")
        self.beto.types("allá", "y más")
        self.assertEqual(caro.hears(), ["Ana: aquí"])
        self.assertEqual(dora.hears(), ["Beto: allá", "Beto: y más"])
        self.ana.hears(), self.beto.hears()
        self.there.bus.mend()
        self.village.pass_time(1.0)
        # Here are one arrival and one line; there are one arrival and two lines.
        for person, count in ((self.ana, 3), (caro, 3), (self.beto, 2), (dora, 2)):
            self.assertEqual(person.hears(), [missed(count)])

    def test_a_bus_that_comes_back_without_a_word_lost_says_nothing(self) -> None:
        """There is nothing to count."""
        self.there.bus.cut()
        self.village.pass_time(5.0)
        self.there.bus.mend()
        self.village.pass_time(2.0)
        self.assertEqual((self.ana.hears(), self.beto.hears()), ([], []))

    def test_lines_of_a_node_that_began_meanwhile_count_too(self) -> None:
        """All of them were missed."""
        self.here.bus.cut()
        third = self.village.starts()
        self.village.settle()
        caro = third.arrives("Caro")
        caro.types("¿hay alguien?")
        self.ana.hears()
        self.here.bus.mend()
        self.village.pass_time(1.0)
        self.assertEqual(self.ana.hears(), [missed(2)])

    def test_what_was_said_before_a_node_began_is_not_missed_there(self) -> None:
        """Nobody was there to hear it."""
        self.ana.types("antes")
        third = self.village.starts()
        caro = third.arrives("Caro")
        self.village.pass_time(2.0)
        self.assertEqual(caro.hears(), [])


class Late(SynchronousTestCase):
    """What a node said hangs in the network; it is killed, and its people go on elsewhere."""

    def test_a_line_that_would_be_out_of_order_is_counted_instead(self) -> None:
        village = Village(3, registered=("Ana",))
        first, second, third = village.farms
        old = first.person("Ana")
        old.types("Ana", PASSWORD)
        beto, caro = second.arrives("Beto"), third.arrives("Caro")
        village.quiet()
        bus: Any = first.bus
        publish, held = bus.publish, []
        bus.publish = lambda *message: held.append(message)
        old.types("uno", ":yo duda", "dos")
        village.settle()
        ana = second.person("Ana")
        ana.types("Ana", PASSWORD, "tres")
        village.settle()
        self.assertEqual(beto.hears(), ["Ana: tres"])
        self.assertEqual(caro.hears(), ["Ana: tres"])
        bus.publish = publish
        for message in held:
            publish(*message)
        village.settle()
        self.assertEqual(caro.hears(), [missed(1)] * 3)
        self.assertEqual(beto.hears(), [missed(1)] * 3)
        ana.types("cuatro")
        village.settle()
        self.assertEqual(caro.hears(), ["Ana: cuatro"])
        dora = first.arrives("Dora")  # Each line is counted only once.
        caro.hears()
        third.bus.to_lose = 1
        dora.types("perdida", "no perdida")
        self.assertEqual(caro.hears(), [missed(1), "Dora: no perdida"])
