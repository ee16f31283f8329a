"""Programs of Granja for tests, forked from one process that has loaded them already.

To load a server takes nine tenths of its start, about a second of processor time, and the tests
start some hundreds.  So the first start begins a *mother* (:mod:`tests.support.mother`): a process
that imports what a server imports, except a reactor, and forks a child for each request.  A child
has its own folder, environment and output, and ends as any Python program does.

A test of the very beginning of a process (its command line in ``/proc``, modules that are missing,
limits before the imports) needs a fresh process instead.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.mother import REQUEST

#: What the mother imports.
LOADED = (
    "twisted.scripts.twistd",
    "twisted.application.twist._twist",
    "twisted.internet.endpoints",
    "granja.tap",
    "granja.ledger.sqlite.ledger",
    "granja.web.site",
)


class Child:
    """A forked process, with those parts of :class:`subprocess.Popen` that tests use.

    :param told: where the mother tells of it.
    """

    def __init__(self, told: socket.socket) -> None:
        said, descriptors, _, _ = socket.recv_fds(told, 64, 1)
        self.pid = int(said)
        self.returncode: int | None = None
        self._descriptor = descriptors[0]
        self._told = told

    def poll(self) -> int | None:
        """The exit status, negative for the signal that ended it, or None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit status.

        :param timeout: seconds.
        :raises subprocess.TimeoutExpired: it still runs.
        """
        if self.returncode is None:
            self._told.settimeout(timeout)
            try:
                said = self._told.recv(64)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0) from None
            self.returncode = int(said)
            self._told.close()
            os.close(self._descriptor)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            try:
                signal.pidfd_send_signal(self._descriptor, number)
            except ProcessLookupError:
                return  # It has just ended, and its status is on the way.

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The mother, who begins when the first child is asked for."""

    def __init__(self) -> None:
        self._line: socket.socket | None = None

    def fork(
        self,
        program: str,
        arguments: Sequence[str],
        *,
        folder: str,
        environment: Mapping[str, str],
        output: int,
    ) -> Child:
        """A new process that runs what ``python -c PROGRAM ARGUMENTS`` runs.

        :param output: the descriptor that its output and its errors go to.
        """
        if self._line is None:
            self._line = self._begin(environment)
        request = json.dumps([program, arguments, folder, dict(environment)]).encode()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self._line, [request], [output, theirs.fileno()])
        return Child(ours)

    def _begin(self, environment: Mapping[str, str]) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, REQUEST)
        script = Path(__file__).with_name("mother.py")
        with theirs:
            mother = subprocess.Popen(
                [sys.executable, str(script), str(theirs.fileno()), *LOADED],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment,
            )
        atexit.register(mother.wait)
        atexit.register(ours.close)  # Called first: she ends when nobody can ask her.
        return ours


#: The one of this process.
nursery = Nursery()
