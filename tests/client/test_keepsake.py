"""The terminal client's pass across its own death, and what was missed, between two rules."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from granja.client import sentences as notes
from granja.client.arguments import Address, UsageMistake, parse
from granja.client.conversation import Conversation
from granja.client.display import own
from granja.client.keepsake import Keepsake
from granja.contract import messages
from tests.client.test_conversation import ANCLA, Case

SECRET = "0123456789abcdef0123456789abcdef"
HERE = Address("127.0.0.1", 5555)


def bad_pass() -> messages.Failure:
    return messages.Failure("BadPass", "Error: ese pase ya no sirve.")


class TheFile(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()) / "granja"

    def open(self, address: Address = HERE, *, secure: bool = False) -> Keepsake:
        return Keepsake(self.folder, address, secure=secure)

    def file(self) -> Path:
        (path,) = self.folder.iterdir()
        return path

    def let_go(self, kept: Keepsake) -> None:
        """The client that has it dies."""
        assert kept._descriptor is not None
        os.close(kept._descriptor)

    def test_what_was_kept_is_there_for_the_next_client_and_for_its_owner_alone(self) -> None:
        kept = self.open()
        kept.keep("Ana María", SECRET)
        kept.keep("Ana", SECRET)
        self.assertEqual(stat.S_IMODE(self.file().stat().st_mode), 0o600)
        self.let_go(kept)
        again = self.open()
        self.assertEqual(again.recall(), ("Ana", SECRET))
        again.forget()
        self.assertIsNone(again.recall())
        self.assertEqual(self.file().read_bytes(), b"")

    def test_a_second_client_beside_the_first_is_somebody_else(self) -> None:
        self.open().keep("Ana", SECRET)
        second = self.open()
        self.assertIsNone(second.recall())
        second.keep("Beto", SECRET)
        self.assertIn("Ana", self.file().read_text())

    def test_each_granja_has_its_own(self) -> None:
        self.open().keep("Ana", SECRET)
        self.assertIsNone(self.open(Address("granja.example", 5555)).recall())
        self.assertIsNone(self.open(secure=True).recall())

    def test_what_is_no_pass_is_none(self) -> None:
        kept = self.open()
        for content in ("", "Ana\n", "Ana x;y\n", "Ana a b\n"):
            self.file().write_text(content)
            self.assertIsNone(kept.recall(), content)
        self.file().write_bytes(b"\xff\xff")
        self.assertIsNone(kept.recall())

    def test_where_nothing_can_be_written_nothing_is_kept(self) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.write_text("no folder")
        kept = self.open()
        kept.keep("Ana", SECRET)
        self.assertIsNone(kept.recall())


class Memory:
    """The file that a killed client left."""

    def __init__(self, kept: tuple[str, str] | None = None) -> None:
        self.kept = kept

    def recall(self) -> tuple[str, str] | None:
        return self.kept

    def keep(self, name: str, secret: str) -> None:
        self.kept = (name, secret)

    def forget(self) -> None:
        self.kept = None


class AfterBeingKilled(Case):
    def setUp(self) -> None:
        self.memory = Memory(("Ana", SECRET))
        self.talk = Conversation({}, memory=self.memory)
        self.connect()

    def test_the_pass_brings_one_back_without_a_number(self) -> None:
        self.assertEqual(self.sent(), [f":volver {SECRET}"])
        self.told(messages.WelcomeBack("Ana"), messages.Inventory((ANCLA,)), messages.Ready("Ana"))
        self.told(messages.Pass("f" * 32, 120))
        self.assertEqual(self.memory.kept, ("Ana", "f" * 32))

    def test_a_pass_that_serves_no_more_is_forgotten_and_everything_is_asked(self) -> None:
        self.sent()
        shown = self.told(bad_pass(), messages.ASK_NAME)
        self.assertEqual(self.sent(), [])
        self.assertIn(messages.ASK_NAME.line(), shown)
        self.assertIsNone(self.memory.kept)

    def test_a_goodbye_forgets_it(self) -> None:
        self.told(messages.WelcomeBack("Ana"), messages.Ready("Ana"), messages.GOODBYE)
        self.assertIsNone(self.memory.kept)


class Missed(Case):
    def come_back(self) -> None:
        self.arrive("Ana", ANCLA)
        self.told(messages.Pass(SECRET, 120))
        self.drop()
        self.connect()
        self.told(messages.WelcomeBack("Ana"), messages.Inventory((ANCLA,)), messages.Ready("Ana"))

    def test_what_was_missed_stands_between_two_rules_with_how_many_lines_it_is(self) -> None:
        self.come_back()
        said = [messages.Said("Gus", text) for text in ("hola", "¿dónde estás?")]
        shown = self.told(*said, messages.Here(("Ana", "Gus")))
        first, last = own(notes.missed(2)).line, own(notes.END_OF_MISSED).line
        wanted = [first, *(one.line() for one in said), last]
        self.assertEqual(shown[:4], wanted)

    def test_nothing_missed_is_no_rule(self) -> None:
        self.come_back()
        shown = self.told(messages.Here(("Ana", "Gus")))
        self.assertNotIn(own(notes.END_OF_MISSED).line, shown)


class EarlierTalk(Case):
    def setUp(self) -> None:
        self.talk = Conversation({}, history=20)
        self.connect()

    def test_it_is_asked_for_on_joining_and_not_again_on_coming_back(self) -> None:
        self.types("Ana")
        self.told(messages.Welcome(), messages.Ready("Ana"))
        self.assertIn(":historial 20", self.sent())
        self.told(messages.Pass(SECRET, 120))
        self.drop()
        self.connect()
        self.told(messages.WelcomeBack("Ana"), messages.Ready("Ana"))
        self.assertNotIn(":historial 20", self.sent())

    def test_the_number_is_one_that_servers_take(self) -> None:
        self.assertEqual(parse(["--history", "20"]).history, 20)
        for wrong in ("x", "101", "-1", "9" * 20, "²"):
            with self.assertRaises(UsageMistake):
                parse(["--history", wrong])
