"""What ignoring costs: ``python -m benchmarks.ignoring`` (docs/performance/ignoring.md).

There are a thousand people, and twenty of them speak.  Rounds take turns: in one, nobody ignores
anybody; in the next, a tenth of the people ignore two speakers each.  The figure is the server's
processor time divided by the delivered lines.
"""

from __future__ import annotations

import os
import selectors
import socket
import statistics
import sys

from tests.support.server import Server

PEOPLE, SPEAKERS, DEAF, EACH, LINES, ROUNDS = 1000, 20, 100, 2, 20, 5
TICK = os.sysconf("SC_CLK_TCK")


class Crowd:
    """The connections of all people, read in one place."""

    def __init__(self, port: int) -> None:
        self._selector = selectors.DefaultSelector()
        self.lines: list[socket.socket] = []
        self._port = port

    def comes(self, name: str) -> None:
        """Somebody arrives."""
        line = socket.create_connection(("127.0.0.1", self._port))
        self.lines.append(line)
        line.sendall(f"{name}\n\nsi\n:artefacto 1\n".encode())
        self.until(line, b"El artefacto es")
        line.setblocking(False)
        self._selector.register(line, selectors.EVENT_READ)

    def until(self, line: socket.socket, wanted: bytes) -> None:
        data = b""
        while wanted not in data:
            data += line.recv(1 << 16)

    def hear(self, count: int, mark: bytes) -> None:
        """Read until ``count`` marks have arrived, on all connections together."""
        heard = 0
        while heard < count:
            for key, _ in self._selector.select(timeout=60):
                assert isinstance(key.fileobj, socket.socket)
                heard += key.fileobj.recv(1 << 18).count(mark)


def cpu(pid: int) -> float:
    """The seconds of processor time that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def command(crowd: Crowd, word: str) -> None:
    """The ignorers ignore their two speakers, or hear them again."""
    for n, line in enumerate(crowd.lines[-DEAF:]):
        for k in range(EACH):
            line.sendall(f":{word} Habla{(n * EACH + k) % SPEAKERS:02}\n".encode())
    crowd.hear(DEAF * EACH, b"s a Habla")


def speak(crowd: Crowd, pid: int, missing: int) -> float:
    """The microseconds of the server's processor time for each delivered line."""
    before = cpu(pid)
    for n in range(LINES):
        for line in crowd.lines[:SPEAKERS]:
            line.sendall(f"# {n}: ¿quién cambia un ancla?\n".encode())
        crowd.hear(SPEAKERS * (PEOPLE - 1) - missing, b"#")
    delivered = LINES * (SPEAKERS * (PEOPLE - 1) - missing)
    return (cpu(pid) - before) / delivered * 1e6


def main() -> None:
    """Measure and print."""
    with Server("--rate", "off", "--max-per-network", "5000", fresh=True) as server:
        assert server.process is not None
        crowd = Crowd(server.port)
        for n in range(PEOPLE):
            crowd.comes(f"Habla{n:02}" if n < SPEAKERS else f"Gente{n:04}")
        none, some = [], []
        for _ in range(ROUNDS):
            none.append(speak(crowd, server.process.pid, 0))
            command(crowd, "ignorar")
            some.append(speak(crowd, server.process.pid, DEAF * EACH))
            command(crowd, "escuchar")
        for what, found in (("nobody ignores", none), ("a tenth ignore two each", some)):
            rounds = " ".join(f"{one:.2f}" for one in found)
            median = statistics.median(found)
            sys.stdout.write(f"{what}: median {median:.2f} µs a delivered line ({rounds})\n")


if __name__ == "__main__":
    main()
