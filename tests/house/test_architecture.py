"""docs/architecture.md is true: it has the rooms' laws, and a page for each decision."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.house.test_imports import ROOMS, ROOT, floor_of

PAGE = ROOT / "docs" / "architecture.md"
DECISIONS = ROOT / "docs" / "decisions"


def law(folder: Path) -> str:
    """The first line of a room's docstring."""
    return (folder / "__init__.py").read_text("utf-8").split('"""')[1].split("\n")[0]


class Architecture(SynchronousTestCase):
    def setUp(self) -> None:
        self.page = PAGE.read_text("utf-8")

    def test_each_room_has_its_law_on_the_page(self) -> None:
        """The page says of a room what the room says of itself, and leaves none out."""
        rows = dict(re.findall(r"^\| `([a-z]+)/` \| (.+) \|$", self.page, re.MULTILINE))
        folders = [folder.parent for folder in (ROOT / "granja").glob("*/__init__.py")]
        self.assertEqual(rows, {folder.name: law(folder) for folder in folders})
        self.assertEqual(set(rows) - set(ROOMS), set())
        floors = [floor_of(f"granja.{room}") for room in rows]
        self.assertEqual(floors, sorted(floors, reverse=True), "from the top down")

    def test_each_decision_is_a_page_with_its_date(self) -> None:
        """The list leads to every page, and each says since when it holds."""
        listed = re.findall(r"\(decisions/(.+?)\)", self.page)
        self.assertEqual(listed, sorted(path.name for path in DECISIONS.glob("*.md")))
        for name in listed:
            text = (DECISIONS / name).read_text("utf-8")
            self.assertRegex(text, r"\A# .+\n\nOn record since \d{4}-\d\d-\d\d\.\n\n\S", name)
