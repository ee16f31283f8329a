"""Small plays that say who types which line and who hears which line.

:mod:`tests.whole.test_plays` acts ``tests/plays/*.play`` against the real factory.

A line of a play is one of::

    # a remark
    * Ana connects                       a stage direction (see ``Stage``)
    Ana> hola                            Ana types a line
    Beto< Ana: hola                      Beto hears a line

Each person must hear exactly these lines, in this order.  The play compares before the next thing
happens, and at its end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from granja.ledger.faulty import FaultyLedger
from granja.ledger.memory import MemoryLedger
from granja.settings import Settings
from tests.support.farm import Farm, Person

PLAYS = Path(__file__).parents[1] / "plays"

_TYPED = re.compile(r"(\w+)>(?: (.*))?")
_HEARD = re.compile(r"(\w+)<(?: (.*))?")


class Mistake(AssertionError):
    """The play went differently.  The text says where and how."""


@dataclass
class Stage:
    """The farm and its people during a play.  Each direction is a method below."""

    ledger: FaultyLedger
    farm: Farm
    people: dict[str, Person]
    heard: dict[str, list[str]]

    @classmethod
    def empty(cls) -> Stage:
        ledger = FaultyLedger(MemoryLedger())
        return cls(ledger, Farm(ledger=ledger), {}, {})

    def connects(self, who: str, address: str = "127.0.0.1") -> None:
        self.people[who] = self.farm.person(who, address)
        self.heard.setdefault(who, [])

    def arrives(self, who: str, artifacts: str = "") -> None:
        """Come in as a visitor with the role's name.  The play hears nothing of it."""
        self.connects(who)
        self.people[who].arrives(artifacts)
        for person in self.people.values():
            person.hears()

    def drops(self, who: str) -> None:
        self.people[who].drops()

    def ends_input(self, who: str) -> None:
        self.people[who].ends_input()

    def is_closed(self, who: str) -> None:
        if not self.people[who].is_closed:
            raise Mistake(f"{who} is still connected")
        self.people[who].drops()

    def is_connected(self, who: str) -> None:
        if self.people[who].is_closed:
            raise Mistake(f"{who} is not connected any more")

    def passes(self, seconds: str) -> None:
        self.farm.pass_time(float(seconds))

    def declares_once(self) -> None:
        """Open the farm again with ``--declarations once``."""
        self.farm = Farm(replace(self.farm.settings, declare_once=True), self.ledger)

    def looks_after(self, who: str) -> None:
        """Come in, register, and become a moderator.  The play hears nothing of it."""
        self.farm.moderators(who)
        self.arrives(who)
        self.people[who].types(":registrar girasoles al sol")
        self.farm.factory.moderators.appoint(self.farm.settings.moderators)
        self.people[who].hears()

    def limits_rate(self) -> None:
        self.farm = Farm(Settings(), self.ledger)

    def crashes(self) -> None:
        """``kill -9``, and a new start on the same ledger.  All connections are gone."""
        self.people.clear()
        self.farm.people.clear()
        # Errors and unfinished writes end with the process.  Stored facts stay.
        self.farm.ledger = self.ledger = FaultyLedger(self.ledger.inner)
        self.farm.open()

    def fills_disk(self) -> None:
        self.ledger.fill()

    def empties_disk(self) -> None:
        self.ledger.empty()

    def loses_outcome(self, outcome: str) -> None:
        """Nobody knows whether the next write succeeds.  The play chooses what a restart finds."""
        self.ledger.halt(stored=outcome == "is stored")

    def slows_ledger(self) -> None:
        self.ledger.hold()

    def writes(self) -> None:
        """The slow ledger writes what waited, or fails to.  From now on it is quick."""
        self.ledger.release()

    def sends(self, who: str, literal: str) -> None:
        """Send raw bytes.  The play writes them as in a bytes literal of Python, without quotes."""
        self.people[who].sends(literal.encode().decode("unicode_escape").encode("latin-1"))


_DIRECTIONS: list[tuple[str, Callable[..., None]]] = [
    (r"(\w+) connects", Stage.connects),
    (r"(\w+) arrives(?: with (.+))?", Stage.arrives),
    (r"(\w+) drops the line", Stage.drops),
    (r"(\w+) ends input", Stage.ends_input),
    (r"(\w+) is closed", Stage.is_closed),
    (r"(\w+) is still connected", Stage.is_connected),
    (r"([\d.]+) seconds pass", Stage.passes),
    (r"artifacts are declared once", Stage.declares_once),
    (r"(\w+) looks after the farm", Stage.looks_after),
    (r"(\w+) connects from ([\w.:]+)", Stage.connects),
    (r"the rate is limited", Stage.limits_rate),
    (r"the server crashes and starts again", Stage.crashes),
    (r"the disk is full", Stage.fills_disk),
    (r"the disk has room again", Stage.empties_disk),
    (r"nobody will know that the next write (is stored|is lost)", Stage.loses_outcome),
    (r"the ledger is slow", Stage.slows_ledger),
    (r"the ledger writes", Stage.writes),
    (r"(\w+) sends: (.*)", Stage.sends),
]


def act(text: str) -> None:
    """Act a play.

    :raises Mistake: when somebody hears something else, or a line is not a line of a play.
    """
    stage = Stage.empty()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            _act_line(stage, line)
        except Mistake as mistake:
            raise Mistake(f"line {number}: {line}\n{mistake}") from None
    _all_is_heard(stage)


def _act_line(stage: Stage, line: str) -> None:
    if not line.strip() or line.startswith("#"):
        return
    if heard := _HEARD.fullmatch(line):
        _hear(stage, heard[1], heard[2] or "")
        return
    _all_is_heard(stage)
    if typed := _TYPED.fullmatch(line):
        stage.people[typed[1]].types(typed[2] or "")
    elif line.startswith("* "):
        _direct(stage, line[2:])
    else:
        raise Mistake("not a line of a play")


def _direct(stage: Stage, direction: str) -> None:
    for pattern, action in _DIRECTIONS:
        if match := re.fullmatch(pattern, direction):
            action(stage, *(group for group in match.groups() if group is not None))
            return
    raise Mistake(f"no such direction: {direction}")


def _listen(stage: Stage) -> None:
    for who, person in stage.people.items():
        stage.heard[who] += person.hears()


def _hear(stage: Stage, who: str, line: str) -> None:
    _listen(stage)
    if not stage.heard.get(who):
        raise Mistake(f"{who} hears nothing")
    actual = stage.heard[who].pop(0)
    if actual != line:
        raise Mistake(f"{who} hears: {actual}")


def _all_is_heard(stage: Stage) -> None:
    _listen(stage)
    for who, lines in stage.heard.items():
        if lines:
            raise Mistake(f"before this, {who} also hears:\n  " + "\n  ".join(lines))
