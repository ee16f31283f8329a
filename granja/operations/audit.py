"""The audit: goes through a ledger from the first entry on, and believes nothing.

It replays the facts with the same :meth:`~granja.market.market.Market.apply` as the server.  But it
first compares each fact with the state before it.  It also keeps books that know nothing of trades:
the declared copies, minus those that were withdrawn or left with a visitor, must be the copies that
people hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from granja.accounts.passwords import is_verifier
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.contract.messages import somebody
from granja.ledger.archive import IArchive, SavedState
from granja.ledger.chain import BadEntry, Head, verified
from granja.ledger.snapshot import comparable
from granja.market import facts as events
from granja.market.facts import Fact
from granja.market.market import Market
from granja.market.offers import MOST_NEWS, Happened, How, SwapNews
from granja.operations.objections import OBJECTIONS
from granja.text import names
from granja.text.clean import clean

#: Facts after which a farmer is gone for good, and all after which they are not there.
#: They are tuples: a union in ``isinstance`` would be made anew at each of a million entries.
_GONE = (events.Departed, events.Released)
_NOT_THERE = (events.Left, *_GONE)


class NotInOrder(Exception):
    """Something is wrong with the ledger as a whole.  The text is the sentence."""


@dataclass
class Books:
    """How many copies of each artifact began to exist, and how they stopped existing."""

    declared: Counter[ArtifactId] = field(default_factory=Counter)
    withdrawn: Counter[ArtifactId] = field(default_factory=Counter)
    departed: Counter[ArtifactId] = field(default_factory=Counter)

    def note(self, fact: Fact) -> None:
        if isinstance(fact, events.Declared):
            self.declared.update(fact.artifacts)
        elif isinstance(fact, events.Withdrawn):
            self.withdrawn.update(fact.artifacts)
        elif isinstance(fact, _GONE):
            self.departed.update(fact.artifacts)

    def begin(self, books: Iterable[Sequence[int]]) -> None:
        """Go on from counts of before."""
        for artifact, *counts in books:
            counters = (self.declared, self.withdrawn, self.departed)
            for counter, count in zip(counters, counts, strict=True):
                counter[ArtifactId(artifact)] = count

    def said(self) -> tuple[tuple[int, ...], ...]:
        """All counts, in the form in which the next chain takes them."""
        return tuple(
            (a, self.declared[a], self.withdrawn[a], self.departed[a])
            for a in sorted(self.declared)
        )

    def left(self, artifact: ArtifactId) -> int:
        """How many copies must be left."""
        return self.declared[artifact] - self.withdrawn[artifact] - self.departed[artifact]


@dataclass
class People:
    """Who has left for good, and who owns the registered names.

    Two names count as one only if the server itself would refuse to start with both.  Names that
    look alike were different when they were given, and stay different when Unicode learns more.
    """

    gone: set[FarmerId] = field(default_factory=set)
    registered: dict[str, FarmerId] = field(default_factory=dict)
    #: Of the farmers up to this number, only those in ``there`` existed when the chain began.
    reached: int = 0
    there: set[FarmerId] = field(default_factory=set)

    def begin(self, market: Market) -> None:
        """Continue from a state."""
        self.reached, self.there = market.last_farmer, set(market.held)
        self.registered = {names.fold(n): f for f, n in market.registered.items()}

    def _had_left(self, farmer: FarmerId) -> bool:
        return farmer in self.gone or (farmer <= self.reached and farmer not in self.there)

    def note(self, fact: Fact) -> None:
        if isinstance(fact, _GONE):
            self.gone.add(fact.farmer)
        if isinstance(fact, events.Released):
            self.registered = {n: f for n, f in self.registered.items() if f != fact.farmer}
        elif isinstance(fact, events.Registered):
            self.registered[names.fold(fact.name)] = fact.farmer

    def objection(self, fact: Fact) -> str | None:
        """Why the number or the name in a fact cannot be somebody's; None if it can."""
        if not isinstance(fact, (events.Declared, events.Registered, events.Wished)):
            return None
        if fact.farmer < 1:
            return f"{fact.farmer} is no farmer's number"
        forgotten = not isinstance(fact, events.Wished) and fact.name == somebody(fact.farmer)
        if not (forgotten or isinstance(fact, events.Wished) or _may_be_name(fact.name)):
            return f"{fact.name!r:.80} was never a name"
        if self._had_left(fact.farmer):
            return f"farmer {fact.farmer} had left for good"
        if isinstance(fact, events.Registered):
            holder = self.registered.get(names.fold(fact.name))
            if holder is not None:
                return f"the name {fact.name} was farmer {holder}'s already"
        return None


def _may_be_name(name: str) -> bool:
    """Whether some version of granja could have allowed it.  The rules became stricter with
    time."""
    return bool(name) and " " not in name and name.isprintable() and clean(name) == name


#: Ends of offers that we remember for each farmer.
_MOST_ENDS = 1000


#: Tells ends of offers and swaps apart: the number, and the artifact that was got.  A swap may
#: settle several times, each time for another artifact.
_End = tuple[OfferId, ArtifactId | None]


def _end(end: Happened) -> _End:
    if isinstance(end, SwapNews) and end.how is How.SETTLED:
        return end.number, end.got
    return end.number, None


def _same(known: Happened, said: Happened) -> bool:
    """Whether two ends are the same.

    A swap's partner may be forgotten since then, and we do not always know their number.  So we do
    not compare such a partner.
    """
    if isinstance(known, SwapNews) and isinstance(said, SwapNews):
        return _partnerless(known, said) == _partnerless(said, known)
    return known == said


def _partnerless(end: SwapNews, other: SwapNews) -> SwapNews:
    to = "" if " " in end.to + other.to else end.to
    source = "" if " " in end.source + other.source else end.source
    return replace(end, to=to, source=source)


class Endings:
    """The ends of each farmer's offers since they last left, without those that they caused
    themselves, and with what they had missed then.  A farmer who leaves can only have missed some
    of these.
    """

    def __init__(self) -> None:
        self._ends: dict[FarmerId, dict[_End, Happened]] = {}
        self._forgetful: set[FarmerId] = set()

    def begin(self, market: Market) -> None:
        """Begin: of nobody we know what ended before."""
        self._forgetful.update(market.held)

    def note(self, fact: Fact, ended: Iterable[Happened]) -> None:
        for end in ended:
            for party in end.parties:
                if not end.is_deed_of(party):
                    self._remember(party, end)
        if isinstance(fact, _NOT_THERE):
            self._ends.pop(fact.farmer, None)
            self._forgetful.discard(fact.farmer)
        if isinstance(fact, events.Left):
            for end in fact.missed:
                self._remember(fact.farmer, end)
            if fact.more:
                self._forgetful.add(fact.farmer)

    def _remember(self, party: FarmerId, end: Happened) -> None:
        ends = self._ends.setdefault(party, {})
        ends[_end(end)] = end
        if len(ends) > _MOST_ENDS:
            del ends[next(iter(ends))]
            self._forgetful.add(party)

    def objection(self, fact: Fact) -> str | None:
        """Why a farmer who leaves cannot have missed what the fact says; None if they can."""
        if not isinstance(fact, events.Left):
            return None
        ends = self._ends.get(fact.farmer, {})
        missed = [_end(end) for end in fact.missed]
        if len(set(missed)) < len(missed):
            return f"farmer {fact.farmer} missed the end of an offer twice"
        for end in fact.missed:
            known = ends.get(_end(end))
            same = known is not None and _same(known, end)
            if not same and (known or fact.farmer not in self._forgetful):
                return f"offer #{_end(end)[0]} did not end so that farmer {fact.farmer} missed it"
        return self._objection_to_number(fact, len(ends))

    def _objection_to_number(self, fact: events.Left, most: int) -> str | None:
        told, more = len(fact.missed), fact.more
        too_many = told + more > most and fact.farmer not in self._forgetful
        if too_many or more < 0 or told > MOST_NEWS or (more and told < MOST_NEWS):
            return f"farmer {fact.farmer} cannot have missed {told} and {more} more"
        return None


class Audit:
    """What is known about a ledger after the audit.

    ``books``; ``people``; ``held``: copies of each artifact; ``kinds``: how many facts of each
    kind; ``head``: the last entry; ``market``: the state after it.
    """

    def __init__(self) -> None:
        self.books = Books()
        self.people = People()
        self._endings = Endings()
        self.kinds: Counter[str] = Counter()
        self.head = Head()
        self.market = Market()

    @property
    def held(self) -> Counter[ArtifactId]:
        held: Counter[ArtifactId] = Counter()
        for inventory in self.market.held.values():
            held.update(inventory)
        return held

    def run(self, archive: IArchive) -> Iterator[tuple[int, Fact]]:
        """Go through the entries, from the first (or from the end of the last run) to the one that
        is the last now.  The ledger may be live.

        :returns: each number and fact, once it is checked.
        :raises BadEntry: at the first entry that is not what was written, or cannot have happened.
        :raises NotInOrder: when a snapshot or the books say something else than the entries.
        """
        kept = {saved.sequence: saved for saved in archive.saved_states()}
        start = self.head if self.head.sequence else archive.start()
        for entry in verified(archive.entries(start.sequence), start.hash, start.sequence):
            fact = archive.fact(entry)
            if isinstance(fact, events.Begun):
                self._begin(entry.sequence, fact, archive)
            else:
                self._follow(entry.sequence, fact)
            self.head = Head(entry.sequence, entry.hash)
            if entry.sequence in kept:
                self._compare(kept.pop(entry.sequence), archive.pseudonyms.missed)
            yield entry.sequence, fact
        for saved in kept.values():  # From an earlier run, or of entries that do not exist.
            _trusted(saved)
        self._balance()

    def _begin(self, sequence: int, fact: events.Begun, archive: IArchive) -> None:
        """The chain goes on from an archive: check it against our state, or take its state."""
        start = archive.start()
        if (sequence, fact.head) != (start.sequence + 1, start.hash.hex()):
            raise BadEntry(sequence, "only the first one goes on from an archive")
        if self.head.sequence:
            if not _says(fact.state, self.market, archive.pseudonyms.missed):
                raise BadEntry(
                    sequence, "it does not begin with the state that the archive ends in"
                )
            if fact.books != self.books.said():
                raise BadEntry(
                    sequence, "it does not begin with the counts that the archive ends in"
                )
        self.market.apply(fact)
        if not self.head.sequence:
            self.books.begin(fact.books)
            self.people.begin(self.market)
            self._endings.begin(self.market)
        self.kinds[fact.kind] += 1

    def _follow(self, sequence: int, fact: Fact) -> None:
        objection = (
            OBJECTIONS[type(fact)](self.market, fact)
            or self.people.objection(fact)
            or self._endings.objection(fact)
        )
        if objection:
            raise BadEntry(sequence, objection)
        self.kinds[fact.kind] += 1
        self.books.note(fact)
        self.people.note(fact)
        self._endings.note(fact, self.market.apply(fact))

    def _compare(self, saved: SavedState, forgetful: bool) -> None:
        if not _says(_trusted(saved), self.market, forgetful):
            raise NotInOrder(
                f"the snapshot at entry {saved.sequence} does not say what the entries say"
            )

    def _balance(self) -> None:
        held = self.held
        for artifact in sorted({*self.books.declared, *held}):
            if held[artifact] != self.books.left(artifact):
                raise NotInOrder(
                    f"there should be {self.books.left(artifact)} copies of artifact {artifact}, "
                    f"but {held[artifact]} are held"
                )


def _trusted(saved: SavedState) -> Mapping[str, Any]:
    if saved.state is None:
        raise NotInOrder(f"the snapshot at entry {saved.sequence} is off: {saved.problem}")
    return saved.state


def _says(state: Mapping[str, Any], market: Market, forgetful: bool) -> bool:
    """Whether a saved state says the same as the market.

    :param forgetful: whether somebody was forgotten: we may not know a swap partner's number.
    """
    mine = market.snapshot()
    if forgetful:
        state, mine = _without_partners(state), _without_partners(mine)
    try:
        return comparable(state) == comparable(mine)
    except RecursionError:  # A market can read it, but there is something else in it too.
        return False


def _without_partners(state: Mapping[str, Any]) -> dict[str, Any]:
    away = [
        (
            farmer,
            {**news, "ends": [{**end, "to": "", "source": ""} for end in news["ends"]]},
        )
        for farmer, news in state["away"]
    ]
    return {**state, "away": away}


def check_passwords(archive: IArchive, market: Market) -> None:
    """Check the password verifiers of registered farmers, and tell nothing about them.

    :raises NotInOrder: with the first farmer who cannot log in.
    """
    verifiers = dict(archive.verifiers())
    for farmer in sorted({*market.registered, *verifiers}):
        if farmer not in verifiers:
            raise NotInOrder(f"farmer {farmer} is registered, but has no password verifier")
        verifier = verifiers[farmer]
        if verifier is None:
            raise NotInOrder(f"the password verifier of farmer {farmer} cannot be read")
        if not is_verifier(verifier):
            raise NotInOrder(f"the password verifier of farmer {farmer} has not argon2's form")
