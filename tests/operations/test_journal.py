"""The journal of systemd gets each event with its fields."""

from __future__ import annotations

import json
import socket
from typing import Any

from twisted.logger import LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.errors import ConfigurationError
from granja.operations import logfile
from granja.operations.journal import MOST, message, to_journal
from granja.operations.log_forms import as_json
from granja.operations.logfile import take_over
from tests.operations.test_log_forms import event
from tests.support.folders import folder_for


def fields(data: bytes) -> dict[str, str]:
    """The fields of a message in the journal's protocol."""
    found = {}
    while data:
        line, _, data = data.partition(b"\n")
        name, has_value, value = line.partition(b"=")
        if not has_value:
            size = int.from_bytes(data[:8], "little")
            value, data = data[8 : 8 + size], data[8 + size + 1 :]
        found[name.decode()] = value.decode()
    return found


class TheJournal(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = str(folder_for(self) / "socket")
        self.journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.journal.close)
        self.journal.bind(self.path)
        self.journal.setblocking(False)

    def heard(self) -> dict[str, str]:
        return fields(self.journal.recv(2**20))

    def test_an_event_with_its_fields(self) -> None:
        """Two that were written together are two."""
        put = to_journal(self.path)
        made = event(
            "{farmer} registered", LogLevel.warn, farmer="José", port=7, x=[1], **{"ñ": ""}
        )
        put(((as_json(made) or "") * 2).encode())
        said = {
            "MESSAGE": "José registered",
            "PRIORITY": "4",
            "SYSLOG_IDENTIFIER": "granja",
            "GRANJA_WHERE": "granja.people",
            "GRANJA_FARMER": "José",
            "GRANJA_PORT": "7",
            "GRANJA_X": "[1]",
            "GRANJA__": "",
        }
        self.assertEqual((self.heard(), self.heard()), (said, said))

    def test_lines_cannot_forge_a_field(self) -> None:
        made = event("hola\nPRIORITY=0\n{name}", name="a\nMESSAGE=otro")
        said = fields(message(json.loads(as_json(made) or "")))
        self.assertEqual(said["MESSAGE"], "hola\nPRIORITY=0\na\nMESSAGE=otro")
        self.assertEqual((said["PRIORITY"], said["GRANJA_NAME"]), ("6", "a\nMESSAGE=otro"))

    def test_a_failure(self) -> None:
        made = event("It broke", LogLevel.critical, log_failure=Failure(ValueError("why")))
        said = fields(message(json.loads(as_json(made) or "")))
        self.assertRegex(said["MESSAGE"], r"(?s)\AIt broke\n.*ValueError: why")
        self.assertEqual(said["PRIORITY"], "2")

    def test_what_is_too_long_is_cut(self) -> None:
        made = event("x")
        said = fields(message({**json.loads(as_json(made) or ""), "text": "x" * 10**6}))
        self.assertEqual(len(said["MESSAGE"]), MOST)

    def test_it_is_where_the_log_goes(self) -> None:
        self.patch(logfile, "to_journal", lambda: to_journal(self.path))
        options: dict[str, Any] = {"nodaemon": False, "logfile": None}
        later = take_over(options, "journal", "info")
        assert later is not None
        later.write(later.form(event("Ana came")) or "")
        self.assertEqual(self.heard()["MESSAGE"], "Ana came")

    def test_no_journal(self) -> None:
        why = str(self.assertRaises(ConfigurationError, to_journal, "/nowhere/at.all"))
        self.assertEqual(why, "there is no journal of systemd at /nowhere/at.all")
