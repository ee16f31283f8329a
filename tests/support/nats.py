"""A real nats-server on the loopback interface."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from shutil import which

from tests.support.ports import free_port
from tests.support.server import PATIENCE

PROGRAM = which("nats-server") or which("nats-server", path="/usr/sbin:/usr/local/sbin")

#: Why tests that need it are skipped; empty when it is installed.
MISSING = "" if PROGRAM else "nats-server is not installed (Debian: apt install nats-server)"


class NatsServer:
    """``with NatsServer() as nats:`` … ``nats.url``.

    :param options: the options of nats-server.
    :param login: the text before the host in the URL.
    """

    def __init__(self, *options: str, login: str = "") -> None:
        self.port = free_port()
        self.url = f"nats://{login}127.0.0.1:{self.port}"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> NatsServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start the server, and wait until it listens."""
        assert PROGRAM is not None
        self._process = subprocess.Popen(
            [PROGRAM, "-a", "127.0.0.1", "-p", str(self.port), *self._options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise
                time.sleep(0.02)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def pause(self) -> None:
        """Stop its process, and keep its connections."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
