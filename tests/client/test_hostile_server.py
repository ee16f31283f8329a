"""However much a hostile server says, the client stays small (issue 13, row 29)."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable, Iterable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from granja.client.conversation import Conversation
from granja.client.drafts import MOST_PLACES, Drafts
from granja.client.incoming import LIMIT, MOST_GROUPS, MOST_VALUES
from granja.client.surroundings import LONGEST_NAME, MOST_OFFERS
from tests.client.test_hearing import WILL_GMCP

MEGABYTE = 1_000_000
LONG = "w" * 100_000


def said(kind: str, **data: Any) -> bytes:
    body = json.dumps({"type": kind, "line": "x", **data}).encode()
    return b"\xff\xfa\xc9Granja.X " + body + b"\xff\xf0"


class Hostile(SynchronousTestCase):
    def setUp(self) -> None:
        self.talk = Conversation({})
        self.talk.connect()
        self.talk.receive(WILL_GMCP)
        gc.collect()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)

    def kept(self, stream: Iterable[bytes]) -> tuple[int, int]:
        """Bytes that the client has taken after a stream, and at the most meanwhile."""
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for data in stream:
            self.talk.receive(data)
        gc.collect()
        after, peak = tracemalloc.get_traced_memory()
        return after - before, peak - before

    def test_names_of_all_kinds(self) -> None:
        """In each message another, each 100 KB long."""
        kinds: dict[str, Callable[[int], bytes]] = {
            "arrived": lambda n: said("arrived", name=f"{n}{LONG}"),
            "offer": lambda n: said("offer", number=n, **{"from": LONG, "gives": {"name": LONG}}),
            "catalog": lambda n: said("catalog", artifact={"id": n, "name": LONG}),
            "number": lambda n: said("catalog", artifact={"id": 10**4000 + n, "name": ""}),
            "prompt": lambda n: said("prompt", question=f"{n}{LONG}"),
            "ready": lambda n: said("ready", name=f"{n}{LONG}"),
            "code": lambda n: said("error", code=f"{n}{LONG}"),
        }
        for kind, message in kinds.items():
            kept, _ = self.kept(message(number) for number in range(50))
            self.assertLess(kept, MEGABYTE, kind)

    def test_one_message_of_many_names(self) -> None:
        kept, _ = self.kept([said("here", names=[f"{n}{LONG}" for n in range(30)])])
        self.assertLess(kept, MEGABYTE / 10)
        [name, *_] = self.talk._around.people
        self.assertEqual(len(name), LONGEST_NAME)

    def test_offers_without_end(self) -> None:
        self.kept(said("offer", number=n, **{"from": "Gus"}) for n in range(MOST_OFFERS + 50))
        self.assertEqual(len(self.talk._around.offers), MOST_OFFERS)

    def test_a_package_of_nothing_but_brackets(self) -> None:
        """In memory each would be twenty times as long."""
        for part in (b"[],", b"{},", b'"a",', b"0,"):
            head = b'\xff\xfa\xc9Granja.X {"type":"x","line":"x","a":['
            monster = head + part * ((LIMIT - 100) // len(part)) + b"0]}\xff\xf0"
            pieces = [monster[at : at + 65536] for at in range(0, len(monster), 65536)]
            kept, peak = self.kept(pieces)
            self.assertLess(peak, 5 * LIMIT, part)
            self.assertLess(kept, MEGABYTE, part)

    def test_packages_of_everyday_size_are_heard(self) -> None:
        artifacts = [{"id": n, "name": "Ancla"} for n in range(MOST_GROUPS - 10)]
        [shown] = self.talk.receive(said("inventory", artifacts=artifacts))
        self.assertEqual(shown.line, "x")
        [_] = self.talk.receive(said("here", names=["Ana"] * (MOST_VALUES - 10)))
        self.assertEqual(self.talk.receive(said("here", names=["Ana"] * (MOST_VALUES + 10))), [])

    def test_talk_without_end(self) -> None:
        """The search for the person's name makes no copy of the line, letter by letter."""
        self.talk.receive(said("ready", name="Ana"))
        line = b"beto: " + "ж".encode() * (LIMIT // 2 - 10) + b"\n"
        _, peak = self.kept(line[at : at + 65536] for at in range(0, len(line), 65536))
        self.assertLess(peak, 8 * LIMIT)

    def test_half_typed_lines_of_many_questions(self) -> None:
        drafts = Drafts()
        drafts.entered("name")
        for number in range(50):
            drafts.move(f"question {number}", "medio")
        self.assertEqual(len(drafts._kept), MOST_PLACES)
        drafts.move("", "medio")
        for number in range(50):
            self.assertEqual(drafts.move(f"empty {number}", ""), "")
        self.assertEqual(len(drafts._kept), MOST_PLACES)
