"""What farmers hear of trades, compared with the record: for tests that break servers."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field

from granja.catalog_file import read_catalog
from granja.ledger import open_archive
from granja.market import facts as events
from granja.operations.audit import Audit

#: A swap's number, what it gave and what it got: once each in all the time of a ledger.
Settlement = tuple[int, int, int]

NUMBERS = {artifact.name: artifact.id for artifact in read_catalog(None).values()}
OFFER = re.compile(r"\(#(\d+): :accept o :reject\)$")
POSTED = re.compile(r"Cambio #(\d+) puesto: ")
_SETTLED = re.compile(r"[Cc]ambio #(\d+): diste (.*) a \S+ y recibiste (.*) de [^;.]+[;.]")
_HOLDS = re.compile(r"artefactos (?:ahora )?son: (.*)$")


class Broken(Exception):
    """A promise to farmers was broken.  The text says which."""


def holdings(line: str) -> list[int] | None:
    """What a line says that the farmer holds; None when it says nothing about it."""
    found = _HOLDS.search(line)
    if found is None:
        return None
    return [] if found[1] == "(ninguno)" else [NUMBERS[name] for name in found[1].split(", ")]


@dataclass
class Told:
    """What farmers heard during the whole test.

    - ``accepted``: numbers of offers whose acceptance was confirmed to the accepter.
    - ``fulfilled``: how often a maker, by name, heard that an offer of theirs was accepted.
    - ``settled``: what swaps gave and got.
    - ``meanwhile``: how much of that people heard when they came back.
    - ``refused``: numbers of offers whose acceptance was not stored, and not tried again.
    """

    accepted: set[int] = field(default_factory=set)
    fulfilled: Counter[str] = field(default_factory=Counter)
    settled: set[Settlement] = field(default_factory=set)
    meanwhile: int = 0
    refused: set[int] = field(default_factory=set)

    @property
    def trades(self) -> int:
        return max(len(self.accepted), self.fulfilled.total())

    def note_settlement(self, name: str, line: str, again: bool = False) -> bool:
        """Whether a line tells of a settlement.

        :param again: people who were put out may hear as news what they have just heard, because
            their node did not know yet that they had left.
        :raises Broken: when they heard it before.
        """
        found = _SETTLED.search(line)
        if found is None:
            return False
        settlement = int(found[1]), NUMBERS[found[2]], NUMBERS[found[3]]
        news = "Mientras no estabas" in line
        if settlement in self.settled and not (again and news):
            raise Broken(f"{name} was told twice: {line}")
        self.settled.add(settlement)
        self.meanwhile += news
        return True


class Record:
    """What the record says about all that."""

    def __init__(self) -> None:
        self.audit = Audit()
        self.rings = 0
        self.traded: set[int] = set()
        self._settled: set[Settlement] = set()
        self._made: Counter[str] = Counter()
        self._offers: dict[int, events.Offered] = {}
        self._names: dict[int, str] = {}

    def read(self, ledger: str) -> None:
        """Audit what came since the last time.

        :param ledger: its URL.
        :raises BadEntry: at an entry that cannot have happened.
        :raises NotInOrder: when the books do not balance.
        """
        with closing(open_archive(ledger)) as archive:
            for _, fact in self.audit.run(archive):
                self._note(fact)

    def check(self, told: Told) -> None:
        """:raises Broken: when somebody heard what is not on record, or the other way round."""
        if lost := told.accepted - self.traded:
            raise Broken(f"told as accepted, but not on record: {sorted(lost)}")
        if done := told.refused & self.traded:
            raise Broken(f"told as not stored, but on record: {sorted(done)}")
        if invented := told.settled - self._settled:
            raise Broken(f"told as settled, but not on record: {sorted(invented)}")
        for name, count in told.fulfilled.items():
            if count > self._made[name]:
                raise Broken(f"{name} was told of {count} trades; {self._made[name]} are on record")

    def visitors(self) -> list[str]:
        """The farmers who hold things, and have not registered their names."""
        market = self.audit.market
        return [name for farmer, name in market.names.items() if farmer not in market.registered]

    def compare(self, name: str, said: list[int]) -> None:
        """:raises Broken: when somebody registered holds something else than the server says."""
        market = self.audit.market
        farmer = next(n for n, known in market.registered.items() if known == name)
        if sorted(said) != market.inventory(farmer):
            raise Broken(f"{name} holds {said}, but on record {market.inventory(farmer)}")

    def _note(self, fact: events.Fact) -> None:
        if isinstance(fact, events.Offered):
            self._offers[fact.offer] = fact
        elif isinstance(fact, events.Traded):
            maker = self._offers.pop(fact.offer).maker
            self.traded.add(fact.offer)
            # A visitor's name is the same at each visit, and so it was counted when told.
            self._made[self._names[maker]] += 1
        elif isinstance(fact, events.Settled):
            self.rings += 1
            got = fact.gives[-1:] + fact.gives[:-1]
            self._settled.update(zip(fact.offers, fact.gives, got, strict=True))
        elif isinstance(fact, events.Declared):
            self._names[fact.farmer] = fact.name
