"""Under systemd: it hears how the server is, and keeps the door open during a restart."""

from __future__ import annotations

import os
import signal
import socket
import subprocess

from twisted.trial.unittest import SynchronousTestCase

from tests.support.bearer import Farmer
from tests.support.folders import folder_for
from tests.support.server import PATIENCE, environment, run_to_the_end, runner

#: What systemd does for a unit with a socket: descriptor 3, and the process that it is for.
HAND_OVER = ["/bin/sh", "-c", 'export LISTEN_PID=$$; exec "$@"', "sh"]

FARMERS = 10


class Supervised(SynchronousTestCase):
    """The test is systemd: it holds the door's socket, and hears the notes."""

    def setUp(self) -> None:
        self.folder = folder_for(self)
        self.door = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.door.close)
        self.notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.notes.close)
        self.notes.bind(str(self.folder / "notify"))
        self.notes.settimeout(PATIENCE)

    def start(self) -> subprocess.Popen[bytes]:
        told = {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "farmers", "WATCHDOG_USEC": "300000"}
        told["NOTIFY_SOCKET"] = str(self.folder / "notify")
        options = ["--listen", "systemd:domain=INET:name=farmers", "--ledger", "sqlite:granja.db"]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [*HAND_OVER, *runner("twistd"), "--pidfile=", "granja", *options],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                env={**environment(), **told},
                preexec_fn=lambda: os.dup2(self.door.fileno(), 3) and None,
                pass_fds=(3,),
            )
        self.addCleanup(self.end, process)
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            process.kill()
        process.wait()

    def is_told(self, note: str) -> None:
        while self.notes.recv(1000).decode() != note:
            pass

    def test_a_restart_is_a_pause_and_nothing_else(self) -> None:
        """Nobody is refused, nobody hears of a leaving, and all go on where they were."""
        process = self.start()
        self.is_told("READY=1")
        self.is_told("WATCHDOG=1")
        address = self.door.getsockname()
        farmers = [Farmer(address, f"Ana-{chr(97 + n)}") for n in range(FARMERS)]
        for farmer in farmers:
            self.addCleanup(farmer.close)
            farmer.types(farmer.name, "6", "si")
            farmer.hears_until("¡OK!")
            while not farmer.secret:
                farmer.types(":u")
                farmer.hears_until("conectados")
        process.send_signal(signal.SIGHUP)
        self.is_told("READY=1")
        process.send_signal(signal.SIGTERM)
        self.is_told("STOPPING=1")
        for farmer in farmers:
            farmer.waits_for_the_end()
        for farmer in farmers:  # Nobody is there: the door takes them all the same.
            farmer.dial()
            farmer.types(f":volver {farmer.secret} {farmer.number}")
        self.assertIn(process.wait(PATIENCE), (0, -signal.SIGTERM))
        again = self.start()
        for farmer in farmers:
            said = farmer.hears_until("¡OK!")
            self.assertIn(f"[SERVER] Hola de nuevo, {farmer.name}.", said)
        farmers[0].types("¿seguimos?")
        for farmer in farmers[1:]:
            heard = farmer.hears_until("¿seguimos?")
            self.assertEqual([line for line in heard if "desconectado" in line], [])
            self.assertEqual([line for line in heard if "conectado." in line], [])
        for farmer in farmers:
            farmer.socket.close()
        again.send_signal(signal.SIGTERM)
        again.wait(PATIENCE)
        self.assertNotIn("Traceback", (self.folder / "log").read_text())

    def test_what_systemd_has_not_handed_over(self) -> None:
        for at in ("systemd:domain=INET:name=farmers", "haproxy:systemd:domain=INET6:index=0"):
            status, said = run_to_the_end("--listen", at, folder=str(self.folder))
            why = f"cannot listen on {at}: systemd has handed no such socket to this process"
            self.assertEqual((status, why in said), (1, True), said)
