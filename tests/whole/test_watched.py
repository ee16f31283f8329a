"""``--metrics`` at a real server: what machines that watch it read."""

from __future__ import annotations

import signal
from threading import Timer
from urllib.error import HTTPError
from urllib.request import urlopen

from twisted.trial.unittest import SynchronousTestCase

from tests.support.ports import free_port
from tests.support.server import Server


class Watched(SynchronousTestCase):
    def setUp(self) -> None:
        self.watched = free_port()
        endpoint = f"tcp:{self.watched}:interface=127.0.0.1"
        self.server = Server("--metrics", endpoint, ledger="sqlite:granja.db")

    def asks(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{self.watched}/{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def test_what_they_read(self) -> None:
        """A farmer is counted.  The server answers at its own door, and the log does not show
        that."""
        with self.server as server:
            farmer = server.dial()
            self.addCleanup(farmer.close)
            farmer.hears()  # It is let in: the server may read the question below before it.
            status, page = self.asks("metrics")
            self.assertEqual(status, 200)
            self.assertIn("granja_connections 1.0\n", page)
            self.assertIn('granja_info{version="', page)
            self.assertEqual(self.asks("livez"), (200, "ok\n"))
            self.assertEqual(self.asks("readyz"), (200, "ok\n"))
            self.assertEqual(self.asks("metrics?")[0], 200)
            self.assertEqual(self.asks("")[0], 404)
            server.stop()
            self.assertNotIn("livez", server.read_log())

    def test_a_server_that_does_not_move_is_not_alive(self) -> None:
        """While the process stands still, questions get no answer.  After it, they get the
        truth."""
        with self.server as server:
            assert server.process is not None
            server.process.send_signal(signal.SIGSTOP)
            timer = Timer(0.5, server.process.send_signal, [signal.SIGCONT])
            timer.start()
            self.addCleanup(timer.join)
            self.assertEqual(self.asks("livez"), (200, "ok\n"))
