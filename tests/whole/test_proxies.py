"""``haproxy:`` endpoints of a real server: the client behind it, and all promises of a plain
one."""

from __future__ import annotations

import socket
import ssl
import struct

from twisted.trial.unittest import SynchronousTestCase

from tests.support.certificates import make
from tests.support.folders import folder_for
from tests.support.ports import free_port
from tests.support.server import PATIENCE, Line, Server

LINES = b"Ana\n6\nsi\n:artefacto 22\n:u\n"
LAST = "[SERVER] Usuarios conectados: Ana"
HEADER = b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 5555\r\n"
BINARY = (
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11"
    + struct.pack("!H", 16)
    + bytes((203, 0, 113, 8, 10, 0, 0, 1, 0, 1, 0, 2))
    + b"\x04\0\x01x"
)


class BehindAProxy(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = folder_for(self)
        self.port = free_port()

    def server(self, *options: str) -> Server:
        return Server("--rate", "20/3", *options)

    def dial(self) -> socket.socket:
        wire = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.addCleanup(wire.close)
        return wire

    def says(self, *segments: bytes) -> list[str]:
        """Send, end the input, and hear everything."""
        wire = self.dial()
        for segment in segments:
            wire.sendall(segment)
        wire.shutdown(socket.SHUT_WR)
        return Line(wire).hears_to_the_end()

    def log_of(self, server: Server) -> str:
        """All of it, after an orderly end."""
        server.stop()
        log = server.read_log()
        self.assertNotIn("Traceback", log)
        return log

    def test_everybody_has_their_own_address_and_hears_all_replies(self) -> None:
        cut = [bytes((byte,)) for byte in BINARY]
        with self.server("--listen", f"haproxy:tcp:{self.port}:interface=127.0.0.1") as server:
            for segments in ((HEADER + LINES,), (*cut, LINES), (b"PROXY UNKNOWN\r\n", LINES)):
                self.assertEqual(self.says(*segments)[-1], LAST)
            self.assertEqual(self.says(b"Ana\r\n"), [])
            log = self.log_of(server)
        for address in ("203.0.113.9", "203.0.113.8", "127.0.0.1"):
            self.assertIn(f"Ana arrived from {address}", log)
        self.assertIn("127.0.0.1: it does not begin with a PROXY header", log)

    def test_a_proxy_that_is_not_named_is_not_believed(self) -> None:
        listen = f"haproxy:tcp:{self.port}:interface=127.0.0.1"
        with self.server("--listen", listen, "--proxy", "10.0.0.0/8", "--proxy", "unix") as server:
            self.assertEqual(self.says(HEADER + LINES), [])
            self.assertIn("127.0.0.1: it is none of the proxies", self.log_of(server))

    def test_before_tls(self) -> None:
        pair = make("localhost").put(self.folder / "both.pem")
        listen = f"haproxy:ssl:{self.port}:interface=127.0.0.1:privateKey={pair}"
        context = ssl.create_default_context(cafile=str(pair))
        with self.server("--listen", listen) as server:
            wire = self.dial()
            wire.sendall(HEADER)
            with context.wrap_socket(wire, server_hostname="localhost") as secure:
                Line(secure).arrives("Ana")
            self.assertIn("Ana arrived from 203.0.113.9", self.log_of(server))

    def test_at_unix_sockets(self) -> None:
        plain, proxied = self.folder / "plain", self.folder / "proxied"
        doors = ("--listen", f"unix:{plain}", "--listen", f"haproxy:unix:{proxied}")
        with self.server(*doors) as server:
            for path, header, name in ((plain, b"", "Ana"), (proxied, HEADER, "Beto")):
                wire = socket.socket(socket.AF_UNIX)
                self.addCleanup(wire.close)
                wire.settimeout(PATIENCE)
                wire.connect(str(path))
                wire.sendall(header)
                Line(wire).arrives(name)
            log = self.log_of(server)
        self.assertIn("Ana arrived from unix", log)
        self.assertIn("Beto arrived from 203.0.113.9", log)
