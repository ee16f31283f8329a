"""Facts: what the market has decided and the ledger keeps.  They never change.

Facts name farmers, artifacts and offers by number (:mod:`granja.contract.ids`).  Times are Unix
seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.market.offers import Ended, Happened, How, Offer, SwapNews


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened.  ``kind`` is its name in the ledger.

    A ``foremost`` fact comes before the other facts that are recorded together with it.
    """

    kind: ClassVar[str]
    foremost: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Declared(Fact):
    """A farmer declared artifacts, which begin to exist (one entry for each copy)."""

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
    """A visitor left, and everything that they held stopped existing."""

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
class Wished(Fact):
    """What a farmer seeks and gives from now on, as typed; None: as if they had typed nothing."""

    kind = "wished"
    farmer: FarmerId
    seeks: tuple[ArtifactId, ...] | None
    gives: tuple[ArtifactId, ...] | None


@dataclass(frozen=True, slots=True)
class Posted(Fact):
    """A swap stands: ``maker`` gives one of ``gives`` for one of ``takes``, with anybody.

    ``keep``: the maker keeps the last copy of each.
    """

    kind = "posted"
    offer: OfferId
    maker: FarmerId
    gives: tuple[ArtifactId, ...]
    takes: tuple[ArtifactId, ...]
    keep: bool
    expires: float


@dataclass(frozen=True, slots=True)
class Settled(Fact):
    """Swaps settled in a circle: the maker of ``offers[i]`` gave one ``gives[i]`` to the maker of
    ``offers[i+1]``."""

    kind = "settled"
    offers: tuple[OfferId, ...]
    gives: tuple[ArtifactId, ...]


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
    """A visitor registered their name."""

    kind = "registered"
    farmer: FarmerId
    name: str


@dataclass(frozen=True, slots=True)
class PasswordChanged(Fact):
    kind = "password-changed"
    farmer: FarmerId


@dataclass(frozen=True, slots=True)
class Released(Fact):
    """A registered farmer left for good: the name is free, and everything that they held stopped
    existing."""

    kind = "released"
    farmer: FarmerId
    artifacts: tuple[ArtifactId, ...]


@dataclass(frozen=True, slots=True)
class Rewritten(Fact):
    """This chain began with the facts of another one.  That one ended with the hash ``head`` after
    so many ``entries``."""

    kind = "rewritten"
    head: str
    entries: int


@dataclass(frozen=True, slots=True)
class Begun(Fact):
    """An archive took the chain, and the chain goes on here.

    ``head``: the hash of the entry before this one, which is the archive's last entry.  ``state``:
    a :meth:`granja.market.market.Market.snapshot` taken after that entry.  ``books``: for each
    artifact its number, and how many copies were declared, withdrawn and taken along until then.
    """

    kind = "begun"
    head: str
    state: dict[str, Any]
    books: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Left(Fact):
    """A registered farmer went away.  What happens from now on is news for their return.

    ``missed``: ends that happened before, but after the connection was lost; ``more``: how many
    more there were.  (What others do in the same moment is news already, so this fact is foremost.)
    ``unseen``: the pending offers that they have not heard of.  It is None in older records, after
    which an older rule keeps the news (:class:`~granja.market.offers.News`).
    """

    kind = "left"
    foremost = True
    farmer: FarmerId
    missed: tuple[Happened, ...] = ()
    more: int = 0
    unseen: tuple[OfferId, ...] | None = None


@dataclass(frozen=True, slots=True)
class Returned(Fact):
    """A registered farmer came back and was told the news.  From this moment on they hear what
    others do as it happens."""

    kind = "returned"
    foremost = True
    farmer: FarmerId


KINDS: dict[str, type[Fact]] = {
    fact.kind: fact
    for fact in (
        Declared, Withdrawn, Departed, Offered, Traded, Rejected, Retracted, Expired,
        Wished, Posted, Settled, Registered, PasswordChanged, Left, Returned, Released, Rewritten,
        Begun,
    )
}  # fmt: skip


def from_body(kind: str, body: dict[str, Any]) -> Fact:
    """The fact with these fields, as JSON has them.  Older records have fewer kinds and fields.

    It checks the types.  Somebody may forge an entry with a hash that fits, and the market believes
    its facts.

    :raises ValueError: for an unknown kind, or for fields that do not fit.
    """
    try:
        fact: Fact = _FACTS[kind](body)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a fact of kind {kind!r}: {error}") from error
    return fact


def _number(value: object) -> int:
    if type(value) is not int:  # ``isinstance`` would accept ``True``.
        raise TypeError(f"{value!r:.40} is not a whole number")
    return value


def _seconds(value: object) -> float:
    return value if type(value) is float else _number(value)


def _truth(value: object) -> bool:
    if type(value) is not bool:
        raise TypeError(f"{value!r:.40} is neither true nor false")
    return value


def _text(value: object) -> str:
    if type(value) is not str:
        raise TypeError(f"{value!r:.40} is not text")
    return value


Reader = Callable[[Any], Any]


def _each(read: Reader) -> Reader:
    """A reader for a list whose items ``read`` reads."""

    def read_all(value: object) -> tuple[Any, ...]:
        if type(value) is not list:
            raise TypeError(f"{value!r:.40} is not a list")
        return tuple(map(read, value))

    return read_all


def _none_or(read: Reader) -> Reader:
    """A reader for None, or for what ``read`` reads."""
    return lambda value: None if value is None else read(value)


def _record(kind: type[Any]) -> Reader:
    """A reader for a dataclass, by the names of its fields."""
    readers = {field.name: _TYPES[str(field.type)] for field in fields(kind)}

    def read(value: dict[str, object]) -> Any:
        return kind(**{name: readers[name](held) for name, held in value.items()})

    return read


#: The reader for each type that a fact, an offer or its end has.
_TYPES: dict[str, Reader] = {
    "int": _number,
    "FarmerId": _number,
    "ArtifactId": _number,
    "OfferId": _number,
    "FarmerId | None": _none_or(_number),
    "ArtifactId | None": _none_or(_number),
    "tuple[ArtifactId, ...]": _each(_number),
    "tuple[ArtifactId, ...] | None": _none_or(_each(_number)),
    "tuple[OfferId, ...]": _each(_number),
    "tuple[OfferId, ...] | None": _none_or(_each(_number)),
    "bool": _truth,
    "float": _seconds,
    "str": _text,
    "How": lambda value: How(_text(value)),
}
_TYPES["Offer"] = _record(Offer)
_ENDED, _SWAP_NEWS = _record(Ended), _record(SwapNews)


def _happened(value: dict[str, object]) -> Happened:
    happened: Happened = (_SWAP_NEWS if "swap" in value else _ENDED)(value)
    return happened


_TYPES["tuple[Happened, ...]"] = _each(_happened)
_TYPES["tuple[tuple[int, ...], ...]"] = _each(_each(_number))


def _pair(first: Reader, second: Reader) -> Reader:
    """A reader for a list of two."""

    def read(value: object) -> tuple[Any, Any]:
        if type(value) is not list or len(value) != 2:
            raise TypeError(f"{value!r:.40} is not a pair")
        return first(value[0]), second(value[1])

    return read


def _table(readers: dict[str, Reader], optional: tuple[str, ...] = ()) -> Reader:
    """A reader that checks an object with these fields, and returns it unchanged."""

    def read(value: dict[str, object]) -> dict[str, object]:
        for name in value:
            readers[name](value[name])
        for name in readers:
            if name not in value and name not in optional:
                raise KeyError(name)
        return value

    return read


#: A swap in a state: what it gives and takes now, and what its maker said at first.
_SWAP = _table(
    {
        **dict.fromkeys(("number", "maker"), _number),
        **{name: _each(_number) for name in ("gives", "takes", "giving", "taking")},
        "keep": _truth,
        "expires": _seconds,
    }
)

_TYPES["dict[str, Any]"] = _table(
    {
        "names": _each(_pair(_number, _text)),
        "held": _each(_pair(_number, _each(_pair(_number, _number)))),
        "offers": _each(_TYPES["Offer"]),
        "registered": _each(_pair(_number, _text)),
        "away": _each(
            _pair(
                _number,
                _table(
                    {"ends": _each(_happened), "more": _number, "unseen": _each(_number)},
                    ("unseen",),
                ),
            )
        ),
        "declared": _each(_number),
        "last_farmer": _number,
        "last_offer": _number,
        "swaps": _each(_SWAP),
        "wishes": _each(
            _table(
                {
                    "farmer": _number,
                    "seeks": _none_or(_each(_number)),
                    "gives": _none_or(_each(_number)),
                }
            )
        ),
        "wishers": _each(_number),
    },
    ("swaps", "wishes", "wishers"),
)

_FACTS = {kind: _record(fact) for kind, fact in KINDS.items()}
