"""A port that a test has chosen is still free when its server asks for it."""

from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from tests.support.ports import free_port


class FreePorts(SynchronousTestCase):
    def test_nobody_else_gets_it(self) -> None:
        """Nobody calls from it either: a call to a port that nobody listens at could come from
        that port, and would then reach itself."""
        port = free_port()
        with socket.socket() as other, self.assertRaises(OSError):
            other.bind(("127.0.0.1", port))
        with socket.socket() as caller, self.assertRaises(ConnectionRefusedError):
            caller.connect(("127.0.0.1", port))

    def test_a_server_listens_there(self) -> None:
        port = free_port()
        with (
            socket.create_server(("127.0.0.1", port)) as server,
            socket.create_connection(("127.0.0.1", port)),
        ):
            server.accept()[0].close()
