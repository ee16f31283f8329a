"""A large answer is made small enough for the bus, which takes a megabyte at the most."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import FarmerId
from granja.nodes.neighbour import ask
from granja.people.roster import Farmer
from granja.text.names import recall
from tests.support.village import Village


class Many(SynchronousTestCase):
    def setUp(self) -> None:
        self.village = Village(2)
        self.here, self.there = self.village.farms
        #: How many bytes the last answer has on the bus.
        self.size = 0
        bus: Any = self.here.bus
        request = bus.request

        def requested(*asked: Any) -> Deferred[bytes]:
            answer: Deferred[bytes] = request(*asked)
            return answer.addCallback(noted)

        def noted(answer: bytes) -> bytes:
            self.size = len(answer)
            return answer

        bus.request = requested

    def ask(self, *question: Any) -> Any:
        """What the first node hears from the second."""
        asked = ask(self.here.bus, self.there.writer, question)
        self.village.settle()
        return json.loads(self.successResultOf(asked))

    def people(self, count: int) -> None:
        """So many are at the second node."""
        roster: Any = self.there.factory.roster
        for number in range(count):
            farmer = Farmer(FarmerId(1 + number), recall(f"Granjera{number}"))
            farmer.arrived = farmer.entered = 1_700_000_000.123456 + number * 7.3
            farmer.was_at = f"2001:db8::{number % 9999}:{number % 7919}"
            roster.here.add(farmer)

    def test_twelve_thousand_people(self) -> None:
        self.people(12_000)
        _, _, people = self.ask("people")
        self.assertEqual([entry[2] for entry in people], [f"Granjera{n}" for n in range(12_000)])
        self.assertGreater(len(json.dumps(people)), 1 << 20)
        self.assertLess(self.size, 1 << 19)

    def test_a_long_answer_for_the_operator(self) -> None:
        """It comes a moment later."""
        nodes: Any = self.there.factory.nodes
        answer = {"people": [f"Granjera{number}" for number in range(80_000)]}
        nodes.errands.run = lambda _: succeed(answer)
        self.assertEqual(self.ask("errand", "all", {}), ["node-2", answer])
        self.assertLess(self.size, 1_000_000)

    def test_a_few_people_are_told_as_they_are(self) -> None:
        """Any node reads that, also one of an older granja."""
        self.people(100)
        told = self.ask("people")
        self.assertEqual(self.size, len(json.dumps(told)))
