"""Surroundings: what the client knows about the granja: who is here, what the person holds, what
there is to trade.

It learns only from the messages' data.  The data comes from outside, so it checks field by field
and ignores what does not fit.  However long a server talks, this takes only a few megabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from granja.client.incoming import Heard
from granja.text.clean import clean

MOST = 30_000
"""The most people, artifacts or copies that we remember, whatever a server says."""
MOST_OFFERS = 1000
LONGEST_NAME = 100
"""Characters of a name that we keep; a person's name has at most 20."""
HIGHEST = 10**12
"""No number of an artifact or an offer is so high."""


class Surroundings:
    """:param catalog: the artifacts' names by number, until the server tells its own.

    ``proposed``: the command that the last notice about swaps tells to type; empty if none.
    """

    def __init__(self, catalog: Mapping[int, str]) -> None:
        self.catalog = dict(catalog)
        self.me = ""
        self.people: dict[str, None] = {}
        self.inventory: list[int] | None = None
        self.offers: dict[int, str] = {}
        self.proposed = ""

    def learn(self, heard: Heard) -> None:
        """Learn what a message tells about the granja."""
        for key in ("artifact", "gives", "takes"):
            self._artifact(heard.data.get(key))
        lesson = _LESSONS.get(heard.type)
        if lesson is not None:
            lesson(self, heard)

    def forget_others(self) -> None:
        """Forget who is here and which offers stand: the connection is gone."""
        self.people.clear()
        self.offers.clear()
        self.proposed = ""

    def _artifact(self, value: Any) -> int | None:
        if not isinstance(value, dict):
            return None
        number = _number(value, "id")
        if number is None or not isinstance(value.get("name"), str):
            return None
        if number in self.catalog or len(self.catalog) < MOST:
            self.catalog[number] = short(value, "name")
        return number

    def _hold(self, heard: Heard) -> None:
        values = heard.data.get("artifacts")
        if isinstance(values, list):
            numbers = [self._artifact(value) for value in values[:MOST]]
            self.inventory = [number for number in numbers if number is not None]
        self._offer_ended(heard)

    def _everybody(self, heard: Heard) -> None:
        names = heard.data.get("names")
        if isinstance(names, list):
            self.people = {_shortened(n): None for n in names[:MOST] if isinstance(n, str)}

    def _ready(self, heard: Heard) -> None:
        self.me = short(heard.data, "name") or self.me

    def _arrived(self, heard: Heard) -> None:
        name = short(heard.data, "name")
        if name and len(self.people) < MOST:
            self.people[name] = None

    def _left(self, heard: Heard) -> None:
        self.people.pop(short(heard.data, "name"), None)

    def _offered(self, heard: Heard) -> None:
        number = _number(heard.data, "number")
        if number is not None and len(self.offers) < MOST_OFFERS:
            self.offers[number] = self._describe(heard.data)

    def _offer_ended(self, heard: Heard) -> None:
        number = _number(heard.data, "number")
        if number is not None:
            self.offers.pop(number, None)

    def _swap(self, heard: Heard) -> None:
        """Note the person's own swap.  They take it back like an offer."""
        number = _number(heard.data, "number")
        if number is not None and len(self.offers) < MOST_OFFERS:
            gives, takes = (self._either(heard.data.get(key)) for key in ("gives", "takes"))
            self.offers[number] = f"cambio: tu {gives} por {takes}"
            self.proposed = ""

    def _either(self, values: Any) -> str:
        listed = values[:MOST_OFFERS] if isinstance(values, list) else []
        return " o ".join(filter(None, map(self._name, listed)))

    def _chance_told(self, heard: Heard) -> None:
        """Make the command from the numbers: we put no text from a server into a line."""
        gives, takes = (self._artifact(heard.data.get(key)) for key in ("gives", "takes"))
        if gives is not None and takes is not None:
            self.proposed = f":cambio {gives} por {takes}"

    def _chances(self, heard: Heard) -> None:
        self.proposed = ":trueques"

    def _describe(self, data: Mapping[str, Any]) -> str:
        gives, takes = (self._name(data.get(key)) for key in ("gives", "takes"))
        if "from" in data:
            return f"de {short(data, 'from')}: su {gives} por tu {takes}"
        return f"para {short(data, 'to')}: tu {gives} por su {takes}"

    def _name(self, value: Any) -> str:
        return short(value, "name") if isinstance(value, dict) else ""


def text(data: Mapping[str, Any], key: str) -> str:
    """The clean text under ``key``; empty when there is none."""
    value = data.get(key)
    return clean(value) if isinstance(value, str) else ""


def short(data: Mapping[str, Any], key: str) -> str:
    """The clean text under ``key``, shortened to the length of a name."""
    value = data.get(key)
    return _shortened(value) if isinstance(value, str) else ""


def _shortened(name: str) -> str:
    return clean(name[:LONGEST_NAME])


def _number(data: Mapping[str, Any], key: str) -> int | None:
    value = data.get(key)
    return value if type(value) is int and abs(value) < HIGHEST else None


_LESSONS: dict[str, Callable[[Surroundings, Heard], None]] = {
    "ready": Surroundings._ready,
    "here": Surroundings._everybody,
    "arrived": Surroundings._arrived,
    "left": Surroundings._left,
    "inventory": Surroundings._hold,
    "trade-accepted": Surroundings._hold,
    "trade-done": Surroundings._hold,
    "swap": Surroundings._swap,
    "swap-out": Surroundings._swap,
    "swap-done": Surroundings._hold,
    "swap-ended": Surroundings._offer_ended,
    "chance-told": Surroundings._chance_told,
    "chances": Surroundings._chances,
    "offer": Surroundings._offered,
    "offer-in": Surroundings._offered,
    "offer-out": Surroundings._offered,
    "offer-sent": Surroundings._offered,
    "offer-ended": Surroundings._offer_ended,
}
