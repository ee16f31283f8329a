"""How long a server takes to start when its ledger holds many trades."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger.sqlite.ledger import SQLiteLedger
from granja.market.facts import Declared, Fact, Offered, Registered, Traded
from granja.market.market import Market
from tests.support.ledgers import AnyThread, wait_for
from tests.support.server import Server

FARMERS = 500


class Author:
    """Writes a ledger as the lane does, but without farmers."""

    def __init__(self, path: Path) -> None:
        reactor: Any = AnyThread()
        self.market = Market()
        self.trades = 0
        self._ledger = SQLiteLedger(path, reactor, time.time)
        self._sequence = self._ledger.open().sequence
        self._chance = random.Random(1)

    def begin(self) -> None:
        facts: list[Fact] = []
        for n in range(1, FARMERS + 1):
            farmer = FarmerId(n)
            facts.append(Declared(farmer, f"Farmer{n}", tuple(map(ArtifactId, range(1, 11)))))
            facts.append(Registered(farmer, f"Farmer{n}"))
        self._happen(facts)

    def trade(self) -> None:
        """Make two hundred trades at once, between farmers who appear only once in them."""
        people = [FarmerId(n) for n in self._chance.sample(range(1, FARMERS + 1), 400)]
        offers: list[Fact] = []
        for maker, taker in zip(people[::2], people[1::2], strict=True):
            self.trades += 1
            gives = self._chance.choice(list(self.market.held[maker]))
            takes = self._chance.choice(list(self.market.held[taker]))
            offers.append(Offered(OfferId(self.trades), maker, taker, gives, takes, 2e9))
        first = self.trades - len(offers) + 1
        self._happen(offers)
        self._happen([Traded(OfferId(n)) for n in range(first, self.trades + 1)])

    def end(self) -> int:
        wait_for(self._ledger.close())
        return self._sequence

    def _happen(self, facts: list[Fact]) -> None:
        self._sequence = wait_for(self._ledger.append(facts, self._sequence, {}))
        for fact in facts:
            self.market.apply(fact)
        if self._ledger.wants_checkpoint():
            self._ledger.checkpoint(self.market.snapshot(), self._sequence)


def measure(trades: int, folder: Path) -> str:
    """Write a ledger with this many trades, start a real server on it, and time the start."""
    path = folder / "start.db"
    author = Author(path)
    author.begin()
    while author.trades < trades:
        author.trade()
    entries = author.end()
    took = []
    for ledger in ("memory:", f"sqlite:{path}"):
        server = Server(folder=str(folder), ledger=ledger)
        began = time.perf_counter()
        server.start()
        took.append(time.perf_counter() - began)
        server.kill()
    return (
        f"With {author.trades:,} trades behind it ({entries:,} entries, "
        f"{path.stat().st_size / 1e6:,.0f} MB) the server listens after {took[1]:.2f} s; "
        f"with an empty ledger in memory after {took[0]:.2f} s."
    )
