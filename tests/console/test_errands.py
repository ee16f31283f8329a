"""What the operator's console does and answers."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from granja import __version__
from granja.console.errands import Errands
from granja.console.line import MOST, ConsoleFactory
from granja.contract.commands import LONGEST
from granja.contract.errors import ConfigurationError
from granja.ledger.faulty import FaultyLedger
from granja.ledger.memory import MemoryLedger
from tests.support.farm import DAWN, Farm, Person
from tests.support.guests import guest, returns

PASSWORD = "girasoles al sol"


class ConsoleCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.memory = MemoryLedger()
        self.changed: list[str] = []
        self.wrong = ""
        self.ended: list[bool] = []
        self.ledger = FaultyLedger(self.memory)
        self.farm = Farm(ledger=self.ledger)
        self.wire = StringTransport()
        errands = Errands(self.farm.factory, self.reread, lambda: self.ended.append(True))
        self.console = ConsoleFactory(errands).buildProtocol(None)
        self.console.makeConnection(self.wire)

    def reread(self) -> list[str]:
        if self.wrong:
            raise ConfigurationError(self.wrong)
        return self.changed

    def tearDown(self) -> None:
        self.assertEqual(self.flushLoggedErrors(), [])

    def sends(self, line: bytes) -> Any:
        self.console.dataReceived(line)
        self.farm.settle()
        answer = self.wire.value()
        self.wire.clear()
        self.assertTrue(answer.endswith(b"\n"))
        return json.loads(answer)

    def asks(self, do: str, **arguments: object) -> Any:
        return self.sends(json.dumps({"do": do, **arguments}).encode() + b"\n")

    def refused(self, do: str, **arguments: object) -> str:
        answer = self.asks(do, **arguments)
        self.assertEqual(list(answer), ["refused"])
        return str(answer["refused"])

    def moderator(self, name: str) -> Person:
        person = self.farm.arrives(name, "6")
        person.types(f":registrar {PASSWORD}")
        person.hears()
        self.farm.factory.moderators.appoint([name])
        return person


class Looking(ConsoleCase):
    def test_status(self) -> None:
        self.moderator("Marta")
        self.farm.person()
        self.farm.clock.advance(90)
        status = {"version": __version__, "seconds": 90, "farmers": 1, "connections": 2}
        status |= {"registered": 1, "offers": 0, "bans": 0, "frozen": False, "halted": False}
        status |= {"draining": False}
        self.assertEqual(self.asks("status"), status)

    def test_fingerprint(self) -> None:
        """It says that somebody holds something else.  The question itself changes nothing."""
        before = self.asks("fingerprint")
        self.assertEqual(before["sequence"], 0)
        ana = self.farm.arrives("Ana", "6")
        there = self.asks("fingerprint")
        self.assertEqual((there["sequence"], len(there["fingerprint"])), (1, 64))
        self.assertEqual(self.asks("fingerprint"), there)
        self.assertNotEqual(there["fingerprint"], before["fingerprint"])
        ana.types(":agregar 7")
        self.assertNotEqual(self.asks("fingerprint")["fingerprint"], there["fingerprint"])

    def test_who(self) -> None:
        self.moderator("Marta")
        self.farm.clock.advance(60)
        self.farm.arrives("Ana", "6", "203.0.113.7")
        self.asks("mute", whom="Ana", seconds=600)
        rows = [
            ["Marta", True, True, "127.0.0.1", 60, None],
            ["Ana", False, False, "203.0.113.7", 0, DAWN + 660],
        ]
        names = ("name", "registered", "moderator", "address", "seconds", "muted_until")
        people = [dict(zip(names, row, strict=True)) for row in rows]
        self.assertEqual(self.asks("who"), {"people": people})
        self.farm.clock.advance(601)
        self.assertEqual(self.asks("who")["people"][1]["muted_until"], None)


class Acting(ConsoleCase):
    def test_kick(self) -> None:
        """It can be a moderator too.  They read a clean text."""
        marta = self.moderator("Marta")
        self.assertEqual(self.refused("kick", whom="Ana"), "nobody in the chat is called Ana")
        done = {"done": "Marta was expelled"}
        self.assertEqual(self.asks("kick", whom="MARTA", why=" ya\x1b[31m basta \n"), done)
        self.assertEqual(marta.hears(), ["[SERVER] Te expulsaron: ya basta."])
        self.assertTrue(marta.is_closed)

    def test_mute(self) -> None:
        ana = self.farm.arrives("Ana")
        self.assertEqual(self.refused("mute", whom="Ana", seconds=0), "Ana is not muted")
        muted = {"done": "Ana is muted", "until": DAWN + 600}
        self.assertEqual(self.asks("mute", whom="ana", seconds=600, why="spam"), muted)
        ana.types("hola")
        said = "[SERVER] Error: no puedes hablar hasta las 22:23 (spam)."
        self.assertEqual(ana.hears(), [said])
        self.assertEqual(self.asks("mute", whom="Ana", seconds=0), {"done": "Ana may speak"})
        ana.types("hola")
        self.assertEqual(ana.hears(), [])
        self.asks("mute", whom="Ana", seconds=LONGEST)
        ana.types(":q")
        ana.drops()
        self.assertEqual(self.asks("mute", whom="ana", seconds=0), {"done": "Ana may speak"})

    def test_ban_and_unban(self) -> None:
        """It bans a name, or a network and puts its people out.  The chat reads who did it."""
        marta = self.moderator("Marta")
        ana = self.farm.arrives("Ana", "6", "203.0.113.7")
        answer = self.asks("ban", whom="203.0.113.0/24", seconds=7200, why="spam")
        self.assertEqual(answer, {"done": "203.0.113.0/24 is banned", "until": DAWN + 7200})
        self.assertEqual(ana.hears(), ["[SERVER] Te expulsaron: spam."])
        self.asks("ban", whom="Pepe", seconds=600)
        marta.hears()
        marta.types(":vetos")
        rows = [
            "[SERVER] Pepe: hasta las 22:23, por la consola",
            "[SERVER] 203.0.113.0/24: hasta las 00:13 del 15/11 (spam), por la consola",
        ]
        self.assertEqual(marta.hears(), rows)
        self.assertEqual(
            [ban["whom"] for ban in self.asks("bans")["bans"]], ["Pepe", "203.0.113.0/24"]
        )
        self.assertEqual(self.asks("unban", whom="PEPE"), {"done": "Pepe may come in"})
        self.farm.arrives("Zoé")
        banned = self.asks("ban", whom="ZOÉ", seconds=LONGEST)
        self.assertEqual(banned["done"], "Zoé is banned")
        gone = "PEPE is not banned; see `granja admin bans`"
        self.assertEqual(self.refused("unban", whom="PEPE"), gone)

    def test_what_cannot_be_banned(self) -> None:
        self.moderator("Marta")
        self.farm.factory.moderators.appoint(["Marta", "Zoe"])
        for whom in ("Marta", "Zoe", "127.0.0.1", "¡!", "admin", "1.2.3.4/33"):
            self.assertTrue(self.refused("ban", whom=whom, seconds=600), whom)
        self.assertTrue(self.refused("mute", whom="Marta", seconds=600))
        self.assertTrue(self.refused("ban", whom="Ana", seconds=0))
        self.assertEqual(self.asks("bans"), {"bans": []})

    def test_announce(self) -> None:
        ana = self.farm.arrives("Ana")
        done = {"done": "everybody in the chat was told"}
        self.assertEqual(self.asks("announce", text="hay\nferia"), done)
        self.assertEqual(len(ana.hears()), 1)
        self.assertTrue(self.refused("announce", text=" \x1b[2J "))

    def test_reload(self) -> None:
        done = "read anew; nothing has changed"
        self.assertEqual(self.asks("reload"), {"done": done, "changed": []})
        self.changed = ["rate: off (was 5/20)", "the catalog: 1 added, 0 renamed, 0 gone"]
        done = f"read anew; {'; '.join(self.changed)}"
        self.assertEqual(self.asks("reload"), {"done": done, "changed": self.changed})
        self.wrong = "listen cannot change while the server runs"
        self.assertEqual(self.refused("reload"), f"nothing was read anew: {self.wrong}")

    def test_freeze_and_thaw(self) -> None:
        ana = self.farm.arrives("Ana", "6")
        self.farm.arrives("Beto", "12")
        self.assertEqual(self.asks("freeze"), {"done": "trading has stopped"})
        self.assertTrue(self.asks("status")["frozen"])
        ana.hears()
        ana.types(":offer Beto 6 12")
        frozen = "[SERVER] Error de Intercambio: los intercambios están detenidos por ahora."
        self.assertEqual(ana.hears(), [frozen])
        self.assertEqual(self.asks("thaw"), {"done": "trading goes on"})
        ana.types(":offer Beto 6 12")
        self.assertEqual(ana.hears(), ["[SERVER] Oferta #1 enviada a Beto."])

    def test_passes(self) -> None:
        """They stay, and come back with their password only."""
        ana = guest(self.farm, "Ana")
        done = {"done": "no pass of Ana serves any more"}
        self.assertEqual(self.asks("passes", whom="ana"), done)
        self.assertFalse(ana.is_closed)
        answer = returns(self.farm, ana.secret, ana.n).hears()
        self.assertEqual(answer[0], "[SERVER] Error: ese pase ya no sirve.")
        self.assertTrue(self.refused("passes", whom="Beto"))

    def test_each_act_is_kept(self) -> None:
        self.farm.arrives("Ana")
        self.asks("kick", whom="Ana", why="spam")
        (act,) = self.memory.kept["acts"].values()
        assert isinstance(act, dict)
        self.assertEqual((act["by"], act["did"], act["whom"]), ("la consola", "expelled", "Ana"))

    def test_a_full_disk(self) -> None:
        self.ledger.fill()
        for do, arguments in (("freeze", {}), ("ban", {"whom": "Ana", "seconds": 600})):
            sentence = "it could not be stored; nothing changed"
            self.assertEqual(self.refused(do, **arguments), sentence)

    def test_a_ledger_that_has_stopped(self) -> None:
        self.ledger.halt(stored=False)
        said = "the ledger has stopped; see the log, and restart the server"
        self.assertEqual(self.refused("freeze"), said)

    def test_what_fails_in_a_way_that_nobody_foresaw(self) -> None:
        """The operator is answered all the same."""
        with mock.patch.object(self.farm.factory.order, "expel", side_effect=OSError("no way")):
            self.farm.arrives("Ana")
            said = self.refused("kick", whom="Ana")
        self.assertEqual(said, "it failed; see the log of the server")
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)


class Wrong(ConsoleCase):
    def test_what_is_no_request(self) -> None:
        for line in (
            b"",
            b"hola",
            b"[]",
            b"{}",
            b'{"do": 3}',
            b'{"do": "drop"}',
            b"\xff",
            b"[" * 9000,
        ):
            self.assertIn("refused", self.sends(line + b"\n"), line)

    def test_missing_and_wrong_arguments(self) -> None:
        for arguments in ({}, {"whom": 3}, {"whom": "Ana"}, {"whom": "Ana", "seconds": "x"}):
            self.assertTrue(self.refused("ban", **arguments))
        self.assertTrue(self.refused("ban", whom="Ana", seconds=10**30))
        self.assertTrue(self.refused("ban", whom="Ana", seconds=-1))
        self.farm.arrives("Ana")
        self.assertTrue(self.refused("kick", whom="Ana", why=["spam"]))

    def test_words_of_another_encoding(self) -> None:
        """A shell may send Latin-1.  Once, the console then waited for an answer that never
        came."""
        for do in ("kick", "unban", "passes", "password", "announce", "mute", "ban"):
            for wrong in ("Jos\udce9", "\ud800", "\udfff"):
                said = self.refused(do, whom=wrong, text=wrong, seconds=5, why=wrong)
                self.assertRegex(said, r"^what the request says as (whom|text|why) is not UTF-8$")
        self.assertEqual(
            self.refused("ban", whom="Beto", seconds=5, why="\ud800"),
            "what the request says as why is not UTF-8",
        )
        self.assertEqual(self.refused("\ud800"), "what the request says as do is not UTF-8")

    def test_letters_are_readable_without_granja_admin(self) -> None:
        """An answer says them as they are."""
        self.console.dataReceived('{"do": "kick", "whom": "Zoé"}\n'.encode())
        self.assertIn("Zoé".encode(), self.wire.value())

    def test_a_line_without_end(self) -> None:
        self.console.dataReceived(b"x" * (MOST + 1))
        self.assertTrue(self.wire.disconnecting)
