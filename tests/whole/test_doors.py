"""One too many at a real server: what they hear, and that they hold nothing."""

from __future__ import annotations

import socket
import ssl
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.certificates import make
from tests.support.ports import free_port
from tests.support.server import PATIENCE, Line, Server

ASKED = "[SERVER] Ingresa tu nombre:"
NETWORK_FULL = "[SERVER] Hay demasiadas conexiones desde tu red; inténtalo más tarde."
FARM_FULL = "[SERVER] La granja está llena; inténtalo más tarde."

#: Descriptors of the process in these tests, and connections that it may have then.
DESCRIPTORS, MOST = 128, 64
FEW = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS},) * 2); "


def is_cut(wire: socket.socket) -> bool:
    """Whether the server ends a connection within a few seconds when the client never does."""
    wire.settimeout(PATIENCE)
    deadline = time.monotonic() + 10
    try:
        while wire.recv(4096):
            pass
        while time.monotonic() < deadline:
            wire.send(b"\n")
            time.sleep(0.05)  # Between two looks: a connection that is cut refuses what is sent.
    except OSError:
        return True
    return False


class Doors(SynchronousTestCase):
    def setUp(self) -> None:
        self.proxied = free_port()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def dial(self, port: int) -> socket.socket:
        wire = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.addCleanup(wire.close)
        return wire

    def from_elsewhere(self, address: str, said: bytes = b"") -> Line:
        """Somebody of another network, and what they send before they hear anything."""
        wire = self.dial(self.proxied)
        wire.sendall(f"PROXY TCP4 {address} 10.0.0.1 4711 5555\r\n".encode() + said)
        return Line(wire)

    def let_in_at_last(self, dial: Callable[[], Line], refusal: str) -> Line:
        """Somebody who dials again and again is asked, for others have left.

        The server may read the newcomer before the ends of those who left: another farmer's reply
        does not tell that it has seen them, and only the door itself does.
        """
        deadline = time.monotonic() + PATIENCE
        while (heard := (line := dial()).hears()) == refusal:
            self.assertLess(time.monotonic(), deadline, "those who left still take up room")
        self.assertEqual(heard, ASKED)
        return line

    def test_one_too_many_of_a_network(self) -> None:
        """It hears why, whatever it has sent, and it is cut if it does not go by itself."""
        doors = ("--listen", f"haproxy:tcp:{self.proxied}:interface=127.0.0.1")
        with Server(*doors, "--max-per-network", "2") as server:
            two = [self.from_elsewhere("203.0.113.9") for _ in range(2)]
            self.assertEqual([one.hears() for one in two], [ASKED] * 2)
            third = self.from_elsewhere("203.0.113.9", b"Ana\r\n" * 2000)
            self.assertEqual(third.hears_to_the_end(), [NETWORK_FULL])
            self.assertTrue(is_cut(third.socket))
            self.assertEqual(self.from_elsewhere("203.0.113.10").hears(), ASKED)
            self.assertEqual(Line(self.dial(server.port)).hears(), ASKED)
            two[0].close()
            self.let_in_at_last(lambda: self.from_elsewhere("203.0.113.9"), NETWORK_FULL)
            server.stop()
            log = server.read_log()
        self.assertIn("Turned away a connection from 203.0.113.9: network-full", log)
        self.assertNotIn("Traceback", log)

    def test_in_all_by_tls_too(self) -> None:
        """The limit is the descriptors minus 64, for loopback too.  The chat goes on, and room
        returns."""
        pair = make("localhost").put(self.folder / "both.pem")
        port = free_port()
        listen = f"ssl:{port}:interface=127.0.0.1:privateKey={pair}"
        context = ssl.create_default_context(cafile=str(pair))
        with Server("--listen", listen, "--rate", "off", prelude=FEW) as server:

            def dial() -> Line:
                return Line(self.dial(server.port))

            # The connection that found out whether it listens may take up room for a moment.
            ana, *crowd = (self.let_in_at_last(dial, FARM_FULL) for _ in range(MOST))
            ana.arrives("Ana")
            self.assertEqual(dial().hears_to_the_end(), [FARM_FULL])
            wire = self.dial(port)
            with context.wrap_socket(wire, server_hostname="localhost") as secure:
                self.assertEqual(Line(secure).hears_to_the_end(), [FARM_FULL])
            flood = [dial() for _ in range(200)]
            self.assertTrue(all(is_cut(one.socket) for one in flood))
            ana.types(":u")
            ana.hears_until("Usuarios conectados: Ana")
            for one in crowd:
                one.close()
            self.let_in_at_last(dial, FARM_FULL)
            server.stop()
            log = server.read_log()
        self.assertIn("farm-full", log)
        self.assertNotIn("Traceback", log)
        self.assertNotIn("EMFILE", log)
