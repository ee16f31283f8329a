"""Frozen facts: what the market decided and the ledger keeps.

Facts speak of farmers and offers by number.  A farmer's number is never used again, so a name
that has become somebody else's inherits nothing.  Times are Unix seconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
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

    :raises ValueError: for an unknown kind or fields that do not fit.
    """
    try:
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in body.items()}
        return KINDS[kind](**values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a fact of kind {kind!r}: {error}") from error
