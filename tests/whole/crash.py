"""Kill a real server at random moments, again and again, while farmers trade; believe nothing.

``python -m tests.whole.crash --kills 1000``

Farmers, registered ones and visitors, come in through real sockets and trade as fast as they can.
At a random moment the server gets ``kill -9``.  The test starts it again, and then checks each
time:

* the ledger's chain of hashes holds, every entry was possible when it happened, and for each
  artifact declared - withdrawn - departed = held (the same code as ``granja audit``);
* every trade that anyone heard of is in the ledger, and every ring of swaps too; people hear of a
  ring once, at once or when they come back;
* no ring that could settle is left open, even if its last swap was stored and the ring was not;
* the server and the ledger say the same about what each registered farmer holds, copy by copy, so
  no trade is half there; what visitors held has left the world, on record.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from granja.market.rings import any_ring
from tests.support.server import Server, environment
from tests.whole.told import OFFER, POSTED, Broken, Record, Told, holdings

REGISTERED = 4
VISITORS = 20
PASSWORD = "cuchara oxidada"

#: Seconds that a farmer waits for any answer before the test fails.
PATIENCE = 60.0

#: Swaps that a farmer leaves standing before the oldest is taken back.
STANDING = 4


class Farmer:
    """Somebody at a keyboard, for the time of one connection."""

    def __init__(self, name: str, registered: bool, told: Told) -> None:
        self.name = name
        self.registered = registered
        self.holds: list[int] = []
        self.inside = False
        self._told = told
        self._accepting: deque[int] = deque()
        self._standing: deque[int] = deque()
        self._answered = asyncio.Event()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    def types(self, *lines: str) -> None:
        assert self._writer is not None
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())

    async def hears(self, pattern: str) -> str:
        """The next line that the pattern is found in."""
        while True:
            line = await self._line()
            self._told.note_settlement(self.name, line)
            if re.search(pattern, line):
                return line

    async def _line(self) -> str:
        data = await asyncio.wait_for(self._reader.readuntil(b"\r\n"), PATIENCE)
        return data.decode().rstrip("\r\n")

    async def arrives(self, port: int, artifacts: Sequence[int]) -> None:
        """Visitors and farmers without a registered name give a list.  The others give the
        password."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        self.types(self.name)
        line = await self.hears("Contraseña:|qué artefactos tienes")
        if "Contraseña" in line:
            self.types(PASSWORD)
        else:
            self.types(" ".join(map(str, artifacts)), "si")
        self._note_holdings(await self.hears("artefactos son: "))
        await self.hears("¡OK!")
        if self.registered and "Contraseña" not in line:
            self.types(f":registrar {PASSWORD}")
            await self.hears("quedó registrado")
        self.inside = True

    async def look(self) -> list[int]:
        """The artifacts that the server says they hold."""
        self.types(":artefactos")
        self._note_holdings(await self.hears("artefactos son: "))
        return self.holds

    async def live(
        self, port: int, artifacts: Sequence[int], others: Sequence[Farmer], chance: random.Random
    ) -> None:
        """Come in, if not inside yet, and trade until the server is gone."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            if not self.inside:
                await self.arrives(port, artifacts)
            trading = asyncio.ensure_future(self._trade(others, chance))
            try:
                while True:
                    self._hear(await self._line())
            finally:
                self.inside = False
                self._answered.set()
                await trading
        await self.leave()

    async def leave(self) -> None:
        """Close the connection, if there is one."""
        if self._writer is not None:
            self._writer.close()
            with suppress(ConnectionError):
                await self._writer.wait_closed()

    def _hear(self, line: str) -> None:
        if offered := OFFER.search(line):
            self._accepting.append(int(offered[1]))
            self.types(f":accept {offered[1]}")
        elif "Intercambio aceptado" in line:
            self._told.accepted.add(self._accepting.popleft())
            self._note_holdings(line)
        elif "Intercambio realizado" in line:
            self._told.fulfilled[self.name] += 1
            self._note_holdings(line)
            self._answered.set()
        elif self._told.note_settlement(self.name, line):
            self._note_holdings(line)
        elif posted := POSTED.search(line):
            self._standing.append(int(posted[1]))
            self._answered.set()
        elif "Error" in line or "ya no es válida" in line:
            if "Error" in line and self._accepting:
                self._accepting.popleft()  # who accepts offers makes none
            self._answered.set()

    async def _trade(self, others: Sequence[Farmer], chance: random.Random) -> None:
        """Offer this for that, or leave a swap, and again as soon as that is answered, until the
        server is gone."""
        while self.inside and others:
            other = chance.choice(others)
            self._answered.clear()
            if chance.random() < 0.4:
                self._swap(other)
            else:
                mine = chance.choice(self.holds or [1])
                theirs = chance.choice(other.holds or [1])
                self.types(f":offer {other.name} {mine} {theirs}")
            await asyncio.wait_for(self._answered.wait(), PATIENCE)

    def _swap(self, other: Farmer) -> None:
        """Swap anything of mine for anything of theirs that I lack, with anybody."""
        while len(self._standing) >= STANDING:
            self.types(f":retirar {self._standing.popleft()}")
        mine = " ".join(map(str, self.holds))
        theirs = " ".join(str(number) for number in other.holds if number not in self.holds)
        self.types(f":cambio {mine or 1} por {theirs or 2}")

    def _note_holdings(self, line: str) -> None:
        held = holdings(line)
        self.holds = self.holds if held is None else held


class CrashTest:
    """One server, one ledger, and the farmers who come back after each crash.

    :param seed: for the moments and the trades; the machine's timing is chance.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.ledger = folder / "granja.db"
        self.told = Told()
        self.record = Record()
        self._chance = random.Random(seed)
        self._server = Server("--rate", "off", folder=str(folder), ledger=f"sqlite:{self.ledger}")

    async def run(self, kills: int, told: Callable[[int], None] = lambda kill: None) -> None:
        """:param told: called with the number of each kill after which all was found in order.
        :raises Broken: as soon as a promise is broken.
        """
        try:
            for kill in range(kills + 1):
                self._server.start()
                registered = await self._come_back()
                told(kill)
                if kill < kills:
                    await self._trade_until_killed(registered)
            await asyncio.gather(*(farmer.leave() for farmer in registered))
        finally:
            self._server.kill()

    async def _come_back(self) -> list[Farmer]:
        """Registered farmers come first, so that nobody trades before we compare their holdings."""
        people = [Farmer(f"Registrada{n}", True, self.told) for n in range(REGISTERED)]
        arriving = (
            farmer.arrives(self._server.port, [n + 1, n + 2, 40]) for n, farmer in enumerate(people)
        )
        await asyncio.gather(*arriving)
        self._read_ledger()
        for farmer in people:
            self.record.compare(farmer.name, await farmer.look())
        if ring := any_ring(self.record.audit.market.swaps):
            raise Broken(f"a ring is left standing: {ring}")
        return people

    async def _trade_until_killed(self, registered: list[Farmer]) -> None:
        """Visitors come in meanwhile, so the end may find them at any question."""
        visitors = [Farmer(f"Visita{n}", False, self.told) for n in range(VISITORS)]
        people = registered + visitors
        takers = people[1::2]
        lives = []
        for n, farmer in enumerate(people):
            partners = [] if farmer in takers else takers
            lives.append(farmer.live(self._server.port, [n + 1, n + 2, 41], partners, self._chance))
        trading = asyncio.gather(*lives)
        await asyncio.sleep(self._chance.uniform(0.02, 0.5))
        self._server.kill()
        await trading

    def _read_ledger(self) -> None:
        """Audit the entries since the last time, and compare them with everything people heard."""
        self.record.read(f"sqlite:{self.ledger}")
        self.record.check(self.told)
        if strangers := self.record.visitors():
            raise Broken(f"visitors of before the crash still hold things: {strangers}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.whole.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=30, help="how often (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="repeat the same choices")
    parser.add_argument("--keep", type=Path, help="a folder for the ledger, which is left there")
    arguments = parser.parse_args(argv)
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    with tempfile.TemporaryDirectory(prefix="granja-crash-") as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        test = CrashTest(folder, seed)
        began = time.monotonic()

        def tell(kill: int) -> None:
            """A thousand take twenty minutes: somebody waits for them."""
            if kill % 50 == 0 < kill < arguments.kills:
                sys.stderr.write(
                    f"{kill} kills, {len(test.record.traded)} trades and {test.record.rings} rings "
                    f"on record (seed {seed})\n"
                )

        asyncio.run(test.run(arguments.kills, tell))
        took = time.monotonic() - began
        sys.stdout.write(
            f"{arguments.kills} kills in {took:.1f} s (seed {seed}), "
            f"{REGISTERED + VISITORS} farmers: {test.told.trades} trades told, "
            f"{len(test.record.traded)} on record; {len(test.told.settled)} parts of rings told, "
            f"{test.told.meanwhile} of them to whoever came back, {test.record.rings} rings on "
            "record; none lost, none half there.\n"
        )
        sys.stdout.flush()
        return subprocess.call(
            [sys.executable, "-m", "granja", "audit", "--ledger", f"sqlite:{test.ledger}"],
            env=environment(),
        )


if __name__ == "__main__":
    sys.exit(main())
