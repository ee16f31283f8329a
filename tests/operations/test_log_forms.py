"""An event as a line of text, or as an object of JSON."""

from __future__ import annotations

import json
import os
from typing import Any

from twisted.logger import LogEvent, Logger, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from granja.operations.log_forms import as_json, from_level
from granja.operations.logfile import take_over
from tests.support.folders import folder_for


def event(text: str = "", level: LogLevel = LogLevel.info, **fields: Any) -> LogEvent:
    """An event as Twisted's logger makes it."""
    made: list[LogEvent] = []
    observer: Any = made.append
    log = Logger("granja.people", observer=observer)
    log.emit(level, text or None, **fields)
    return made[0] | {"log_time": 1_700_000_000.25}


class Secret:
    """Holds more than its name says."""

    def __init__(self) -> None:
        self.password = "girasoles"

    def __str__(self) -> str:
        return "Ana"


class Json(SynchronousTestCase):
    def said(self, made: LogEvent) -> dict[str, Any]:
        line = as_json(made)
        assert line is not None
        self.assertEqual((line.count("\n"), line[-1]), (1, "\n"))
        found: dict[str, Any] = json.loads(line)
        return found

    def test_an_event_with_fields(self) -> None:
        made = event("{farmer} arrived\nfrom {address}", farmer="José", address="::1", port=7)
        self.assertEqual(
            self.said(made),
            {
                "when": "2023-11-14T22:13:20.250Z",
                "level": "info",
                "where": "granja.people",
                "text": "José arrived\nfrom ::1",
                "farmer": "José",
                "address": "::1",
                "port": 7,
            },
        )

    def test_what_is_no_plain_value_is_not_said(self) -> None:
        """Only the text shows it, in its own form.  No field takes the place of another."""
        made = event(
            "{who} came", who=Secret(), rows=[{"n": 1}, {"n": Secret()}], events=[{"n": 1}]
        )
        numbered: Any = {7: "x"}
        said = self.said(made | {"level": "none", "where": "nowhere"} | numbered)
        self.assertEqual((said["text"], said["events"]), ("Ana came", [{"n": 1}]))
        self.assertEqual((said["level"], said["where"]), ("info", "granja.people"))
        self.assertEqual(set(said) & {"who", "rows"}, set())
        self.assertNotIn("girasoles", json.dumps(said))

    def test_what_no_encoding_has(self) -> None:
        self.assertEqual(self.said(event("{name}", name="\ud800\u2028"))["name"], "\ud800\u2028")

    def test_a_failure(self) -> None:
        made = event("It broke", LogLevel.critical, log_failure=Failure(ValueError("why")))
        said = self.said(made)
        self.assertEqual((said["level"], said["text"]), ("critical", "It broke"))
        self.assertIn("ValueError: why", said["traceback"])

    def test_nothing(self) -> None:
        self.assertIsNone(as_json(event()))
        self.assertEqual(self.said({"log_format": "x"})["where"], "-")


class Levels(SynchronousTestCase):
    def test_what_is_less_urgent_is_not_said(self) -> None:
        form = from_level("warn", lambda event: "said")
        levels = ("debug", "info", "warn", "error", "critical")
        heard = [form(event("x", LogLevel.lookupByName(level))) for level in levels]
        self.assertEqual(heard, [None, None, "said", "said", "said"])
        self.assertIsNone(form({"log_format": "x"}))

    def test_the_files_form(self) -> None:
        path = str(folder_for(self) / "log")
        later = take_over({"nodaemon": False, "logfile": path}, "json", "error")
        assert later is not None
        self.assertIsNone(later.form(event("x")))
        line = later.form(event("x", LogLevel.error))
        assert line is not None
        self.assertEqual(json.loads(line)["text"], "x")
        text = take_over({"nodaemon": False, "logfile": path})
        assert text is not None
        self.assertIn("[granja.people#info] x", text.form(event("x")) or "")
        self.assertTrue(os.path.exists(path))
