"""Under systemd: it hears how the server is, and keeps the door open during a restart."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.folders import folder_for
from tests.support.server import PATIENCE, environment, run_to_the_end, runner

#: What systemd does for a unit with a socket: descriptor 3, and the process that it is for.
HAND_OVER = ["/bin/sh", "-c", 'export LISTEN_PID=$$; exec "$@"', "sh"]

FARMERS = 10


class Farmer:
    """Somebody whose client speaks GMCP, so that they have a pass."""

    def __init__(self, address: tuple[str, int], name: str) -> None:
        self.address, self.name = address, name
        self.secret, self.number = "", 0
        self.dial()

    def dial(self) -> None:
        self.socket = socket.create_connection(self.address, PATIENCE)
        self.buffer = b""
        self.socket.sendall(b"\xff\xfd\xc9")

    def types(self, *lines: str) -> None:
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def hears_until(self, words: str) -> list[str]:
        """The lines up to one with these words."""
        said: list[str] = []
        while not any(words in line for line in said):
            for message in self.reads():
                self.secret = message.get("pass", self.secret)
                self.number = message.get("n", self.number)
                if "line" in message:
                    said.append(message["line"])
        return said

    def reads(self) -> list[dict[str, Any]]:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(self.name)
        self.buffer += data
        *whole, self.buffer = self.buffer.split(b"\xff\xf0")
        found = [part.partition(b"\xff\xfa\xc9")[2].partition(b" ")[2] for part in whole]
        return [json.loads(each) for each in found]

    def close(self) -> None:
        self.socket.close()

    def waits_for_the_end(self) -> None:
        while self.socket.recv(65536):
            pass
        self.socket.close()


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
