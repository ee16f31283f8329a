"""Peers that are gone without a word are noticed, by every door over TCP."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.protocol import ServerFactory
from twisted.trial.unittest import TestCase

from granja.reactor.sockets import prepare

reactor: Any = installed


class Sockets(TestCase):
    async def test_a_connection_inherits_what_its_port_was_given(self) -> None:
        """PROTOCOL §6: within 90 s.  A telnet's urgent byte stays in the stream (§1)."""
        port = reactor.listenTCP(0, ServerFactory(), interface="127.0.0.1")
        port.stopReading()  # The test takes the connection itself.
        prepare(port)
        with socket.create_connection(("127.0.0.1", port.getHost().port)):
            port.socket.setblocking(True)
            accepted, _ = port.socket.accept()
            with accepted:
                option = accepted.getsockopt
                self.assertEqual(option(socket.SOL_SOCKET, socket.SO_OOBINLINE), 1)
                self.assertEqual(option(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 1)
                silence = option(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
                probes = option(socket.IPPROTO_TCP, socket.TCP_KEEPCNT)
                silence += probes * option(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
                self.assertLessEqual(silence, 90)
                unanswered = option(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                self.assertEqual(unanswered, 1000 * silence)
        await port.stopListening()

    def test_a_unix_socket_is_left_alone(self) -> None:
        """It has no such options, and its peer cannot vanish."""
        port = reactor.listenUNIX(self.mktemp(), ServerFactory())
        self.addCleanup(port.stopListening)
        prepare(port)
        self.assertEqual(port.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 0)
