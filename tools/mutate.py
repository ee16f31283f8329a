"""Change a room's code in one place at a time, and see whether the room's tests notice.

This is for developers.  It takes minutes to hours, and CI does not run it.  ``--sample`` tries this
many places.  They are the same each time; another ``--seed`` chooses others.  Patterns choose
modules::

    python -m tools.mutate market
    python -m tools.mutate board --sample 100 --seed 2 backlog schedule

The tool shows each survivor.  A survivor asks for a test that states a rule, or for simpler code
with the same outcome.  The tool works in a temporary copy.  It tries each change in a fork of this
process, which has pytest and Twisted loaded.  Quick tests run first.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = Path(__file__).parent.parent
COPIED = ("granja", "tests", "tools", "twisted", "docs", "setup.cfg", "pyproject.toml")

#: The tests of a ledger that need no database server.
LEDGERS = tuple(
    f"tests/ledger/test_{name}.py" for name in ("contract", "lane", "stateful", "stopped")
)

#: The tests that must notice a change in a room.
ROOMS: dict[str, tuple[str, ...]] = {
    "market": ("tests/market/test_market.py", "tests/market", "tests/operations/test_audit.py"),
    "people": ("tests/people", "tests/whole/test_plays.py"),
    "moderation": ("tests/moderation", "tests/people", "tests/whole/test_plays.py"),
    "wire": ("tests/wire", "tests/test_protocol_plain.py", "tests/test_protocol.py"),
    "board": ("tests/board/test_board.py", "tests/board", "tests/test_protocol_plain.py"),
    "ledger": ("tests/ledger/sqlite", *LEDGERS, "tests/whole/test_ledger.py"),
    "trade": ("tests/trade", "tests/whole/test_plays.py"),
}

#: A test may take PATIENCE times as long as without a change, and GRACE seconds more.
PATIENCE = 5.0
GRACE = 10.0

#: A file in the copy: how many seconds each test takes without a change.
TIMES = "times.json"


class Change(NamedTuple):
    """One change: its place, the statement before and after it, and the module's new source."""

    path: Path
    line: int
    before: str
    after: str
    source: str


_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In},
    **{ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And},
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult},
    **{ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd},
}


def changes(path: Path) -> Iterator[Change]:
    """Every change of one operator, condition, number, answer or call in a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node, statement in list(_places(tree)):
        for edit, undo in _edits(node):
            before = ast.unparse(_head(statement))
            edit()
            after = ast.unparse(_head(statement))
            yield Change(path, statement.lineno, before, after, ast.unparse(tree))
            undo()


def _places(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.stmt]]:
    """The nodes that can run, each with its statement."""

    def walk(node: ast.AST, statement: ast.stmt | None) -> Iterator[tuple[ast.AST, ast.stmt]]:
        if isinstance(node, ast.stmt):
            statement = node
        if statement is not None:
            yield node, statement
        if isinstance(node, ast.Assert | ast.Raise | ast.Import | ast.ImportFrom) or _is_log(node):
            return
        if isinstance(node, ast.AnnAssign) and "Final" in ast.unparse(node.annotation):
            return  # A constant that somebody chose: one more is no fault.
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from walk(child, statement)

    yield from walk(tree, None)


def _is_log(node: ast.AST) -> bool:
    """Whether the node writes to the log.  Its words are for people, so no test reads them."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    return any(part in ast.unparse(node.value.func) for part in ("log.", "_log."))


Edit = tuple[Callable[[], None], Callable[[], None]]


def _edits(node: ast.AST) -> Iterator[Edit]:
    """What can change at this node, each with a function that puts it back."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            if type(operator) in _SWAPS:
                yield _set(node.ops, place, _SWAPS[type(operator)]())
    elif isinstance(node, ast.BoolOp | ast.BinOp | ast.AugAssign):
        if type(node.op) in _SWAPS:
            yield _assign(node, "op", _SWAPS[type(node.op)]())
    elif isinstance(node, ast.If | ast.While | ast.IfExp):
        if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.Constant):
            yield _assign(node, "test", _negated(node.test))
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield _assign(node, "value", not node.value)
        elif isinstance(node.value, int):
            yield _assign(node, "value", node.value + 1)
    elif isinstance(node, ast.Return) and node.value is not None:
        if not isinstance(node.value, ast.Constant):
            yield _assign(node, "value", ast.Constant(None))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not _is_log(node):
        yield _assign(node, "value", ast.Constant(None))


def _negated(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(ast.Not(), test)


def _assign(node: ast.AST, name: str, value: object) -> Edit:
    before = getattr(node, name)
    return lambda: setattr(node, name, value), lambda: setattr(node, name, before)


def _set(items: list[ast.cmpop], place: int, value: ast.AST) -> Edit:
    before = items[place]
    return lambda: items.__setitem__(place, value), lambda: items.__setitem__(place, before)  # type: ignore[call-overload]


def _head(statement: ast.stmt) -> ast.stmt:
    """A statement without its block."""
    head = copy.copy(statement)
    for name in ("body", "orelse", "finalbody"):
        if getattr(head, name, None) and not isinstance(head, ast.Expr):
            setattr(head, name, [ast.Expr(ast.Constant(...))] if name == "body" else [])
    return head


# -- trying the changes ----------------------------------------------------------------------


def main(room: str, patterns: list[str], sample: int | None, seed: int) -> int:
    os.nice(15)
    folder = Path(tempfile.mkdtemp(prefix=f"granja-mutants-{room}-"))
    try:
        _copy(folder)
        return _try_all(folder, room, _chosen(folder / "granja" / room, patterns, sample, seed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _try_all(folder: Path, room: str, chosen: list[Change]) -> int:
    _load()
    if not _passes(folder, ROOMS[room], silent=False):
        sys.exit("the tests fail without any change")
    tried, survivors = 0, 0
    for change in chosen:
        original = change.path.read_text(encoding="utf-8")
        change.path.write_text(change.source, encoding="utf-8")
        tried += 1
        if _passes(folder, ROOMS[room]):
            survivors += 1
            where = change.path.relative_to(folder)
            sys.stdout.write(f"{where}:{change.line}\n  - {change.before}\n  + {change.after}\n")
            sys.stdout.flush()
        change.path.write_text(original, encoding="utf-8")
    sys.stdout.write(f"{room}: {tried - survivors} of {tried} changes were noticed\n")
    return 1 if survivors else 0


def _copy(folder: Path) -> None:
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, folder / name)


def _chosen(room: Path, patterns: list[str], sample: int | None, seed: int) -> list[Change]:
    found = [
        change
        for path in sorted(room.rglob("*.py"))
        if not patterns or any(pattern in str(path.relative_to(room)) for pattern in patterns)
        for change in changes(path)
    ]
    if sample is None or sample >= len(found):
        return found
    return random.Random(seed).sample(found, sample)


def _load() -> None:
    """Import what each fork needs, once, but nothing of granja itself."""
    import hypothesis.stateful
    import pytest  # noqa: F401
    import twisted.internet.testing
    import twisted.trial.unittest
    import twisted.web.server  # noqa: F401

    sys.dont_write_bytecode = True
    hypothesis.settings.register_profile(
        "mutate",
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        database=None,
        derandomize=True,
    )
    hypothesis.settings.load_profile("mutate")


def _passes(folder: Path, tests: tuple[str, ...], *, silent: bool = True) -> bool:
    """Run the tests in a fork.  Returns whether they pass; a test that takes too long fails."""
    child = os.fork()
    if not child:
        os._exit(_run(folder, tests, silent))
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return status == 0


class _QuickFirst:
    """Runs the quickest tests first, by their times without a change, and stops hanging ones."""

    def __init__(self, times: Path) -> None:
        self._times = times
        self._known: dict[str, float] = {}
        if times.exists():
            self._known = json.loads(times.read_text("utf-8"))
        self._taken: dict[str, float] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items.sort(key=lambda item: self._known.get(item.nodeid, 0.0))

    def pytest_runtest_setup(self, item: Any) -> None:
        if self._known:
            usual = self._known.get(item.nodeid, 0.0)
            signal.setitimer(signal.ITIMER_REAL, GRACE + PATIENCE * usual)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._taken[report.nodeid] = self._taken.get(report.nodeid, 0.0) + report.duration

    def pytest_sessionfinish(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if not self._known:
            self._times.write_text(json.dumps(self._taken), "utf-8")


def _run(folder: Path, tests: tuple[str, ...], silent: bool) -> int:
    import pytest

    os.setsid()
    os.chdir(folder)
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2) if silent else (0,):
        os.dup2(silence, descriptor)
    here = str(PROJECT)
    sys.path[:] = [str(folder), *(path for path in sys.path if path not in ("", here))]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("granja", "tests")]:
        del sys.modules[name]
    os.environ["PYTHONPATH"] = str(folder)
    arguments = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", *tests]
    return int(pytest.main(arguments, plugins=[_QuickFirst(folder / TIMES)]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description=__doc__)
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("patterns", nargs="*", help="parts of the names of modules")
    parser.add_argument("--sample", type=int, help="try so many changes, chosen at random")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    asked = parser.parse_args()
    sys.exit(main(asked.room, asked.patterns, asked.sample, asked.seed))
