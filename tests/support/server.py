"""A real server in its own process, started through the plugin."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from tests.support.nursery import Child, nursery
from tests.support.ports import free_port

Process = Child | subprocess.Popen[bytes]

#: Seconds that an operation here may take before the test fails.  A slow machine needs many.
PATIENCE = 30.0


class Server:
    """``with Server("--rate", "off") as server:`` … ``server.dial()``.

    :param prelude: Python that the process runs before the program.
    :param reactor: a reactor from the list of ``twistd --help-reactors``.
    :param fresh: whether the process loads the program itself, instead of being forked from one
        that has loaded it.  None: only if there is a prelude, so that this runs before all imports.
    :param patience: seconds that a start may take.
    """

    def __init__(
        self,
        *options: str,
        command: str = "twistd",
        folder: str | None = None,
        ledger: str = "",
        prelude: str = "",
        reactor: str = "",
        rundir: str = "",
        patience: float = PATIENCE,
        fresh: bool | None = None,
    ) -> None:
        self.port = free_port()
        self._own_folder = tempfile.TemporaryDirectory() if folder is None else None
        self.folder = Path(folder or self._own_folder.name)  # type: ignore[union-attr]
        self.log = self.folder / "server.log"
        self._options = options
        self._command = command
        self._runner_options = [f"--reactor={reactor}"] if reactor else []
        self._runner_options += [f"--rundir={rundir}"] if rundir else []
        self._prelude = prelude
        self._patience = patience
        self._ledger = ledger or "memory:"
        self._fresh = bool(prelude) if fresh is None else fresh
        self.process: Process | None = None

    def __enter__(self) -> Server:
        try:
            self.start()
        except BaseException:
            self._tidy()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tidy()

    def _tidy(self) -> None:
        """End it if it runs, and remove its folder."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        if self._own_folder is not None:
            self._own_folder.cleanup()

    def start(self) -> None:
        """Start the server, and wait until it listens."""
        self.process = self._spawn(runner(self._command, self._prelude))
        self._wait_until_it_listens()

    def _spawn(self, command: list[str]) -> Process:
        listen = f"tcp:{self.port}:interface=127.0.0.1"
        options = ("--listen", listen, "--ledger", self._ledger, *self._options)
        words = [*command, *self._runner_options, "granja", *options]
        with self.log.open("ab") as log:
            return spawn(words, self.folder, log, fresh=self._fresh)

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended: {self.read_log()}")
            try:
                with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as first:
                    first.recv(1)  # When the server asks its first question, all of it is open.
                    first.shutdown(socket.SHUT_WR)
                    while first.recv(1024):  # When it has closed, it no longer counts this one.
                        pass
                return
            except ConnectionRefusedError:
                time.sleep(0.02)  # The pause between two looks: no event tells that it listens.
        raise AssertionError(f"the server does not listen: {self.read_log()}")

    def dial(self) -> Line:
        return Line(socket.create_connection(("127.0.0.1", self.port), PATIENCE))

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask the server to end, and wait.  Returns what the process returns."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """Send ``kill -9``."""
        self.stop(signal.SIGKILL)
        # twistd's note of its process number: a dead process can't remove it.
        (self.folder / "twistd.pid").unlink(missing_ok=True)

    def read_log(self) -> str:
        """What stands in the log now.  A thread writes it: only after :meth:`stop` it is all."""
        return _read(self.log)

    def logs(self, words: str, start: int = 0) -> str:
        """Wait until ``words`` stand in the log.

        :param start: look from this character on.
        :return: the log from there.
        """
        return wait_for_words(self.log, words, start)


def runner(command: str, prelude: str = "") -> list[str]:
    """``twistd -n`` or ``twist``, with this interpreter.

    :param prelude: Python that the process runs before it loads anything.
    """
    module = {"twistd": "twisted.scripts.twistd", "twist": "twisted.application.twist._twist"}
    call = {"twistd": "run()", "twist": "Twist.main()"}
    name = {"twistd": "run", "twist": "Twist"}[command]
    # A process that a shell starts in the background ignores SIGINT, and so do its children.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program = f"{heed}import sys; from {module[command]} import {name}; sys.argv[0] = {command!r}; "
    words = [sys.executable, "-c", prelude + program + call[command]]
    return words + (["-n"] if command == "twistd" else [])


def spawn(words: Sequence[str], folder: Path, output: IO[bytes], *, fresh: bool = False) -> Process:
    """Start what :func:`runner` made, and options.

    :param output: where its output and its errors go.
    :param fresh: whether it is a process that loads the program itself.
    """
    if fresh:
        return subprocess.Popen(words, cwd=folder, stdout=output, stderr=output, env=environment())
    _, _, program, *arguments = words
    return nursery.fork(
        program,
        arguments,
        folder=str(folder),
        environment=environment(),
        output=output.fileno(),
    )


def environment() -> dict[str, str]:
    """This process's environment, with the checkout importable from any folder."""
    root = str(Path(__file__).parents[2])
    path = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": f"{root}:{path}" if path else root}


def wait_for_words(file: Path, words: str, start: int = 0) -> str:
    """Wait until ``words`` stand in a file that somebody else writes, from a character on.

    :return: what stands there from that character on.
    """
    deadline = time.monotonic() + PATIENCE
    while words not in (text := _read(file)[start:]):
        if time.monotonic() > deadline:
            raise AssertionError(f"{words!r} is not in {file}: {text}")
        time.sleep(0.02)  # Between two looks: there is nothing to be told by.
    return text


def _read(file: Path) -> str:
    return file.read_text("utf-8", "replace") if file.exists() else ""


def run_to_the_end(*options: str, folder: str, command: str = "twistd") -> tuple[int, str]:
    """Run it with options that make it end by itself.  Returns its status and its output."""
    with tempfile.TemporaryFile() as output:
        process = spawn([*runner(command), "granja", *options], Path(folder), output)
        try:
            status = process.wait(PATIENCE)
        finally:
            process.kill()
        output.seek(0)
        return status, output.read().decode("utf-8", "replace")


class Line:
    """A farmer's end of a real connection.  It blocks, so a test reads in the order of events."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(PATIENCE)
        self._buffer = b""

    def types(self, *lines: str) -> None:
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def hears(self) -> str:
        """Return the next line.

        :raises EOFError: when the server has closed.
        """
        while b"\r\n" not in self._buffer:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self._buffer.decode())
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line.decode()

    def hears_until(self, pattern: str) -> list[str]:
        """Return the next lines, up to the first one that matches the pattern."""
        lines = [self.hears()]
        while not re.search(pattern, lines[-1]):
            lines.append(self.hears())
        return lines

    def hears_to_the_end(self) -> list[str]:
        """Return all lines until the server closes."""
        lines = []
        try:
            while True:
                lines.append(self.hears())
        except EOFError:
            return lines

    def arrives(self, name: str, artifacts: str = "") -> Line:
        self.types(name, artifacts, "si")
        self.hears_until("¡OK!")
        return self

    def close(self) -> None:
        self.socket.close()
