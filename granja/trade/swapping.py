"""Swaps: one of these of mine for one of those, with anybody (PROTOCOL §4b)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.internet.defer import Deferred

from granja.contract import errors, messages
from granja.contract.answers import MISSING, SPARES, artifact_list, folded
from granja.contract.catalog import Catalog
from granja.contract.commands import COMMANDS
from granja.contract.errors import GranjaError
from granja.contract.ids import ArtifactId, OfferId
from granja.ledger.lane import Lane
from granja.market.facts import Fact, Posted
from granja.market.market import Market
from granja.market.swapping import decide_swap, spares
from granja.people.roster import Farmer
from granja.trade.freezing import Freezing
from granja.trade.hints import Hints
from granja.trade.offering import OfferNumbers, doubted
from granja.trade.settling import Settling

#: PROTOCOL §4b: rows of ``:trueques``.
MOST_ROWS = 10


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a swap, as typed.

    ``word``: a word that stands for a list, or nothing.  ``wrong``: what is wrong with the list; we
    raise it when this side's turn comes.
    """

    word: str = ""
    numbers: tuple[ArtifactId, ...] = ()
    wrong: GranjaError | None = None


class Swapping:
    """The commands for swaps.  ``me`` is the farmer who typed the line.

    :param now: the time of day, in Unix seconds.
    """

    def __init__(
        self,
        now: Callable[[], float],
        catalog: Catalog,
        market: Market,
        lane: Lane,
        numbers: OfferNumbers,
        settling: Settling,
        hints: Hints,
        freezing: Freezing,
    ) -> None:
        self._now = now
        self._catalog = catalog
        self._market = market
        self._lane = lane
        self._numbers = numbers
        self._settling = settling
        self._hints = hints
        self._freezing = freezing

    def show_chances(self, me: Farmer) -> None:
        """``:trueques`` (PROTOCOL §4b).

        :raises NoChances: when nobody has what ``me`` seeks for what ``me`` gives.
        """
        self._hints.note_use(me)
        chances = self._hints.view().chances(me.id)
        if not chances:
            raise errors.NoChances
        describe = self._catalog.describe
        for chance in chances[:MOST_ROWS]:
            me.tell(messages.Chance(chance.how, describe(chance.gives), describe(chance.takes)))
        if len(chances) > MOST_ROWS:
            me.tell(messages.MoreChances(len(chances) - MOST_ROWS))

    def post(self, me: Farmer, sides: tuple[str, str]) -> Deferred[None]:
        """``:cambio``.  It is finished when its rings have settled, or when there are none."""
        self._hints.note_use(me)
        mine, theirs = map(self._read, sides)
        posted = self._lane.submit(
            [me.id], lambda: self._decide(me, mine, theirs), trade=True, doubt=doubted(me)
        )
        return posted.addCallback(self._posted, me, theirs)

    def _read(self, text: str) -> Side:
        """Read one side.

        :raises WrongArguments: when it is no list.
        """
        word = folded(text)
        if word in (SPARES, MISSING):
            return Side(word)
        try:
            listed = artifact_list(text, self._catalog, self._market.limits.artifacts)
        except errors.NotAList:
            listed = []
        except errors.UnknownArtifact as error:
            return Side(wrong=errors.NoSuchArtifact(error.number, error.first, error.last))
        except errors.TooManyArtifacts as error:
            return Side(wrong=error)
        if not listed:
            raise errors.WrongArguments(COMMANDS[":cambio"].usage)
        return Side(numbers=tuple(sorted({*listed})))

    def _decide(self, me: Farmer, mine: Side, theirs: Side) -> Sequence[Fact]:
        self._freezing.check()
        gives = self._resolved(me, mine)
        for artifact in gives:
            if not self._market.holds(me.id, artifact):
                raise errors.NotMine(artifact)
        takes = self._resolved(me, theirs)
        number, keep = self._numbers.next(), mine.word == SPARES
        facts = decide_swap(self._market, number, me.id, gives, takes, keep, self._now())
        self._numbers.used(number)
        return facts

    def _resolved(self, me: Farmer, side: Side) -> Sequence[ArtifactId]:
        """The artifacts that a side means at this moment.

        :raises GranjaError: what is wrong with it.
        """
        if side.wrong is not None:
            raise side.wrong
        if side.word == SPARES:
            if not (doubles := spares(self._market, me.id)):
                raise errors.NoSpares
            return doubles
        if side.word == MISSING:
            if not (missing := self._hints.view().seeks(me.id)):
                raise errors.NothingMissing
            return missing
        return side.numbers

    def _posted(self, facts: Sequence[Fact], me: Farmer, theirs: Side) -> Deferred[None]:
        [swap] = facts
        assert isinstance(swap, Posted)
        gives, takes = (tuple(map(self._catalog.describe, s)) for s in (swap.gives, swap.takes))
        sought = theirs.word == MISSING
        me.tell(messages.SwapPosted(swap.offer, gives, takes, swap.keep, sought))
        return self._settling.settle(swap.offer).addCallback(self._settled, swap.offer)

    def _settled(self, closed: bool, number: OfferId) -> None:
        if not closed:
            self._hints.tell_soon(number)
