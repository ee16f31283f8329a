"""Farmers who trade without a pause, and people who talk meanwhile, on one epoll loop.

Each maker has a partner.  The maker offers a copy, and the partner accepts.  When the maker hears
that the trade is done, the maker makes the next offer, in the other direction.  So each maker has
one trade under way, and each trade is two durable writes: the offer and the acceptance.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

#: How many lines of talk a second, and how many people only listen.
TALK = 10
LISTENERS = 5

#: How many people arrive at once.  The server's accept queue holds more than that.
_ARRIVING = 50

SPADE, SPOON = 13, 14


@dataclass
class Times:
    """Times in seconds.

    - ``trade``: from typing an offer to hearing that it is fulfilled.
    - ``accept``: from typing an acceptance to hearing the answer.
    - ``talk``: from saying a line to hearing it.
    """

    trade: list[float] = field(default_factory=list)
    accept: list[float] = field(default_factory=list)
    talk: list[float] = field(default_factory=list)


class Line:
    """One connection, and the function that gets each line from it."""

    def __init__(self, port: int, hear: Callable[[Line, bytes], None]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.hear = hear
        self.partner: Line
        self.name = b""
        self.mine = self.theirs = 0
        self.since = 0.0
        self.trading = False
        self._rest = b""

    def types(self, line: bytes) -> None:
        # The line is short and the other end reads, so the kernel takes all of it at once.
        sent = self.socket.send(line + b"\r\n")
        assert sent == len(line) + 2

    def read(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError(f"the server closed the line of {self.name!r}")
        lines = (self._rest + data).split(b"\r\n")
        self._rest = lines.pop()
        for line in lines:
            self.hear(self, line)


class Farm:
    """All people of one run.

    :param ports: of the server's nodes.  An offer and its acceptance come from different ones.
    :param makers: how many trades are under way at the same time.
    """

    def __init__(self, ports: Sequence[int], makers: int) -> None:
        self.times = Times()
        self.measuring = False
        self._ports = ports
        self._poll = select.epoll()
        self._lines: dict[int, Line] = {}
        self._inside = 0
        self._stopping = False
        self._busy = 0
        self._makers = self._arrive([f"maker{n}" for n in range(makers)], SPADE)
        takers = self._arrive([f"taker{n}" for n in range(makers)], SPOON, further=1)
        for maker, taker in zip(self._makers, takers, strict=True):
            maker.partner, taker.partner = taker, maker
            maker.mine, maker.theirs = SPADE, SPOON
            maker.hear, taker.hear = self._hear_as_maker, self._hear_as_taker
        self._talker = self._arrive(["talker"], SPADE)[0]
        self._talker.hear = _deaf
        for listener in self._arrive([f"listener{n}" for n in range(LISTENERS)], SPADE):
            listener.hear = self._hear_as_listener
        self._wait_until_all_are_seen()

    def run(self, seconds: float) -> None:
        """Trade and talk for ``seconds``, and let the last trades end."""
        for maker in self._makers:
            self._offer(maker)
        now = time.perf_counter()
        end, next_talk = now + seconds, now
        while now < end or self._busy:
            self._stopping = now >= end
            if now >= next_talk:
                self._talker.types(b"%.6f" % now)
                next_talk += 1 / TALK
            self._turn(max(next_talk - now, 0))
            now = time.perf_counter()

    def close(self) -> None:
        for line in self._lines.values():
            line.socket.close()
        self._poll.close()

    def _turn(self, seconds: float) -> None:
        for descriptor, _ in self._poll.poll(seconds):
            self._lines[descriptor].read()

    # -- arriving ----------------------------------------------------------------------------

    def _arrive(self, names: list[str], artifact: int, further: int = 0) -> list[Line]:
        """:param further: by how many nodes to go on from the first one."""
        arrived: list[Line] = []
        ports = [self._ports[(n + further) % len(self._ports)] for n in range(len(names))]
        both = list(zip(names, ports, strict=True))
        for n in range(0, len(names), _ARRIVING):
            crowd = [self._dial(name, artifact, port) for name, port in both[n : n + _ARRIVING]]
            arrived += crowd
            while self._inside < len(self._lines):
                self._turn(60)
        return arrived

    def _dial(self, name: str, artifact: int, port: int) -> Line:
        line = Line(port, self._hear_arriving)
        line.name = name.encode()
        self._lines[line.socket.fileno()] = line
        self._poll.register(line.socket, select.EPOLLIN)
        line.types(b"%s\r\n%d\r\nsi" % (line.name, artifact))
        return line

    def _hear_arriving(self, line: Line, text: bytes) -> None:
        if text == "[SERVER] ¡OK!".encode():
            self._inside += 1
            line.hear = _deaf

    def _wait_until_all_are_seen(self) -> None:
        """Each node knows everybody, also who came in elsewhere."""
        for asker in self._makers[: len(self._ports)]:
            usual, seen = asker.hear, [0]

            def hear(line: Line, text: bytes, seen: list[int] = seen) -> None:
                if text.startswith(b"[SERVER] Usuarios conectados: "):
                    seen[0] = text.count(b",") + 1
                    if seen[0] < len(self._lines):
                        line.types(b":u")

            asker.hear = hear
            asker.types(b":u")
            while seen[0] < len(self._lines):
                self._turn(60)
            asker.hear = usual

    # -- inside ------------------------------------------------------------------------------

    def _offer(self, maker: Line) -> None:
        self._busy += 1
        maker.since = time.perf_counter()
        maker.types(b":offer %s %d %d" % (maker.partner.name, maker.mine, maker.theirs))

    def _hear_as_maker(self, maker: Line, text: bytes) -> None:
        if text.startswith(b"[SERVER] Intercambio realizado"):
            self.times.trade.append(time.perf_counter() - maker.since)
            maker.mine, maker.theirs = maker.theirs, maker.mine
            self._busy -= 1
            if not self._stopping:
                self._offer(maker)
        elif text.startswith(b"[SERVER] Error"):
            raise AssertionError(text.decode())

    def _hear_as_taker(self, taker: Line, text: bytes) -> None:
        if text.endswith(b":accept o :reject)"):
            number = text[text.rindex(b"#") + 1 : text.rindex(b":accept") - 2]
            taker.since = time.perf_counter()
            taker.types(b":accept " + number)
        elif text.startswith(b"[SERVER] Intercambio aceptado"):
            self.times.accept.append(time.perf_counter() - taker.since)
        elif text.startswith(b"[SERVER] Error"):
            raise AssertionError(text.decode())

    def _hear_as_listener(self, listener: Line, text: bytes) -> None:
        if text.startswith(b"talker: "):
            self.times.talk.append(time.perf_counter() - float(text[8:]))


def _deaf(line: Line, text: bytes) -> None:
    """Ignore the line."""
