"""Frozen facts: what the market decided and the ledger keeps.

Facts speak of farmers and offers by number.  A farmer's number is never used again, so a name
that has become somebody else's inherits nothing.  Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, NewType

FarmerId = NewType("FarmerId", int)
ArtifactId = NewType("ArtifactId", int)
OfferId = NewType("OfferId", int)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened.  ``kind`` is its name in the ledger."""

    kind: ClassVar[str]


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
    """A registered farmer went away; what happens now is news for their return."""

    kind = "left"
    farmer: FarmerId


@dataclass(frozen=True, slots=True)
class Returned(Fact):
    """A registered farmer came back and was told the news."""

    kind = "returned"
    farmer: FarmerId


KINDS: dict[str, type[Fact]] = {
    fact.kind: fact
    for fact in (
        Declared, Withdrawn, Departed, Offered, Traded, Rejected, Retracted, Expired,
        Registered, PasswordChanged, Left, Returned,
    )
}  # fmt: skip


def to_body(fact: Fact) -> dict[str, Any]:
    """The fact's fields as JSON-ready values (``kind`` is kept beside them, not in them)."""
    return asdict(fact)


def from_body(kind: str, body: dict[str, Any]) -> Fact:
    """The fact that :func:`to_body` wrote.

    The types are checked, because whoever forges an entry can make its hash fit, and the market
    believes its facts.

    :raises ValueError: for an unknown kind or fields that do not fit.
    """
    try:
        read = _READERS[kind]
        return KINDS[kind](**{name: read[name](value) for name, value in body.items()})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a fact of kind {kind!r}: {error}") from error


def _number(value: object) -> int:
    if type(value) is not int:  # ``True`` would pass for an instance of it.
        raise TypeError(f"{value!r:.40} is not a whole number")
    return value


def _numbers(value: object) -> tuple[int, ...]:
    if type(value) is not list:
        raise TypeError(f"{value!r:.40} is not a list")
    return tuple(map(_number, value))


def _seconds(value: object) -> float:
    return value if type(value) is float else _number(value)


def _text(value: object) -> str:
    if type(value) is not str:
        raise TypeError(f"{value!r:.40} is not text")
    return value


#: How each annotation above is read.
_TYPES: dict[str, Callable[[object], Any]] = {
    "FarmerId": _number,
    "ArtifactId": _number,
    "OfferId": _number,
    "tuple[ArtifactId, ...]": _numbers,
    "float": _seconds,
    "str": _text,
}

#: How the fields of each kind are read, by their names.
_READERS = {
    kind: {field.name: _TYPES[str(field.type)] for field in fields(fact)}
    for kind, fact in KINDS.items()
}
