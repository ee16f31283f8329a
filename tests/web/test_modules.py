"""The page's modules without a browser, in Node; and its colours, computed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from granja.settings import Settings
from granja.web.language import language

HERE = Path(__file__).parent
CSS = (files("granja.web") / "static" / "css" / "base.css").read_text()
TRADE = (files("granja.web") / "static" / "css" / "trade.css").read_text()


class Modules(SynchronousTestCase):
    node = shutil.which("node")
    skip = None if node else "there is no Node (apt-get install nodejs)"

    def test_the_modules_do_what_their_tests_say(self) -> None:
        """Each test is a sentence in tests/web/modules."""
        contract = Path(self.mktemp())
        contract.write_text(json.dumps(language(Settings())))
        tests = sorted(str(path) for path in (HERE / "modules").glob("*.test.mjs"))
        done = subprocess.run(
            [str(self.node), "--test", *tests],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "CONTRACT": str(contract.absolute())},
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"pass [1-9]\d")


class Colours(SynchronousTestCase):
    """WCAG 2.2, 1.4.3: text has a contrast of 4.5 with its background, by day and by night."""

    #: Text, and what it stands on.
    PAIRS = [
        ("ink", "paper"), ("ink", "field"), ("ink", "card"), ("ink", "sunk"), ("ink", "leaf-pale"),
        ("ink", "straw-pale"), ("ink-soft", "paper"), ("ink-soft", "card"), ("ink-soft", "sunk"),
        ("ink-soft", "field"), ("ink-soft", "straw-pale"), ("ink-soft", "leaf-pale"),
        ("barn", "card"), ("barn", "paper"), ("barn", "leaf-pale"), ("on-barn", "barn"),
        ("on-barn", "barn-deep"), ("dusk", "dusk-pale"), ("ink", "dusk-pale"),
    ]  # fmt: skip
    #: The contrast of visible things that are not text (1.4.11): 3.
    SHAPES = [("dusk", "card"), ("dusk", "paper"), ("dusk", "field"), ("line-strong", "card")]

    def test_by_day(self) -> None:
        self.check(palette(CSS, ":root {"))

    def test_by_night(self) -> None:
        self.check(palette(CSS, ':root[data-theme="dark"] {'))

    def test_the_night_that_is_chosen_is_the_night_of_the_system(self) -> None:
        chosen = palette(CSS, ':root[data-theme="dark"] {')
        self.assertEqual(chosen, palette(CSS, ':root:not([data-theme="light"]) {'))

    def check(self, colours: dict[str, str]) -> None:
        for least, pairs in ((4.5, self.PAIRS), (3.0, self.SHAPES)):
            for front, back in pairs:
                found = contrast(colours[front], colours[back])
                self.assertGreaterEqual(found, least, f"{front} on {back}")

    def test_the_names_on_the_shelf_can_be_read(self) -> None:
        day = palette(CSS, ":root {")
        night = palette(CSS, ':root[data-theme="dark"] {')
        self.assertGreaterEqual(contrast("#2b1c10", day["niche"]), 4.5)
        self.assertGreaterEqual(contrast("#2b1c10", day["lit"]), 4.5)
        self.assertGreaterEqual(contrast("#2b1c10", night["lit"]), 4.5)
        self.assertGreaterEqual(contrast("#ecd9b8", night["niche"]), 4.5)
        self.assertIn("color: #2b1c10", TRADE)
        self.assertIn("color: #ecd9b8", TRADE)

    def test_the_initials_of_everybody_can_be_read(self) -> None:
        tints = re.findall(r"\.avatar\[data-tint=\"\d\"\] \{ background: (#\w{6})", CSS)
        self.assertEqual(len(tints), 7)
        for tint in [*tints, "#7a4a22"]:
            self.assertGreaterEqual(contrast("#ffffff", tint), 4.5, tint)


def palette(css: str, selector: str) -> dict[str, str]:
    """The colours among the custom properties of a rule."""
    rule = css[css.index(selector) :].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+): (#\w{6});", rule))


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """WCAG's relative luminance of ``#rrggbb``."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
