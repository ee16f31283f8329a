"""``python -m benchmarks.growth``: how much disk a year takes, and how much an archive gives back.

Simulated farmers do what the rules allow, as fast as the ledger takes it.  A simulated clock gives
the time.  So the size of the ledger does not depend on the machine; the time of a start does.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any, Final

from granja.contract.errors import GranjaError
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger.interface import Kept
from granja.ledger.replay import market_of
from granja.ledger.sqlite import database
from granja.ledger.sqlite.ledger import SQLiteLedger
from granja.market import facts as events
from granja.market.facts import Fact
from granja.market.holding import decide_departure, decide_return, decide_withdrawal
from granja.market.market import Limits, Market
from granja.market.offering import (
    decide_acceptance,
    decide_expiry,
    decide_offer,
    decide_rejection,
)
from granja.market.rings import closed_by
from granja.market.swapping import decide_settlement, decide_swap, decide_wish
from granja.market.wishes import Wish
from granja.operations import cli
from tests.support.ledgers import VERIFIER, AnyThread, wait_for

DAY: Final = 86_400.0
#: When the simulated years begin, in Unix seconds.
BEGINNING: Final = 1_767_225_600.0
#: For how many seconds the ledger keeps visitors' names.
KEPT: Final = 30 * DAY
#: The number of artifacts in the catalog, and how many a farmer begins with.
CATALOG: Final = 42
AT_FIRST: Final = 8
#: How many appends may wait at once.
WAITING: Final = 2_000

#: What each farmer does on a day, and how often on average.
OFFERS: Final = 1.0
ACCEPTED, REJECTED = 0.5, 0.3
SWAPS: Final = 0.2
WISHES: Final = 0.05
DECLARED: Final = 0.05
WITHDRAWN: Final = 0.03


class Years:
    """Simulates a farm, day by day, on a real ledger.

    :param path: where the ledger will be.  There must be none yet.
    :param farmers: how many registered farmers there are; each comes once a day.
    :param visitors: how many visitors come each day, declare something and leave.
    """

    def __init__(self, path: Path, farmers: int, visitors: int) -> None:
        self.time = BEGINNING
        self.facts: Counter[str] = Counter()
        self._path = path
        self._market = Market(Limits())
        self._open()
        self._chance = random.Random(1)
        self._visitors = visitors
        self._people = [FarmerId(n) for n in range(1, farmers + 1)]
        self._last_farmer = farmers
        self._last_offer = 0
        self._waiting = 0
        for farmer in self._people:
            name = f"Farmer{farmer}"
            self._happen(
                [
                    events.Declared(farmer, name, self._finds(AT_FIRST)),
                    events.Registered(farmer, name),
                    events.Left(farmer, unseen=()),
                ],
                {farmer: VERIFIER},
            )

    def day(self) -> None:
        """Simulate one day: each farmer comes once, in a random order, with visitors between."""
        comings: list[FarmerId | None] = [*self._people, *[None] * self._visitors]
        self._chance.shuffle(comings)
        for farmer in comings:
            self.time += DAY / len(comings)
            if farmer is None:
                self._visit()
            else:
                self._come(farmer)
        due = [offer.number for offer in self._market.offers.values()]
        due += [swap.number for swap in self._market.swaps.all()]
        for number in due:
            self._happen(decide_expiry(self._market, number, self.time))
        wait_for(self._ledger.forget_visitors(self.time - KEPT))

    def end(self) -> None:
        wait_for(self._ledger.close())

    def archive(self, file: Path) -> None:
        """Move all entries into an archive, as an operator does, and go on behind them."""
        self.end()
        run("archive", f"sqlite:{self._path}", str(file))
        self._open()

    def _open(self) -> None:
        reactor: Any = AnyThread()
        self._ledger = SQLiteLedger(self._path, reactor, lambda: self.time)
        self._sequence = self._ledger.open().sequence

    # -- what people do --------------------------------------------------------------------------

    def _visit(self) -> None:
        self._last_farmer += 1
        visitor = FarmerId(self._last_farmer)
        self._happen([events.Declared(visitor, f"Visitor{visitor}", self._finds(2))])
        self._happen(decide_departure(self._market, visitor))

    def _come(self, me: FarmerId) -> None:
        market, chance = self._market, self._chance
        # A farmer who is away has a pass, and gets a new one after each use.
        kept = Kept("passes", f"{me}", {"hash": f"{chance.getrandbits(256):064x}", "until": 2e9})
        self._happen(decide_return(market, me), kept=(kept,))
        for offer in market.incoming(me):
            fate = chance.random()
            with suppress(GranjaError):  # The offer just accepted may have ended this one.
                if fate < ACCEPTED:
                    self._happen(decide_acceptance(market, me, offer.number, self.time))
                elif fate < ACCEPTED + REJECTED:
                    self._happen(decide_rejection(market, me, offer.number))
        with suppress(GranjaError):
            if chance.random() < OFFERS:
                self._offer(me)
        with suppress(GranjaError):
            if chance.random() < SWAPS:
                self._swap(me)
        with suppress(GranjaError):
            if chance.random() < WISHES:
                seeks = tuple(sorted(set(self._finds(3)) - set(market.copies(me))))
                self._happen(decide_wish(market, me, Wish(seeks, None)))
        if chance.random() < DECLARED and len(market.inventory(me)) < market.limits.artifacts:
            self._happen([events.Declared(me, f"Farmer{me}", self._finds(1))])
        if chance.random() < WITHDRAWN and market.copies(me):
            artifact = chance.choice(list(market.copies(me)))
            self._happen(decide_withdrawal(market, me, artifact))
        self._happen(decide_departure(market, me))

    def _offer(self, me: FarmerId) -> None:
        market, chance = self._market, self._chance
        taker = chance.choice(self._people)
        mine, theirs = market.inventory(me), market.inventory(taker)
        if mine and theirs:
            self._last_offer += 1
            number, sides = OfferId(self._last_offer), (chance.choice(mine), chance.choice(theirs))
            found = decide_offer(market, number, me, taker, f"Farmer{taker}", *sides, self.time)
            self._happen(found)

    def _swap(self, me: FarmerId) -> None:
        market = self._market
        gives = [a for a, copies in market.copies(me).items() if copies > 1][:3]
        takes = sorted(set(self._finds(3)) - set(market.copies(me)))
        if not gives or not takes:
            return
        self._last_offer += 1
        number = OfferId(self._last_offer)
        self._happen(decide_swap(market, number, me, gives, takes, True, self.time))
        swap = market.swaps.get(number)
        ring = None if swap is None else closed_by(market.swaps, swap)
        if ring is not None:
            self._happen(decide_settlement(market, ring, lambda swap: True))

    def _finds(self, count: int) -> tuple[ArtifactId, ...]:
        return tuple(ArtifactId(self._chance.randint(1, CATALOG)) for _ in range(count))

    def _happen(
        self,
        facts: Sequence[Fact],
        credentials: dict[FarmerId, str] | None = None,
        kept: Sequence[Kept] = (),
    ) -> None:
        if not facts:
            return
        done = self._ledger.append(facts, self._sequence, credentials or {}, kept)
        self._sequence += len(facts)
        for fact in facts:
            self._market.apply(fact)
            self.facts[fact.kind] += 1
        if self._ledger.wants_checkpoint():
            self._ledger.checkpoint(self._market.snapshot(), self._sequence)
        self._waiting += 1
        if self._waiting >= WAITING:
            self._waiting = 0
            wait_for(done)


# -- looking at the ledger -----------------------------------------------------------------------


def look(path: Path) -> None:
    """Say how large a ledger is, how long a start takes, and what an archive gives back.

    This archives the ledger.
    """
    say(f"{path.name}: {size(path)}")
    say(f"a start, from the newest snapshot: {seconds(start, path)}")
    say(f"granja audit: {seconds(run, 'audit', '--ledger', f'sqlite:{path}')}")
    file = path.with_name("archive.db")
    say(f"granja archive: {seconds(run, 'archive', f'sqlite:{path}', str(file))}")
    say(f"the archive: {size(file)}; the ledger after it: {size(path)}")
    say(f"a start then: {seconds(start, path)}")
    audit(path, [file])


def audit(path: Path, archives: Sequence[Path]) -> None:
    """Audit a ledger with its archives, and say what that took.

    It is a process of its own, so that its memory is nobody else's.
    """
    words = ["audit", "--ledger", f"sqlite:{path}", "--archives", *map(str, archives)]
    before = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "granja", *words], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read().decode().splitlines()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit("granja audit failed")
    taken = time.perf_counter() - before
    processor = used.ru_utime + used.ru_stime
    say(f"granja audit of the ledger with {len(archives)} archives: {said[-3]} {said[-1]}")
    say(f"it took {taken:.1f} s, {processor:.1f} s of a processor, {used.ru_maxrss / 1024:.0f} MiB")


def start(path: Path) -> None:
    reactor: Any = AnyThread()
    ledger = SQLiteLedger(path, reactor, time.time)
    market_of(ledger.open(), Limits())
    wait_for(ledger.close())


def run(*words: str) -> None:
    with redirect_stdout(StringIO()):
        status = cli.main(words)
    if status:
        sys.exit(f"granja {words[0]} failed")


def seconds(work: Any, *arguments: object) -> str:
    before = time.perf_counter()
    work(*arguments)
    return f"{time.perf_counter() - before:.2f} s"


def size(path: Path) -> str:
    with closing(database.open_to_read(path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM entries").fetchone()
        (names,) = connection.execute("SELECT count(*) FROM names").fetchone()
    there = path.stat().st_size
    return (
        f"{there / 1e6:.1f} MB, {count:,} entries ({there / count:.0f} bytes each), {names} names"
    )


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--days", type=int, default=365, help="365 by default")
    parser.add_argument("--farmers", type=int, default=1000, help="who come once a day; 1000")
    parser.add_argument("--visitors", type=int, default=200, help="on each day; 200 by default")
    parser.add_argument("--into", type=Path, help="keep the ledger there, and look at it later")
    parser.add_argument("--look", type=Path, help="only look at such a ledger, and archive it")
    help = "archive after so many days, again and again, and audit it all together"
    parser.add_argument("--archive-each", type=int, metavar="DAYS", help=help)
    options = parser.parse_args()
    if options.look:
        look(options.look)
        return
    with tempfile.TemporaryDirectory(prefix="granja-growth-") as folder:
        path = options.into or Path(folder) / "granja.db"
        years = Years(path, options.farmers, options.visitors)
        archives: list[Path] = []
        for day in range(1, options.days + 1):
            years.day()
            if options.archive_each and day % options.archive_each == 0:
                archives.append(path.with_name(f"archive-{len(archives) + 1:03}.db"))
                years.archive(archives[-1])
                say(f"{archives[-1].name}: {size(archives[-1])}; what is left: {size(path)}")
            if day % 30 == 0 or day == options.days:
                say(f"day {day}: {path.stat().st_size / 1e6:.1f} MB")
        years.end()
        say(", ".join(f"{count:,} {kind}" for kind, count in years.facts.most_common()))
        if archives:
            audit(path, archives)
        elif not options.into:
            look(path)


if __name__ == "__main__":
    main()
