"""How long the others wait while the server obeys one swap command, with thousands of farmers.

This runs the real commands on the real market and lane, in one process.  A ledger in memory answers
one turn of the reactor later, as a disk does.  It times each step of the reactor: the typed
command, and what follows when a record is stored.  Nobody is connected, so the times contain no
encoding and no sending of lines.  Only one visitor has a connection: they arrive, leave as many
swaps as they may, and leave.  Each world gets the same commands, from people in a random order.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from secrets import token_bytes
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from granja.accounts.passwords import PlainAccounts
from granja.catalog_file import read_catalog
from granja.contract.errors import GranjaError
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.factory import GranjaFactory
from granja.ledger.interface import Kept
from granja.ledger.memory import MemoryLedger
from granja.market.facts import Declared, Fact, Posted, Registered, Wished
from granja.people.roster import Farmer
from granja.service import spare_the_collector
from granja.settings import Settings

#: The time that a world's clock shows at first.
NOON = 1.7e9
KINDS = range(1, 43)
#: How many swaps each farmer of the crowd leaves before the clock runs.
SWAPS_EACH = 2
#: The most numbers in a list, and the most swaps of one farmer.
MOST_NUMBERS, MOST_SWAPS = 100, 20
#: One of so many is here in the world where most are away.
ONE_HERE_OF = 10


@dataclass(frozen=True)
class Said:
    """A swap as a world describes it."""

    maker: int
    gives: tuple[int, ...]
    takes: tuple[int, ...]


@dataclass
class World:
    """The state of a farm before the measurement.

    - ``held``: what each farmer has, from number 1 on.
    - ``standing``: swaps that close no ring.
    - ``typed``: what farmers typed that they seek.
    - ``closing``: a swap that closes a ring, if the world has one.
    - ``away``: those who are registered and not in the chat.
    """

    held: list[list[int]]
    standing: list[Said] = field(default_factory=list)
    typed: dict[int, tuple[int, ...]] = field(default_factory=dict)
    closing: Said | None = None
    away: frozenset[int] = frozenset()


def crowd(farmers: int, chance: random.Random) -> World:
    """A usual crowd: few have rare kinds, some typed what they seek, and many left swaps.

    Their swaps ask for rare kinds.  Rings among these swaps settle before the measurement.
    """
    weights = [1 / (1 + place) for place in range(42)]
    held = [chance.choices(KINDS, weights, k=chance.randint(3, 30)) for _ in range(farmers)]
    world = World(held)
    for maker, has in enumerate(held, 1):
        lacks = [kind for kind in KINDS if kind not in has]
        if chance.random() < 0.3:
            world.typed[maker] = tuple(sorted(chance.sample(lacks, min(3, len(lacks)))))
        for _ in range(SWAPS_EACH):
            gives = tuple(sorted({*chance.choices(has, k=2)}))
            takes = tuple(sorted(chance.sample(lacks[-12:], min(2, len(lacks)))))
            world.standing.append(Said(maker, gives, takes))
    return world


def chain(farmers: int, chance: random.Random) -> World:
    """Only one ring is possible, of 42 swaps.  The swaps of one group are missing."""
    world = World([[place % 42 + 1, place % 42 + 1] for place in range(farmers)])
    for maker, (has, _) in enumerate(world.held, 1):
        if has < 42:
            world.standing.append(Said(maker, (has,), (has + 1,)))
    world.closing = Said(42, (42,), (1,))
    return world


def dead_ends(farmers: int, chance: random.Random) -> World:
    """Everybody gives and takes much, but no ring closes.

    One layer leaves no swaps, so each search goes through all the swaps.
    """
    world = World([])
    for maker in range(1, farmers + 1):
        place = maker % 6  # Six layers of seven kinds: each layer gives its kinds for the next's.
        mine = [place * 7 + kind for kind in range(1, 8)]
        world.held.append(mine + mine)
        if place < 5:
            world.standing.append(Said(maker, tuple(mine), tuple(kind + 7 for kind in mine)))
    return world


def everything(farmers: int, chance: random.Random) -> World:
    """Everybody has half of all kinds twice, and takes any of the other kinds, which are rare."""
    held = []
    for maker in range(1, farmers + 1):
        common = list(range(1, 22))
        held.append(common + common + ([22 + maker % 21] if maker % 50 == 0 else []))
    world = World(held)
    for maker in range(1, farmers + 1):
        if maker % 50:
            world.standing.append(Said(maker, tuple(range(1, 22)), tuple(range(22, 43))))
    return world


def mostly_away(farmers: int, chance: random.Random) -> World:
    """Nine of ten are away: they have half of all kinds twice, and left swaps for the other half.

    Those who are here have the other half twice, and no swaps.
    """
    away = frozenset(n for n in range(1, farmers + 1) if n % ONE_HERE_OF)
    common, rare = [*KINDS[:21]], [*KINDS[21:]]
    held = [2 * (common if maker in away else rare) for maker in range(1, farmers + 1)]
    standing = [Said(maker, tuple(common), tuple(rare)) for maker in sorted(away)]
    return World(held, standing, away=away)


WORLDS: dict[str, Callable[[int, random.Random], World]] = {
    "crowd": crowd,
    "chain": chain,
    "dead ends": dead_ends,
    "everything": everything,
    "mostly away": mostly_away,
}


class Ticking(Clock):
    """A clock that also runs during a computation, so that long work gives way."""

    begun: float | None = None

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[float] = []

    def callLater(  # noqa: N802
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> IDelayedCall:
        """Make each call a step of its own, and time it."""

        def step() -> None:
            began = time.thread_time()
            callable(*args, **kw)
            if self.begun is not None:
                self.steps.append(time.thread_time() - began)

        return super().callLater(delay, step)

    def seconds(self) -> float:
        """The time of the clock, plus CPU time since the world is ready."""
        spent = 0.0 if self.begun is None else time.thread_time() - self.begun
        return super().seconds() + spent


class Later(MemoryLedger):
    """A ledger that answers in a later step."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def append(
        self,
        facts: Sequence[Fact],
        after: int,
        credentials: Mapping[FarmerId, str],
        kept: Sequence[Kept] = (),
    ) -> Deferred[int]:
        answer: Deferred[int] = Deferred()
        self._clock.callLater(0, self._append, facts, after, credentials, kept, answer)
        return answer

    def _append(
        self,
        facts: Sequence[Fact],
        after: int,
        credentials: Mapping[FarmerId, str],
        kept: Sequence[Kept],
        answer: Deferred[int],
    ) -> None:
        super().append(facts, after, credentials, kept).chainDeferred(answer)


class Village:
    """A world with the real commands.  Everybody is registered; who is here hears of swaps."""

    def __init__(self, world: World) -> None:
        clock = Ticking()
        clock.advance(NOON)
        ledger = Later(clock)
        ledger.facts = _before(world)
        ledger._sequence = len(ledger.facts)
        settings = Settings(rate=None)
        self.farm = GranjaFactory(
            clock, clock.seconds, read_catalog(None), ledger, PlainAccounts(), token_bytes, settings
        )
        clock.advance(0)
        ledger.facts.clear()
        ledger._keep = False
        self.clock = clock
        self.people: list[Farmer] = []
        for number in range(1, len(world.held) + 1):
            farmer = self.farm.roster.owner(f"F{number}")
            assert farmer is not None
            if number not in world.away:
                self.farm.roster.enter(farmer)
                self.farm.hints.note_use(farmer)
                self.people.append(farmer)


def _before(world: World) -> list[Fact]:
    facts: list[Fact] = []
    for number, held in enumerate(world.held, 1):
        farmer = FarmerId(number)
        facts.append(Declared(farmer, f"F{number}", tuple(map(ArtifactId, held))))
        facts.append(Registered(farmer, f"F{number}"))
    for number, seeks in world.typed.items():
        facts.append(Wished(FarmerId(number), tuple(map(ArtifactId, seeks)), None))
    for number, said in enumerate(world.standing, 1):
        gives, takes = (tuple(map(ArtifactId, side)) for side in (said.gives, said.takes))
        maker, ends = FarmerId(said.maker), NOON + 604800
        facts.append(Posted(OfferId(number), maker, gives, takes, False, ends))
    return facts


class Times:
    """The seconds of each step, by command."""

    def __init__(self, clock: Ticking) -> None:
        self.steps: dict[str, list[float]] = {}
        self._clock = clock

    def time(self, what: str, step: Callable[..., object], *arguments: object) -> None:
        """Do a step, and everything that follows from it."""
        self._clock.steps = self.steps.setdefault(what, [])
        self._clock.callLater(0, self._do, step, *arguments)
        self._clock.advance(0)
        self._clock.steps = []

    def _do(self, step: Callable[..., object], *arguments: object) -> None:
        try:
            answer = step(*arguments)
        except GranjaError:  # A refusal is an answer too.
            return
        if isinstance(answer, Deferred):
            answer.addErrback(lambda failure: failure.trap(GranjaError))


def measure(name: str, farmers: int, rounds: int, seed: int = 1) -> Times:
    """Time ``rounds`` rounds of the commands in one world."""
    chance = random.Random(seed)
    world = WORLDS[name](farmers, chance)
    village = Village(world)
    times = Times(village.clock)
    spare_the_collector()
    a_visit(times, village)  # The first is slower once, and is not timed.
    times.steps.clear()
    village.clock.begun = time.thread_time()
    for turn in range(rounds):
        one_of_each(times, village, chance)
        a_visit(times, village)
        village.clock.advance(61 if turn % 20 == 0 else 0.1)
    if world.closing is not None:
        said = world.closing
        sides = tuple(",".join(map(str, side)) for side in (said.gives, said.takes))
        maker = village.people[said.maker - 1]
        times.time("ring of 42", village.farm.swaps.post, maker, sides)
    return times


def one_of_each(times: Times, village: Village, chance: random.Random) -> None:
    """Somebody types each swap command once."""
    farm, me = village.farm, chance.choice(village.people)
    has = sorted(farm.market.copies(me.id))
    lacks = [kind for kind in KINDS if kind not in has] or [1]
    mine = ",".join(map(str, chance.sample(has, min(2, len(has)))))
    wish = ",".join(map(str, chance.sample(lacks, min(2, len(lacks)))))
    times.time(":trueques", farm.swaps.show_chances, me)
    times.time(":falta", farm.wishes.show_missing, me)
    times.time(":quien", farm.wishes.show_who, me, chance.choice(KINDS))
    times.time(":ver", farm.wishes.show_person, me, str(chance.choice(village.people)))
    times.time(":busco", farm.wishes.seek, me, wish)
    times.time(":busco, 100 numbers", farm.wishes.seek, me, _long(lacks))
    times.time(":doy", farm.wishes.give, me, mine)
    times.time(":doy, 100 numbers", farm.wishes.give, me, _long(has))
    times.time(":busco todo", farm.wishes.seek, me, "todo")
    times.time(":doy repetidos", farm.wishes.give, me, "repetidos")
    times.time("¡OK!", farm.hints.greeting, me)
    times.time(":cambio", farm.swaps.post, me, (mine, wish))
    times.time(":cambio repetidos", farm.swaps.post, me, ("repetidos", "faltantes"))
    times.time(":retirar", farm.trade.retract, me, farm.market.last_offer)
    times.time(":cambio, 200 numbers", farm.swaps.post, me, (_long(has), _long(lacks)))
    times.time(":retirar", farm.trade.retract, me, farm.market.last_offer)


def _long(numbers: Sequence[int]) -> str:
    """A list as long as a list may be."""
    return ",".join(map(str, islice(cycle(numbers), MOST_NUMBERS)))


def a_visit(times: Times, village: Village) -> None:
    """Somebody arrives with as much as a farmer may have, leaves swaps, and leaves.

    They ask for the highest kinds, so they use up no swaps of the chain and of the dead ends.
    """
    has, lacks = KINDS[:-MOST_SWAPS], KINDS[-MOST_SWAPS:]
    visitor: Any = village.farm.buildProtocol(None)
    visitor.makeConnection(StringTransport(peerAddress=IPv4Address("TCP", "127.0.0.1", 1)))
    for line in ("Visita", _long(has), "si"):
        times.time("arrives", visitor.dataReceived, f"{line}\r\n".encode())
    for wish in lacks:
        swap = f":cambio {has[0]} por {wish}\r\n".encode()
        times.time(":cambio of a visitor", visitor.dataReceived, swap)
    times.time("leaves", visitor.connectionLost, Failure(ConnectionDone()))
