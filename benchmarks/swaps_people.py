"""How many wishes come true: with blind offers, with shown pairs, and with swaps.

This uses the real market and its rules.  People want what they lack, and give what they have twice.
In each turn everybody does one thing, in a random order:

* blind: they know nothing.  They offer a second copy to somebody for something that they lack.  The
  other farmer accepts if they have the wanted kind twice and lack the offered kind.
* pairs: they look at ``:trueques``, and make the trade of its first pair.
* swaps: they leave ``:cambio repetidos por faltantes``, and rings close.

A wish is a kind that somebody lacks and wants.  It is within reach if anybody has that kind twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from granja.contract.errors import TradeError
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.market.facts import Declared, Offered, Traded, Wished
from granja.market.market import Limits, Market
from granja.market.matching import View
from granja.market.rings import closed_by
from granja.market.swapping import decide_settlement, decide_swap, spares

KINDS = tuple(map(ArtifactId, range(1, 43)))
TURNS = 20
#: A choosy farmer wants this many kinds.  Other farmers want everything that they lack.
CHOOSY = 3


@dataclass(frozen=True)
class Outcome:
    """Of ``reach`` wishes, ``fulfilled`` came true, through ``trades`` trades or settlements."""

    way: str
    fulfilled: int
    reach: int
    trades: int


class Town:
    """A market with people.  The same seed always makes the same market and people."""

    def __init__(self, farmers: int, choosy: bool, seed: int) -> None:
        chance = self.chance = random.Random(seed)
        self.market = Market(Limits(offers=10**6))
        self.people = [FarmerId(n) for n in range(1, farmers + 1)]
        self.trades = self.number = 0
        weights = [1 / (1 + place) for place in range(42)]
        for farmer in self.people:
            held = chance.choices(KINDS, weights, k=chance.randint(5, 30))
            self.market.apply(Declared(farmer, f"F{farmer}", tuple(held)))
            if choosy:
                lacks = [kind for kind in KINDS if not self.market.holds(farmer, kind)]
                wanted = tuple(sorted(chance.sample(lacks, min(CHOOSY, len(lacks)))))
                self.market.apply(Wished(farmer, wanted, None))
        offered = {kind for farmer in self.people for kind in spares(self.market, farmer)}
        view = self.view()
        self.wishes = {f: {*view.seeks(f)} & offered for f in self.people}

    def view(self) -> View:
        return View(self.market, KINDS)

    def next(self) -> OfferId:
        self.number += 1
        return OfferId(self.number)

    def trade(self, maker: FarmerId, taker: FarmerId, gives: ArtifactId, takes: ArtifactId) -> None:
        number = self.next()
        self.market.apply(Offered(number, maker, taker, gives, takes, 2e9))
        self.market.apply(Traded(number))
        self.trades += 1

    def outcome(self, way: str) -> Outcome:
        got = sum(self.market.holds(f, kind) for f in self.people for kind in self.wishes[f])
        return Outcome(way, got, sum(map(len, self.wishes.values())), self.trades)


def offer_blindly(town: Town, me: FarmerId) -> None:
    view, chance = town.view(), town.chance
    gives, seeks = view.gives(me), view.seeks(me)
    other = chance.choice(town.people)
    if other == me or not gives or not seeks:
        return
    gift, wish = chance.choice(gives), chance.choice(seeks)
    if wish in view.gives(other) and gift in view.seeks(other):
        town.trade(me, other, gift, wish)


def take_a_pair(town: Town, me: FarmerId) -> None:
    row = next((c for c in town.view().chances(me) if c.how == "pair"), None)
    if row is not None:
        wishes = town.market.wishes
        suited = wishes.givers(row.takes) & wishes.seekers(row.gives)
        town.trade(me, next(wishes.people(suited)), row.gives, row.takes)


def leave_a_swap(town: Town, me: FarmerId) -> None:
    market = town.market
    try:
        gives, takes = spares(market, me), town.view().seeks(me)
        if not gives or not takes:
            return
        [fact] = decide_swap(market, town.next(), me, gives, takes, True, 1.0)
    except TradeError:
        return
    market.apply(fact)
    number = OfferId(town.number)
    while (swap := market.swaps.get(number)) and (ring := closed_by(market.swaps, swap)):
        for settled in decide_settlement(market, ring, lambda _: True):
            market.apply(settled)
        town.trades += 1


WAYS: dict[str, Callable[[Town, FarmerId], None]] = {
    "blind": offer_blindly,
    "pairs": take_a_pair,
    "swaps": leave_a_swap,
}


def play(way: str, farmers: int, choosy: bool, seed: int) -> Outcome:
    town = Town(farmers, choosy, seed)
    for _ in range(TURNS):
        for me in town.chance.sample(town.people, len(town.people)):
            WAYS[way](town, me)
    return town.outcome(way)
