"""People of Granja or of Matrix who talk in one place, for :mod:`benchmarks.nodes_synapse`.

Everybody listens, and some talk: each says the next line when the server has answered the last.
What everybody must hear next from each talker is known, and each line is compared with it whole.

This is a process of its own.  It prints a report when everybody has arrived and the talk has warmed
up, waits for a line of input, and prints a report of the talk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

HOST = "127.0.0.1"

#: So many arrive at the same time.
ARRIVING = 4

#: Seconds that a line may be on its way.
PATIENCE = 120.0

#: Seconds of talk before that which counts.
WARMING = 3.0

#: Bytes of a line as it is typed.
LENGTH = 64
WORDS = "vendo papas y maiz, " * 4


@dataclass
class Tally:
    """What was said, and what each of ``people`` has heard of it."""

    people: int
    talkers: int
    said: list[list[tuple[str, float]]] = field(init=False)
    heard: list[list[int]] = field(init=False)
    seconds: array[float] = field(default_factory=lambda: array("d"))
    wrong: int = 0
    due: int = 0
    last: float = 0.0

    def __post_init__(self) -> None:
        self.said = [[] for _ in range(self.talkers)]
        self.heard = [[0] * self.talkers for _ in range(self.people)]

    def begin(self) -> None:
        """Count from here on."""
        self.seconds, self.due = array("d"), 0

    def say(self, talker: int) -> str:
        """The next line of a talker, who is saying it now."""
        line = f"{talker} {len(self.said[talker])} {WORDS}"[:LENGTH]
        self.said[talker].append((line, time.perf_counter()))
        self.due += self.people - 1
        return line

    def hear(self, person: int, line: str) -> None:
        """Somebody hears a line."""
        self.last = time.perf_counter()
        talker = int(line[: line.index(" ")])
        said, number = self.said[talker], self.heard[person][talker]
        if number == len(said) or line != said[number][0]:
            self.wrong += 1
            return
        self.heard[person][talker] = number + 1
        self.seconds.append(self.last - said[number][1])

    @property
    def missing(self) -> int:
        """Deliveries that are still to come."""
        return self.due - len(self.seconds)


class Person(Protocol):
    """One who is in the place."""

    async def arrive(self) -> None: ...

    async def listen(self) -> None:
        """Tell the tally of each line, until cancelled."""

    async def say(self, line: str) -> None:
        """Say it, and wait until the server has answered."""


class Farmer(asyncio.Protocol):
    """A person of Granja.

    Nobody hears their own talk, so a talker asks the server with AYT whether it is there: the
    answer waits behind the lines that came before it.
    """

    NAME, ARTIFACTS, RIGHT = b"Ingresa tu nombre", "qué artefactos".encode(), b"Bien?"
    INSIDE, HERE = "[SERVER] ¡OK!".encode(), "[SERVER] Aquí estoy.".encode()
    AYT = b"\xff\xf6"

    def __init__(self, number: int, port: int, tally: Tally) -> None:
        self._number, self._port, self._tally = number, port, tally
        self._rest = b""
        self._transport: asyncio.Transport

    async def arrive(self) -> None:
        self._answered = asyncio.Event()
        await asyncio.get_running_loop().create_connection(lambda: self, HOST, self._port)
        await self._answered.wait()

    async def listen(self) -> None:
        """Nothing is to be done: lines come by themselves."""

    async def say(self, line: str) -> None:
        self._answered.clear()
        self._transport.write(line.encode() + b"\r\n" + self.AYT)
        await self._answered.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        lines = (self._rest + data).split(b"\r\n")
        self._rest = lines.pop()
        for line in lines:
            if line.startswith(b"F"):
                self._tally.hear(self._number, line.partition(b": ")[2].decode())
            else:
                self._obey(line)

    def _obey(self, line: bytes) -> None:
        if self.NAME in line:
            self._transport.write(b"F%d\r\n" % self._number)
        elif self.ARTIFACTS in line:
            self._transport.write(b"6, 13, 14\r\n")
        elif self.RIGHT in line:
            self._transport.write(b"si\r\n")
        elif line in (self.INSIDE, self.HERE):
            self._answered.set()


class Http:
    """A connection that is kept, with one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.token = ""
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Returns what the server answers.

        :raises ValueError: when it refuses.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection(HOST, self._port)
        reader, writer = self._streams
        content = b"" if body is None else json.dumps(body).encode()
        token = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        head = (
            f"{method} /_matrix/client/v3/{path} HTTP/1.1\r\nHost: {HOST}\r\n"
            f"{token}Content-Length: {len(content)}\r\n\r\n"
        )
        writer.write(head.encode() + content)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", answer)
        found = await (reader.readexactly(int(length[1])) if length else chunks(reader))
        if not answer.startswith(b"HTTP/1.1 200"):
            raise ValueError(f"{method} {path}: {answer!r} {found!r}")
        parsed: dict[str, Any] = json.loads(found)
        return parsed


async def chunks(reader: asyncio.StreamReader) -> bytes:
    """A body that comes in chunks."""
    found = b""
    while length := int(await reader.readline(), 16):
        found += (await reader.readexactly(length + 2))[:-2]
    await reader.readline()
    return found


class Member:
    """A person of a Matrix room: one connection hears by long polls, the other says."""

    #: All lines, however many there are, and nothing else.
    FILTER = quote(
        json.dumps(
            {
                "presence": {"types": []},
                "account_data": {"types": []},
                "room": {
                    "timeline": {"limit": 100_000, "types": ["m.room.message"]},
                    "state": {"types": []},
                    "ephemeral": {"types": []},
                    "account_data": {"types": []},
                },
            }
        )
    )

    #: The place.  The first who comes makes it.
    room: asyncio.Future[str] | None = None

    def __init__(self, number: int, port: int, tally: Tally) -> None:
        self._number, self._tally = number, tally
        self._ear, self._mouth = Http(port), Http(port)
        self._since = ""
        self._lines = 0

    async def arrive(self) -> None:
        register = {
            "auth": {"type": "m.login.dummy"},
            "username": f"f{self._number}",
            "password": "granja-granja",
        }
        made = await self._mouth.call("POST", "register", register)
        self._name = made["user_id"]
        self._ear.token = self._mouth.token = made["access_token"]
        if Member.room is None:
            Member.room = asyncio.get_running_loop().create_future()
            place = await self._mouth.call("POST", "createRoom", {"preset": "public_chat"})
            Member.room.set_result(place["room_id"])
        self._room = await Member.room
        await self._mouth.call("POST", f"join/{quote(self._room)}", {})

    async def listen(self) -> None:
        while True:
            since = f"&timeout=30000&since={self._since}" if self._since else ""
            heard = await self._ear.call("GET", f"sync?filter={self.FILTER}{since}")
            self._since = heard["next_batch"]
            rooms = heard.get("rooms", {}).get("join", {})
            for event in rooms.get(self._room, {}).get("timeline", {}).get("events", ()):
                if event["sender"] != self._name:
                    self._tally.hear(self._number, event["content"]["body"])

    async def say(self, line: str) -> None:
        self._lines += 1
        path = f"rooms/{quote(self._room)}/send/m.room.message/{self._lines}"
        await self._mouth.call("PUT", path, {"msgtype": "m.text", "body": line})


KINDS: dict[str, type[Farmer] | type[Member]] = {"granja": Farmer, "matrix": Member}


@dataclass
class Crowd:
    """All people.

    :param every: seconds between a talker's lines; 0 is as fast as they are answered.
    """

    people: Sequence[Person]
    tally: Tally
    every: float

    async def arrive(self) -> None:
        """A few at a time."""
        places = asyncio.Semaphore(ARRIVING)

        async def one(person: Person) -> None:
            async with places:
                await person.arrive()

        await asyncio.gather(*map(one, self.people))

    async def talk(self, seconds: float) -> dict[str, float]:
        """Talk for some seconds, and wait until everybody has heard everything."""
        self.tally.begin()
        began, cpu = time.perf_counter(), time.process_time()
        talkers = range(self.tally.talkers)
        await asyncio.gather(*(self._talk(n, began, began + seconds) for n in talkers))
        answered = time.perf_counter()
        while self.tally.missing and time.perf_counter() < answered + PATIENCE:
            await asyncio.sleep(0.01)  # No figure contains it: the tally knows when the last came.
        centiles = statistics.quantiles(self.tally.seconds, n=100, method="inclusive")
        return {
            "delivered": len(self.tally.seconds),
            "seconds": self.tally.last - began,
            "p50_ms": centiles[49] * 1e3,
            "p99_ms": centiles[98] * 1e3,
            "wrong": self.tally.wrong,
            "missing": self.tally.missing,
            "generator_cpu_s": time.process_time() - cpu,
        }

    async def _talk(self, talker: int, began: float, until: float) -> None:
        moment = began + self.every * talker / self.tally.talkers
        while max(moment, time.perf_counter()) < until:
            await asyncio.sleep(max(0.0, moment - time.perf_counter()))
            await self.people[talker].say(self.tally.say(talker))
            moment += self.every


async def meet(arguments: argparse.Namespace) -> None:
    """Everybody arrives, and talks; twice."""
    ports = [int(port) for port in arguments.ports.split(",")]
    tally = Tally(arguments.people, arguments.talkers)
    kind = KINDS[arguments.kind]
    people = [kind(n, ports[n % len(ports)], tally) for n in range(arguments.people)]
    crowd = Crowd(people, tally, arguments.every)
    began = time.perf_counter()
    await crowd.arrive()
    arrived = time.perf_counter() - began
    async with asyncio.TaskGroup() as listening:
        listeners = [listening.create_task(person.listen()) for person in people]
        await crowd.talk(WARMING)
        report({"arrived_s": arrived})
        sys.stdin.readline()  # Everybody waits meanwhile, and that is meant.
        report(await crowd.talk(arguments.seconds))
        for one in listeners:
            one.cancel()


def report(found: dict[str, float]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Be the people."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nodes_people", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--ports", required=True, help="with commas between")
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--talkers", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--every", type=float, required=True)
    asyncio.run(meet(parser.parse_args()))


if __name__ == "__main__":
    main()
