"""The three walks of docs/architecture.md: the code goes there, in that order."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from types import FrameType

from twisted.trial.unittest import SynchronousTestCase

from tests.house.test_imports import ROOT
from tests.support.farm import Farm

#: What a farm without sockets does not do, or has another name for.
ELSEWHERE = {
    "Intake.doRead": "",
    "Connection.doRead": "",
    "send": "TransportWire.send",
    "whisper": "PlainLines.whisper",
    "append": "MemoryLedger.append",
}


def page() -> dict[str, str]:
    """The paragraph of each walk, by its beginning."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    return dict(re.findall(r"^\*\*(A[n]? .+?)\.\*\* (.+?)\n\n", text, re.MULTILINE | re.DOTALL))


def stops(paragraph: str) -> Iterator[str]:
    """The functions that a walk names, in its order, without the modules."""
    for name in re.findall(r"`([A-Za-z_.]+)`", paragraph):
        called = ELSEWHERE.get(name, name)
        if called:
            yield called


def calls(act: Callable[[], object]) -> list[str]:
    """The functions of the package that are called meanwhile, in order."""
    called: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and "/granja/" in frame.f_code.co_filename:
            called.append(frame.f_code.co_qualname)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(before)
    return called


class Walks(SynchronousTestCase):
    def setUp(self) -> None:
        self.farm = Farm()
        self.ana = self.farm.arrives("Ana", "6")
        self.beto = self.farm.arrives("Beto", "7")
        self.page = page()

    def walk(self, typed: str, *paragraphs: str) -> None:
        called = calls(lambda: self.ana.types(typed))
        at = 0
        for stop in [stop for paragraph in paragraphs for stop in stops(paragraph)]:
            self.assertIn(stop, called[at:], f"the way of {typed!r} after {called[at - 1]}")
            at = called.index(stop, at) + 1

    def to_parse(self) -> str:
        """The beginning that all three have."""
        return self.page["A line of talk"].partition("which says")[0]

    def after_parse(self, walk: str) -> str:
        beginning, parse, rest = self.page[walk].partition("`parse`")
        self.assertEqual((beginning, parse), ("As far as ", "`parse`"))
        return rest

    def test_a_line_of_talk(self) -> None:
        way, other_lines, _ = self.page["A line of talk"].partition("What a segment")
        self.assertTrue(other_lines)
        self.walk("hola", way)
        self.assertEqual(self.beto.hears(), ["Ana: hola"])

    def test_a_whisper(self) -> None:
        self.walk(":p Beto hola", self.to_parse(), self.after_parse("A whisper"))
        self.assertEqual(len(self.beto.hears()), 1)

    def test_an_offer(self) -> None:
        self.walk(":offer Beto 6 7", self.to_parse(), self.after_parse("An offer"))
        self.assertEqual(len(self.beto.hears()), 1)
