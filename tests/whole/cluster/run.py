"""Round after round: faults, and then a look at everything."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from random import Random

from granja.ledger.chain import BadEntry
from granja.ledger.snapshot import fingerprint
from granja.operations.audit import NotInOrder
from tests.whole.cluster.counting import Ear, Heard, Life, Round
from tests.whole.cluster.faults import Fault
from tests.whole.cluster.machines import Farm
from tests.whole.cluster.people import Maker, Person, Taker, Town, Watcher
from tests.whole.told import Broken, Record

#: Seconds until all must be well again after the last fault was mended.
PATIENCE = 45.0

#: Seconds between two looks.
LOOK = 0.1

#: Lets a fault happen.
Befall = Callable[[Fault], Coroutine[None, None, None]]


class ClusterTest:
    """One test.

    :param seed: for what people do; the machine's timing is chance.
    :param befall: lets a fault happen, and mends it.
    """

    def __init__(self, machines: Farm, seed: int, befall: Befall) -> None:
        self.machines = machines
        self.town = Town(self.machines.nodes, Random(f"people {seed}"))
        self.record = Record()
        self.faults: Counter[str] = Counter()
        self.missed = self.exact = 0
        self._looks = 0
        self._lives: set[Life] = set()
        self._said: dict[Life, int] = {}
        self._befall = befall
        self._people = [*self._watchers(), *self._farmers()]

    def _watchers(self) -> list[Watcher]:
        made = [Watcher(self.town, n) for n in range(len(self.machines.nodes))]
        self.town.watchers = dict(enumerate(made))
        return made

    def _farmers(self) -> list[Person]:
        """Two of each kind at each node: registered farmers and visitors."""
        made: list[Person] = []
        for n in range(len(self.machines.nodes)):
            made += [Maker(self.town, n), Taker(self.town, n)]
            made += [Maker(self.town, n, f"Rosa{n}"), Taker(self.town, n, f"Berta{n}")]
        return made

    async def run(
        self,
        rounds: Iterable[Sequence[Fault]],
        told: Callable[[int], object] = lambda number: None,
    ) -> None:
        """:param rounds: faults that happen together, and after each round a look at everything.
        :param told: called after each round with the number of faults until then.
        :raises Broken: as soon as a promise is broken.
        """
        living: list[asyncio.Task[None]] = []
        try:
            starts = [asyncio.to_thread(node.start) for node in self.machines.nodes]
            await asyncio.gather(*starts)
            living = [asyncio.ensure_future(person.live()) for person in self._people]
            await self._look_at_everything([])
            for faults in rounds:
                self.town.resume()
                await asyncio.gather(*map(self._befall, faults))
                await self._look_at_everything(faults)
                told(self.faults.total())
            self._read_logs()
        finally:
            self.town.closing = True
            people = "\n".join(self.town.heard)
            (self.machines.folder / "people.log").write_text(people, "utf-8")
            for task in living:
                task.cancel()
            await asyncio.gather(*living, return_exceptions=True)
            await asyncio.to_thread(self.machines.close)

    # -- after a round ---------------------------------------------------------------------------

    async def _look_at_everything(self, befallen: Sequence[Fault]) -> None:
        self.faults.update(fault.kind for fault in befallen)
        self._looks = 0
        try:
            await self._settled("nobody comes to rest", self._come_to_rest)
            await self._settled("what is said does not arrive", self._hear_one_another)
            await self._settled("nodes do not agree who is here", self._see_the_same)
            await self._settled("a whisper is lost", self._whispers)
            await self._settled("nodes do not hold the same", self._hold_the_same)
            self._count(befallen)
        except (Broken, BadEntry, NotInOrder) as broken:
            faults = "; ".join(map(str, befallen)) or "no fault"
            raise Broken(f"after {faults}: {broken}") from None
        self.town.whispers.forget()
        self.town.ended.clear()
        self.town.moves = 0
        for watcher in self.town.watchers.values():
            watcher.ear.forget()
        self._lives = self._now()
        self._said = {life: self.town.watchers[life[0]].said for life in self._lives}

    async def _settled(self, what: str, objection: Callable[[], Awaitable[str | None]]) -> None:
        """Look again and again until there is no objection.

        :raises Broken: when there is one for too long.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while True:
            why = await objection()
            if self.town.trouble is not None:
                raise self.town.trouble
            if why is None:
                return
            if loop.time() > end:
                raise Broken(f"{what}: {why}")
            await asyncio.sleep(LOOK)

    async def _come_to_rest(self) -> str | None:
        """Everybody is inside, and then everybody pauses."""
        outside = [str(one.name or one.kind) for one in self._people if not one.inside]
        if outside:
            self.town.resume()
            return f"not inside: {outside}"
        self.town.pause()
        moving = [one.name for one in self._people if not one.resting]
        return f"not at rest: {moving}" if moving else None

    async def _hear_one_another(self) -> str | None:
        """Each listener says something, and has heard the last word of each other."""
        watchers = list(self.town.watchers.values())
        if self._looks % 10 == 0:  # What was said while the bus was away is not heard any more.
            for speaker in watchers:
                speaker.say()
        self._looks += 1
        deaf = []
        for speaker in watchers:
            for hearer in watchers:
                heard = hearer.ear.last(speaker.name)
                if hearer is not speaker and heard < speaker.said:
                    deaf.append(f"{hearer.name} does not hear {speaker.name}")
        return "; ".join(deaf) or None

    async def _see_the_same(self) -> str | None:
        seen = [await watcher.present() for watcher in self.town.watchers.values()]
        if any(one != seen[0] for one in seen):
            return f"{seen}"
        if set(seen[0]) != set(self.town.inside):
            return f"{sorted(seen[0])} are seen, {sorted(self.town.inside)} are inside"
        return None

    async def _whispers(self) -> str | None:
        return self.town.whispers.missing(self.town.inside)

    async def _hold_the_same(self) -> str | None:
        """The record, the nodes' markets and what people hear agree."""
        await asyncio.to_thread(self.record.read, self.machines.ledger)
        self.record.check(self.town.told)
        market, head = self.record.audit.market, self.record.audit.head
        visitors = {one.name for one in self._people if not one.registered}
        if set(self.record.visitors()) != visitors:
            return f"{set(self.record.visitors()) ^ visitors} are not where they should be"
        wanted = head.sequence, fingerprint(market.snapshot())
        for node in self.machines.nodes:
            found = await asyncio.to_thread(node.fingerprint)
            if found != wanted:
                return f"{node.name} is at {found}, the ledger at {wanted}"
        for one in self._people:
            if one.registered:
                self.record.compare(one.name, one.holds)
        return None

    # -- counting --------------------------------------------------------------------------------

    def _now(self) -> set[Life]:
        return {watcher.place for watcher in self.town.watchers.values()}

    def _count(self, befallen: Sequence[Fault]) -> None:
        town, now = self.town, self._now()
        ended = self._lives - now
        if ended and not any(fault.fatal for fault in befallen):
            raise Broken(f"nodes have ended, and nothing had befallen them: {ended}")
        said: dict[Life, list[Heard]] = {}
        for watcher in town.watchers.values():
            life = watcher.place
            own = range(self._said.get(life, 0) + 1, watcher.said + 1)
            said[life] = [*self._of(life, watcher.ear), *(("said", watcher.name, n) for n in own)]
            if life not in self._lives:
                said[life].append(("came", watcher.name, 0))
        dead = {life: self._of(life, ear) for life, ear in town.ended.items()}
        whole = Round(said, dead, {life: self._more(life) for life in dead}, town.moves)
        for life in now & self._lives:
            ear = town.watchers[life[0]].ear
            whole.check(life, ear)
            self.missed += ear.missed
        self.exact += whole.exact

    def _of(self, life: Life, ear: Ear) -> list[Heard]:
        """What somebody at a life heard of the talk there."""
        places = self.town.places
        return [line for line in ear.heard if places.get((line[1], line[2])) == life]

    def _more(self, life: Life) -> int:
        """The most lines that a life that ended can have said."""
        return 2 * sum(place == life for place in self.town.places.values())

    def _read_logs(self) -> None:
        for name, log in self.machines.logs().items():
            for bad in ("Traceback", "Unhandled", "has halted", "trading stops"):
                if bad in log:
                    raise Broken(f"the log of {name} says {bad!r}")

    def report(self) -> str:
        """What happened, in a few lines."""
        town, told = self.town, self.town.told
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.faults.items()))
        return (
            f"faults: {kinds}\n"
            f"trades: {told.trades} told, {len(self.record.traded)} on record; "
            f"{len(told.settled)} parts of rings told, {self.record.rings} rings on record; "
            f"{len(told.refused)} acceptances told as not stored, none of them on record\n"
            f"talk: {town.lines} lines heard, {sum(one.said for one in self._people)} said by "
            f"those who were there at the end, {town.whispers.sent} whispers; {self.missed} lines "
            f"missed, told to the line in {self.exact} rounds, within what can be known in the "
            "others\n"
        )
