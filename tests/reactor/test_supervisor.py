"""What the server tells a supervisor, and whether there is one."""

from __future__ import annotations

import os
import socket

from twisted.trial.unittest import SynchronousTestCase

from granja.reactor.supervisor import Supervisor
from tests.support.folders import folder_for


class Telling(SynchronousTestCase):
    def listener(self, address: str) -> socket.socket:
        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(heard.close)
        heard.bind(address)
        heard.setblocking(False)
        return heard

    def test_a_socket_with_a_path(self) -> None:
        path = str(folder_for(self) / "notify")
        heard = self.listener(path)
        Supervisor({"NOTIFY_SOCKET": path}, 1).tell("RELOADING=1", "MONOTONIC_USEC=7")
        self.assertEqual(heard.recv(100), b"RELOADING=1\nMONOTONIC_USEC=7")

    def test_an_abstract_socket(self) -> None:
        name = f"granja-test-{os.getpid()}"
        heard = self.listener(f"\0{name}")
        Supervisor({"NOTIFY_SOCKET": f"@{name}"}, 1).tell("READY=1")
        self.assertEqual(heard.recv(100), b"READY=1")

    def test_nobody(self) -> None:
        """Nothing fails then, nor is anything waited for."""
        for environment in ({}, {"NOTIFY_SOCKET": "/nowhere/at.all"}, {"NOTIFY_SOCKET": "vsock:2"}):
            Supervisor(environment, 1).tell("READY=1")

    def test_patience(self) -> None:
        """For this process, and only when it is a number."""
        for environment, patience in (
            ({}, None),
            ({"WATCHDOG_USEC": "30000000"}, 30.0),
            ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
            ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
            ({"WATCHDOG_USEC": "soon"}, None),
            ({"WATCHDOG_USEC": "0"}, None),
        ):
            self.assertEqual(Supervisor(environment, 7).patience, patience, environment)
