"""With any mix of talk, arrivals, loss and cuts, order stays, and missing lines are counted."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from tests.support.farm import Person
from tests.support.village import Village

NODES = st.integers(0, 2)


class Cluster(RuleBasedStateMachine):
    """Three nodes, each with a listener who was there from the beginning.

    ``said``: the lines of each node that everybody elsewhere should hear, with arrivals and
    departures. ``heard``: what each listener heard from each other node; a number counts missed
    lines.
    """

    def __init__(self) -> None:
        super().__init__()
        self.village = Village(3)
        self.farms = self.village.farms
        self.listeners = self.village.arrive("Ana", "Beto", "Caro")
        self.village.pass_time(2.0)
        self.village.quiet()
        self.said: list[list[str]] = [[], [], []]
        self.heard: list[list[str]] = [[], [], []]
        self.guests: list[tuple[int, Person]] = []
        self.last = 0

    def _word(self) -> str:
        self.last += 1
        return f"palabra {self.last}"

    @rule(at=NODES, lines=st.integers(1, 3))
    def talk(self, at: int, lines: int) -> None:
        speaker = self.listeners[at]
        words = [self._word() for _ in range(lines)]
        speaker.sends("".join(f"{word}\r\n" for word in words).encode())
        self.said[at] += [f"{speaker.name}: {word}" for word in words]

    @rule(at=NODES)
    def arrive(self, at: int) -> None:
        self.last += 1
        guest = self.farms[at].person(f"Dora{self.last}").arrives()
        self.guests.append((at, guest))
        self.said[at].append(f"[SERVER] Cliente {guest.name} conectado.")

    @rule(data=st.data())
    def leave(self, data: Any) -> None:
        if self.guests:
            at, guest = self.guests.pop(data.draw(st.integers(0, len(self.guests) - 1)))
            guest.types(":q")
            guest.drops()
            self.said[at].append(f"[SERVER] {guest.name} desconectado.")

    @rule(at=NODES, count=st.integers(1, 3))
    def lose(self, at: int, count: int) -> None:
        self.farms[at].bus.to_lose = count

    @rule(at=NODES, seconds=st.sampled_from([0.0, 0.5, 2.5]))
    def slow(self, at: int, seconds: float) -> None:
        self.farms[at].bus.delay = seconds

    @rule(at=NODES)
    def cut(self, at: int) -> None:
        self.farms[at].bus.cut()

    @rule(at=NODES)
    def mend(self, at: int) -> None:
        self.farms[at].bus.mend()

    @rule(seconds=st.sampled_from([0.5, 3.0]))
    def wait(self, seconds: float) -> None:
        self.village.pass_time(seconds)

    @invariant()
    def each_line_is_heard_once_and_in_order(self) -> None:
        for at, person in enumerate(self.listeners):
            self.heard[at] += person.hears()
            for other in range(3):
                mine = [line for line in self.heard[at] if line in self.said[other]]
                wanted = [line for line in self.said[other] if line in mine]
                if other != at:
                    assert mine == wanted, (at, other, mine, wanted)

    def teardown(self) -> None:
        """In the end everything is heard or counted, and everybody lists the same people."""
        for farm in self.farms:
            farm.bus.delay, farm.bus.to_lose = 0.0, 0
            farm.bus.mend()
        self.village.pass_time(8.0)
        self.each_line_is_heard_once_and_in_order()
        for at in range(3):
            of_others = [line for other in range(3) if other != at for line in self.said[other]]
            missed = [
                re.fullmatch(r".*Te perdiste (\d+) líneas?\.", line) for line in self.heard[at]
            ]
            count = sum(int(found[1]) for found in missed if found)
            heard = [line for line in self.heard[at] if line in of_others]
            assert len(heard) + count == len(of_others), (at, self.heard[at], of_others)
        lists = self.village.lists()
        assert lists == [lists[0]] * 3, lists


class ClusterStatefulTests(SynchronousTestCase):
    def test_order_is_kept_and_what_is_missing_is_counted(self) -> None:
        run_state_machine_as_test(
            Cluster, settings=settings(max_examples=15, stateful_step_count=25, deadline=None)
        )
