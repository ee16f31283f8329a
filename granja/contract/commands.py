"""The command table: everything that a farmer can type after a colon.

To add a command, add a row.  Dispatch, the checks of the arguments, ``Uso:`` and ``:help`` all
come from the table, which refuses to load a row without help.  :class:`Farm` is what
the table knows of the rooms that do it: ``granja.people.talking`` and ``registration``,
``granja.trade.collecting`` and ``offering``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from granja.contract.answers import folded, whole_number
from granja.contract.errors import UnknownCommand, WrongArguments
from granja.contract.messages import HelpEntry


class Talk(Protocol):
    """What is said, and who hears it."""

    def leave(self, me: Any) -> None: ...
    def say(self, me: Any, text: str) -> None: ...
    def act(self, me: Any, text: str) -> None: ...
    def whisper(self, me: Any, name: str, text: str) -> object: ...
    def list_users(self, me: Any) -> None: ...
    def show_history(self, me: Any, count: int | None) -> None: ...
    def show_help(self, me: Any) -> None: ...


class Ignoring(Protocol):
    """Whom one does not hear."""

    def ignore(self, me: Any, name: str | None) -> object: ...
    def hear_again(self, me: Any, name: str) -> object: ...


class Registration(Protocol):
    """Names and passwords."""

    def register(self, me: Any, password: str) -> object: ...
    def change_password(self, me: Any, password: str) -> object: ...
    def come_back(self, me: Any) -> None: ...
    def forget_passes(self, me: Any) -> object: ...


class Collection(Protocol):
    """One's own artifacts."""

    def show_inventory(self, me: Any) -> None: ...
    def show_artifact(self, me: Any, number: int) -> None: ...
    def show_catalog(self, me: Any) -> None: ...
    def add(self, me: Any, number: int) -> object: ...
    def remove(self, me: Any, number: int) -> object: ...


class Trade(Protocol):
    """Offers, one artifact for one."""

    def offer(self, me: Any, name: str, gives: int, takes: int) -> object: ...
    def accept(self, me: Any, number: int | None) -> object: ...
    def reject(self, me: Any, number: int | None) -> object: ...
    def retract(self, me: Any, number: int | None) -> object: ...
    def list_offers(self, me: Any, wanted: bool | None) -> object: ...


class Moderation(Protocol):
    """What moderators do (PROTOCOL §7).  Seconds are whole; a reason may be None."""

    def list_people(self, me: Any) -> None: ...
    def expel(self, me: Any, name: str, why: str | None) -> object: ...
    def mute(self, me: Any, name: str, seconds: int, why: str | None) -> object: ...
    def ban(self, me: Any, whom: str, seconds: int, why: str | None) -> object: ...
    def list_bans(self, me: Any) -> None: ...
    def pardon(self, me: Any, whom: str) -> object: ...
    def announce(self, me: Any, text: str) -> object: ...


class Freezing(Protocol):
    """Whether artifacts change hands at all."""

    def freeze(self, me: Any) -> object: ...
    def thaw(self, me: Any) -> object: ...


class Wishes(Protocol):
    """What people seek and give."""

    def show_missing(self, me: Any) -> None: ...
    def show_who(self, me: Any, number: int) -> None: ...
    def show_person(self, me: Any, name: str) -> None: ...
    def seek(self, me: Any, text: str | None) -> object: ...
    def give(self, me: Any, text: str | None) -> object: ...


class Swaps(Protocol):
    """Swaps with anybody."""

    def show_chances(self, me: Any) -> None: ...
    def post(self, me: Any, sides: tuple[str, str]) -> object: ...


class Farm(Protocol):
    """Whom commands ask.  ``me`` is whoever typed the command.

    What returns an object may return something to wait for before the next line of that farmer.
    """

    @property
    def talk(self) -> Talk: ...
    @property
    def ignoring(self) -> Ignoring: ...
    @property
    def registration(self) -> Registration: ...
    @property
    def collection(self) -> Collection: ...
    @property
    def trade(self) -> Trade: ...
    @property
    def moderation(self) -> Moderation: ...
    @property
    def freezing(self) -> Freezing: ...
    @property
    def wishes(self) -> Wishes: ...
    @property
    def swaps(self) -> Swaps: ...


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command.

    ``label``: as the usage shows it.  ``read``: from the typed word to the value; a ValueError is
    a wrong argument.  ``rest``: takes the rest of the line, spaces and all.  ``optional``: may be
    left out, and is then None.  ``kind``: what it is, for whoever completes or hides it: a
    ``name``, an ``artifact`` (``mine``, ``theirs``), an ``offer``, a ``secret`` or else a ``word``.
    """

    label: str
    read: Callable[[str], Any] = str
    rest: bool = False
    optional: bool = False
    kind: str = "word"


def _offer_number(word: str) -> int:
    return whole_number(word.removeprefix("#"))


def _count(word: str) -> int:
    """:raises ValueError: unless it is a whole number above 0."""
    count = whole_number(word)
    if not count:
        raise ValueError(word)
    return count


def _door(word: str) -> bool:
    """:raises ValueError: unless it is ``no``, ``si`` or ``sí``."""
    answer = folded(word)
    if answer not in ("no", "si", "sí"):
        raise ValueError(word)
    return answer != "no"


_UNITS = {"m": 60, "h": 3600, "d": 86400}
_TIME = re.compile(r"(\d{1,6})([mhd])")
#: Seconds that a mute or a ban may last: a hundred years.
LONGEST = 36500 * 86400


def duration(word: str) -> int:
    """The seconds of ``10m``, ``2h`` or ``7d``.

    :raises ValueError: for anything else, nothing at all and more than a century.
    """
    time = _TIME.fullmatch(folded(word))
    seconds = int(time[1]) * _UNITS[time[2]] if time else 0
    if not 0 < seconds <= LONGEST:
        raise ValueError(word)
    return seconds


def duration_or_none(word: str) -> int:
    """The same, or 0, which ends what lasts."""
    return 0 if word == "0" else duration(word)


def _spaced(text: str) -> str:
    """With one space between the words."""
    return " ".join(_split(text, -1))


def _sides(text: str) -> tuple[str, str]:
    """What is on either side of ``por``, which may be left out between two words.

    :raises ValueError: when there are no two sides.
    """
    words = _split(text, -1)
    cuts = [at for at, word in enumerate(words) if folded(word) == "por"]
    if not cuts and len(words) == 2:
        return words[0], words[1]
    if len(cuts) != 1 or not 0 < cuts[0] < len(words) - 1:
        raise ValueError(text)
    return " ".join(words[: cuts[0]]), " ".join(words[cuts[0] + 1 :])


NAME = Argument("<nombre>", kind="name")
ANYBODY = Argument("[nombre]", optional=True, kind="name")
DOOR = Argument("[no|si]", _door, optional=True)
MESSAGE = Argument("<mensaje>", rest=True)
ACTION = Argument("<acción>", rest=True)
ARTIFACT = Argument("<id>", whole_number, kind="artifact")
MINE = Argument("<mío>", whole_number, kind="mine")
THEIRS = Argument("<suyo>", whole_number, kind="theirs")
OFFER = Argument("[n]", _offer_number, optional=True, kind="offer")
LIST = Argument("[lista]", _spaced, rest=True, optional=True)
SIDES = Argument("<míos> por <suyos>", _sides, rest=True)
COUNT = Argument("[n]", _count, optional=True)
PASS = Argument("<pase>", rest=True, kind="secret")
PASSWORD = Argument("<contraseña>", rest=True, kind="secret")
NEW_PASSWORD = Argument("<nueva>", rest=True, kind="secret")
NAME_OR_NETWORK = Argument("<nombre o red>", kind="name")
TIME = Argument("<tiempo>", duration)
TIME_OR_NONE = Argument("<tiempo>", duration_or_none)
REASON = Argument("[motivo]", rest=True, optional=True)


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table.

    ``word`` and ``aliases`` have their colon; ``run`` is called with the farm, the farmer and the
    arguments' values; ``summary`` is the Spanish half-sentence that ``:help`` shows.
    ``moderators``: for anybody but them the command does not exist.
    """

    word: str
    arguments: tuple[Argument, ...]
    summary: str
    run: Callable[..., object]
    aliases: tuple[str, ...] = ()
    moderators: bool = False
    #: The fewest words that the arguments need, and into how many the rest of a line is split.
    _least: int = field(init=False)
    _cuts: int = field(init=False)
    #: Whether the words are the values.
    _verbatim: bool = field(init=False)

    def __post_init__(self) -> None:
        takes_rest = bool(self.arguments) and self.arguments[-1].rest
        least = sum(not argument.optional for argument in self.arguments)
        object.__setattr__(self, "_least", least)
        object.__setattr__(self, "_cuts", len(self.arguments) - 1 if takes_rest else -1)
        verbatim = least == len(self.arguments) and all(a.read is str for a in self.arguments)
        object.__setattr__(self, "_verbatim", verbatim)

    @property
    def usage(self) -> str:
        return " ".join([self.word, *(argument.label for argument in self.arguments)])

    def read(self, rest: str) -> list[Any]:
        """The values of the arguments in the rest of the line.

        :raises WrongArguments: when they do not fit.
        """
        words = _split(rest, self._cuts)
        if self._verbatim and len(words) == self._least:
            return words
        if not self._least <= len(words) <= len(self.arguments):
            raise WrongArguments(self.usage)
        try:
            values = [argument.read(word) for argument, word in zip(self.arguments, words)]  # noqa: B905  (the optional ones may be missing)
        except ValueError:
            raise WrongArguments(self.usage) from None
        return values + [None] * (len(self.arguments) - len(words))


TABLE = (
    Command(":help", (), "muestra esta ayuda (también :h y :?)",
            lambda farm, me: farm.talk.show_help(me), (":h", ":?")),
    Command(":q", (), "sale del chat",
            lambda farm, me: farm.talk.leave(me)),
    Command(":u", (), "muestra quiénes están conectados",
            lambda farm, me: farm.talk.list_users(me)),
    Command(":p", (NAME, MESSAGE), "susurra un mensaje a una sola persona",
            lambda farm, me, name, text: farm.talk.whisper(me, name, text)),
    Command(":smile", (), "sonríe: :)",
            lambda farm, me: farm.talk.say(me, ":)")),
    Command(":angry", (), "se enoja: >:(",
            lambda farm, me: farm.talk.say(me, ">:(")),
    Command(":combito", (), "tira un combito: Q(’- ’Q)",
            lambda farm, me: farm.talk.say(me, "Q(’- ’Q)")),
    Command(":larva", (), "suelta una larva: ¡Larva! (:o)OOOooo",
            lambda farm, me: farm.talk.say(me, "¡Larva! (:o)OOOooo")),
    Command(":yo", (ACTION,), "cuenta lo que haces: * Ana baila",
            lambda farm, me, text: farm.talk.act(me, text)),
    Command(":historial", (COUNT,), "muestra lo último que se dijo",
            lambda farm, me, count: farm.talk.show_history(me, count)),
    Command(":ignorar", (ANYBODY,), "deja de escuchar a alguien, o muestra a quiénes no escuchas",
            lambda farm, me, name: farm.ignoring.ignore(me, name)),
    Command(":escuchar", (NAME,), "vuelve a escuchar a alguien",
            lambda farm, me, name: farm.ignoring.hear_again(me, name)),
    Command(":artefactos", (), "muestra tus artefactos",
            lambda farm, me: farm.collection.show_inventory(me)),
    Command(":artefacto", (ARTIFACT,), "dice cómo se llama un artefacto",
            lambda farm, me, number: farm.collection.show_artifact(me, number)),
    Command(":catalogo", (), "muestra todos los artefactos con sus números",
            lambda farm, me: farm.collection.show_catalog(me)),
    Command(":offer", (NAME, MINE, THEIRS), "ofrece un artefacto tuyo por uno suyo (sus números)",
            lambda farm, me, name, gives, takes: farm.trade.offer(me, name, gives, takes)),
    Command(":accept", (OFFER,), "acepta una oferta que te hicieron",
            lambda farm, me, number: farm.trade.accept(me, number)),
    Command(":reject", (OFFER,), "rechaza una oferta que te hicieron",
            lambda farm, me, number: farm.trade.reject(me, number)),
    Command(":retirar", (OFFER,), "retira una oferta que hiciste",
            lambda farm, me, number: farm.trade.retract(me, number)),
    Command(":ofertas", (DOOR,), "muestra tus ofertas pendientes, o deja de recibirlas (no, si)",
            lambda farm, me, wanted: farm.trade.list_offers(me, wanted)),
    Command(":falta", (), "muestra qué artefactos te faltan",
            lambda farm, me: farm.wishes.show_missing(me)),
    Command(":quien", (ARTIFACT,), "dice quiénes dan y quiénes buscan un artefacto",
            lambda farm, me, number: farm.wishes.show_who(me, number)),
    Command(":ver", (NAME,), "muestra qué da y qué busca una persona",
            lambda farm, me, name: farm.wishes.show_person(me, name)),
    Command(":busco", (LIST,), "dice qué buscas (números, todo o nada)",
            lambda farm, me, text: farm.wishes.seek(me, text)),
    Command(":doy", (LIST,), "dice qué darías (números, repetidos o nada)",
            lambda farm, me, text: farm.wishes.give(me, text)),
    Command(":trueques", (), "muestra qué puedes conseguir y cómo",
            lambda farm, me: farm.swaps.show_chances(me)),
    Command(":cambio", (SIDES,), "deja puesto un cambio con quien sea",
            lambda farm, me, sides: farm.swaps.post(me, sides)),
    Command(":agregar", (ARTIFACT,), "anota un artefacto que encontraste",
            lambda farm, me, number: farm.collection.add(me, number)),
    Command(":quitar", (ARTIFACT,), "anota un artefacto que donaste al museo",
            lambda farm, me, number: farm.collection.remove(me, number)),
    Command(":registrar", (PASSWORD,), "registra tu nombre para que nadie más lo use",
            lambda farm, me, password: farm.registration.register(me, password)),
    Command(":volver", (PASS,), "vuelve con un pase (solo donde se pide el nombre)",
            lambda farm, me, text: farm.registration.come_back(me)),
    Command(":clave", (NEW_PASSWORD,), "cambia tu contraseña",
            lambda farm, me, password: farm.registration.change_password(me, password)),
    Command(":olvidar", (), "olvida tus pases: nadie vuelve con ellos",
            lambda farm, me: farm.registration.forget_passes(me)),
    Command(":gente", (), "muestra quiénes están, desde dónde y hace cuánto",
            lambda farm, me: farm.moderation.list_people(me), moderators=True),
    Command(":expulsar", (NAME, REASON), "saca a alguien del chat",
            lambda farm, me, name, why: farm.moderation.expel(me, name, why), moderators=True),
    Command(":callar", (NAME, TIME_OR_NONE, REASON),
            "no deja hablar a alguien por un tiempo (10m, 2h, 7d; 0: puede hablar)",
            lambda farm, me, name, seconds, why: farm.moderation.mute(me, name, seconds, why),
            moderators=True),
    Command(":vetar", (NAME_OR_NETWORK, TIME, REASON),
            "no deja entrar a alguien, o a una red, por un tiempo (10m, 2h, 7d)",
            lambda farm, me, whom, seconds, why: farm.moderation.ban(me, whom, seconds, why),
            moderators=True),
    Command(":vetos", (), "muestra quiénes no pueden entrar",
            lambda farm, me: farm.moderation.list_bans(me), moderators=True),
    Command(":perdonar", (NAME_OR_NETWORK,), "deja entrar otra vez",
            lambda farm, me, whom: farm.moderation.pardon(me, whom), moderators=True),
    Command(":anunciar", (MESSAGE,), "da un aviso a todo el mundo",
            lambda farm, me, text: farm.moderation.announce(me, text), moderators=True),
    Command(":congelar", (), "detiene los intercambios",
            lambda farm, me: farm.freezing.freeze(me), moderators=True),
    Command(":descongelar", (), "deja que los intercambios sigan",
            lambda farm, me: farm.freezing.thaw(me), moderators=True),
)  # fmt: skip

#: The rows that there are for anybody.
FOR_ALL = tuple(row for row in TABLE if not row.moderators)


def load(rows: Iterable[Command]) -> dict[str, Command]:
    """The rows by their words.

    :raises ValueError: for a row without help, a word that could not be typed as a command, or a
        word that stands twice.
    """
    table: dict[str, Command] = {}
    for row in rows:
        if not row.summary.strip():
            raise ValueError(f"{row.word} has no help")
        for word in (row.word, *row.aliases):
            if word in table:
                raise ValueError(f"{word} stands twice in the table")
            if not _is_word(word):
                raise ValueError(f"{word} cannot be typed as a command")
            table[word] = row
    return table


def _is_word(word: str) -> bool:
    rest = word[1:]
    plain = rest == unicodedata.normalize("NFC", rest.casefold()) and not rest.isspace()
    return word[:1] == ":" and plain and (len(rest) == 1 or rest.isalpha())


#: By their words: the commands of anybody, and those of a moderator.
COMMANDS = load(FOR_ALL)
MODERATORS_COMMANDS = load(TABLE)


def parse(
    text: str, commands: Mapping[str, Command] = COMMANDS
) -> tuple[Command, list[Any]] | None:
    """The row and the arguments' values of a command line; None for what is talk (PROTOCOL §3).

    :param commands: those that there are for whoever typed it.

    :raises UnknownCommand: for what is a command's word by its form, and is in no row.
    :raises WrongArguments: with the usage, when the arguments do not fit.
    """
    if ":" not in text:
        if not text[:1].isalpha():  # most talk begins with a letter, and is no slip
            for word in _split(text, 1)[:1]:
                _refuse_secret(word)
        return None
    word, _, rest = text.partition(" ")
    command = commands.get(word)
    if command is None:  # not as the table has it
        word, *more = _split(text, 1) or [""]
        command, rest = _command(word, commands), "".join(more)
        if command is None:
            _refuse_secret(word)
    return None if command is None else (command, command.read(rest))


def _refuse_secret(word: str) -> None:
    """PROTOCOL §3: no secret is said aloud by a slip, such as ``:clave: girasoles``.

    :param word: the first of a line.
    :raises WrongArguments: when it is such a slip.
    """
    slip = _SLIP.match(unicodedata.normalize("NFC", word).casefold())
    if slip is not None:
        raise WrongArguments(COMMANDS[f":{slip[1]}"].usage)


#: What a slip begins with, in small letters: no letter, then the word of a command with a secret.
#: No letter follows; who looks at many lines at once need not ask (:mod:`granja.wire.plain`).
SLIP = r"(?:[^\w\s]|[\d_])++(registrar|clave|volver)"
_SLIP = re.compile(SLIP + r"(?![^\W\d_])")


def _split(text: str, cuts: int) -> list[str]:
    """The words of ``text``, as ``str.split``; a Braille blank separates them too."""
    if BLANK not in text:
        return text.split(None, cuts)
    beginning = _BLANKS.match(text)
    rest = text[beginning.end() :] if beginning else text
    if not cuts:  # to ``re.split``, none is as many as there are
        return [rest] if rest else []
    return [word for word in _BLANKS.split(rest, max(cuts, 0)) if word]


#: Blank, and no space to Unicode: the Braille pattern without dots.
BLANK = "\u2800"
_BLANKS = re.compile(rf"[\s{BLANK}]+")


def _command(typed: str, commands: Mapping[str, Command]) -> Command | None:
    """The row for a word that is not typed as the table has it; None if it is talk."""
    word = unicodedata.normalize("NFC", typed)
    command = commands.get(word)
    if command is None:
        if len(word) < 3 or word[0] != ":" or not word[1:].isalpha():
            return None  # :) and :D and : are talk
        command = commands.get(word.casefold())
    if command is None:
        raise UnknownCommand(word)
    return command


def returning(text: str) -> tuple[str, int | None] | None:
    """With which pass somebody who is asked for a name comes back (PROTOCOL §5b).

    :returns: the pass, and the last line that they have heard, if they say so; None if it is not
        ``:volver``.
    :raises WrongArguments: when it is that without a pass.
    """
    if not any(":volver" in word.casefold() for word in _split(text, 1)[:1]):
        return None
    parsed = parse(text)
    if parsed is None or parsed[0].word != ":volver":
        return None
    (rest,) = parsed[1]
    secret, *numbers = _split(rest, -1)
    if not numbers:
        return secret, None
    try:
        (number,) = map(whole_number, numbers)
    except ValueError:
        return rest, None  # no pass has spaces
    return secret, number


def help_entries(rows: Sequence[Command] = FOR_ALL) -> list[HelpEntry]:
    """``:help``, a line for each row."""
    return [HelpEntry(row.usage, row.summary) for row in rows]
