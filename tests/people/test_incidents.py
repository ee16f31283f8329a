"""What the record says about names and addresses.  Nobody can forge it."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, globalLogPublisher, textFileLogObserver
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from granja.people.incidents import PERIOD, SENTENCES, Incidents
from tests.support.farm import Farm, Person
from tests.support.village import PASSWORD, Village

FIELDS = ("event", "farmer", "address", "port", "times")
#: What fail2ban takes away.
_DATE = re.compile(r"(?<!\S)\d{4}-\S+[+]\d{4}")
OPERATING = Path(__file__).parents[2] / "docs" / "operating.md"


class Peer:
    def __init__(self, address: str = "203.0.113.5", port: int = 4711) -> None:
        self.address = address
        self.port = port


class LogCase(SynchronousTestCase):
    """Reads the log, as fields and as the lines of ``twistd.log``."""

    def setUp(self) -> None:
        self.events = self.enterContext(capturedLogs())
        self._text = io.StringIO()
        observer: Any = textFileLogObserver(self._text)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    @property
    def lines(self) -> list[str]:
        return self._text.getvalue().splitlines()

    @property
    def incidents(self) -> list[dict[str, Any]]:
        found = [event for event in self.events if event.get("event") in SENTENCES]
        return [{key: event[key] for key in FIELDS} for event in found]


class IncidentTests(LogCase):
    """One line a second is enough."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.log = Incidents(self.clock)

    def test_who_comes_alone_is_on_record_at_once(self) -> None:
        self.log.note("login_failed", Peer(), "Ana")
        wanted = {"event": "login_failed", "farmer": "Ana", "address": "203.0.113.5"}
        self.assertEqual(self.incidents, [{**wanted, "port": 4711, "times": 1}])
        self.assertTrue(
            self.lines[0].endswith(
                " [granja.people.incidents.Incidents#warn] "
                "Wrong password from 203.0.113.5 port 4711 for Ana."
            ),
            self.lines,
        )

    def test_of_many_at_once_the_last_stands_for_all(self) -> None:
        for port in range(10):
            self.log.note("login_failed", Peer(port=port), "Ana")
        self.log.note("login_failed", Peer("203.0.113.6"), "Ana")
        self.log.note("timed_out", Peer())
        self.assertEqual(len(self.incidents), 3)
        self.clock.advance(PERIOD)
        self.assertEqual([(i["port"], i["times"]) for i in self.incidents[3:]], [(9, 9)])
        self.assertTrue(self.lines[3].endswith("port 9 for Ana (the last of 9)."), self.lines)
        self.log.note("login_failed", Peer(), "Ana")
        self.assertEqual(len(self.incidents), 4, "a second has not passed since")
        self.clock.pump([PERIOD] * 3)
        self.assertEqual(len(self.incidents), 5)
        self.assertEqual(self.clock.getDelayedCalls(), [], "nothing is kept of who is quiet")

    def test_the_end_of_the_server_writes_what_has_gathered(self) -> None:
        for _ in range(3):
            self.log.note("timed_out", Peer())
        self.log.finish()
        self.assertEqual([i["times"] for i in self.incidents], [1, 2])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_name_is_no_line(self) -> None:
        self.log.note("registered", Peer(), "Ana\n2026-11-27T15:48:45+0000 [x] Beto\x1b[2J")
        self.assertEqual(len(self.lines), 1)
        self.assertNotIn("\x1b", self.lines[0])


class FarmTests(LogCase):
    """Which deed causes which event."""

    def setUp(self) -> None:
        super().setUp()
        self.farm = Farm()

    def registered(self) -> Person:
        ana = self.farm.arrives("Ana", address="203.0.113.5")
        ana.types(":registrar girasoles al sol")
        return ana

    def test_a_registration_and_a_change_of_password(self) -> None:
        ana = self.registered()
        ana.types(":clave margaritas", ":clave x")
        self.assertEqual(
            [(i["event"], i["farmer"], i["address"], i["port"]) for i in self.incidents],
            [(event, "Ana", "203.0.113.5", 54321) for event in ("registered", "password_changed")],
        )

    def test_what_is_refused_is_no_event(self) -> None:
        ana = self.farm.arrives("Ana")
        ana.types(":registrar x", ":clave girasoles")
        self.assertEqual(self.incidents, [])

    def test_wrong_passwords_and_a_takeover(self) -> None:
        self.registered()
        thief = self.farm.person("Ana", "198.51.100.7")
        thief.types("ana", "girasoles")
        self.farm.pass_time(2 * PERIOD)
        thief.types("tulipanes", "girasoles al sol")
        self.assertEqual(
            [(i["event"], i["farmer"], i["address"]) for i in self.incidents[1:]],
            [
                ("login_failed", "Ana", "198.51.100.7"),
                ("login_failed", "Ana", "198.51.100.7"),
                ("taken_over", "Ana", "198.51.100.7"),
            ],
        )
        for line in self.lines:
            for word in ("girasoles", "tulipanes"):
                self.assertNotIn(word, line)

    def test_a_takeover_at_another_node(self) -> None:
        """The node where they come in reports it, with their new address."""
        village = Village(2, registered=("Ana",))
        for farm, address in zip(village.farms, ("203.0.113.5", "198.51.100.7"), strict=True):
            farm.person("Ana", address).types("Ana", PASSWORD)
            village.settle()
        self.assertEqual(
            [(i["event"], i["farmer"], i["address"]) for i in self.incidents[1:]],
            [("taken_over", "Ana", "198.51.100.7")],
        )

    def test_a_new_password_after_one_from_the_operator(self) -> None:
        self.registered()
        ana = self.farm.factory.roster.find("Ana")
        assert ana is not None
        given, _ = self.successResultOf(self.farm.factory.registration.one_use.give(ana.id))
        person = self.farm.person("Ana", "198.51.100.7")
        person.types("Ana", given, "espantapájaros")
        self.assertIn(
            ("password_changed", "Ana", "198.51.100.7"),
            [(i["event"], i["farmer"], i["address"]) for i in self.incidents],
        )

    def test_a_pass_that_is_none(self) -> None:
        """It does not count as a guess: every client tries one after a long absence."""
        self.farm.person(address="198.51.100.7").types(":volver " + "0" * 32)
        (event,) = self.incidents
        self.assertEqual((event["event"], event["address"]), ("pass_refused", "198.51.100.7"))
        self.assertNotIn("0" * 32, self.lines[-1])

    def test_who_is_too_slow_to_arrive(self) -> None:
        self.farm.person(address="198.51.100.7")
        self.farm.pass_time(61)
        (event,) = self.incidents
        self.assertEqual((event["event"], event["address"]), ("timed_out", "198.51.100.7"))


class Fail2BanTests(LogCase):
    """The filter in docs/operating.md, with the real program where there is one."""

    def test_it_finds_those_who_guess_and_nobody_else(self) -> None:
        program = shutil.which("fail2ban-regex")
        if program is None:
            raise SkipTest("there is no fail2ban here")
        with tempfile.TemporaryDirectory() as folder:
            log, filter = Path(folder) / "twistd.log", Path(folder) / "granja.conf"
            filter.write_text(self.filter())
            log.write_text("\n".join([*self.guesses(), *self.forgeries()]) + "\n")
            done = subprocess.run(
                [program, "--out", "ip", str(log), str(filter)],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        found = done.stdout.split()
        self.assertEqual(found, ["203.0.113.5", "2001:db8::5", "203.0.113.5"], done)

    def test_its_pattern(self) -> None:
        """The same without the program, which takes the date away first."""
        (found,) = re.findall(r"^failregex = (.*)$", self.filter(), re.MULTILINE)
        pattern = re.compile(found.replace("<ADDR>", r"(?P<addr>[0-9a-f.:]+)"))

        def address(line: str) -> str | None:
            match = pattern.search(
                line[15:] if line[0] == "N" else re.sub(_DATE, "", line, count=1)
            )
            return match["addr"] if match else None

        guesses = [address(line) for line in self.guesses()]
        self.assertEqual(guesses, ["203.0.113.5", "2001:db8::5", "203.0.113.5"])
        self.assertEqual({address(line) for line in self.forgeries()}, {None})

    def filter(self) -> str:
        blocks = re.findall(r"```ini\n(.*?)```", OPERATING.read_text(), re.DOTALL)
        (found,) = (block for block in blocks if block.startswith("[Definition]"))
        return str(found)

    def guesses(self) -> list[str]:
        clock = Clock()
        log = Incidents(clock)
        for address in ("203.0.113.5", "2001:db8::5"):
            log.note("login_failed", Peer(address), "Ana")
        lines, journal = list(self.lines), "Nov 27 15:48:45 host twistd[123]: "
        return [*lines, journal + lines[0]]

    def forgeries(self) -> list[str]:
        """Names, and what else a stranger may bring into the log."""
        known = len(self.lines)
        guess = "Wrong password from 192.0.2.1 port 1 for x"
        inside = f"[granja.people.incidents.Incidents#warn] {guess}"
        farm = Farm()
        for name in (
            guess,
            inside,
            f"h p[1]: x {inside}",
            f"Ana\n2026-11-27T15:48:45+0000 {inside}",
        ):
            farm.factory.journal.arrived(name, Peer())
            farm.factory.incidents.note("registered", Peer(), name)
            farm.factory.complaints.note(name)
            farm.factory.log.info("{name}", name=name)
            farm.pass_time(2)
        return self.lines[known:]
