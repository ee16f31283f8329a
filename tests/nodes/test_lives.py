"""Nodes die, lose leases and begin, the bus fails, people move: in the end all lists agree."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import ArtifactId
from granja.settings import Settings
from tests.support.guests import Guest, guest, returns
from tests.support.village import PASSWORD, NodeFarm, Village

#: How many lives are played: always the same ones, and more with a greater number.
PLAYED = int(os.environ.get("GRANJA_TEST_LIVES", "20"))

NODES = st.integers(0, 2)
LINGER = 20.0


class Lives(RuleBasedStateMachine):
    """Three nodes.  A dead one is buried later, and another takes its place.

    ``people``: visitors, people with passes, and registered farmers, wherever they are.
    """

    def __init__(self) -> None:
        super().__init__()
        names = tuple(f"Rosa{n}" for n in range(3))
        settings = Settings(rate=None, linger=LINGER)
        self.village = Village(3, settings, registered=names)
        self.nodes = list(self.village.farms)
        self.dead: list[NodeFarm] = []
        self.guests: list[Guest] = []
        self.registered = names
        self.last = 0

    # -- people ----------------------------------------------------------------------------------

    @rule(at=NODES)
    def visitor(self, at: int) -> None:
        self.last += 1
        self.nodes[at].person(f"Dora{self.last}").arrives()

    @rule(at=NODES)
    def with_a_pass(self, at: int) -> None:
        self.last += 1
        self.guests.append(guest(self.nodes[at], f"Eva{self.last}", "21"))

    @rule(at=NODES, who=st.integers(0, 2))
    def with_a_password(self, at: int, who: int) -> None:
        name = self.registered[who]
        person = self.nodes[at].person(name)
        person.types(name, PASSWORD)

    @rule(at=NODES, who=st.integers(0, 2))
    def with_both(self, at: int, who: int) -> None:
        """A registered farmer whose client speaks data, and so has a pass."""
        person = Guest(self.nodes[at], self.registered[who])
        self.nodes[at].people.append(person)
        person.types(person.name, PASSWORD)
        person.reads()
        if person.secret:
            self.guests.append(person)

    @rule(data=st.data())
    def register(self, data: Any) -> None:
        """Whoever has a pass, if they are a visitor."""
        if self.guests:
            person = data.draw(st.sampled_from(self.guests))
            if not person.protocol.over:
                person.types(f":registrar {PASSWORD}")

    @rule(at=NODES, data=st.data())
    def back(self, at: int, data: Any) -> None:
        if self.guests:
            old = data.draw(st.sampled_from(self.guests))
            old.reads()
            new = returns(self.nodes[at], old.secret, old.n)
            self.guests.append(new)
            new.secret = old.secret

    @rule(data=st.data(), goodbye=st.booleans())
    def leave(self, data: Any, goodbye: bool) -> None:
        inside = [one for node in self.nodes for one in node.people if not one.protocol.over]
        if inside:
            person = data.draw(st.sampled_from(range(len(inside))).map(inside.__getitem__))
            if goodbye:
                person.types(":q")
            person.drops()

    # -- what breaks -----------------------------------------------------------------------------

    @rule(at=NODES, count=st.integers(1, 3))
    def lose(self, at: int, count: int) -> None:
        self.nodes[at].bus.to_lose = count

    @rule(at=NODES, seconds=st.sampled_from([0.0, 0.5, 1.5]))
    def slow(self, at: int, seconds: float) -> None:
        self.nodes[at].bus.delay = seconds

    @rule(at=NODES)
    def cut(self, at: int) -> None:
        self.nodes[at].bus.cut()

    @rule(at=NODES)
    def mend(self, at: int) -> None:
        self.nodes[at].bus.mend()

    @rule(at=NODES, away=st.booleans())
    def database(self, at: int, away: bool) -> None:
        self.nodes[at].shared.away = away

    @rule(at=NODES)
    def die(self, at: int) -> None:
        """Another node takes its place at once; its lease goes on for a while."""
        node = self.nodes[at]
        node.dies()
        self.dead.append(node)
        self.nodes[at] = self.village.starts()

    @rule(at=NODES, noticed=st.booleans())
    def lose_lease(self, at: int, noticed: bool) -> None:
        """The others end its lease, and may have noticed before it does."""
        node = self.nodes[at]
        self.village.record.end(node.writer)
        if noticed:
            self.village.record.renew()
            self.village.settle()
        node.shared.fence()

    @rule()
    def bury(self) -> None:
        for node in self.dead:
            self.village.record.end(node.writer)
        self.dead.clear()
        self.village.record.renew()

    @rule(seconds=st.sampled_from([1, 4, 8]))
    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.village.record.renew()
            self.village.pass_time(1.0)

    # -- in the end ------------------------------------------------------------------------------

    def inside(self) -> list[str]:
        """Who is at a node, as each node says of its own."""
        return sorted(
            str(farmer)
            for node in self.nodes
            for farmer in node.factory.roster
            if farmer.elsewhere is None
        )

    def agree(self) -> None:
        inside = self.inside()
        assert len(inside) == len(set(inside)), inside
        lists = [node.factory.roster.names() for node in self.nodes]
        assert lists == [lists[0]] * 3, lists
        assert sorted(lists[0]) == inside, (lists, inside)

    def all_can_be_reached(self) -> None:
        """From every node, wherever they are."""
        for node in self.nodes:
            gus = node.arrives("Gus")
            for person in [one for other in self.nodes for one in other.people]:
                if person is not gus and not person.protocol.over and person.protocol.farmer:
                    person.hears()
                    gus.types(f":p {person.protocol.farmer} hola")
                    assert "Gus te susurra: hola" in person.hears(), gus.hears()
            gus.types(":q")
            gus.drops()

    def teardown(self) -> None:
        """All is mended.  Then everybody lists the same people, in one order; when nobody lingers
        any more, they are those who are connected, and have what they had.  Each can be reached
        from everywhere, and the table of names has nobody else."""
        for node in self.nodes:
            node.bus.delay, node.bus.to_lose, node.shared.away = 0.0, 0, False
            node.bus.mend()
        self.bury()
        self.wait(15)
        self.agree()
        self.wait(int(LINGER) + 15)
        self.agree()
        connected = sorted(
            str(one.protocol.farmer)
            for node in self.nodes
            for one in node.people
            if not one.protocol.over and one.protocol.farmer is not None
        )
        assert connected == self.inside(), (connected, self.inside())
        rows = self.village.record.rows.values()
        held = sorted(row.spelling for row in rows if row.writer is not None)
        assert held == connected, (held, connected)
        markets = [node.factory.market for node in self.nodes]
        states = [market.snapshot() for market in markets]
        assert states == [states[0]] * 3
        away = {markets[0].names[farmer] for farmer in markets[0].away}
        assert away == {*markets[0].registered.values()} - {*connected}, (away, connected)
        for farmer in self.nodes[0].factory.roster:
            copies = markets[0].copies(farmer.id)
            assert str(farmer)[:3] != "Eva" or ArtifactId(21) in copies, (str(farmer), copies)
        self.all_can_be_reached()


class LivesTests(SynchronousTestCase):
    def test_in_the_end_all_lists_agree(self) -> None:
        chosen = settings(
            max_examples=PLAYED, stateful_step_count=40, deadline=None, derandomize=True
        )
        run_state_machine_as_test(Lives, settings=chosen)
