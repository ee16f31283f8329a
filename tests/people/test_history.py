"""``:historial``: what was said before (PROTOCOL §3)."""

from __future__ import annotations

import os
import time
from datetime import datetime

from twisted.trial.unittest import SynchronousTestCase

from granja.people.moments import stamp, until
from granja.settings import Settings
from tests.support.farm import DAWN, Farm


class Moments(SynchronousTestCase):
    def setUp(self) -> None:
        before = os.environ["TZ"]
        self.addCleanup(time.tzset)
        self.addCleanup(os.environ.__setitem__, "TZ", before)
        os.environ["TZ"] = "America/Santiago"
        time.tzset()

    def test_the_hour_and_of_another_day_the_day(self) -> None:
        """Midnight is that of the server's time zone, not that of Greenwich."""
        evening = datetime(2026, 11, 26, 23, 59).timestamp()
        self.assertEqual(stamp(evening, evening + 30), "23:59")
        self.assertEqual(stamp(evening, evening + 90), "26/11 23:59")
        self.assertEqual(stamp(evening + 90, evening + 90), "00:00")

    def test_the_end_of_something(self) -> None:
        """The day where it is another, and the year where that is another."""
        now = datetime(2026, 11, 27, 14, 0).timestamp()
        for end, said in (
            (datetime(2026, 11, 27, 14, 35), "14:35"),
            (datetime(2026, 12, 3, 14, 35), "14:35 del 3/12"),
            (datetime(2027, 12, 3, 4, 5), "04:05 del 3/12/2027"),
        ):
            self.assertEqual(until(end.timestamp(), now), said)


class ShowingHistory(SynchronousTestCase):
    def setUp(self) -> None:
        self.farm = Farm(Settings(rate=None, history=120))
        self.ana = self.farm.arrives("Ana")
        self.now = stamp(DAWN, DAWN)

    def test_nothing_was_said(self) -> None:
        """Arrivals are not talk."""
        self.farm.arrives("Beto")
        self.ana.types(":historial")
        self.assertEqual(self.ana.hears(), ["[SERVER] Todavía no se dijo nada."])

    def test_what_was_said_to_everybody(self) -> None:
        """It holds a farmer's own lines, emoticons and deeds.  It holds no whispers, and no server
        lines."""
        beto = self.farm.arrives("Beto")
        self.ana.types("¿hola?")
        self.ana.types(":historial")
        heading = ["[SERVER] La última línea:", f"[{self.now}] Ana: ¿hola?"]
        self.assertEqual(self.ana.hears(), heading)
        beto.types(":smile", ":yo baila", ":p Ana secreto")
        self.ana.hears()
        self.ana.types(":historial")
        self.assertEqual(
            self.ana.hears(),
            [
                "[SERVER] Las últimas 3 líneas:",
                f"[{self.now}] Ana: ¿hola?",
                f"[{self.now}] Beto: :)",
                f"[{self.now}] * Beto baila",
            ],
        )
        self.ana.types(":historial 1")
        self.assertEqual(self.ana.hears()[1:], [f"[{self.now}] * Beto baila"])

    def test_twenty_and_never_more_than_a_hundred(self) -> None:
        self.ana.sends(b"".join(b"%d\n" % number for number in range(110)))
        for typed, first, count in ((":historial", 90, 20), (":historial 999", 10, 100)):
            self.ana.types(typed)
            head, *lines = self.ana.hears()
            self.assertEqual(head, f"[SERVER] Las últimas {count} líneas:")
            self.assertEqual((lines[0], len(lines)), (f"[{self.now}] Ana: {first}", count))

    def test_a_farm_that_keeps_nothing(self) -> None:
        farm = Farm(Settings(rate=None, history=0))
        ana = farm.arrives("Ana")
        ana.types("hola", ":historial")
        self.assertEqual(ana.hears(), ["[SERVER] Esta granja no guarda lo que se dice."])
