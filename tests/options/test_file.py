"""What ``granja.toml`` may say, and what the operator reads about a wrong one."""

from __future__ import annotations

import io
import sys
import tomllib
from itertools import pairwise

from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from granja.__main__ import main
from granja.options.commented import commented
from granja.options.table import LISTS, ROWS
from granja.tap import Options
from granja.wire.rate import Rate
from tests.support.folders import folder_for


class FileCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = folder_for(self) / "granja.toml"

    def parsed(self, text: str, *flags: str) -> Options:
        self.path.write_text(text, "utf-8")
        options = Options()
        options.parseOptions(["--config", str(self.path), *flags])
        return options

    def refused(self, text: str) -> str:
        sentence = str(self.assertRaises(UsageError, self.parsed, text))
        self.assertTrue(sentence.startswith(str(self.path)), sentence)
        return sentence.removeprefix(str(self.path))


class Reading(FileCase):
    def test_options_by_their_names(self) -> None:
        """Values are numbers, texts and lists.  A single text is a list of one."""
        options = self.parsed(
            'history = 5\nlinger = 7\nremember = 0.5\nrate = "off"\nledger = "memory:"\n'
            'listen = ["tcp:1", "tcp:2"]\nmoderator = "José"\nproxy = ["10.0.0.0/8", "unix"]\n'
        )
        settings = options.settings()
        self.assertEqual((settings.history, settings.linger, settings.rate), (5, 7.0, None))
        self.assertEqual((settings.remember, options["ledger"]), (43200.0, "memory:"))
        self.assertEqual(settings.moderators, ("José",))
        self.assertTrue(settings.proxies.believes("10.1.2.3"))
        self.assertFalse(settings.proxies.believes("127.0.0.1"))
        described = [doorway.description for doorway in options["doorways"]]
        self.assertEqual(described, ["tcp:1", "tcp:2"])

    def test_a_flag_wins(self) -> None:
        """If the option is a list, a flag replaces the whole list of the file."""
        text = 'history = 5\nlinger = 7\nlisten = ["tcp:1", "tcp:2"]\nmoderator = ["Ana"]\n'
        options = self.parsed(text, "--history", "9", "--listen", "tcp:3")
        self.assertEqual((options["history"], options["linger"]), (9, 7.0))
        self.assertEqual((options["listen"], options["moderator"]), (["tcp:3"], ["Ana"]))

    def test_an_empty_file_and_none(self) -> None:
        for options in (self.parsed(""), self.parsed('motd = ""\nadmin = ""\nartifacts = ""')):
            self.assertEqual(options["listen"], ["tcp:5555:interface=127.0.0.1"])
            self.assertEqual(options["motd"], None)
            self.assertEqual(options.settings().rate, Rate(5.0, 20))

    def test_wrong_files(self) -> None:
        """Each is one sentence.  It names the file and the fault."""
        for text, sentence in (
            ("= 5", " is not TOML: Invalid statement (at line 1, column 1)"),
            ("history = 5\nhistory = 6", " is not TOML: Cannot overwrite a value"),
            ("historia = 5", ": there is no option 'historia'; did you mean history?"),
            ("max_line = 99", ": there is no option 'max_line'; did you mean max-line?"),
            ("[granja]\nhistory = 5", ": there is no option 'granja'"),
            ('config = "other.toml"', ": there is no option 'config'"),
            ('history = "5"', ': history = "5": it must be a number, without quotes'),
            ("history = true", ": history = true: it must be a number, without quotes"),
            ("history = 5.5", ": history = 5.5: it must be a whole number, 0 or more"),
            ("history = -1", ": history = -1: it must be a whole number, 0 or more"),
            ("linger = nan", ": linger = NaN: it must be a number of seconds, 0 or more"),
            ("linger = inf", ": linger = Infinity: it must be a number of seconds, 0 or more"),
            ("max-line = 63", ": max-line = 63: it must be a whole number of bytes, 64 or more"),
            ("rate = 5", ": rate = 5: it must be a text, in quotes"),
            ('rate = "5"', ': rate = "5": it must be LINES-A-SECOND/LINES-AT-ONCE, such as 5/20'),
            ("motd = false", ": motd = false: it must be a text, in quotes"),
            ("motd = 1979-05-27", ': motd = "1979-05-27": it must be a text, in quotes'),
            ('declarations = "2"', ': declarations = "2": it must be open or once'),
            ("moderator = [7]", ": moderator = [7]: it must be a list of texts in quotes"),
            ("listen = 5555", ": listen = 5555: it must be a list of texts in quotes"),
            ('proxy = ["a"]', ': proxy = ["a"]: it must be a network, such as 10.0.0.0/8, or unix'),
            ('trusted-network = ["a"]', ": it must be a network, such as 10.0.0.0/8"),
            ('moderator = ["admin"]', ': moderator = ["admin"]: nobody can have it (está res'),
            ('reserved-name = [" "]', ': reserved-name = [" "]: it must be a word'),
            ('web-origin = ["a"]', ": it must be an origin, such as https://granja.example"),
            ('web-host = ["a b"]', ': web-host = ["a b"]: '),
        ):  # fmt: skip
            self.assertIn(sentence, self.refused(text), text)

    def test_what_the_file_leads_to_is_checked_as_well(self) -> None:
        for text in ('motd = "/nowhere"', 'listen = ["pigeon:"]', 'ledger = "x"'):
            self.assertRaises(UsageError, self.parsed, text)

    def test_no_file(self) -> None:
        for path, why in ((self.path, "No such file"), (self.path.parent, "Is a directory")):
            error = self.assertRaises(UsageError, Options().parseOptions, ["--config", str(path)])
            self.assertIn(f"cannot read {path}: {why}", str(error))

    def test_wrong_flags_are_said_first_as_ever(self) -> None:
        """Twisted says it, because it knows the fault."""
        for flags in (["--history"], ["--unknown"], ["--config"]):
            error = self.assertRaises(UsageError, Options().parseOptions, flags)
            self.assertIn(f"option {flags[0]}", str(error))


class TheCommand(FileCase):
    """``granja config``."""

    def granja(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        self.patch(sys, "stdout", out)
        self.patch(sys, "stderr", err)
        return main(["config", *arguments]), out.getvalue(), err.getvalue()

    def test_it_prints_the_defaults(self) -> None:
        """All of them: uncommented, the file says what holds without it."""
        status, printed, _ = self.granja()
        self.assertEqual(status, 0)
        self.assertEqual(tomllib.loads(printed), {})
        text = "\n".join(
            line[1:] if line.startswith("#") and line[1:2] != " " else ""
            for line in printed.splitlines()
        )
        self.assertEqual(set(tomllib.loads(text)), {*LISTS, *(row[0] for row in ROWS)})
        self.assertEqual(self.parsed(text).settings(), Options_of([]).settings())
        self.assertEqual(self.parsed(text)["listen"], Options_of([])["listen"])

    def test_lines_are_short_and_every_option_is_explained(self) -> None:
        lines = list(commented())
        self.assertLess(max(map(len, lines)), 100)
        for before, line in pairwise(lines):
            if line.startswith("#") and not line.startswith("# "):
                self.assertRegex(before, r"^# .*[.)]$")

    def test_check(self) -> None:
        self.path.write_text("history = 5\n")
        done = self.granja("--check", str(self.path))
        self.assertEqual(done, (0, f"{self.path} is in order.\n", ""))
        self.path.write_text("historia = 5\n")
        status, out, err = self.granja("--check", str(self.path))
        self.assertEqual((status, out), (1, ""))
        why = "there is no option 'historia'; did you mean history?"
        self.assertEqual(err, f"granja: {self.path}: {why}\n")

    def test_wrong_arguments(self) -> None:
        for arguments in (("--check",), ("here",)):
            status, out, err = self.granja(*arguments)
            self.assertEqual((status, out), (2, ""))
            self.assertIn("usage: granja config", err)


def Options_of(words: list[str]) -> Options:  # noqa: N802
    options = Options()
    options.parseOptions(words)
    return options
