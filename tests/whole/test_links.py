"""The wire that tests break (``tests/support/links.py``) does what it says."""

from __future__ import annotations

import contextlib
import socket
from threading import Condition, Thread

from twisted.trial.unittest import SynchronousTestCase

from tests.support.links import Wire, hang_up

#: Seconds in which nothing must come, and in which something must.
MOMENT, PATIENCE = 0.05, 10.0


class Echo:
    """A server that repeats what it hears.  ``heard`` holds all of it."""

    def __init__(self) -> None:
        self.heard = b""
        self._hearing = Condition()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := line.recv(1024):
                with self._hearing:
                    self.heard += data
                    self._hearing.notify_all()
                line.sendall(data)
        hang_up(line)

    def hears(self, data: bytes) -> bool:
        """Whether that arrives."""
        with self._hearing:
            return self._hearing.wait_for(lambda: data in self.heard, PATIENCE)

    def close(self) -> None:
        hang_up(self._door)


class WireTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.echo = Echo()
        self.addCleanup(self.echo.close)
        self.wire = Wire(self.echo.port)
        self.addCleanup(self.wire.close)
        self.line = self.dial()
        self.says(b"one")

    def dial(self) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self.wire.port), PATIENCE)
        self.addCleanup(line.close)
        return line

    def says(self, data: bytes, answer: bytes | None = None) -> None:
        """It is answered."""
        self.line.sendall(data)
        self.hears(data if answer is None else answer)

    def hears(self, wanted: bytes) -> None:
        self.line.settimeout(PATIENCE)
        heard = b""
        while len(heard) < len(wanted):
            more = self.line.recv(1024)
            self.assertTrue(more, heard)
            heard += more
        self.assertEqual(heard, wanted)

    def hears_nothing(self) -> None:
        self.line.settimeout(MOMENT)
        with self.assertRaises(TimeoutError):
            self.line.recv(1)

    def is_cut(self) -> None:
        self.line.settimeout(PATIENCE)
        with contextlib.suppress(ConnectionError):
            self.assertEqual(self.line.recv(1024), b"")

    def test_a_stall_loses_nothing(self) -> None:
        """New connections wait too, and nobody learns that one end hangs up."""
        self.wire.stall()
        self.line.sendall(b"two")
        self.hears_nothing()
        self.assertEqual(self.echo.heard, b"one")
        first, self.line = self.line, self.dial()
        self.line.sendall(b"three")
        self.hears_nothing()
        self.wire.flow()
        self.hears(b"three")
        self.line = first
        self.hears(b"two")

    def test_a_cut_ends_both_ends_and_another_call_goes_through(self) -> None:
        self.wire.cut()
        self.is_cut()
        self.line = self.dial()
        self.says(b"again")

    def test_a_closed_wire_sends_away_whoever_comes(self) -> None:
        self.wire.closed = True
        self.line = self.dial()
        self.is_cut()
        self.wire.mend()
        self.line = self.dial()
        self.says(b"again")

    def test_what_comes_from_the_server_is_lost(self) -> None:
        """The server has heard it.  The connection is cut before the wire works again."""
        self.wire.swallowing = True
        self.line.sendall(b"two")
        self.assertTrue(self.echo.hears(b"onetwo"))
        self.hears_nothing()
        self.wire.mend()
        self.is_cut()

    def test_what_goes_to_the_server_is_lost(self) -> None:
        self.wire.deaf = True
        self.line.sendall(b"two")
        self.hears_nothing()
        self.assertEqual(self.echo.heard, b"one")
        self.wire.mend()
        self.is_cut()
        self.assertEqual(self.echo.heard, b"one")

    def test_what_is_held_may_arrive_when_nobody_waits_for_it(self) -> None:
        self.wire.holding = True
        self.line.sendall(b"two")
        self.hears_nothing()
        (link,) = self.wire.cut_near()
        self.is_cut()
        link.deliver()
        self.assertTrue(self.echo.hears(b"onetwo"))

    def test_a_server_that_is_not_there_and_comes(self) -> None:
        """The wire outlives it."""
        self.echo.close()
        self.line = self.dial()
        self.is_cut()
        again = socket.create_server(("127.0.0.1", self.echo.port))
        self.addCleanup(again.close)
        self.line = self.dial()
        far, _ = again.accept()
        self.addCleanup(far.close)
        self.line.sendall(b"two")
        self.assertEqual(far.recv(3), b"two")
