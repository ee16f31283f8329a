"""Passes: a pass brings somebody back after a lost connection, without name, list or password.

A pass is 128 random bits.  The ledger keeps its hash, beside the chain of facts (PROTOCOL §5b).
Each connection that speaks data gets its own passes.  Whoever comes back with a pass gets a new
one. All these passes make a *chain*.  To leave with ``:q`` ends the whole chain.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from granja.contract.errors import GranjaError
from granja.contract.ids import FarmerId
from granja.ledger.interface import AllKept, Kept, Value
from granja.ledger.lane import Lane
from granja.ledger.owed import Owed
from granja.market.facts import Fact
from granja.people.roster import Farmer

#: The ledger's subject for passes; each key is a hash.
PASSES: Final = "passes"
#: The subject for visits of farmers with a pass; each key is a farmer's number.
VISITS: Final = "visits"

#: Random bytes in a pass.
SIZE: Final = 16
#: Seconds that a used pass still works, in case the answer was lost.
GRACE: Final = 60.0
#: Unused passes of one chain that we keep: we do not know which of them the client has read.
MOST_IN_A_CHAIN: Final = 3
#: Passes of one farmer.  For one more, we forget the one that was used longest ago.
MOST_OF_ONE: Final = 64


@dataclass
class Pass:
    """What we know about a pass.  The pass itself is not here.

    ``chain``: the chain it belongs to.  ``visit``: the visit in which we gave it.  ``used``: when
    it was last used, in Unix seconds.  ``until``: when it ends, in Unix seconds, once it has
    brought somebody back.  ``told_after``: the line after which we told them what they had missed.
    """

    farmer: FarmerId
    chain: str
    visit: int
    used: float
    until: float | None = None
    told_after: int | None = None


@dataclass(frozen=True)
class Visit:
    """A visit of a farmer with a pass.  A later visit has a greater number."""

    farmer: FarmerId
    number: int
    name: str


class Passes:
    """:param now: the time of day, in Unix seconds.
    :param chance: gives a number of random bytes.
    :param registered: the numbers of the registered farmers.
    :param remember: seconds after which a registered farmer's pass stops working.  While they are
        in the chat or linger, all their passes work.  It may change.
    :param kept: what the ledger keeps, by subject and key.
    """

    def __init__(
        self,
        now: Callable[[], float],
        chance: Callable[[int], bytes],
        lane: Lane,
        registered: Container[FarmerId],
        remember: float,
        kept: AllKept,
    ) -> None:
        self._now = now
        self._chance = chance
        self._lane = lane
        self._registered = registered
        self.remember = remember
        self._passes: dict[str, Pass] = {}
        self._by_farmer: dict[FarmerId, dict[str, None]] = {}
        #: What the ledger must still forget.
        self._owed = Owed(lane)
        self.visits: dict[FarmerId, Visit] = {}
        for key, value in kept.get(VISITS, {}).items():
            self._read_visit(key, value)
        self.last_visit = max((visit.number for visit in self.visits.values()), default=0)
        known = [(key, _read(value)) for key, value in kept.get(PASSES, {}).items()]
        for key, found in sorted(known, key=lambda pair: pair[1].used if pair[1] else 0.0):
            self._read_pass(key, found)

    def _read_visit(self, key: str, value: Value) -> None:
        match value:
            case [int(number), str(name)] if key.isdecimal():
                farmer = FarmerId(int(key))
                self.visits[farmer] = Visit(farmer, number, name)
            case _:
                self._owed.owe(Kept(VISITS, key, None))

    def _read_pass(self, key: str, known: Pass | None) -> None:
        if known is not None:
            self.last_visit = max(self.last_visit, known.visit)
        if known is None or not self._serves(known):
            self._owed.owe(Kept(PASSES, key, None))
        else:
            self._add(key, known)

    def _add(self, key: str, known: Pass) -> None:
        self._passes[key] = known
        self._by_farmer.setdefault(known.farmer, {})[key] = None

    def begin_visit(self, farmer: Farmer) -> None:
        """Begin a visit."""
        self.last_visit += 1
        farmer.visit = self.last_visit

    def has_moved(self, farmer: Farmer) -> bool:
        """Whether they have begun a later visit, at another node."""
        visit = self.visits.get(farmer.id)
        return visit is not None and visit.number > farmer.visit

    def bearers(self) -> set[FarmerId]:
        """The farmers with passes, and those who were in the chat with one."""
        return {*self._by_farmer, *self.visits}

    # -- giving ----------------------------------------------------------------------------------

    def give(self, farmer: Farmer, chain: str) -> Deferred[str]:
        """Give a new pass for this visit.

        :returns: fires with the pass once its hash is stored; fails with NotStored or Halted.
        """
        secret = self._chance(SIZE).hex()
        known = Pass(farmer.id, chain, farmer.visit, self._now())
        visit = Kept(VISITS, str(farmer.id), [farmer.visit, str(farmer)])
        stored = self._owed.store([farmer.id], once=[_kept(hash_of(secret), known), visit])
        return stored.addCallback(self._given, secret, known, str(farmer))

    def _given(self, _: object, secret: str, known: Pass, name: str) -> str:
        self._add(hash_of(secret), known)
        self.visits[known.farmer] = Visit(known.farmer, known.visit, name)
        surplus = self._surplus(known)
        if surplus:
            self._forget(known.farmer, surplus)
        return secret

    def _surplus(self, latest: Pass) -> list[str]:
        """The passes of a farmer that do not work, or that nobody needs."""
        theirs = self._of(latest.farmer)
        over = [key for key in theirs if not self._serves(self._passes[key])]
        unused = [key for key in theirs if self._passes[key].until is None]
        older = [key for key in unused if self._passes[key].chain == latest.chain]
        return list({*over, *older[:-MOST_IN_A_CHAIN], *theirs[:-MOST_OF_ONE]})

    def new_chain(self) -> str:
        return self._chance(8).hex()

    # -- using -----------------------------------------------------------------------------------

    def find(self, secret: str) -> Pass | None:
        """What we know about a pass; None if it does not work."""
        known = self._passes.get(hash_of(secret))
        return known if known is not None and self._serves(known) else None

    def _serves(self, known: Pass) -> bool:
        if known.until is not None and known.until <= self._now():
            return False
        if known.farmer in self.visits:
            return True
        lately = self._now() - known.used < self.remember
        return known.farmer in self._registered and lately

    def use(self, secret: str) -> list[Kept]:
        """Use a pass: it brings somebody back.

        :returns: what the ledger must keep.
        """
        key = hash_of(secret)
        known = self._passes[key]
        if known.until is None:
            known.until = self._now() + GRACE
        return [_kept(key, known)]

    def follow(self, item: Kept) -> None:
        """Follow another node, which has changed a pass or a visit."""
        if item.subject == VISITS:
            self._follow_visit(item)
            return
        known = None if item.value is None else _read(item.value)
        self._drop([item.key])
        if known is not None:
            self.last_visit = max(self.last_visit, known.visit)
            self._add(item.key, known)

    def _follow_visit(self, item: Kept) -> None:
        if item.value is None and item.key.isdecimal():
            self.visits.pop(FarmerId(int(item.key)), None)
        elif item.value is not None:
            self._read_visit(item.key, item.value)
            visit = self.visits.get(FarmerId(int(item.key))) if item.key.isdecimal() else None
            self.last_visit = max(self.last_visit, visit.number if visit is not None else 0)

    # -- ending ----------------------------------------------------------------------------------

    def left(self, farmer: Farmer, chain: str, *, goodbye: bool) -> None:
        """A visit is over.

        :param chain: of the passes of their connection; empty if they lingered.
        :param goodbye: whether they said goodbye.
        """
        mine = [key for key in self._of(farmer.id) if self._passes[key].chain == chain]
        if not chain:
            mine = [k for k in self._of(farmer.id) if self._passes[k].visit == farmer.visit]
        if not farmer.registered or not self.remember:
            self._forget(farmer.id, self._of(farmer.id), visit=True)
        elif goodbye:
            self._forget(farmer.id, mine, visit=True)
        else:
            for key in mine:
                self._passes[key].used = self._now()
            used = [_kept(key, self._passes[key]) for key in mine]
            self._forget(farmer.id, (), *used, visit=True)

    def end_others(self, farmer: FarmerId, chain: str) -> None:
        """End all passes of a farmer except those of a chain."""
        self._forget(farmer, [k for k in self._of(farmer) if self._passes[k].chain != chain])

    def end_all(self, farmer: FarmerId) -> None:
        """End all passes of a farmer, at once."""
        self._forget(farmer, self._of(farmer))

    def give_up(self, farmer: FarmerId) -> Deferred[None]:
        """End all passes of a farmer once that is stored; fails with NotStored or Halted."""
        ending: list[Kept] = []

        def decide() -> list[Fact]:
            ending[:] = [Kept(PASSES, key, None) for key in self._of(farmer)]
            return []

        stored = self._lane.submit([farmer], decide, kept=ending)
        return stored.addCallback(lambda _: self._drop(item.key for item in ending))

    def revoke(self, secret: str) -> None:
        """End a pass that nobody has received."""
        known = self._passes.get(hash_of(secret))
        if known is not None:
            self._forget(known.farmer, [hash_of(secret)])

    def forget_visit(self, farmer: FarmerId) -> None:
        """Forget the visit: nobody expects them back."""
        self._forget(farmer, (), visit=True)

    def _of(self, farmer: FarmerId) -> list[str]:
        """The hashes of a farmer's passes, oldest first."""
        return [*self._by_farmer.get(farmer, ())]

    def _forget(
        self, farmer: FarmerId, keys: Iterable[str], *others: Kept, visit: bool = False
    ) -> None:
        keys = [*keys]
        items = [Kept(PASSES, key, None) for key in keys]
        if visit and self.visits.pop(farmer, None) is not None:
            items.append(Kept(VISITS, str(farmer), None))
        self._drop(keys)
        if items or others:
            self._owed.store([farmer], items, once=others).addErrback(_is_owed)

    def _drop(self, keys: Iterable[str]) -> None:
        for key in keys:
            known = self._passes.pop(key, None)
            if known is not None:
                theirs = self._by_farmer[known.farmer]
                del theirs[key]
                if not theirs:
                    del self._by_farmer[known.farmer]


def _is_owed(failure: Failure) -> None:
    failure.trap(GranjaError)


def hash_of(secret: str) -> str:
    """The key of a pass.  One round is enough, because nobody can guess the pass."""
    return sha256(secret.encode()).hexdigest()


def _kept(key: str, known: Pass) -> Kept:
    fields = ("farmer", "chain", "visit", "used", "until")
    values = {name: getattr(known, name) for name in fields}
    return Kept(PASSES, key, {name: held for name, held in values.items() if held is not None})


def _read(value: Value) -> Pass | None:
    """What the ledger keeps about a pass; None if it is damaged."""
    match value:
        case {
            "farmer": int(farmer),
            "chain": str(chain),
            "visit": int(visit),
            "used": int() | float() as used,
            **rest,
        }:
            until = rest.get("until")
            ends = until if isinstance(until, int | float) else None
            return Pass(FarmerId(farmer), chain, visit, used, ends)
    return None
