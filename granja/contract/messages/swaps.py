"""Swaps, rings, and what people seek and give (PROTOCOL §4b)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from granja.contract.catalog import Artifact
from granja.contract.messages.message import SERVER, Message, spell_artifacts

#: The most artifacts that ``:falta`` names (PROTOCOL §4b).
MOST_MISSING = 100


def _numbered(artifacts: Iterable[Artifact]) -> str:
    """``12 Disco raro, 21 Ancla``."""
    return ", ".join([f"{a.id} {a.name}" for a in artifacts]) or "(ninguno)"


def _either(artifacts: Sequence[Artifact]) -> str:
    """``Ancla, Disco raro o Trilobites``."""
    *all_but_last, last = [artifact.name for artifact in artifacts]
    return f"{', '.join(all_but_last)} o {last}" if all_but_last else last


@dataclass(frozen=True, slots=True)
class Missing(Message):
    """``:falta``: what a farmer lacks of the catalog's ``of`` artifacts; the line names the
    first."""

    type = "missing"
    template = SERVER + "{sentence}"
    artifacts: tuple[Artifact, ...]
    of: int

    def line(self) -> str:
        count = len(self.artifacts)
        if not count:
            return self.template.format(sentence="¡Tu colección está completa!")
        lack = "Te falta" if count == 1 else "Te faltan"
        more = f" y {count - MOST_MISSING} más" if count > MOST_MISSING else ""
        named = _numbered(self.artifacts[:MOST_MISSING])
        return self.template.format(sentence=f"{lack} {count} de {self.of}: {named}{more}")


@dataclass(frozen=True, slots=True)
class Unnamed:
    """How many more people there are than the line names."""

    givers: int = 0
    seekers: int = 0


@dataclass(frozen=True, slots=True)
class Who(Message):
    """``:quien``: who gives an artifact, who seeks it, and how many more there are."""

    type = "who"
    template = SERVER + "{number} {artifact}: quién lo da: {givers}; quién lo busca: {seekers}"
    artifact: Artifact
    givers: tuple[str, ...]
    seekers: tuple[str, ...]
    more: Unnamed = Unnamed()

    def line(self) -> str:
        return self.template.format(
            number=self.artifact.id,
            artifact=self.artifact.name,
            givers=_people(self.givers, self.more.givers),
            seekers=_people(self.seekers, self.more.seekers),
        )


def _people(names: Sequence[str], more: int) -> str:
    return (", ".join(names) or "nadie") + (f" y {more} más" if more else "")


@dataclass(frozen=True, slots=True)
class Shown(Message):
    """``:ver``.  ``seeks`` is None if they have typed nothing."""

    type = "shown"
    template = SERVER + "{name} da: {gives}; busca: {seeks}"
    name: str
    gives: tuple[Artifact, ...]
    seeks: tuple[Artifact, ...] | None

    def line(self) -> str:
        seeks = "lo que le falte" if self.seeks is None else _numbered(self.seeks)
        return self.template.format(name=self.name, gives=_numbered(self.gives), seeks=seeks)


@dataclass(frozen=True, slots=True)
class Seeks(Message):
    """``:busco``.  ``mode``: ``list`` as typed, or ``all`` for everything that is missing."""

    type = "seeks"
    template = SERVER + "Buscas: {said}"
    mode: str
    artifacts: tuple[Artifact, ...]

    def line(self) -> str:
        said = _numbered(self.artifacts) if self.mode == "list" else "todo lo que te falta"
        return self.template.format(said=said)


@dataclass(frozen=True, slots=True)
class Gives(Message):
    """``:doy``.  ``mode``: ``list`` as typed, or ``spares`` for what they have twice."""

    type = "gives"
    template = SERVER + "Das: {said}"
    mode: str
    artifacts: tuple[Artifact, ...]

    def line(self) -> str:
        said = _numbered(self.artifacts) if self.mode == "list" else "tus repetidos"
        return self.template.format(said=said)


@dataclass(frozen=True, slots=True)
class Chance(Message):
    """A row of ``:trueques``.  ``how``: ``now`` means that the shown swap closes a ring; ``pair``
    and ``three`` tell the number of people."""

    type = "chance"
    template = SERVER + "{sentence}. Escribe :cambio {mine} por {theirs}"
    how: str
    gives: Artifact
    takes: Artifact

    def line(self) -> str:
        sentence = _CHANCES[self.how].format(gives=self.gives.name, takes=self.takes.name)
        return self.template.format(sentence=sentence, mine=self.gives.id, theirs=self.takes.id)


_CHANCES = {
    "now": "Ya: tu {gives} por {takes}",
    "pair": "Alguien da {takes} y busca tu {gives}",
    "three": "Entre tres: tu {gives} por {takes}",
}


@dataclass(frozen=True, slots=True)
class MoreChances(Message):
    """How many more chances there are than ``:trueques`` shows."""

    type = "more-chances"
    template = SERVER + "Y {count} {noun} más."
    count: int

    def line(self) -> str:
        return self.template.format(count=self.count, noun=_chances(self.count))


@dataclass(frozen=True, slots=True)
class Chances(Message):
    """For a farmer who has used these commands, after their ``¡OK!``."""

    type = "chances"
    template = SERVER + "Hay {count} {noun} para ti: escribe :trueques."
    count: int

    def line(self) -> str:
        return self.template.format(count=self.count, noun=_chances(self.count))


def _chances(count: int) -> str:
    return "trueque" if count == 1 else "trueques"


@dataclass(frozen=True, slots=True)
class SwapPosted(Message):
    """A swap stands.  ``keep``: it gives only spares.  ``faltantes``: it takes what the maker
    seeks."""

    type = "swap"
    template = SERVER + "Cambio #{number} puesto: {mine} por {theirs}."
    number: int
    gives: tuple[Artifact, ...]
    takes: tuple[Artifact, ...]
    keep: bool
    faltantes: bool = False
    unsaid = frozenset({"faltantes"})

    def line(self) -> str:
        mine = "tus repetidos" if self.keep else f"tu {_either(self.gives)}"
        theirs = "lo que buscas" if self.faltantes else _either(self.takes)
        return self.template.format(number=self.number, mine=mine, theirs=theirs)


@dataclass(frozen=True, slots=True)
class StandingSwap(Message):
    """A row of ``:ofertas``: what is left of a swap."""

    type = "swap-out"
    template = SERVER + "#{number} cambio: tu {mine} por {theirs}"
    number: int
    gives: tuple[Artifact, ...]
    takes: tuple[Artifact, ...]
    keep: bool

    def line(self) -> str:
        return self.template.format(
            number=self.number, mine=_either(self.gives), theirs=_either(self.takes)
        )


@dataclass(frozen=True, slots=True)
class SwapDone(Message):
    """A ring has settled: one ``gave`` went to ``to``, one ``got`` came from ``source``."""

    type = "swap-done"
    template = SERVER + "{sentence}; ahora tus artefactos son: {artifacts}"
    renamed = {"source": "from"}
    number: int
    gave: Artifact
    to: str
    got: Artifact
    source: str
    artifacts: tuple[Artifact, ...]

    def line(self) -> str:
        sentence = settled(self.number, self.gave, self.to, self.got, self.source)
        return self.template.format(
            sentence=sentence[0].upper() + sentence[1:], artifacts=spell_artifacts(self.artifacts)
        )


def settled(number: int, gave: Artifact, to: str, got: Artifact, source: str) -> str:
    """What a ring did, as a part of a sentence."""
    return f"cambio #{number}: diste {gave.name} a {to} y recibiste {got.name} de {source}"


@dataclass(frozen=True, slots=True)
class SwapEnded(Message):
    """A swap ended without a ring.  ``how``: retracted, expired or void."""

    type = "swap-ended"
    template = SERVER + "{sentence}"
    number: int
    how: str
    sentence: str


@dataclass(frozen=True, slots=True)
class MeanwhileSwap(Message):
    """What happened to a swap while its maker was away.  ``how``: as in :class:`SwapEnded`, or
    settled."""

    type = "meanwhile-swap"
    template = SERVER + "Mientras no estabas: {sentence}"
    number: int
    how: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ChanceTold(Message):
    """Somebody has just made a swap, and the reader could close a ring with it."""

    type = "chance-told"
    template = SERVER + "Puedes recibir {takes} por tu {gives}: escribe :cambio {mine} por {theirs}"
    gives: Artifact
    takes: Artifact

    def line(self) -> str:
        return self.template.format(
            gives=self.gives.name,
            takes=self.takes.name,
            mine=self.gives.id,
            theirs=self.takes.id,
        )
