"""Who looks after the farm, and what they can do (PROTOCOL §7)."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.commands import FOR_ALL, TABLE
from granja.ledger.faulty import FaultyLedger
from granja.ledger.interface import Kept
from granja.ledger.memory import MemoryLedger
from granja.moderation import acts
from granja.moderation.sanctions import Sanction
from granja.settings import Settings
from granja.wire.addresses import UNIX, Proxies
from tests.support.farm import DAWN, Farm, Person
from tests.support.guests import Guest, guest, returns

PASSWORD = "girasoles al sol"
NOT_STORED = "[SERVER] Error: no se pudo guardar; nada cambió."


class ModeratedCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.memory = MemoryLedger()
        self.ledger = FaultyLedger(self.memory)
        proxies = Proxies((ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")))
        self.farm = Farm(Settings(rate=None, proxies=proxies), self.ledger)
        self.log: list[str] = []
        globalLogPublisher.addObserver(self.note)  # type: ignore[arg-type]
        self.addCleanup(globalLogPublisher.removeObserver, self.note)  # type: ignore[arg-type]
        self.marta = self.moderator("Marta")

    def note(self, event: dict[str, object]) -> None:
        if "act" in event:
            self.log.append(str(event["act"]))

    def tearDown(self) -> None:
        self.assertEqual(self.flushLoggedErrors(), [])

    def registered(self, name: str, address: str = "127.0.0.1") -> Person:
        person = self.farm.arrives(name, "6", address)
        person.types(f":registrar {PASSWORD}")
        person.hears()
        return person

    def kept(self, subject: str) -> dict[str, Any]:
        """What the ledger keeps of it."""
        return self.memory.kept[subject]

    def moderator(self, name: str) -> Person:
        person = self.registered(name)
        self.farm.moderators(name)
        self.farm.factory.moderators.appoint(self.farm.settings.moderators)
        return person

    def asks(self, person: Person, *lines: str) -> list[str]:
        person.hears()
        person.types(*lines)
        return person.hears()

    def comes(self, name: str, address: str = "127.0.0.1", *lines: str) -> tuple[Person, list[str]]:
        """Somebody connects and types a name and these lines.  Returns what they hear then."""
        person = self.farm.person(name, address)
        person.hears()
        person.types(name, *lines)
        return person, person.hears()

    def restart(self) -> None:
        for person in self.farm.people:
            person.drops()
        self.farm.people.clear()
        self.farm.open()

    def back(self, name: str, address: str = "127.0.0.1") -> Person:
        person, _ = self.comes(name, address, PASSWORD)
        return person


class WhoIsOne(ModeratedCase):
    def test_help_has_their_commands_for_them_alone(self) -> None:
        ana = self.farm.arrives("Ana")
        for person, rows in ((ana, FOR_ALL), (self.marta, TABLE)):
            heard = [line.split()[1] for line in self.asks(person, ":help")]
            self.assertEqual(heard, [row.word for row in rows])

    def test_a_moderators_name_is_kept_for_them(self) -> None:
        """Nobody takes or registers it, or one like it.  A registered one needs its password."""
        early = self.farm.arrives("Olga")
        self.farm.moderators("Zoe", "Olga")
        self.farm.factory.moderators.appoint(self.farm.settings.moderators)
        refused = ["[SERVER] Nombre no válido: está reservado.", "[SERVER] Ingresa tu nombre:"]
        for name in ("Zoe", "ZOE", "z0e", "Zoe"):
            self.assertEqual(self.comes(name)[1], refused, name)
        self.assertEqual(self.comes("MARTA")[1], ["[SERVER] Contraseña:"])
        self.assertEqual(self.asks(early, f":registrar {PASSWORD}"), refused[:1])
        self.assertIn("desconocido", self.asks(early, ":gente")[0])

    def test_one_who_only_looks_like_a_moderator_is_none(self) -> None:
        """A moderator who has not registered gives no power to a similar name."""
        other = self.registered("Rnario")
        self.farm.moderators("Mario")
        self.farm.factory.moderators.appoint(self.farm.settings.moderators)
        self.assertIn("desconocido", self.asks(other, ":gente")[0])

    def test_who_is_named_no_more(self) -> None:
        self.farm.factory.moderators.appoint([])
        self.assertIn("desconocido", self.asks(self.marta, ":gente")[0])

    def test_moderators_leave_one_another_alone(self) -> None:
        self.moderator("Olga")
        self.farm.factory.moderators.appoint(["Marta", "Olga", "Zoe"])
        for line, name in (
            (":expulsar olga", "Olga"),
            (":callar olga 1h", "Olga"),
            (":vetar olga 1h", "Olga"),
            (":vetar Marta 1h", "Marta"),
            (":vetar Zoe 1h", "Zoe"),
        ):
            said = f"[SERVER] Error: {name} también cuida la granja."
            self.assertEqual(self.asks(self.marta, line), [said], line)

    def test_the_question_of_the_list_hides_no_command(self) -> None:
        """With ``--declarations once`` the question comes to a moderator in the chat.  Others learn
        nothing."""
        farm = Farm(Settings(rate=None, declare_once=True, moderators=("Marta",)), self.ledger)
        ana, marta = farm.person("Ana"), farm.person("Marta")
        ana.types("Ana", ":registrar girasoles", ":vetar")
        self.assertIn("desconocido: :vetar", " ".join(ana.hears()))
        marta.types("Marta", PASSWORD, ":vetar")
        self.assertIn("Uso: :vetar", " ".join(marta.hears()))


class Banning(ModeratedCase):
    def test_those_in_a_banned_network_are_put_out(self) -> None:
        """They are inside or arriving.  Moderators stay, and so do all others."""
        inside = self.farm.arrives("Ana", "6", "203.0.113.7")
        arriving, _ = self.comes("Beto", "203.0.113.8")
        nameless = self.farm.person("", "203.0.113.9")
        asked, _ = self.comes("Eva", "203.0.113.7")
        olga = self.moderator("Olga")
        olga.drops()
        olga = self.back("Olga", "203.0.113.5")
        caro = self.farm.arrives("Caro", "6", "203.0.114.7")
        for person in (inside, arriving, nameless, asked, olga):
            person.hears()
        heard = self.asks(self.marta, ":vetar 203.0.113.0/24 2h son  muchos ")
        self.assertEqual(heard[0], "[SERVER] Vetaste a 203.0.113.0/24 hasta las 00:13 del 15/11.")
        self.assertEqual(inside.hears(), ["[SERVER] Te expulsaron: son  muchos."])
        ban = "[SERVER] No puedes entrar hasta las 00:13 del 15/11 (son  muchos)."
        self.assertEqual((arriving.hears(), asked.hears()), ([ban], [ban]))
        self.assertEqual(olga.hears(), ["[SERVER] Ana desconectado."])
        nameless.types("Fede")
        self.assertEqual(nameless.hears(), [ban])
        for person in (inside, arriving, asked, nameless):
            self.assertTrue(person.is_closed)
        self.assertFalse(olga.is_closed or caro.is_closed)

    def test_an_ipv6_address_means_what_one_stranger_has(self) -> None:
        self.asks(self.marta, ":vetar 2001:DB8:0::1 2h")
        for address, banned in (
            *(("2001:db8::2", True), ("2001:db8::8000:0:0:1", True)),
            ("2001:db8:0:1::1", False),
        ):
            person, heard = self.comes("Ana", address)
            self.assertEqual(person.is_closed, banned, heard)
            person.drops()
        row = "[SERVER] 2001:db8::1: hasta las 00:13 del 15/11, por Marta"
        self.assertEqual(self.asks(self.marta, ":vetos"), [row])
        gone = ["[SERVER] Perdonaste a 2001:db8::1."]
        self.assertEqual(self.asks(self.marta, ":perdonar 2001:db8::1"), gone)

    def test_a_network_is_said_in_one_form(self) -> None:
        for typed, said in (
            ("203.0.113.9/24", "203.0.113.0/24"),
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:DB8:5::/48", "2001:db8:5::/48"),
        ):
            heard = self.asks(self.marta, f":vetar {typed} 10m")[0]
            self.assertEqual(heard, f"[SERVER] Vetaste a {said} hasta las 22:23.")
        self.assertEqual(len(self.asks(self.marta, ":vetos")), 3)

    def test_networks_that_cannot_be_banned(self) -> None:
        own, proxy = (
            f"[SERVER] Error: esa red es {whose}." for whose in ("también la tuya", "de un proxy")
        )
        for network, why in (
            ("127.0.0.1", own),
            ("127.0.0.0/8", own),
            ("0.0.0.0/0", own),
            ("10.1.2.3", proxy),
            ("8.0.0.0/5", proxy),
            ("2001:db8::/32", proxy),
        ):
            self.assertEqual(self.asks(self.marta, f":vetar {network} 1h"), [why], network)
        for nothing in ("10.0.0.0/33", "1.2.3.4/x", "1.2.3.4/", ":::1", "/24", "10.0.0.300"):
            heard = self.asks(self.marta, f":vetar {nothing} 1h")
            self.assertIn("Nombre no válido", heard[0], nothing)

    def test_a_registered_farmer_is_told_before_the_password(self) -> None:
        """A person who guesses passwords from a banned network gets nowhere."""
        self.registered("Ana", "203.0.113.7").drops()
        self.asks(self.marta, ":vetar ANA 7d")
        ban = "[SERVER] No puedes entrar hasta las 22:13 del 21/11."
        person, heard = self.comes("Ana")
        self.assertEqual((heard, person.is_closed), ([ban], True))
        self.asks(self.marta, ":perdonar Ana")
        self.back("Ana").types(":u")
        self.assertEqual(self.asks(self.marta, ":u"), ["[SERVER] Usuarios conectados: Marta, Ana"])

    def test_a_ban_that_comes_while_the_password_is_asked(self) -> None:
        self.registered("Ana").drops()
        ana, heard = self.comes("Ana")
        self.assertEqual(heard, ["[SERVER] Contraseña:"])
        self.asks(self.marta, ":vetar Ana 7d")
        ban = ["[SERVER] No puedes entrar hasta las 22:13 del 21/11."]
        self.marta.hears()
        self.assertEqual(self.asks(ana, PASSWORD), ban)
        self.assertTrue(ana.is_closed)
        self.assertEqual(self.marta.hears(), [])

    def test_a_name_that_is_not_here(self) -> None:
        """The ban keeps newcomers from the name in any spelling.  Afterwards it is free again."""
        heard = self.asks(self.marta, ":vetar Pepe 10m")
        self.assertEqual(heard, ["[SERVER] Vetaste a Pepe hasta las 22:23."])
        person, heard = self.comes("PEPE")
        self.assertEqual(heard, ["[SERVER] No puedes entrar hasta las 22:23."])
        person.drops()
        self.farm.clock.advance(600)
        self.assertIn("Bienvenid", self.comes("Pepe")[1][0])
        self.assertEqual(self.asks(self.marta, ":vetos"), ["[SERVER] No hay vetos."])

    def test_the_longest_ban_is_told_and_a_second_replaces_the_first(self) -> None:
        for line in (":vetar Ana 1h", ":vetar 203.0.113.7 3h red", ":vetar ANA 10m otra"):
            self.asks(self.marta, line)
            self.farm.clock.advance(1)
        _, heard = self.comes("Ana", "203.0.113.7")
        self.assertEqual(heard, ["[SERVER] No puedes entrar hasta las 01:13 del 15/11 (red)."])
        _, heard = self.comes("Ana")
        self.assertEqual(heard, ["[SERVER] No puedes entrar hasta las 22:23 (otra)."])
        rows = [row.split()[1] for row in self.asks(self.marta, ":vetos")]
        self.assertEqual(rows, ["203.0.113.7:", "ANA:"])

    def test_a_time(self) -> None:
        usage = "[SERVER] Uso: :vetar <nombre o red> <tiempo> [motivo]"
        for time in ("0", "0m", "10", "10s", "-1h", "1.5h", "h", "36501d", "9999999d", "2 h", "²h"):
            self.assertEqual(self.asks(self.marta, f":vetar Ana {time}"), [usage], time)
        heard = self.asks(self.marta, ":vetar Ana 36500D")
        self.assertRegex(heard[0], r"hasta las 22:13 del 21/10/2123\.$")

    def test_what_is_over_is_forgotten(self) -> None:
        """An address stays in the ledger no longer than until the next ban."""
        kept = self.kept
        self.asks(self.marta, ":vetar 203.0.113.7 10m")
        self.asks(self.marta, ":vetar Ana 10m")
        self.assertEqual(
            (list(kept("bans")), list(kept("banned-networks"))), (["ana"], ["203.0.113.7/32"])
        )
        self.farm.clock.advance(601)
        self.asks(self.marta, ":vetar Beto 10m")
        self.assertEqual((list(kept("bans")), list(kept("banned-networks"))), (["beto"], []))

    def test_it_is_over_at_the_very_moment_that_was_said(self) -> None:
        """Then there is nothing to see or to forgive, and the next ban makes the ledger forget
        it."""
        for whom in ("Ana", "203.0.113.7"):
            with self.subTest(whom=whom):
                self.setUp()
                self.asks(self.marta, f":vetar {whom} 10m")
                self.farm.clock.advance(599)
                self.assertTrue(self.comes("Ana", "203.0.113.7")[0].is_closed)
                self.farm.clock.advance(1)
                self.assertFalse(self.comes("Ana", "203.0.113.7")[0].is_closed)
                self.assertEqual(self.asks(self.marta, ":vetos"), ["[SERVER] No hay vetos."])
                none = ["[SERVER] Error: no hay ningún veto así."]
                self.assertEqual(self.asks(self.marta, f":perdonar {whom}"), none)
                self.asks(self.marta, ":vetar Zoe 10m")
                self.assertEqual(list(self.kept("bans")), ["zoe"])
                self.assertEqual(list(self.memory.kept.get("banned-networks", {})), [])

    def test_what_is_over_is_forgotten_once(self) -> None:
        """The ledger need not hear of it again with each ban or mute that follows."""
        forgotten: list[str] = []
        append = self.memory.append

        def noting(facts: Any, after: int, credentials: Any, kept: Sequence[Kept] = ()) -> Any:
            forgotten.extend(item.key for item in kept if item.value is None)
            return append(facts, after, credentials, kept)

        self.patch(self.memory, "append", noting)
        for name in ("Ana", "Beto"):
            self.farm.arrives(name)
        for line in (":vetar Zoe 10m", ":vetar 203.0.113.7 10m", ":callar Ana 10m"):
            self.asks(self.marta, line)
        forgotten.clear()
        self.farm.clock.advance(601)
        for line in (":vetar Eva 10m", ":vetar Gus 10m", ":callar Beto 10m", ":callar Beto 0"):
            self.asks(self.marta, line)
        self.assertEqual(sorted(forgotten), ["203.0.113.7/32", "ana", "beto", "zoe"])
        forgotten.clear()
        self.asks(self.marta, ":callar Ana 10m")
        self.farm.clock.advance(601)
        for line in (":callar Beto 0", ":callar Ana 10m"):
            self.asks(self.marta, line)
        self.assertEqual(forgotten, ["ana"])

    def test_a_network_that_is_forgiven_stays_so(self) -> None:
        """At once, and after a restart."""
        self.asks(self.marta, ":vetar 203.0.113.0/24 7d", ":perdonar 203.0.113.0/24")
        ana, _ = self.comes("Ana", "203.0.113.7")
        self.assertFalse(ana.is_closed)
        self.restart()
        ana, _ = self.comes("Ana", "203.0.113.7")
        self.assertFalse(ana.is_closed)

    def test_who_is_in_no_network_may_come(self) -> None:
        """By a unix socket, whatever network is banned."""
        self.asks(self.marta, ":vetar 203.0.113.0/24 7d")
        self.assertFalse(self.comes("Ana", UNIX)[0].is_closed)

    def test_bans_outlive_a_restart_in_their_order(self) -> None:
        for line in (":vetar Zoe 7d", ":vetar 203.0.113.7 7d", ":vetar Ana 7d", ":vetar Beto 10m"):
            self.asks(self.marta, line)
            self.farm.clock.advance(1)
        self.restart()
        self.farm.clock.advance(700)
        marta = self.back("Marta")
        rows = [row.split()[1] for row in self.asks(marta, ":vetos")]
        self.assertEqual(rows, ["Zoe:", "203.0.113.7:", "Ana:"])


class Muting(ModeratedCase):
    def test_a_mute_outlives_a_restart(self) -> None:
        """It holds for a registered farmer, here or away, and for a visitor's name."""
        self.registered("Ana").drops()
        self.farm.arrives("Beto")
        self.asks(self.marta, ":callar ana 7d spam")
        self.asks(self.marta, ":callar Beto 1h")
        self.restart()
        ana, beto = self.back("Ana"), self.farm.arrives("BETO")
        muted = "[SERVER] Error: no puedes hablar hasta las 22:13 del 21/11 (spam)."
        self.assertEqual(self.asks(ana, "hola"), [muted])
        self.assertEqual(
            self.asks(beto, "hola"), ["[SERVER] Error: no puedes hablar hasta las 23:13."]
        )

    def test_it_stays_with_whoever_registers_or_takes_over(self) -> None:
        ana = self.farm.arrives("Ana")
        self.asks(self.marta, ":callar Ana 1h")
        ana.types(f":registrar {PASSWORD}")
        muted = ["[SERVER] Error: no puedes hablar hasta las 23:13."]
        self.assertEqual(self.asks(self.back("Ana"), "hola"), muted)

    def test_it_ends_when_the_operator_names_them_a_moderator(self) -> None:
        """While they are in the chat, as when they come in."""
        ana = self.registered("Ana")
        self.asks(self.marta, ":callar Ana 7d")
        self.assertEqual(len(self.asks(ana, "hola")), 1)
        self.farm.factory.moderators.appoint(["Marta", "Ana"])
        self.assertEqual(self.asks(ana, "hola"), [])
        self.assertEqual(self.marta.hears(), ["Ana: hola"])

    def test_a_visitor_who_has_left_can_be_let_speak(self) -> None:
        self.farm.arrives("Ana").drops()
        self.asks(self.farm.arrives("Ana"), "hola")
        self.asks(self.marta, ":callar Ana 1h")
        for person in self.farm.people[1:]:
            person.drops()
        self.assertEqual(self.asks(self.marta, ":callar ANA 0"), ["[SERVER] Ana puede hablar."])
        nobody = ["[SERVER] Error: no hay nadie con el nombre Ana."]
        self.assertEqual(self.asks(self.marta, ":callar Ana 0"), nobody)
        self.assertEqual(self.asks(self.farm.arrives("Ana"), "hola"), [])
        self.assertEqual(self.kept("mutes"), {})

    def test_talk_in_bulk_is_refused_line_by_line(self) -> None:
        """Once it is over, all is said."""
        ana = self.farm.arrives("Ana")
        self.asks(self.marta, ":callar Ana 10m")
        ana.sends("uno\ndos\nñandú\n".encode())
        self.assertEqual(ana.hears(), ["[SERVER] Error: no puedes hablar hasta las 22:23."] * 3)
        self.farm.clock.advance(600)
        ana.sends("uno\ndos\nñandú\n".encode())
        self.assertEqual(
            (ana.hears(), self.marta.hears()), ([], ["Ana: uno", "Ana: dos", "Ana: ñandú"])
        )


class OnRecord(ModeratedCase):
    def test_each_act_is_in_the_log_and_in_the_ledger(self) -> None:
        self.farm.arrives("Ana", "6", "203.0.113.7")
        for line in (
            ":callar Ana 10m spam y ruido",
            ":callar Ana 0",
            ":expulsar Ana",
            ":vetar 203.0.113.0/24 36h",
            ":vetar Beto 7d",
            ":perdonar 203.0.113.0/24",
            ":anunciar hola",
            ":congelar",
            ":descongelar",
        ):
            self.asks(self.marta, line)
        self.assertEqual(
            self.log,
            [
                "Marta muted Ana for 10m, until 2023-11-14 22:23: spam y ruido",
                "Marta let speak Ana",
                "Marta expelled Ana",
                "Marta banned 203.0.113.0/24 for 36h, until 2023-11-16 10:13",
                "Marta banned Beto for 7d, until 2023-11-21 22:13",
                "Marta pardoned 203.0.113.0/24",
                "Marta announced: hola",
                "Marta froze trading",
                "Marta thawed trading",
            ],
        )
        kept = self.kept("acts")
        self.assertEqual(len(kept), 9)
        act = {"when": DAWN, "by": "Marta", "did": "muted", "whom": "Ana", "seconds": 600}
        self.assertEqual(kept["000000000001"], {**act, "why": "spam y ruido"})
        self.restart()
        self.asks(self.back("Marta"), ":anunciar otra vez")
        self.assertEqual(max(kept), "000000000010")

    def test_what_nobody_understands_in_the_ledger_is_no_act(self) -> None:
        """The farm opens with it all the same, and goes on counting."""
        self.asks(self.marta, ":anunciar hola")
        self.memory.kept["acts"]["²"] = self.memory.kept["acts"]["x"] = 1
        self.restart()
        self.asks(self.back("Marta"), ":anunciar otra vez")
        self.assertIn("000000000002", self.kept("acts"))

    def test_the_oldest_acts_are_forgotten(self) -> None:
        self.patch(acts, "MOST", 3)
        for number in range(5):
            self.asks(self.marta, f":anunciar {number}")
        kept = self.kept("acts")
        self.assertEqual([act["why"] for act in kept.values()], ["2", "3", "4"])

    def test_with_a_full_disk(self) -> None:
        """An act that must survive a restart is refused.  The disturber is put out all the same."""
        ana = self.farm.arrives("Ana")
        self.ledger.fill()
        for line in (":callar Ana 1h", ":vetar Ana 1h", ":congelar"):
            self.assertEqual(self.asks(self.marta, line), [NOT_STORED], line)
        self.assertEqual(self.asks(ana, "hola"), [])
        self.assertEqual(self.asks(self.marta, ":expulsar Ana")[0], "[SERVER] Expulsaste a Ana.")
        self.assertTrue(ana.is_closed)
        self.ledger.empty()
        self.asks(self.marta, ":anunciar hola")
        did = [act["did"] for act in self.kept("acts").values()]
        self.assertEqual(did, ["expelled", "announced"])

    def test_an_announcement_reaches_those_who_ignore(self) -> None:
        ana = self.farm.arrives("Ana")
        self.asks(ana, ":ignorar Marta")
        self.marta.types(":anunciar hay feria")
        self.assertEqual(ana.hears(), ["[SERVER] Aviso: hay feria"])


class Frozen(ModeratedCase):
    def test_what_waited_for_its_turn_is_refused_too(self) -> None:
        """Somebody typed an acceptance before, and its decision comes after."""
        ana, beto = self.farm.arrives("Ana", "6"), self.farm.arrives("Beto", "12")
        self.asks(ana, ":offer Beto 6 12")
        self.ledger.hold()
        self.marta.types(":congelar")
        beto.hears()
        beto.types(":accept")
        self.ledger.release()
        frozen = "[SERVER] Error de Intercambio: los intercambios están detenidos por ahora."
        self.assertEqual(beto.hears(), [frozen])
        self.assertEqual(
            self.asks(ana, ":artefactos"), ["[SERVER] Tus artefactos son: Punta de flecha"]
        )

    def test_what_could_settle_is_told_when_it_thaws(self) -> None:
        told: list[str] = []
        self.farm.factory.freezing.when_thawed.append(lambda: told.append("thawed"))
        self.asks(self.marta, ":congelar")
        self.assertEqual((told, self.farm.factory.freezing.frozen), ([], True))
        self.asks(self.marta, ":descongelar")
        self.assertEqual((told, self.farm.factory.freezing.frozen), (["thawed"], False))


class Lingering(ModeratedCase):
    """Moderators can still act on a person who lost the connection (PROTOCOL §5b)."""

    def setUp(self) -> None:
        super().setUp()
        self.ana = guest(self.farm, "Ana", "21")
        self.ana.drops()
        self.marta.hears()

    def refused(self) -> list[str]:
        return returns(self.farm, self.ana.secret, self.ana.n).hears()

    def test_they_are_shown_as_paused(self) -> None:
        self.farm.pass_time(60)
        shown = self.asks(self.marta, ":gente")
        self.assertEqual(
            shown[1:], ["[SERVER] Ana (visitante) desde 127.0.0.1, hace 1 min, en pausa"]
        )

    def test_expelling_ends_lingering_and_passes(self) -> None:
        heard = self.asks(self.marta, ":expulsar Ana spam")
        self.assertEqual(heard, ["[SERVER] Expulsaste a Ana.", "[SERVER] Ana desconectado."])
        self.assertEqual(self.refused()[0], "[SERVER] Error: ese pase ya no sirve.")

    def test_banning_their_network_does(self) -> None:
        """Whoever lingers elsewhere may still come back."""
        beto = Guest(self.farm, "Beto", "203.0.113.7")
        self.farm.people.append(beto)
        beto.arrives()
        beto.drops()
        self.marta.hears()
        heard = self.asks(self.marta, ":vetar 203.0.113.0/24 10m")
        self.assertEqual(heard[1:], ["[SERVER] Beto desconectado."])
        self.assertEqual(self.refused()[0], "[SERVER] Hola de nuevo, Ana.")

    def test_banning_a_name_does(self) -> None:
        heard = self.asks(self.marta, ":vetar Ana 10m")
        self.assertEqual(heard[-1], "[SERVER] Ana desconectado.")
        self.assertEqual(self.refused()[0], "[SERVER] Error: ese pase ya no sirve.")

    def test_who_is_expelled_does_not_linger(self) -> None:
        eva = guest(self.farm, "Eva")
        heard = self.asks(self.marta, ":expulsar Eva")
        self.assertEqual(heard, ["[SERVER] Expulsaste a Eva.", "[SERVER] Eva desconectado."])
        answer = returns(self.farm, eva.secret, eva.n).hears()
        self.assertEqual(answer[0], "[SERVER] Error: ese pase ya no sirve.")

    def test_banning_who_is_away_ends_their_passes(self) -> None:
        """The passes do not work again after the ban."""
        beto = guest(self.farm, "Beto")
        beto.types(f":registrar {PASSWORD}")
        beto.hears()
        beto.drops()
        self.farm.pass_time(200)
        self.asks(self.marta, ":vetar Beto 10m")
        self.asks(self.marta, ":perdonar Beto")
        answer = returns(self.farm, beto.secret, beto.n).hears()
        self.assertEqual(answer[0], "[SERVER] Error: ese pase ya no sirve.")

    def test_a_pass_is_no_way_in_from_a_banned_network(self) -> None:
        """It works for a moderator.  For others it fails, but is not used up."""
        beto, olga = guest(self.farm, "Beto"), guest(self.farm, "Olga")
        for person in (beto, olga):
            person.types(f":registrar {PASSWORD}")
            person.hears()
            person.drops()
        self.farm.pass_time(200)
        self.farm.factory.moderators.appoint(["Marta", "Olga"])
        self.farm.factory.order.bans.add(Sanction("127.0.0.1", DAWN + 9000, "", "Marta", DAWN))
        said = "[SERVER] No puedes entrar hasta las 00:43 del 15/11."
        self.assertEqual(returns(self.farm, beto.secret, beto.n).hears(), [said])
        back = returns(self.farm, olga.secret, olga.n).hears()
        self.assertEqual(back[0], "[SERVER] Hola de nuevo, Olga.")
        self.farm.clock.advance(9000)
        back = returns(self.farm, beto.secret, beto.n).hears()
        self.assertEqual(back[0], "[SERVER] Hola de nuevo, Beto.")
