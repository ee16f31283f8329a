"""Frozen facts: what the market decided and the ledger keeps.

Facts speak of farmers, artifacts and offers by number (:mod:`granja.contract.ids`).
Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.market.offers import Ended, How, Offer


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened.  ``kind`` is its name in the ledger.

    A ``foremost`` one goes before the others that are recorded together with it.
    """

    kind: ClassVar[str]
    foremost: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Declared(Fact):
    """Artifacts came into the world in a farmer's hands (one entry for each copy)."""

    kind = "declared"
    farmer: FarmerId
    name: str
    artifacts: tuple[ArtifactId, ...]


@dataclass(frozen=True, slots=True)
class Withdrawn(Fact):
    """A farmer gave artifacts away for good (to the museum)."""

    kind = "withdrawn"
    farmer: FarmerId
    artifacts: tuple[ArtifactId, ...]


@dataclass(frozen=True, slots=True)
class Departed(Fact):
    """A visitor left, and all that they held left the world with them."""

    kind = "departed"
    farmer: FarmerId
    artifacts: tuple[ArtifactId, ...]


@dataclass(frozen=True, slots=True)
class Offered(Fact):
    """``maker`` offers one copy of ``gives`` to ``taker`` for one of ``takes``."""

    kind = "offered"
    offer: OfferId
    maker: FarmerId
    taker: FarmerId
    gives: ArtifactId
    takes: ArtifactId
    expires: float


@dataclass(frozen=True, slots=True)
class Traded(Fact):
    """The taker accepted: both artifacts changed hands."""

    kind = "traded"
    offer: OfferId


@dataclass(frozen=True, slots=True)
class Rejected(Fact):
    kind = "rejected"
    offer: OfferId


@dataclass(frozen=True, slots=True)
class Retracted(Fact):
    """The maker took the offer back."""

    kind = "retracted"
    offer: OfferId


@dataclass(frozen=True, slots=True)
class Expired(Fact):
    kind = "expired"
    offer: OfferId


@dataclass(frozen=True, slots=True)
class Registered(Fact):
    """A visitor's name became theirs."""

    kind = "registered"
    farmer: FarmerId
    name: str


@dataclass(frozen=True, slots=True)
class PasswordChanged(Fact):
    kind = "password-changed"
    farmer: FarmerId


@dataclass(frozen=True, slots=True)
class Left(Fact):
    """A registered farmer went away; what happens now is news for their return.

    ``missed`` has happened before, but after their line was cut: the first ends, and how many
    ``more`` there were.  (What others do in the same instant is news already, so this is foremost.)
    ``unseen``: the standing offers that they have not heard of; None in older records, after which
    the news are kept by an older rule (:class:`~granja.market.offers.News`).
    """

    kind = "left"
    foremost = True
    farmer: FarmerId
    missed: tuple[Ended, ...] = ()
    more: int = 0
    unseen: tuple[OfferId, ...] | None = None


@dataclass(frozen=True, slots=True)
class Returned(Fact):
    """A registered farmer came back and was told the news; what others do in the same instant they
    hear as it happens."""

    kind = "returned"
    foremost = True
    farmer: FarmerId


KINDS: dict[str, type[Fact]] = {
    fact.kind: fact
    for fact in (
        Declared, Withdrawn, Departed, Offered, Traded, Rejected, Retracted, Expired,
        Registered, PasswordChanged, Left, Returned,
    )
}  # fmt: skip


def from_body(kind: str, body: dict[str, Any]) -> Fact:
    """The fact whose fields these are, as JSON has them; an older granja knew fewer of them.

    The types are checked, because whoever forges an entry can make its hash fit, and the market
    believes its facts.

    :raises ValueError: for an unknown kind or fields that do not fit.
    """
    try:
        fact: Fact = _FACTS[kind](body)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a fact of kind {kind!r}: {error}") from error
    return fact


def _number(value: object) -> int:
    if type(value) is not int:  # ``True`` would pass for an instance of it.
        raise TypeError(f"{value!r:.40} is not a whole number")
    return value


def _number_or_none(value: object) -> int | None:
    return None if value is None else _number(value)


def _seconds(value: object) -> float:
    return value if type(value) is float else _number(value)


def _text(value: object) -> str:
    if type(value) is not str:
        raise TypeError(f"{value!r:.40} is not text")
    return value


Reader = Callable[[Any], Any]


def _each(read: Reader) -> Reader:
    """How a list of what ``read`` reads is read."""

    def read_all(value: object) -> tuple[Any, ...]:
        if type(value) is not list:
            raise TypeError(f"{value!r:.40} is not a list")
        return tuple(map(read, value))

    return read_all


def _record(kind: type[Any]) -> Reader:
    """How a dataclass is read, by the names of its fields."""
    readers = {field.name: _TYPES[str(field.type)] for field in fields(kind)}

    def read(value: dict[str, object]) -> Any:
        return kind(**{name: readers[name](held) for name, held in value.items()})

    return read


#: How each annotation of a fact, an offer and its end is read.
_TYPES: dict[str, Reader] = {
    "int": _number,
    "FarmerId": _number,
    "ArtifactId": _number,
    "OfferId": _number,
    "FarmerId | None": _number_or_none,
    "ArtifactId | None": _number_or_none,
    "tuple[ArtifactId, ...]": _each(_number),
    "tuple[OfferId, ...] | None": lambda value: None if value is None else _each(_number)(value),
    "float": _seconds,
    "str": _text,
    "How": lambda value: How(_text(value)),
}
_TYPES["Offer"] = _record(Offer)
_TYPES["tuple[Ended, ...]"] = _each(_record(Ended))

_FACTS = {kind: _record(fact) for kind, fact in KINDS.items()}
