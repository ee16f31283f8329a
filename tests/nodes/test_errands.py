"""What an operator asks of a farm of several nodes, at any console."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from granja.console.errands import Errands
from granja.contract.errors import ConfigurationError
from granja.nodes.neighbour import GONE, subject_of
from granja.operations import admin
from granja.settings import Settings
from tests.support.farm import Person
from tests.support.village import NodeFarm, Village


class Asking(SynchronousTestCase):
    def setUp(self) -> None:
        self.village = Village(3)
        self.read: list[str] = []
        self.ended: list[str] = []
        self.errands = [self.console(farm) for farm in self.village.farms]
        self.names = ["node-1", "node-2", "node-3"]

    def tearDown(self) -> None:
        self.assertEqual(self.flushLoggedErrors(), [])

    def console(self, farm: NodeFarm) -> Errands:
        nodes: Any = farm.factory.nodes
        name = nodes.errands.name
        reread, end = partial(self.reread, name), partial(self.ended.append, name)
        errands = Errands(farm.factory, reread, end, nodes.errands)
        nodes.errands.run = errands.run
        return errands

    def reread(self, name: str) -> list[str]:
        if name == self.names[2]:
            raise ConfigurationError("there is no motd")
        self.read.append(name)
        return ["motd"]

    def ask(self, do: str, node: str, **arguments: object) -> Any:
        """Ask the first node."""
        answer = self.errands[0].run({"do": do, "node": node, **arguments})
        self.village.settle()
        self.village.pass_time(11.0)
        return self.successResultOf(answer)

    def test_one_node_is_asked(self) -> None:
        """Another one, or the one that has the console."""
        self.village.arrive("Ana", "Beto", "Caro")
        first, second, _ = self.names
        for name in (first, second):
            status = self.ask("status", name)
            self.assertEqual((status["node"], status["farmers"], status["here"]), (name, 3, 1))
        self.assertEqual(self.ask("reload", second)["changed"], ["motd"])
        self.assertEqual(self.read, [second])

    def test_who_is_here_is_the_same_from_every_node(self) -> None:
        """Also for how long: the clocks that only go forward have each another beginning."""
        self.village.farms[0].arrives("Ana")
        self.village.pass_time(100.0)
        self.village.farms[1].arrives("Beto")
        self.village.pass_time(20.0)
        found = [self.ask("who", name)["people"] for name in self.names]
        for people in found:
            self.assertEqual([person["name"] for person in people], ["Ana", "Beto"])
            ana, beto = (person["seconds"] for person in people)
            self.assertEqual((ana - beto, 20 <= beto < 100), (100, True))

    def test_all_are_asked(self) -> None:
        """Each answers for itself, and one that refuses is no obstacle to the others."""
        answer = self.ask("reload", "all")
        self.assertEqual(sorted(answer["nodes"]), sorted(self.names))
        self.assertEqual(sorted(self.read), sorted(self.names[:2]))
        self.assertIn("there is no motd", answer["nodes"][self.names[2]]["refused"])

    def test_a_node_that_nobody_knows(self) -> None:
        said = self.ask("status", "node-x")["refused"]
        self.assertEqual(
            said, f"no node that answers is called node-x; there are {', '.join(self.names)}"
        )

    def test_a_question_of_a_newer_node(self) -> None:
        """It has its answer at once: nobody is there who could do that."""
        here, there = self.village.farms[:2]
        asked = there.bus.request(subject_of(here.writer), b'["sing","loudly"]')
        self.village.settle()
        self.assertEqual(self.successResultOf(asked), GONE)

    def test_a_node_that_does_not_answer(self) -> None:
        """The others are told of nevertheless, and how many are silent."""
        self.village.farms[1].bus.cut()
        answer = self.ask("status", "all")
        self.assertEqual((sorted(answer["nodes"]), answer["silent"]), ([*self.names[::2]], 1))
        self.assertIn("no node that answers", self.ask("status", self.names[1])["refused"])

    def test_what_is_for_the_whole_farm_is_not_passed_on(self) -> None:
        """A password, for one, has no business on the bus."""
        for do in ("password", "forget", "kick", "freeze"):
            said = self.ask(do, self.names[1], whom="Ana")["refused"]
            self.assertEqual(
                said, f"{do} is for the whole farm, whichever node does it: leave --node out"
            )

    def test_a_node_is_drained_of_its_own_people(self) -> None:
        """Those of others are no reason to wait."""
        _, beto, _ = self.village.arrive("Ana", "Beto", "Caro")
        self.assertEqual(self.ask("drain", self.names[1])["left"], 1)
        self.assertTrue(self.ask("status", self.names[1])["draining"])
        self.assertFalse(self.ask("status", self.names[0])["draining"])
        beto.types(":q")
        self.village.pass_time(2.0)
        self.assertEqual(self.ended, [self.names[1]])

    def test_a_node_whose_console_is_not_open_yet(self) -> None:
        """It answers no errand, and is named."""
        late: Any = self.village.starts().factory.nodes
        answer = self.successResultOf(late.errands.ask("all", {"do": "status"}))
        self.assertEqual(answer, {"refused": "this node is not ready yet"})
        self.assertIn(late.errands.name, self.ask("status", late.errands.name)["refused"])

    def test_a_farm_that_is_alone_has_no_nodes(self) -> None:
        alone = Errands(self.village.farms[0].factory, list, lambda: None)
        answer = self.successResultOf(alone.run({"do": "status", "node": "all"}))
        self.assertIn("has no nodes", answer["refused"])

    def test_what_is_printed(self) -> None:
        """It prints one line for each node, or its table.  A refusal anywhere sets the exit
        status."""
        lines = list(admin._said_of_each(self.ask("reload", "all"), "reload"))
        self.assertEqual(lines[0], f"{self.names[0]}: read anew; motd.")
        self.assertRegex(lines[2], r"\Anode-\d+: refused: nothing was read anew: there is no motd")
        table = list(admin._said_of_each(self.ask("status", "all"), "status"))
        self.assertEqual((table[0], table[1].split()[0]), (f"{self.names[0]}:", "version"))
        self.assertTrue(admin._is_refused_somewhere(self.ask("reload", "all")))
        self.assertFalse(admin._is_refused_somewhere(self.ask("status", "all")))
        silent = admin._said_of_each({"nodes": {}, "silent": 2}, "status")
        self.assertEqual(list(silent), ["Nodes that did not answer: 2."])


class AModeratorsName(SynchronousTestCase):
    """The operator gives a password for a moderator's name that is not registered yet."""

    def setUp(self) -> None:
        self.village = Village(2, settings=Settings(rate=None, moderators=("Zoé",)))
        self.here, self.there = self.village.farms

    def gives(self, farm: NodeFarm | None = None) -> Any:
        """What the console of a node answers, usually the first one's."""
        errands = Errands((farm or self.here).factory, list, lambda: None)
        answer = errands.run({"do": "password", "whom": "Zoé"})
        self.village.settle()
        return self.successResultOf(answer)

    def comes(self, farm: NodeFarm, *lines: str) -> Person:
        person = farm.person()
        person.types("Zoé", *lines)
        return person

    def test_its_owner_comes_in_at_whatever_node(self) -> None:
        """There they have a moderator's commands."""
        new = "espantapájaros de paja"
        self.comes(self.there, self.gives()["password"], new, ":q")
        for farm in self.village.farms:
            zoe = self.comes(farm, new, ":vetos")
            self.assertEqual(zoe.hears()[-1], "[SERVER] No hay vetos.")

    def test_it_is_registered_to_nobody_else(self) -> None:
        """A visitor at whatever node keeps a number of their own."""
        gus, beto = self.village.arrive("Gus", "Beto")
        self.gives()
        (zoe,) = self.here.factory.market.registered
        self.assertNotIn(zoe, (gus.protocol.farmer.id, beto.protocol.farmer.id))
        gus.types(":registrar una clave larga")
        self.assertEqual(gus.hears(), ["[SERVER] Gus, tu nombre quedó registrado."])

    def test_a_visitor_has_one_that_looks_like_it(self) -> None:
        """This node has not heard of them yet."""
        self.there.factory.moderators.appoint([])
        self.there.bus.cut()
        self.there.arrives("Z0é")
        self.assertEqual(
            self.gives(), {"refused": "nobody has registered the name Zoé; a visitor has it"}
        )

    def test_another_node_has_registered_it_just_now(self) -> None:
        """This one has not read that yet: it gives a password to the same farmer."""
        watcher: Any = self.here.shared.watcher
        held: list[Any] = []
        follow = watcher.others
        self.patch(watcher, "others", lambda *told: held.append(told))
        self.gives(self.there)
        new = "espantapájaros de paja"
        password = self.gives()["password"]
        for told in held:
            follow(*told)
        self.assertEqual(len(self.here.factory.market.registered), 1)
        zoe = self.comes(self.here, password, new, ":vetos")
        self.assertEqual(zoe.hears()[-1], "[SERVER] No hay vetos.")

    def test_while_the_ledger_is_away(self) -> None:
        """Nothing changes, and nobody holds the name."""
        self.here.shared.away = True
        self.assertEqual(self.gives(), {"refused": "it could not be stored; nothing changed"})
        self.here.shared.away = False
        self.assertIn("password", self.gives())
