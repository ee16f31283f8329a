"""A busy quarter of a minute: nobody at the page is thrown out of the farm."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from threading import Thread

from tests.whole.browser.test_page import PageCase

PEOPLE, LINES, SECONDS, OFFERS = 300, 5000, 15, 40

#: How many times slower the page's processor is than this machine: like a cheap phone's.
SLOWER = 4

#: Milliseconds that it may take to catch up afterwards: a few seconds on an idle machine.
MOST_LATE = 60_000
CARDS = "count => document.querySelectorAll('.offer-card').length === count"


class Busy(PageCase):
    options = ("--rate", "off", "--max-offers", str(OFFERS))

    def test_a_crowd_throws_a_slow_page_out_of_nothing(self) -> None:
        """Offers stand when it is over: they were made while the page was busy."""
        ana = self.arrives("Ana", "Ancla")
        crowd = [self.comes(f"Persona{n:03}") for n in range(PEOPLE)]
        processor = ana.page.context.new_cdp_session(ana.page)
        processor.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        began = time.monotonic()
        for n in range(LINES):
            if n % (LINES // OFFERS) == 0:
                crowd[n * OFFERS // LINES](":offer Ana 13 21")
            crowd[n % PEOPLE](f"línea {n}: ¿alguien cambia un ancla?")
            while time.monotonic() - began < n * SECONDS / LINES:
                ana.page.wait_for_timeout(10)
        processor.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        last = ana.log.get_by_text(f"línea {LINES - 1}: ¿alguien cambia un ancla?", exact=True)
        last.wait_for(timeout=MOST_LATE)
        ana.page.wait_for_function(CARDS, arg=OFFERS, timeout=MOST_LATE)
        self.assertEqual(ana.page.locator(".person").count(), PEOPLE + 1)
        self.assertFalse(ana.page.locator("#banner").is_visible())
        self.assertEqual(ana.complaints, [])

    def comes(self, name: str) -> Callable[[str], None]:
        """Somebody on a plain connection who reads everything.  Returns a function that makes them
        talk."""
        line = socket.create_connection(("127.0.0.1", self.server.port))
        self.addCleanup(line.close)
        Thread(target=read_all, args=(line,), daemon=True).start()

        def say(text: str) -> None:
            line.sendall(f"{text}\n".encode())

        for answer in (name, "13", "si"):
            say(answer)
        return say


def read_all(line: socket.socket) -> None:
    try:
        while line.recv(1 << 16):
            pass
    except OSError:
        pass  # It was closed at this end.
