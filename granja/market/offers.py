"""Offers, how they end, and what of it somebody has still to hear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from granja.contract.ids import ArtifactId, FarmerId, OfferId


@dataclass(frozen=True, slots=True)
class Offer:
    """``maker`` gives one ``gives`` for one ``takes`` of ``taker``'s.  It never changes."""

    number: OfferId
    maker: FarmerId
    taker: FarmerId
    gives: ArtifactId
    takes: ArtifactId
    expires: float


class How(StrEnum):
    """How an offer ended."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RETRACTED = "retracted"
    EXPIRED = "expired"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Ended:
    """An offer that is no longer pending, and why.

    ``maker`` and ``taker`` are the names at that moment.  A void offer has a ``loser``, the
    farmer who no longer has the artifact ``lost``, or who left (``lost`` is None).
    """

    offer: Offer
    maker: str
    taker: str
    how: How
    loser: FarmerId | None = None
    lost: ArtifactId | None = None

    @property
    def parties(self) -> tuple[FarmerId, FarmerId]:
        return self.offer.maker, self.offer.taker

    def is_deed_of(self, party: FarmerId) -> bool:
        """Whether ``party`` ended it, by a command or by leaving: then it is no news to them."""
        if self.how is How.VOID:
            return self.loser == party and self.lost is None
        doer = self.offer.maker if self.how is How.RETRACTED else self.offer.taker
        return self.how is not How.EXPIRED and doer == party


#: PROTOCOL §5: what happened meanwhile is told in at most this many lines.
MOST_NEWS = 50


@dataclass(slots=True)
class News:
    """What an absent farmer has to hear: the first ends, and how many ``more`` there were."""

    ends: list[Ended] = field(default_factory=list)
    more: int = 0

    def add(self, end: Ended) -> None:
        if len(self.ends) < MOST_NEWS:
            self.ends.append(end)
        else:
            self.more += 1

    def extend(self, later: News) -> None:
        """Add what came after these."""
        for end in later.ends:
            self.add(end)
        self.more += later.more

    def plain(self) -> dict[str, Any]:
        """As JSON-ready values; :meth:`restore` takes them back."""
        ends = [plain(end) | {"offer": plain(end.offer)} for end in self.ends]
        return {"ends": ends, "more": self.more}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> News:
        ends: Sequence[dict[str, Any]] = state["ends"]
        return cls([_read_end(**end) for end in ends], state["more"])


def plain(record: Offer | Ended) -> dict[str, Any]:
    """As ``dataclasses.asdict``, which takes eight times as long, and the chat waits for it."""
    return {name: getattr(record, name) for name in _NAMES[type(record)]}


_NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in (Offer, Ended)}


def _read_end(offer: dict[str, Any], how: str, **others: Any) -> Ended:
    return Ended(offer=Offer(**offer), how=How(how), **others)
