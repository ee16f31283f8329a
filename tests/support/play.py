"""Little plays: who types what, who hears what.  ``tests/plays/*.play`` are acted by
:mod:`tests.whole.test_plays` against the real factory.

A line of a play is one of::

    # a remark
    * Ana connects                       a stage direction (see ``Stage``)
    Ana> hola                            Ana types a line
    Beto< Ana: hola                      Beto hears a line

What is heard has to be heard in that order by that person, and nothing else: before the next
thing happens, and at the end, everybody must have heard all that they heard.
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
    """The play went differently; the text says where and how."""


@dataclass
class Stage:
    """The farm and its people while a play is acted; each direction is a method below."""

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
        """Come in as a visitor called like the role; this is scenery, of which nothing is heard."""
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
        """Opens the farm anew with ``--declarations once``."""
        self.farm = Farm(replace(self.farm.settings, declare_once=True), self.ledger)

    def looks_after(self, who: str) -> None:
        """Comes in, registers, and is named a moderator; this is scenery."""
        self.farm.moderators(who)
        self.arrives(who)
        self.people[who].types(":registrar girasoles al sol")
        self.farm.factory.moderators.appoint(self.farm.settings.moderators)
        self.people[who].hears()

    def limits_rate(self) -> None:
        self.farm = Farm(Settings(), self.ledger)

    def crashes(self) -> None:
        """``kill -9`` and a new start on the same ledger; nobody is connected any more."""
        self.people.clear()
        self.farm.people.clear()
        # What went wrong, or was still being written, ends with the process; what is stored stays.
        self.farm.ledger = self.ledger = FaultyLedger(self.ledger.inner)
        self.farm.open()

    def fills_disk(self) -> None:
        self.ledger.fill()

    def empties_disk(self) -> None:
        self.ledger.empty()

    def loses_outcome(self, outcome: str) -> None:
        """The next write's outcome is unknown; what a restart finds is the play's to choose."""
        self.ledger.halt(stored=outcome == "is stored")

    def slows_ledger(self) -> None:
        self.ledger.hold()

    def writes(self) -> None:
        """The slow ledger has written what waited, or failed to; from here on it is quick."""
        self.ledger.release()

    def sends(self, who: str, literal: str) -> None:
        """Raw bytes, written as in Python between the quotes of a bytes literal."""
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

    :raises Mistake: when somebody hears something else, or the play can't be read.
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
