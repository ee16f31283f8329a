"""Every sentence that a farmer can read, each a small frozen record.

A message says itself in two ways: :meth:`Message.line`, the Spanish line of the wire contract
(without its CR LF), and :meth:`Message.data`, the same as JSON-ready data for clients that ask
for it.  A message is made for one listener: "your Ancla" is in it, not "Gus's Ancla".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from string import Formatter
from typing import Any, ClassVar

from granja.contract.catalog import Artifact, Catalog
from granja.contract.errors import GranjaError

SERVER = "[SERVER] "


@dataclass(frozen=True, slots=True)
class Message:
    """One line to one listener.

    ``type`` is its name in the data; ``template`` is its sentence, with its fields in braces.
    """

    type: ClassVar[str]
    template: ClassVar[str]
    #: Whether it is data only, and no line.
    silent: ClassVar[bool] = False
    #: Fields whose name in the data differs, because Python keeps the word for itself.
    renamed: ClassVar[dict[str, str]] = {}
    #: Fields that only the line needs.
    unsaid: ClassVar[frozenset[str]] = frozenset()

    def line(self) -> str:
        kind = type(self)
        say = _SENTENCES.get(kind)
        if say is None:
            say = _SENTENCES[kind] = _sentence(kind)
        return say(self)

    def data(self) -> dict[str, Any]:
        names = [field.name for field in fields(self) if field.name not in self.unsaid]
        values = {self.renamed.get(name, name): _plain(getattr(self, name)) for name in names}
        line = {} if self.silent else {"line": self.line()}
        return {"type": self.type, **values, **line}


_SENTENCES: dict[type[Message], Callable[[Any], str]] = {}


def _sentence(kind: type[Message]) -> Callable[[Any], str]:
    """How messages of a kind say themselves: the template, and where its values are.

    An artifact is said by its name; a list is the only value of its sentence.  Made once for each
    kind: to look at the fields' types for each message takes twice as long, and a trade is four
    messages.
    """
    types = {field.name: field.type for field in fields(kind)}
    said = [name for _, name, _, _ in Formatter().parse(kind.template) if name is not None]
    if not said:
        return lambda message: kind.template
    values = attrgetter(*(f"{n}.name" if types[n] == "Artifact" else n for n in said))
    say = kind.template.format_map(dict.fromkeys(said, "{}")).format
    if len(said) > 1:
        return lambda message: say(*values(message))
    spell = _SPELLED.get(str(types[said[0]]), str)
    return lambda message: say(spell(values(message)))


def _artifacts(artifacts: Iterable[Artifact]) -> str:
    return ", ".join([artifact.name for artifact in artifacts]) or "(ninguno)"


#: How a list is said, by its field's type.
_SPELLED: dict[str, Callable[[Any], str]] = {
    "tuple[Artifact, ...]": _artifacts,
    "tuple[str, ...]": ", ".join,
}


def _plain(value: object) -> object:
    if isinstance(value, Artifact):
        return {"id": value.id, "name": value.name}
    if isinstance(value, Unnamed):
        return {"givers": value.givers, "seekers": value.seekers}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value


# -- talk ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said(Message):
    type = "said"
    template = "{speaker}: {text}"
    renamed = {"speaker": "from"}
    speaker: str
    text: str

    def line(self) -> str:
        return f"{self.speaker}: {self.text}"  # as the template says, in a hurry


@dataclass(frozen=True, slots=True)
class Whispered(Message):
    type = "whispered"
    template = "{speaker} te susurra: {text}"
    renamed = {"speaker": "from"}
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Acted(Message):
    """``:yo``: nothing else that anybody hears begins with ``* `` (PROTOCOL §3)."""

    type = "action"
    template = "* {speaker} {text}"
    renamed = {"speaker": "from"}
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class LastLines(Message):
    """``:historial``: so many lines follow."""

    type = "history"
    template = SERVER + "{sentence}"
    count: int

    def line(self) -> str:
        one = self.count == 1
        sentence = "La última línea:" if one else f"Las últimas {self.count} líneas:"
        return self.template.format(sentence=sentence)


@dataclass(frozen=True, slots=True)
class SaidBefore(Message):
    """A line of ``:historial``; ``when`` is as it is read there."""

    type = "said-before"
    template = "[{when}] {speaker}: {text}"
    renamed = {"speaker": "from"}
    when: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class ActedBefore(Message):
    """The same for what was told by ``:yo``."""

    type = "action-before"
    template = "[{when}] * {speaker} {text}"
    renamed = {"speaker": "from"}
    when: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Arrived(Message):
    type = "arrived"
    template = SERVER + "Cliente {name} conectado."
    name: str


@dataclass(frozen=True, slots=True)
class Departed(Message):
    type = "left"
    template = SERVER + "{name} desconectado."
    name: str


@dataclass(frozen=True, slots=True)
class Missed(Message):
    """A slow reader was skipped for a while."""

    type = "missed"
    template = SERVER + "Te perdiste {count} {noun}."
    count: int

    def line(self) -> str:
        noun = "línea" if self.count == 1 else "líneas"
        return self.template.format(count=self.count, noun=noun)


# -- arriving --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prompt(Message):
    """The server waits for an answer; ``question`` says which."""

    type = "prompt"
    template = SERVER + "{sentence}"
    question: str
    sentence: str


ASK_NAME = Prompt("name", "Ingresa tu nombre:")
ASK_PASSWORD = Prompt("password", "Contraseña:")
ASK_NEW_PASSWORD = Prompt("password", "Elige una contraseña nueva:")
ASK_ARTIFACTS = Prompt("artifacts", "Cuéntame, ¿qué artefactos tienes?")
ASK_CONFIRMATION = Prompt("confirm", "¿Está Bien? (Sí/No)")


def is_secret(question: Prompt | None) -> bool:
    """Whether nobody should see what is typed there."""
    return question is not None and question.question == ASK_PASSWORD.question


@dataclass(frozen=True, slots=True)
class Welcome(Message):
    type = "welcome"
    template = "¡Bienvenid@ al chat de Granjerxs!"


@dataclass(frozen=True, slots=True)
class WelcomeBack(Message):
    """Somebody has come back with a pass (PROTOCOL §5b)."""

    type = "welcome-back"
    template = SERVER + "Hola de nuevo, {name}."
    name: str


@dataclass(frozen=True, slots=True)
class Pass(Message):
    """What brings its bearer back as whom they are: data only, so that nobody reads it aloud.

    ``seconds``: for how long it serves after the connection has dropped.
    """

    type = "pass"
    template = ""
    silent = True
    renamed = {"secret": "pass"}
    secret: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Ready(Message):
    """The listener is in the chat from here on (or, later, their declaration was taken)."""

    type = "ready"
    template = SERVER + "¡OK!"
    name: str


@dataclass(frozen=True, slots=True)
class Notice(Message):
    """A line that needs no fields.  ``code`` tells the notices apart in the data."""

    type = "notice"
    template = SERVER + "{sentence}"
    code: str
    sentence: str


GOODBYE = Notice("goodbye", "¡Adiós y suerte completando tu colección!")
TIME_UP = Notice("time-up", "Tiempo agotado.")
REPLACED = Notice("replaced", "Entraste desde otro lugar.")
LEASE_LOST = Notice("lease-lost", "Se perdió la conexión con la granja; vuelve a entrar.")
ALREADY_HERE = Notice("already-here", "Ya estás aquí.")
I_AM_HERE = Notice("i-am-here", "Aquí estoy.")
STILL_UNKNOWN = Notice("still-unknown", "Todavía no se sabe si el intercambio se guardó; te aviso.")
TOO_MANY_TRIES = Notice("too-many-tries", "Hay demasiados intentos; espera un momento…")
NETWORK_FULL = Notice(
    "network-full", "Hay demasiadas conexiones desde tu red; inténtalo más tarde."
)
FARM_FULL = Notice("farm-full", "La granja está llena; inténtalo más tarde.")
SHUTDOWN = Notice("shutdown", "El servidor se apaga. ¡Hasta pronto!")
HEARS_EVERYBODY = Notice("hears-everybody", "Escuchas a todos.")
DOOR_CLOSED = Notice("door-closed", "Ya no recibes ofertas.")
DOOR_OPEN = Notice("door-open", "Recibes ofertas otra vez.")
PASSES_ENDED = Notice("passes-ended", "Tus pases ya no sirven.")
PASSWORD_CHANGED = Notice("password-changed", "Contraseña cambiada.")
NO_BANS = Notice("no-bans", "No hay vetos.")
TRADE_FROZEN = Notice("trade-frozen", "Los intercambios quedaron detenidos.")
TRADE_THAWED = Notice("trade-thawed", "Los intercambios siguen.")


@dataclass(frozen=True, slots=True)
class NameRegistered(Message):
    type = "registered"
    template = SERVER + "{name}, tu nombre quedó registrado."
    name: str


# -- looking around --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Inventory(Message):
    type = "inventory"
    template = SERVER + "Tus artefactos son: {artifacts}"
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class Here(Message):
    type = "here"
    template = SERVER + "Usuarios conectados: {names}"
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ignored(Message):
    type = "ignored"
    template = SERVER + "Ya no escuchas a {name}."
    name: str


@dataclass(frozen=True, slots=True)
class HeardAgain(Message):
    type = "heard-again"
    template = SERVER + "Escuchas a {name} otra vez."
    name: str


@dataclass(frozen=True, slots=True)
class Ignoring(Message):
    """``:ignorar`` without a name."""

    type = "ignoring"
    template = SERVER + "No escuchas a: {names}"
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArtifactIs(Message):
    type = "artifact"
    template = SERVER + "El artefacto es: {artifact}"
    artifact: Artifact


@dataclass(frozen=True, slots=True)
class CatalogEntry(Message):
    type = "catalog"
    template = SERVER + "{number}: {artifact}"
    artifact: Artifact

    def line(self) -> str:
        return self.template.format(number=self.artifact.id, artifact=self.artifact.name)


@dataclass(frozen=True, slots=True)
class HelpEntry(Message):
    type = "help"
    template = SERVER + "{usage} — {summary}"
    usage: str
    summary: str


@dataclass(frozen=True, slots=True)
class MessageOfTheDay(Message):
    type = "motd"
    template = SERVER + "{text}"
    text: str


# -- trading ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfferReceived(Message):
    type = "offer"
    template = (
        SERVER + "{maker} quiere intercambiar su {gives} por tu {takes} "
        "(#{number}: :accept o :reject)"
    )
    renamed = {"maker": "from"}
    number: int
    maker: str
    gives: Artifact
    takes: Artifact


@dataclass(frozen=True, slots=True)
class OfferSent(Message):
    type = "offer-sent"
    template = SERVER + "Oferta #{number} enviada a {taker}."
    renamed = {"taker": "to"}
    number: int
    taker: str
    gives: Artifact
    takes: Artifact


@dataclass(frozen=True, slots=True)
class IncomingOffer(Message):
    """A row of ``:ofertas``: ``gives`` is theirs, ``takes`` is the listener's."""

    type = "offer-in"
    template = SERVER + "#{number} de {maker}: su {gives} por tu {takes}"
    renamed = {"maker": "from"}
    number: int
    maker: str
    gives: Artifact
    takes: Artifact


@dataclass(frozen=True, slots=True)
class OutgoingOffer(Message):
    """A row of ``:ofertas``: ``gives`` is the listener's, ``takes`` is theirs."""

    type = "offer-out"
    template = SERVER + "#{number} para {taker}: tu {gives} por su {takes}"
    renamed = {"taker": "to"}
    number: int
    taker: str
    gives: Artifact
    takes: Artifact


@dataclass(frozen=True, slots=True)
class TradeAccepted(Message):
    """For the farmer who accepted."""

    type = "trade-accepted"
    template = SERVER + "Intercambio aceptado, ahora tus artefactos son: {artifacts}"
    number: int
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class TradeDone(Message):
    """For the farmer whose offer was accepted."""

    type = "trade-done"
    template = SERVER + "Intercambio realizado, tus artefactos ahora son: {artifacts}"
    number: int
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class OfferEnded(Message):
    """An offer ended without a trade.

    ``how``: rejected, retracted, expired or void.  ``gives`` is the maker's, as when it was made.
    """

    type = "offer-ended"
    template = SERVER + "{sentence}"
    renamed = {"maker": "from", "taker": "to"}
    number: int
    how: str
    sentence: str
    maker: str
    taker: str
    gives: Artifact
    takes: Artifact


@dataclass(frozen=True, slots=True)
class Meanwhile(Message):
    """What happened while a registered farmer was away.

    ``how`` is as in :class:`OfferEnded`, or accepted.
    """

    type = "meanwhile"
    template = SERVER + "Mientras no estabas: {sentence}"
    renamed = {"maker": "from", "taker": "to"}
    number: int
    how: str
    sentence: str
    maker: str
    taker: str
    gives: Artifact
    takes: Artifact


@dataclass(frozen=True, slots=True)
class AndMore(Message):
    """So many more things happened meanwhile than were told."""

    type = "meanwhile-more"
    template = SERVER + "Mientras no estabas: y {count} {noun} más."
    count: int

    def line(self) -> str:
        return self.template.format(count=self.count, noun="cosa" if self.count == 1 else "cosas")


# -- swaps -------------------------------------------------------------------------------------

#: PROTOCOL §4b: so many artifacts are named by ``:falta``.
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
    """``:falta``: what one lacks of the catalog's ``of`` artifacts; the line names the first."""

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
    """How many more there are than are named."""

    givers: int = 0
    seekers: int = 0


@dataclass(frozen=True, slots=True)
class Who(Message):
    """``:quien``: who gives an artifact and who seeks it, and how many more than are named."""

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
    """``:ver``; ``seeks`` is None when they have typed nothing."""

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
    """``:busco``; ``mode``: ``list`` as typed, or ``all``: whatever is missing."""

    type = "seeks"
    template = SERVER + "Buscas: {said}"
    mode: str
    artifacts: tuple[Artifact, ...]

    def line(self) -> str:
        said = _numbered(self.artifacts) if self.mode == "list" else "todo lo que te falta"
        return self.template.format(said=said)


@dataclass(frozen=True, slots=True)
class Gives(Message):
    """``:doy``; ``mode``: ``list`` as typed, or ``spares``: what is there twice."""

    type = "gives"
    template = SERVER + "Das: {said}"
    mode: str
    artifacts: tuple[Artifact, ...]

    def line(self) -> str:
        said = _numbered(self.artifacts) if self.mode == "list" else "tus repetidos"
        return self.template.format(said=said)


@dataclass(frozen=True, slots=True)
class Chance(Message):
    """A row of ``:trueques``.  ``how``: ``now``, because the swap that it says closes a ring;
    ``pair`` or ``three``, with so many people."""

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
    """There are so many more than ``:trueques`` shows."""

    type = "more-chances"
    template = SERVER + "Y {count} {noun} más."
    count: int

    def line(self) -> str:
        return self.template.format(count=self.count, noun=_chances(self.count))


@dataclass(frozen=True, slots=True)
class Chances(Message):
    """After the ``¡OK!`` of somebody who has used them."""

    type = "chances"
    template = SERVER + "Hay {count} {noun} para ti: escribe :trueques."
    count: int

    def line(self) -> str:
        return self.template.format(count=self.count, noun=_chances(self.count))


def _chances(count: int) -> str:
    return "trueque" if count == 1 else "trueques"


@dataclass(frozen=True, slots=True)
class SwapPosted(Message):
    """A swap stands.  ``keep``: it gives second copies only; ``faltantes``: it takes what is
    sought."""

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
            sentence=sentence[0].upper() + sentence[1:], artifacts=_artifacts(self.artifacts)
        )


def settled(number: int, gave: Artifact, to: str, got: Artifact, source: str) -> str:
    """What a ring did, as a part of a sentence."""
    return f"cambio #{number}: diste {gave.name} a {to} y recibiste {got.name} de {source}"


@dataclass(frozen=True, slots=True)
class SwapEnded(Message):
    """A swap ended without a ring; ``how``: retracted, expired or void."""

    type = "swap-ended"
    template = SERVER + "{sentence}"
    number: int
    how: str
    sentence: str


@dataclass(frozen=True, slots=True)
class MeanwhileSwap(Message):
    """What became of a swap while its maker was away; ``how`` as in :class:`SwapEnded`, or
    settled."""

    type = "meanwhile-swap"
    template = SERVER + "Mientras no estabas: {sentence}"
    number: int
    how: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ChanceTold(Message):
    """Somebody has just made a swap that this one closes."""

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


@dataclass(frozen=True, slots=True)
class Failure(Message):
    """A refusal; ``code`` is the error's class name, ``details`` are its fields."""

    type = "error"
    template = SERVER + "{sentence}"
    code: str
    sentence: str
    details: tuple[tuple[str, object], ...] = ()

    def data(self) -> dict[str, Any]:
        details = {name: _plain(value) for name, value in self.details}
        return {**Message.data(self), "details": details}


# -- who looks after the farm (PROTOCOL §7) ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class PersonHere(Message):
    """A row of ``:gente``; ``seconds``: since they came in; ``lingers``: their line dropped."""

    type = "person"
    template = SERVER + "{name} ({standing}) desde {address}, hace {time}{pause}"
    name: str
    registered: bool
    address: str
    seconds: int
    lingers: bool

    def line(self) -> str:
        return self.template.format(
            name=self.name,
            standing="registrada" if self.registered else "visitante",
            address=self.address or "un lugar desconocido",
            time=_ago(self.seconds),
            pause=", en pausa" if self.lingers else "",
        )


def _ago(seconds: int) -> str:
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h"
    days = minutes // (24 * 60)
    return f"{days} día" if days == 1 else f"{days} días"


@dataclass(frozen=True, slots=True)
class Expelled(Message):
    """The connection is closed after it.  ``why`` may be empty."""

    type = "expelled"
    template = SERVER + "Te expulsaron{reason}."
    why: str

    def line(self) -> str:
        return self.template.format(reason=f": {self.why}" if self.why else "")


@dataclass(frozen=True, slots=True)
class HasExpelled(Message):
    type = "has-expelled"
    template = SERVER + "Expulsaste a {name}."
    name: str


@dataclass(frozen=True, slots=True)
class HasMuted(Message):
    type = "has-muted"
    template = SERVER + "Callaste a {name} hasta las {until}."
    name: str
    until: str


@dataclass(frozen=True, slots=True)
class MaySpeak(Message):
    type = "may-speak"
    template = SERVER + "{name} puede hablar."
    name: str


@dataclass(frozen=True, slots=True)
class HasBanned(Message):
    """``whom``: a name, an address or a network."""

    type = "has-banned"
    template = SERVER + "Vetaste a {whom} hasta las {until}."
    whom: str
    until: str


@dataclass(frozen=True, slots=True)
class BanRow(Message):
    """A row of ``:vetos``; ``why`` may be empty."""

    type = "ban"
    template = SERVER + "{whom}: hasta las {until}{reason}, por {by}"
    whom: str
    until: str
    why: str
    by: str

    def line(self) -> str:
        reason = f" ({self.why})" if self.why else ""
        return self.template.format(whom=self.whom, until=self.until, reason=reason, by=self.by)


def somebody(farmer: int) -> str:
    """What stands for a name that was forgotten; no name has a space in it.

    :param farmer: whose name it was.
    """
    return f"granjero {farmer}"


#: Who acts from the operator's console, where a moderator's name would stand.
CONSOLE = "la consola"


@dataclass(frozen=True, slots=True)
class HasPardoned(Message):
    type = "has-pardoned"
    template = SERVER + "Perdonaste a {whom}."
    whom: str


@dataclass(frozen=True, slots=True)
class Announced(Message):
    """``:anunciar``: everybody hears it."""

    type = "announcement"
    template = SERVER + "Aviso: {text}"
    text: str


# -- from a refusal and from numbers -----------------------------------------------------------


def failure(error: GranjaError, catalog: Catalog) -> Failure:
    """The line for a refused line."""
    sentence = error.explain(lambda number: catalog.describe(number).name)
    details = tuple(
        (name, catalog.describe(value) if name == "artifact" else value)
        for name, value in vars(error).items()
    )
    return Failure(type(error).__name__, sentence, details)


def inventory(numbers: Sequence[int], catalog: Catalog) -> tuple[Artifact, ...]:
    """Numbers as artifacts, in the catalog's order; two copies are there twice."""
    return tuple(catalog.describe(number) for number in sorted(numbers))
