"""What monitoring costs a server: ``python -m benchmarks.measuring``.

Processor time says nothing about one percent on a machine that others use: the same work takes it
from 20 to 35 ms.  So this counts instructions, with valgrind's callgrind (Debian: ``valgrind``);
they are the same on any machine, whatever else it does.  Three things are counted in one server:

- silence, with what ``--metrics`` does by itself switched on and off, in pairs in turned order,
- a question for the metrics,
- what people say, always the same, with monitoring off.  The same work in a server without
  callgrind says how long it takes.

With ``--parts``, the first two are measured as processor time.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from urllib.request import urlopen

from benchmarks.ignoring import Crowd
from benchmarks.measure import cpu_account, raise_file_limit
from benchmarks.measuring_switch import OFF, ON
from benchmarks.run import free_port
from granja.health.stalls import LOOK
from tests.support.server import Process, Server as TestServer

#: People in the chat, those of them who speak, and what each of them says at once: lines for all,
#: and questions that only the server answers.
PEOPLE, SPEAKERS, TALK, QUERIES = 100, 10, 20, 200
WORDS: Final = b"# cambio un ancla por una cuchara\n" * TALK + b":artefacto 1\n" * QUERIES
#: Pairs of silences, and the seconds of each.
PAIRS, SILENCE = 10, 2.0
#: How often we count a question, how often we count what people say, and how often we time it.
ASKED, SAID, TIMED = 9, 5, 50
#: Questions of ``--parts``, seconds between two of Prometheus's, and seconds of silence.
QUESTIONS, OFTEN, IDLE = 500, 15.0, 30.0
#: How often we draw the pairs again, to learn how certain their median is.
DRAWS: Final = 2_000


class Counted(TestServer):
    """A server whose instructions are counted once :meth:`begin` has been called."""

    def _spawn(self, command: list[str]) -> Process:
        out = f"--callgrind-out-file={self.folder}/counted"
        return super()._spawn(
            ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", out, *command]
        )

    def begin(self) -> None:
        """Begin to count.  Until now the server was quicker, because nothing was counted."""
        self._control("-i", "on")

    def count(self) -> int:
        """How many instructions there were since the last call."""
        self._control("-d")
        [file] = self.folder.glob("counted.*")
        found = re.search(r"(?m)^totals: (\d+)", file.read_text())
        assert found is not None
        file.unlink()
        return int(found[1])

    def _control(self, *words: str) -> None:
        assert self.process is not None
        command = ["callgrind_control", *words, str(self.process.pid)]
        subprocess.run(command, check=True, capture_output=True)


class Work:
    """The people of a server, and what they do.

    :param server: with its metrics at ``port``.
    """

    def __init__(self, server: TestServer, port: int) -> None:
        assert server.process is not None
        self.pid = server.process.pid
        self._port = port
        self._crowd = Crowd(server.port)
        for number in range(PEOPLE):
            self._crowd.comes(f"Farmer{number}")

    def switch(self, how: int) -> None:
        """Start or stop what ``--metrics`` does by itself."""
        os.kill(self.pid, how)

    def ask(self) -> None:
        """Ask for the metrics."""
        ask(self._port)

    def speak(self) -> None:
        """Some speak at once, and all of it is heard.

        The server stands still while it is sent: in how many pieces it reads the lines would
        otherwise depend on chance, and the work with them.
        """
        os.kill(self.pid, signal.SIGSTOP)
        for line in self._crowd.lines[:SPEAKERS]:
            line.sendall(WORDS)
        os.kill(self.pid, signal.SIGCONT)
        self._crowd.hear(SPEAKERS * (TALK * (PEOPLE - 1) + QUERIES), b"\n")


def switched(kind: type[TestServer], port: int) -> TestServer:
    """A server with a switch for its monitoring."""
    options = ["--rate", "off", "--max-per-network", "5000", *metrics(port)]
    return kind(*options, prelude="import benchmarks.measuring_switch; ", patience=180)


def instructions() -> tuple[list[float], float, float]:
    """Count.

    :return: how many a second monitoring takes by itself, in each pair of silences; how many a
        question takes; and how many what people say takes.
    """
    port = free_port()
    with switched(Counted, port) as server:
        assert isinstance(server, Counted)
        work = Work(server, port)
        server.begin()

        def during(step: Callable[[], None], how: int) -> int:
            work.switch(how)
            time.sleep(2 * LOOK)  # The signal and the first look are not counted.
            server.count()
            step()
            return server.count()

        def silence() -> None:
            time.sleep(SILENCE)

        during(work.ask, ON)  # The first of each is dearer.
        during(work.speak, OFF)
        pairs = []
        for number in range(PAIRS):
            order = (ON, OFF) if number % 2 else (OFF, ON)
            found = {how: during(silence, how) for how in order}
            pairs.append((found[ON] - found[OFF]) / SILENCE)
        asked = statistics.median(during(work.ask, OFF) for _ in range(ASKED))
        said = statistics.median(during(work.speak, OFF) for _ in range(SAID))
        return pairs, asked, said


def seconds_to_speak() -> float:
    """The processor time of what people say: the shortest, as others on the machine only add."""
    port = free_port()
    with switched(TestServer, port) as server:
        work = Work(server, port)
        work.switch(OFF)
        taken = []
        for _ in range(TIMED):
            before = cpu_account(work.pid).total
            work.speak()
            taken.append(cpu_account(work.pid).total - before)
        return min(taken)


def counted() -> Iterator[str]:
    """What was counted, and what it means for a server that has more or less to do."""
    pairs, asked, said = instructions()
    looks, (low, high) = statistics.median(pairs), interval(pairs)
    yield (
        f"By itself monitoring takes {looks:,.0f} instructions a second (95 %: {low:,.0f} to "
        f"{high:,.0f}; {len(pairs)} pairs), and a question {asked:,.0f}."
    )
    taken = seconds_to_speak()
    yield (
        f"What people say in {taken * 1e3:.1f} ms of the processor takes {said:,.0f}: "
        f"{said / taken:,.0f} a second."
    )
    each = (high + asked / OFTEN) / (said / taken)
    for busy in (1.0, 0.1, 0.02):
        yield (
            f"Of the work of a server that takes {busy:.0%} of a processor, asked once in "
            f"{OFTEN:.0f} s: {each / busy:.3%} in instructions."
        )


def metrics(port: int) -> list[str]:
    """The option for metrics at a port."""
    return ["--metrics", f"tcp:{port}:interface=127.0.0.1"]


def ask(port: int) -> None:
    """Ask for the metrics as Prometheus does."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        assert b"granja_lines_total" in answer.read()


def idle(seconds: float, *options: str) -> float:
    """The part of a processor that a server takes where nobody says anything."""
    with running_server(PEOPLE, *options) as pid:
        before = cpu_account(pid).total
        time.sleep(seconds)
        return (cpu_account(pid).total - before) / seconds


@contextmanager
def running_server(people: int, *options: str) -> Iterator[int]:
    """The process of a server with so many people in the chat."""
    with TestServer(*options, fresh=True) as server:
        crowd = Crowd(server.port)
        for number in range(people):
            crowd.comes(f"Farmer{number}")
        assert server.process is not None
        yield server.process.pid


def parts(seconds: float) -> Iterator[str]:
    """What the questions and the looks cost, as parts of one processor."""
    port = free_port()
    option = metrics(port)
    with running_server(PEOPLE, *option) as pid:
        before = cpu_account(pid).total
        for _ in range(QUESTIONS):
            ask(port)
        each = (cpu_account(pid).total - before) / QUESTIONS
    yield (
        f"A question takes {each * 1e3:.2f} ms of the server's processor, with {PEOPLE} people in "
        f"the chat: {each / OFTEN:.4%} of it at one in {OFTEN:.0f} s."
    )
    found = [idle(seconds, *some) for some in ([], option)]
    yield (
        f"While nobody speaks the server takes {found[0]:.3%} of a processor without --metrics and "
        f"{found[1]:.3%} with it, unasked, in {seconds:.0f} s each."
    )


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the median: its range when we draw the pairs again many times."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(DRAWS))
    return medians[DRAWS // 40], medians[-DRAWS // 40]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measuring", description=__doc__)
    parser.add_argument("--parts", action="store_true", help="processor time instead")
    options = parser.parse_args()
    if not options.parts and shutil.which("callgrind_control") is None:
        parser.error("valgrind is not installed")
    raise_file_limit(20_000)
    for line in parts(IDLE) if options.parts else counted():
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
