"""Offers and swaps: how they end, and what somebody has not heard about that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from granja.contract.ids import ArtifactId, FarmerId, OfferId


@dataclass(frozen=True, slots=True)
class Offer:
    """``maker`` gives one ``gives`` for one ``takes`` of ``taker``.  It never changes."""

    number: OfferId
    maker: FarmerId
    taker: FarmerId
    gives: ArtifactId
    takes: ArtifactId
    expires: float


class How(StrEnum):
    """How an offer or a swap ended.  A settled swap may go on with what is left of it."""

    ACCEPTED = "accepted"
    SETTLED = "settled"
    REJECTED = "rejected"
    RETRACTED = "retracted"
    EXPIRED = "expired"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Ended:
    """An offer that is no longer pending, and why.

    ``maker`` and ``taker`` are the names at that moment.  A void offer has a ``loser``: the farmer
    who no longer has the artifact ``lost``, or who left (``lost`` is None).
    """

    offer: Offer
    maker: str
    taker: str
    how: How
    loser: FarmerId | None = None
    lost: ArtifactId | None = None

    @property
    def number(self) -> OfferId:
        return self.offer.number

    @property
    def parties(self) -> tuple[FarmerId, FarmerId]:
        return self.offer.maker, self.offer.taker

    def is_deed_of(self, party: FarmerId) -> bool:
        """Whether ``party`` ended it, by a command or by leaving: then it is no news to them."""
        if self.how is How.VOID:
            return self.loser == party and self.lost is None
        doer = self.offer.maker if self.how is How.RETRACTED else self.offer.taker
        return self.how is not How.EXPIRED and doer == party

    @property
    def is_trade(self) -> bool:
        """Whether artifacts changed hands: farmers hear of this first."""
        return self.how is How.ACCEPTED


@dataclass(frozen=True, slots=True)
class SwapNews:
    """What happened to ``maker``'s swap with the number ``swap``.

    If it settled, one ``gave`` went to the farmer called ``to``, and one ``got`` came from the
    farmer called ``source``.  If it is void, there is one of three reasons: no ``gave`` is left, or
    the maker has ``got`` now, or (with neither) no spares are left.
    """

    swap: OfferId
    maker: FarmerId
    how: How
    gave: ArtifactId | None = None
    got: ArtifactId | None = None
    to: str = ""
    source: str = ""

    @property
    def number(self) -> OfferId:
        return self.swap

    @property
    def parties(self) -> tuple[FarmerId]:
        return (self.maker,)

    def is_deed_of(self, party: FarmerId) -> bool:
        """Whether ``party`` ended it by a command: then it is no news to them."""
        return self.how is How.RETRACTED and party == self.maker

    @property
    def is_trade(self) -> bool:
        """Whether artifacts changed hands: farmers hear of this first."""
        return self.how is How.SETTLED


#: What a fact can do to offers and swaps.
Happened = Ended | SwapNews

#: The most lines of news that a returning farmer hears (PROTOCOL §5).
MOST_NEWS = 50


@dataclass(slots=True)
class News:
    """What an absent farmer has not heard: some ends, and how many ``more`` there were.

    ``unseen``: the pending offers that they have not heard of; the ends of these are no news.  None
    means the rule of older records: everything is news, and the first ends stay.
    """

    ends: list[Happened] = field(default_factory=list)
    more: int = 0
    unseen: set[OfferId] | None = None

    def add(self, end: Happened) -> None:
        if self.unseen is not None and end.number in self.unseen:
            self.unseen.discard(end.number)
            return
        if len(self.ends) >= MOST_NEWS:
            self.more += 1
            if not self._make_room(end):
                return
        self.ends.append(end)

    def _make_room(self, end: Happened) -> bool:
        """Drop the last end that is no trade, to make room for a trade.

        :return: whether there is room.
        """
        if end.is_trade and self.unseen is not None:
            for place in reversed(range(len(self.ends))):
                if not self.ends[place].is_trade:
                    del self.ends[place]
                    return True
        return False

    def offered(self, number: OfferId) -> None:
        """Note that somebody made them an offer while they are away."""
        if self.unseen is not None:
            self.unseen.add(number)

    def extend(self, later: News) -> None:
        """Add the news that came after these."""
        for end in later.ends:
            self.add(end)
        self.more += later.more
        for number in later.unseen or ():
            self.offered(number)

    def plain(self) -> dict[str, Any]:
        """The news as values for JSON; :meth:`restore` takes them back."""
        state: dict[str, Any] = {"ends": list(map(_plain_end, self.ends)), "more": self.more}
        return state if self.unseen is None else state | {"unseen": sorted(self.unseen)}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> News:
        ends: Sequence[dict[str, Any]] = state["ends"]
        unseen: Sequence[OfferId] | None = state.get("unseen")
        kept = set(unseen) if unseen is not None else None
        return cls([_read_end(**end) for end in ends], state["more"], kept)


def _plain_end(end: Happened) -> dict[str, Any]:
    return plain(end) | {"offer": plain(end.offer)} if isinstance(end, Ended) else plain(end)


def plain(record: Offer | Happened) -> dict[str, Any]:
    """The same as ``dataclasses.asdict``, which is much slower; the chat waits for this."""
    return {name: getattr(record, name) for name in _NAMES[type(record)]}


_NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in (Offer, Ended, SwapNews)}


def _read_end(how: str, offer: dict[str, Any] | None = None, **others: Any) -> Happened:
    if offer is None:
        return SwapNews(how=How(how), **others)
    return Ended(offer=Offer(**offer), how=How(how), **others)
