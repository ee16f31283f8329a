"""Who may import whom: the table of rooms in docs/architecture.md, checked against the imports.

Imports only for type checkers (``if TYPE_CHECKING:``) count too, and there are none.  The contracts
of import-linter (``setup.cfg``) say the same.
"""

from __future__ import annotations

import ast
import configparser
import graphlib
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Set
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[2]

#: The floors of the house, from the ground up: a room imports from the floors below its own.
FLOORS = (
    ("granja",),
    ("clockwork",),
    ("contract", "reactor"),
    ("market", "accounts", "text"),
    ("ledger", "wire", "catalog_file", "bus"),
    ("board", "web", "client", "operations", "health", "settings"),
    ("people",),
    ("moderation",),
    ("trade", "protocol", "console", "nodes"),
    ("factory",),
    ("service", "options"),
    ("tap",),
    ("__main__",),
)
ROOMS = tuple(room for floor in FLOORS for room in floor)

#: Rules without a world around them: no Twisted, sockets, files, clocks or chance.
RULES = ("contract", "market", "text")

#: All of the standard library that rules need.  None of it reaches beyond its arguments.
HARMLESS = frozenset(
    {
        *(
            "__future__",
            "bisect",
            "collections",
            "collections.abc",
            "dataclasses",
            "enum",
            "functools",
        ),
        *("itertools", "json", "operator", "re", "string", "typing", "unicodedata"),
    }
)

#: Built in, and a way out all the same.
WAYS_OUT = frozenset(
    {"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__", "hash", "id"}
)

#: What the ways in (``client``, ``web``) may know of the farm: messages, not who owns what.
THE_WIRE = frozenset({"granja", "contract", "wire", "text", "catalog_file", "clockwork"})

#: Time and chance, which arrive as arguments.
CLOCKS_AND_CHANCE = frozenset({"time", "datetime", "random", "secrets", "uuid"})


@cache
def modules() -> Mapping[str, ast.Module]:
    """Every module of the package, by its dotted name: read once, and never changed."""
    found = {}
    for path in sorted((ROOT / "granja").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text("utf-8"), str(path))
    return found


def imports(tree: ast.AST, known: Collection[str]) -> Iterator[str]:
    """The modules that importing or running ``tree`` imports, even inside a function.

    :param known: names of modules; ``from package import name`` imports ``package.name`` when that
        is one of them.
    """
    for node in _running(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, "imports are absolute here"
            assert node.level == 0, "imports are absolute here"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in known else node.module


@cache
def all_imports() -> Mapping[str, frozenset[str]]:
    """The imports of each module of the package, read once."""
    known = modules()
    return {name: frozenset(imports(tree, known)) for name, tree in known.items()}


def checkers_imports(tree: ast.AST, known: Collection[str]) -> Iterator[str]:
    """The modules that only a type checker imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.body:
                yield from imports(child, known)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only a type checker sees."""
    yield tree
    checked = isinstance(tree, ast.If) and ast.unparse(tree.test).endswith("TYPE_CHECKING")
    children = tree.orelse if checked and isinstance(tree, ast.If) else ast.iter_child_nodes(tree)
    for child in children:
        yield from _running(child)


def names_used(tree: ast.AST) -> set[str]:
    """The names that ``tree`` looks up.  A field called ``id`` is not one of them."""
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {node.id for node in nodes if isinstance(node.ctx, ast.Load)}


def room_of(module: str) -> str:
    """``market`` of ``granja.market.market``, ``ledger`` of ``granja.ledger.chain``."""
    return module.split(".")[1] if "." in module else module


def floor_of(module: str) -> int:
    """0 is the ground."""
    room = room_of(module)
    return next(floor for floor, rooms in enumerate(FLOORS) if room in rooms)


class Rooms(SynchronousTestCase):
    def setUp(self) -> None:
        self.modules = modules()
        self.imports = all_imports()

    def ours(self, module: str) -> Set[str]:
        """The modules of the package that one of them imports."""
        return {name for name in self.imports[module] if name.split(".")[0] == "granja"}

    def foreign(self, module: str) -> Set[str]:
        return self.imports[module] - self.ours(module)

    def tables(self) -> list[str]:
        """The modules that read Unicode's tables."""
        return [module for module in self.modules if module.startswith("granja.text.unicode")]

    def of(self, *rooms: str) -> list[str]:
        return [module for module in self.modules if room_of(module) in rooms]

    def test_every_module_has_its_place(self) -> None:
        for module in self.modules:
            self.assertIn(room_of(module), ROOMS, f"say in ROOMS where {module} belongs")
        self.assertEqual(len(set(ROOMS)), len(ROOMS))

    def test_imports_point_up(self) -> None:
        """An upper room never knows a lower one, so people can read the top without the rest."""
        for module in self.modules:
            for imported in self.ours(module):
                if room_of(imported) != room_of(module):
                    below = floor_of(imported) < floor_of(module)
                    self.assertTrue(below, f"{module} imports {imported}, from above it")

    def test_no_module_needs_itself(self) -> None:
        """This includes imports through other modules, even within a package."""
        graph = {module: self.ours(module) for module in self.modules}
        order = list(graphlib.TopologicalSorter(graph).static_order())
        self.assertEqual(set(order), set(self.modules))

    def test_type_checkers_need_nothing_more(self) -> None:
        """The code that people read is the code that runs: no import is behind
        ``TYPE_CHECKING``."""
        for module, tree in self.modules.items():
            self.assertEqual(list(checkers_imports(tree, self.modules)), [], module)

    def test_rules_know_no_world(self) -> None:
        """They get what they need of the world as arguments, so tests can run them without a
        world."""
        for module in set(self.of(*RULES)) - set(self.tables()):
            beyond = self.foreign(module) - HARMLESS
            self.assertEqual(beyond, set(), f"{module} reaches beyond its arguments")
            below = {room_of(name) for name in self.ours(module)} - {*RULES}
            self.assertEqual(below, set(), f"{module} reaches the world by way of them")

    def test_rules_open_no_door(self) -> None:
        """They use no built-in door either.  Hashes and ids count as chance: they differ between
        runs."""
        for module in self.of(*RULES):
            self.assertEqual(names_used(self.modules[module]) & WAYS_OUT, set(), module)

    def test_tables_of_unicode_read_only_themselves(self) -> None:
        """The one exception: Unicode's tables are files of the package, read once."""
        allowed = HARMLESS | {"bisect", "itertools", "importlib.resources"}
        for module in self.tables():
            self.assertEqual(self.foreign(module) - allowed, set(), module)
            self.assertEqual(names_used(self.modules[module]) & WAYS_OUT, set(), module)

    def test_ways_in_know_the_wire(self) -> None:
        """The clients and the web site could be somebody else's: they see what travels."""
        for module in self.of("client", "web"):
            known = {room_of(name) for name in self.ours(module)} - {room_of(module)}
            self.assertEqual(known - THE_WIRE, set(), module)

    def test_the_wire_has_no_reactor(self) -> None:
        """It turns bytes into lines and back, and a test feeds it without a connection."""
        for module in self.of("wire"):
            self.assertNotIn("reactor", map(room_of, self.ours(module)), module)
            self.assertNotIn("socket", self.foreign(module), module)

    def test_operations_know_no_engine(self) -> None:
        """An operator's programs work on every ledger: which engine keeps it, the URL says."""
        for module in self.of("operations"):
            ledgers = {name for name in self.ours(module) if room_of(name) == "ledger"}
            engines = {name for name in ledgers if name.count(".") > 2}
            self.assertEqual(engines, set(), module)
            self.assertNotIn("sqlite3", self.foreign(module), module)

    def test_real_things_are_chosen_in_one_place(self) -> None:
        """The server's reactor and its clock are chosen in ``tap``, and nowhere else."""
        elsewhere = {"tap", "client", "operations", "__main__"}
        # The time zone is no clock.
        for module in set(self.of(*(set(ROOMS) - elsewhere))) - {"granja.people.moments"}:
            chosen = {name.split(".")[0] for name in self.foreign(module)} & CLOCKS_AND_CHANCE
            self.assertEqual(chosen, set(), module)
            self.assertFalse(_takes_the_reactor(self.modules[module]), module)

    def test_the_wheel_has_every_folder(self) -> None:
        """A package that setup.cfg does not list runs here, and is not there when installed."""
        configuration = configparser.ConfigParser()
        configuration.read(ROOT / "setup.cfg", "utf-8")
        listed = configuration["options"]["packages"].split()
        folders = [path.parent for path in (ROOT / "granja").rglob("__init__.py")]
        packages = [".".join(folder.relative_to(ROOT).parts) for folder in folders]
        self.assertEqual(listed, [*sorted(packages), "twisted.plugins"])

    def test_the_protocol_is_short(self) -> None:
        """It gives lines to the conversation.  What is more than that belongs into a room."""
        lines = (ROOT / "granja" / "protocol.py").read_text().count("\n")
        self.assertLessEqual(lines, 250)

    def test_the_plugin_is_one_line(self) -> None:
        """twistd reads all plugins for any command, so ours imports nothing of Granja."""
        plugins = ROOT / "twisted" / "plugins"
        tree = ast.parse((plugins / "granja_plugin.py").read_text("utf-8"))
        self.assertEqual(list(imports(tree, ())), ["twisted.application.service"])
        # It would hide everybody else's plugins.
        self.assertFalse((plugins / "__init__.py").exists())
        self.assertFalse((plugins.parent / "__init__.py").exists())


def _takes_the_reactor(tree: ast.AST) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "twisted.internet"
        and any(alias.name == "reactor" for alias in node.names)
        for node in _running(tree)
    ) or "twisted.internet.reactor" in imports(tree, ())


class AtRunTime(SynchronousTestCase):
    """The modules that Python really loads, even through other people's modules."""

    def loaded(self, *imported: str) -> set[str]:
        """The modules that a new Python has after importing these."""
        program = f"import sys, {', '.join(imported)}; print(*sys.modules)"
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return set(done.stdout.split())

    def test_rules_load_no_world(self) -> None:
        rules = [name for name in modules() if room_of(name) in RULES]
        loaded = self.loaded(*rules)
        self.assertIn("granja.market.market", loaded)
        world = {"twisted", "zope", "socket", "ssl", "asyncio", "sqlite3"}
        self.assertEqual(loaded & world, set())

    def test_looking_at_the_options_chooses_no_reactor(self) -> None:
        """``twistd --reactor=…`` would come too late."""
        loaded = self.loaded(
            "granja.tap", "granja.factory", "granja.accounts.passwords", "granja.web.site"
        )
        self.assertIn("granja.service", loaded)
        self.assertEqual(loaded & {"twisted.internet.reactor"}, set())


class TheReader(SynchronousTestCase):
    """The reader of imports misses none.  Otherwise the rules above would prove nothing."""

    def read(self, source: str) -> list[str]:
        return list(imports(ast.parse(source), {"granja.market.market"}))

    def test_every_way_of_importing(self) -> None:
        self.assertEqual(self.read("import time, os.path as p"), ["time", "os.path"])
        self.assertEqual(
            self.read("from granja.market import market, offers"),
            ["granja.market.market", "granja.market"],
        )
        self.assertEqual(
            self.read("from granja.market.market import Market"), ["granja.market.market"]
        )

    def test_wherever_it_stands(self) -> None:
        for source in (
            "def f():\n import time",
            "class C:\n async def f(self):\n  with x:\n   import time",
            "try:\n import time\nexcept ImportError:\n pass",
            "if TYPE_CHECKING:\n import os\nelse:\n import time",
            "if sys.platform:\n import time",
        ):
            self.assertEqual(self.read(source), ["time"], source)

    def test_not_for_type_checkers(self) -> None:
        self.assertEqual(self.read("if TYPE_CHECKING:\n import time"), [])
        self.assertEqual(self.read("if typing.TYPE_CHECKING:\n from time import time"), [])

    def test_for_type_checkers_only(self) -> None:
        source = "import os\nif typing.TYPE_CHECKING:\n import time\nelse:\n import re"
        self.assertEqual(list(checkers_imports(ast.parse(source), ())), ["time"])

    def test_relative_imports_are_refused(self) -> None:
        with self.assertRaises(AssertionError):
            self.read("from . import market")

    def test_the_reactor_by_any_name(self) -> None:
        for source in (
            "from twisted.internet import defer, reactor as r",
            "import twisted.internet.reactor",
            "def f():\n from twisted.internet.reactor import callLater",
        ):
            self.assertTrue(_takes_the_reactor(ast.parse(source)), source)
        self.assertFalse(_takes_the_reactor(ast.parse("from twisted.internet import defer")))

    def test_rooms(self) -> None:
        names = {
            "granja": "granja",
            "granja.market.market": "market",
            "granja.ledger.chain": "ledger",
        }
        for module, room in names.items():
            self.assertEqual(room_of(module), room)
