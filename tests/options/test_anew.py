"""Which options may change while the server runs, and what happens then."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.errors import ConfigurationError
from granja.moderation.sanctions import network_named
from granja.operations.rereading import Rereading
from granja.options.anew import Standing
from granja.options.table import FIXED, LISTS, ROWS, Table
from tests.support.farm import Farm
from tests.support.folders import folder_for

RESERVED = "Nombre no válido: está reservado."


class AnewCase(SynchronousTestCase):
    """A file is read, and a farm follows it."""

    def setUp(self) -> None:
        self.folder = folder_for(self)
        self.file = self.folder / "granja.toml"

    def tearDown(self) -> None:
        self.flushLoggedErrors()

    def begins(self, text: str, *flags: str) -> None:
        self.file.write_text(text, "utf-8")
        options = Table(str(self.folder))
        options.parseOptions(["--config", "granja.toml", *flags])
        self.farm = Farm(options.settings())
        self.rereading = Rereading(Standing(options, str(self.folder)), [])

    def becomes(self, text: str) -> list[str]:
        self.file.write_text(text, "utf-8")
        return self.rereading.reread(self.farm.factory)

    def refused(self, text: str) -> str:
        return str(self.assertRaises(ConfigurationError, self.becomes, text))


class Following(AnewCase):
    def test_nothing(self) -> None:
        self.begins("history = 5", "--rate", "off")
        self.assertEqual(self.becomes("history = 5"), [])

    def test_every_change_is_said(self) -> None:
        """Once: the next time they are what stands."""
        self.begins('rate = "off"\nmoderator = ["Marta"]')
        text = 'rate = "2/3"\nhistory = 9\nreserved-name = ["feria", "museo"]'
        said = [
            *("moderator: none (was Marta)", "reserved-name: feria, museo (was none)"),
            *("rate: 2/3 (was off)", "history: 9 (was 200)"),
        ]
        self.assertEqual(self.becomes(text), said)
        self.assertEqual(self.becomes(text), [])

    def test_a_flag_still_wins(self) -> None:
        self.begins("history = 5", "--history", "7")
        self.assertEqual(self.becomes("history = 6"), [])
        self.assertEqual(self.farm.factory.settings.history, 7)

    def test_what_cannot_change(self) -> None:
        """Then nothing changes.  The log does not show the values."""
        self.begins('rate = "off"')
        why = self.refused('rate = "1/1"\nlisten = ["tcp:1"]\nledger = "sqlite:secret.db"')
        self.assertEqual(why, "listen and ledger cannot change while the server runs")
        self.assertEqual(self.farm.factory.settings.rate, None)
        self.assertEqual(self.refused('web = "tcp:1"'), "web cannot change while the server runs")

    def test_each_option_can_change_or_cannot(self) -> None:
        others = {
            "artifacts": '"other.json"', "ledger": '"memory:"', "declarations": '"once"',
            "node": '"sur"', "bus": '"nats://bus"', "proxy": '["10.0.0.0/8"]',
            "rate": '"1/1"', "admin": '"off"', "motd": '"motd.txt"',
            "trusted-network": '["10.0.0.0/8"]', "web-origin": '["https://granja.example"]',
            "log-format": '"json"',
            "log-level": '"warn"', "moderator": '["Zoe"]', "reserved-name": '["x"]',
            "web-host": '["granja.example"]',
        }  # fmt: skip
        (self.folder / "motd.txt").write_text("Hola\n")
        (self.folder / "other.json").write_text('{"1": "Nabo"}')
        for name in [*LISTS, *(row[0] for row in ROWS)]:
            self.begins("")
            text = f"{name} = {others.get(name, '[]' if name in LISTS else '99')}"
            if name in ("listen", "web", "metrics"):
                text = f'{name} = ["tcp:1"]'
            if name in FIXED:
                self.assertEqual(self.refused(text), f"{name} cannot change while the server runs")
            else:
                self.assertEqual(len(self.becomes(text)), 1, name)

    def test_a_wrong_file_changes_nothing(self) -> None:
        self.begins("history = 5")
        self.assertIn("granja.toml is not TOML", self.refused("="))
        self.assertIn("there is no option 'x'", self.refused("x = 1\nhistory = 6"))
        self.file.unlink()
        why = self.assertRaises(ConfigurationError, self.rereading.reread, self.farm.factory)
        self.assertIn("cannot read", str(why))
        self.assertEqual(self.farm.factory.settings.history, 5)

    def test_a_file_from_a_pipe_stands(self) -> None:
        """It cannot be read a second time, and nobody waits for it."""
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        os.write(writing, b"history = 5")
        os.close(writing)
        options = Table()
        options.parseOptions(["--config", f"/dev/fd/{reading}"])
        anew = Standing(options, str(self.folder)).read()
        self.assertEqual((anew.settings.history, anew.changed), (5, []))


class Inside(AnewCase):
    """A change reaches people inside too."""

    def test_the_rate(self) -> None:
        self.begins('rate = "off"')
        ana, beto = self.farm.arrives("Ana"), self.farm.arrives("Beto")
        self.becomes('rate = "1/2"')
        ana.hears()
        beto.types("uno", "dos", "tres")
        self.assertEqual(ana.hears(), ["Beto: uno", "Beto: dos"])
        self.becomes('rate = "off"')
        self.farm.clock.advance(1)
        beto.types("cuatro", "cinco")
        self.assertEqual(ana.hears(), ["Beto: tres", "Beto: cuatro", "Beto: cinco"])

    def test_limits(self) -> None:
        self.begins('rate = "off"')
        ana, _ = self.farm.arrives("Ana", "6"), self.farm.arrives("Beto", "12")
        ana.hears()
        self.becomes('rate = "off"\nmax-offers = 1\nmax-artifacts = 2')
        ana.types(":offer Beto 6 12", ":offer Beto 6 13")
        self.assertIn("(1)", ana.hears()[-1])
        gus = self.farm.person()
        gus.types("Gus", "1, 2, 3")
        self.assertTrue(any("2 artefactos" in line or " 2" in line for line in gus.hears()))

    def test_the_line(self) -> None:
        """People inside keep the limit that their browser knows, and read it in refusals."""
        self.begins('rate = "off"')
        ana = self.farm.arrives("Ana")
        self.becomes('rate = "off"\nmax-line = 64')
        gus = self.farm.arrives("Gus")
        ana.hears()
        ana.types("a" * 100, "a" * 5000)
        self.assertIn("máximo 4096 bytes", ana.hears()[-1])
        gus.hears()
        gus.types("a" * 100)
        self.assertIn("máximo 64 bytes", gus.hears()[-1])

    def test_connections_of_a_network(self) -> None:
        self.begins("")
        self.farm.person(address="203.0.113.7")
        self.becomes("max-per-network = 1")
        turned = self.farm.person(address="203.0.113.7")
        self.assertIn("Hay demasiadas conexiones desde tu red", turned.hears()[0])
        self.becomes('max-per-network = 1\ntrusted-network = "203.0.113.0/24"')
        self.assertIn("Ingresa tu nombre", self.farm.person(address="203.0.113.7").hears()[0])

    def test_moderators(self) -> None:
        self.begins('rate = "off"')
        marta = self.farm.arrives("Marta")
        marta.types(":registrar girasoles al sol", ":vetos")
        self.assertIn("Error", marta.hears()[-1])
        self.becomes('rate = "off"\nmoderator = ["Marta", "Zoe"]')
        marta.types(":vetos")
        self.assertEqual(marta.hears(), ["[SERVER] No hay vetos."])
        zoe = self.farm.person()
        zoe.types("Zoe")
        self.assertIn(RESERVED, zoe.hears()[-2])
        self.becomes('rate = "off"')
        marta.types(":vetos")
        self.assertIn("Error", marta.hears()[-1])

    def test_reserved_names(self) -> None:
        """Look-alikes, with digits or a sign after them, are reserved.  People inside and owners
        stay."""
        self.begins('rate = "off"')
        ana, beto = self.farm.arrives("Feria"), self.farm.arrives("Museo")
        ana.types(":registrar girasoles al sol")
        self.becomes('rate = "off"\nreserved-name = ["Feria", "museo"]')
        ana.hears()
        beto.types("hola", ":registrar girasoles al sol")
        self.assertEqual(beto.hears()[-1], f"[SERVER] {RESERVED}")
        self.assertEqual(ana.hears(), ["Museo: hola"])
        again = self.farm.person()
        for name in ("FERIA", "museo7", "Museo-del-mar", "Mu5eo"):
            again.types(name)
            said = again.hears()
            self.assertTrue(
                any(RESERVED in line for line in said) or "Contraseña" in said[-1]
                or "en uso" in said[-2], (name, said),
            )  # fmt: skip
            if "Contraseña" in said[-1]:
                again = self.farm.person()
        self.becomes('rate = "off"')
        again = self.farm.arrives("museo7")

    def test_proxies(self) -> None:
        """All parts share one object: what moderators may ban, and which proxies we believe."""
        self.begins("")
        factory = self.farm.factory
        network = network_named("203.0.113.0/24")
        assert network is not None
        proxies = factory.settings.proxies
        self.assertFalse(factory.order.bears_a_proxy(network))
        self.becomes('proxy = ["203.0.113.7"]')
        self.assertTrue(factory.order.bears_a_proxy(network))
        self.assertTrue(proxies.believes("203.0.113.7"))
        self.assertFalse(proxies.believes("127.0.0.1"))

    def test_the_message_of_the_day(self) -> None:
        (self.folder / "motd.txt").write_text("Hoy hay feria\n¡Vengan!\n")
        self.begins("")
        said = self.becomes('motd = "motd.txt"')
        self.assertEqual(said, ["the message of the day: 2 lines"])
        ana = self.farm.person()
        ana.types("Ana", "", "si")
        self.assertEqual(ana.hears()[-2:], ["[SERVER] Hoy hay feria", "[SERVER] ¡Vengan!"])

    def test_lingering_passes_and_history(self) -> None:
        self.begins("")
        self.becomes("linger = 7\nremember = 2\nhistory = 3\narrival-timeout = 5")
        presence = self.farm.factory.presence
        self.assertEqual(presence.lingering.seconds, 7.0)
        self.assertEqual(presence.passes.remember, 2 * 86400.0)
        self.assertEqual(self.farm.factory.board.history.most, 3)
        late = self.farm.person()
        self.farm.clock.advance(6)
        self.assertTrue(late.is_closed)

    def test_another_farm_keeps_its_own(self) -> None:
        other = Farm()
        before = other.factory.settings.copy()
        self.begins("")
        self.becomes('proxy = ["203.0.113.7"]\nhistory = 1')
        self.assertEqual(other.factory.settings, before)
