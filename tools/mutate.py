"""Change a room's code in one place at a time, and see whether the room's tests notice.

This is for developers.  It takes minutes to hours, and CI does not run it.  ``--sample`` tries this
many places.  They are the same each time; another ``--seed`` chooses others.  Patterns choose
modules::

    python -m tools.mutate market
    python -m tools.mutate board --sample 100 --seed 2 backlog schedule
    python -m tools.mutate market >log; python -m tools.mutate market --again log

``--again`` tries only those changes that survived in an earlier run, by what it wrote.

The tool shows each survivor.  A survivor asks for a test that states a rule, or for simpler code
with the same outcome.  The tool works in a temporary copy.  One process imports the room and its
tests, and learns which test reaches which line.  For each change it forks: the fork gives the
changed function its new code, and runs the tests that reach it, the quickest first, until one
fails.  A change of what a module does while it is imported needs the whole import anew.
"""

from __future__ import annotations

import argparse
import ast
import copy
import gc
import importlib
import inspect
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

PROJECT = Path(__file__).parent.parent
COPIED = ("granja", "tests", "tools", "twisted", "docs", "setup.cfg", "pyproject.toml")

#: The tests that must notice a change in a room.
ROOMS: dict[str, tuple[str, ...]] = {
    "market": ("tests/market", "tests/trade", "tests/operations/test_audit.py"),
    "people": (
        *(f"tests/{name}" for name in ("people", "accounts", "moderation", "console", "nodes")),
        *("tests/trade", "tests/health", "tests/test_protocol.py", "tests/whole/test_plays.py"),
    ),
    "moderation": (
        *("tests/moderation", "tests/people", "tests/nodes", "tests/console"),
        "tests/whole/test_plays.py",
    ),
    "wire": ("tests/wire", "tests/test_protocol_plain.py", "tests/test_protocol.py"),
    "board": (
        *("tests/board", "tests/people", "tests/nodes", "tests/web", "tests/test_protocol.py"),
        *("tests/test_protocol_plain.py", "tests/whole/test_plays.py"),
    ),
    "ledger": (
        *("tests/ledger", "tests/nodes", "tests/operations", "tests/trade", "tests/health"),
        *("tests/whole/test_ledger.py", "tests/whole/test_plays.py"),
    ),
    "trade": (
        *("tests/trade", "tests/moderation", "tests/people/test_ignoring.py"),
        *("tests/nodes/test_shared.py", "tests/health", "tests/whole/test_plays.py"),
    ),
    "accounts": ("tests/accounts", "tests/people", "tests/nodes", "tests/console"),
    "bus": ("tests/bus", "tests/nodes"),
    "clockwork": ("tests/clockwork", "tests/health", "tests/people", "tests/trade", "tests/web"),
    "console": ("tests/console", "tests/health", "tests/nodes/test_errands.py"),
    "contract": (
        *("tests/contract", "tests/trade", "tests/people", "tests/moderation"),
        *("tests/test_protocol.py", "tests/whole/test_plays.py"),
    ),
    "health": ("tests/health", "tests/console"),
    "nodes": ("tests/nodes", "tests/console", "tests/moderation"),
    "text": ("tests/text", "tests/accounts", "tests/people", "tests/client"),
}

#: A test may take PATIENCE times as long as without a change, and GRACE seconds more: of the
#: processor's time, and STALL seconds more of a clock's.
PATIENCE = 4.0
GRACE = 2.0
STALL = 20.0

#: A test that takes longer while it is traced, in seconds, is left out: few changes need it.
LONGEST = 30.0

#: The most examples that a test with random ones tries, and the most bytes that a fork may take.
EXAMPLES = 50
MEMORY = 4 << 30

#: A file in the copy: the seconds of each test, and the changes that need the import anew.
NOTES = "notes.json"


class Change(NamedTuple):
    """One change: its place (the lines ``line`` to ``last``), the statement before and after it,
    and the module's new source and code."""

    path: Path
    line: int
    last: int
    before: str
    after: str
    source: str
    code: CodeType


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
            code = compile(ast.fix_missing_locations(tree), str(path), "exec")
            lines = statement.lineno, _last_line(statement)
            yield Change(path, *lines, before, after, ast.unparse(tree), code)
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
        if isinstance(node, ast.keyword) and node.arg == "strict":
            return  # It asserts that two lists are as long as each other.
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


def _last_line(statement: ast.stmt) -> int:
    """The last line of a statement without its block."""
    block: list[ast.stmt] | None = getattr(statement, "body", None)
    if block:
        return max(statement.lineno, block[0].lineno - 1)
    return statement.end_lineno or statement.lineno


# -- trying the changes ----------------------------------------------------------------------


def main(
    room: str, patterns: list[str], sample: int | None, seed: int, again: Path | None = None
) -> int:
    os.nice(5)
    earlier = None if again is None else again.read_text(encoding="utf-8")
    folder = Path(tempfile.mkdtemp(prefix=f"granja-mutants-{room}-")).resolve()
    folder.chmod(0o755)  # PostgreSQL runs as another user.
    try:
        _copy(folder)
        chosen = _chosen(folder / "granja" / room, patterns, sample, seed)
        if earlier is not None:
            chosen = [change for change in chosen if _what(change) in earlier]
        return _try_all(folder, room, chosen)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _try_all(folder: Path, room: str, chosen: list[Change]) -> int:
    _load()
    tests = ROOMS[room]
    if _forked(lambda: _run(folder, tests, _Loaded(folder, room, chosen))) not in _NOTHING_RUN:
        sys.exit("the tests cannot be run")
    notes = json.loads((folder / NOTES).read_text("utf-8"))
    survivors: int = notes["survivors"]

    def again() -> int:
        ordered = _Ordered(notes["times"], notes["left out"])
        return _silently(lambda: _run(folder, tests, ordered))

    for number in notes["anew"]:
        change = chosen[number]
        original = change.path.read_text(encoding="utf-8")
        change.path.write_text(change.source, encoding="utf-8")
        if not _forked(again):
            survivors += 1
            _show(folder, change)
        change.path.write_text(original, encoding="utf-8")
    tried = len(chosen)
    sys.stdout.write(f"{room}: {tried - survivors} of {tried} changes were noticed\n")
    return 1 if survivors else 0


#: How pytest ends if all is well, also when its own loop has run no test.
_NOTHING_RUN = 0, 5 << 8


def _show(folder: Path, change: Change, remark: str = "") -> None:
    where = change.path.relative_to(folder)
    sys.stdout.write(f"{where}:{change.line}{remark}\n{_what(change)}")
    sys.stdout.flush()


def _what(change: Change) -> str:
    return f"  - {change.before}\n  + {change.after}\n"


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
        if not patterns
        or any(pattern in str(path.relative_to(room.parent)) for pattern in patterns)
        for change in changes(path)
    ]
    if sample is None or sample >= len(found):
        return found
    return random.Random(seed).sample(found, sample)


def _load() -> None:
    """Import what each fork needs, once, but nothing of granja itself."""
    import coverage  # noqa: F401
    import hypothesis.stateful
    import pytest  # noqa: F401
    import twisted.internet.testing
    import twisted.trial.unittest
    import twisted.web.server  # noqa: F401

    sys.dont_write_bytecode = True
    usual = hypothesis.settings.__init__

    def few(self: Any, *arguments: Any, **named: Any) -> None:
        """The same few examples each time.  A test that chooses its phases waits for a failure."""
        if "phases" not in named:
            named["phases"] = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
            named["max_examples"] = min(named.get("max_examples", EXAMPLES), EXAMPLES)
        usual(self, *arguments, **{**named, "database": None, "derandomize": True})

    hypothesis.settings.__init__ = few  # type: ignore[method-assign]


def _forked(work: Callable[[], int]) -> int:
    """Do the work in a fork.  Returns what it returns, or another number if it dies."""
    child = os.fork()
    if not child:
        result = 1
        try:
            os.setsid()
            result = work()
        finally:
            sys.stdout.flush()
            os._exit(result)
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return status


def _silently(work: Callable[[], int]) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)
    return work()


def _limit(usual: float) -> None:
    """Let a test that takes so many seconds without a change die if it takes much longer."""
    signal.setitimer(signal.ITIMER_PROF, GRACE + PATIENCE * usual)
    signal.setitimer(signal.ITIMER_REAL, GRACE + PATIENCE * usual + STALL)


class _Ordered:
    """Runs the quickest tests first, and stops those that take too long."""

    def __init__(self, times: dict[str, float], left_out: list[str]) -> None:
        self._times = times
        self._left_out = left_out

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if item.nodeid not in self._left_out]
        items.sort(key=lambda item: self._times.get(item.nodeid, 0.0))

    def pytest_runtest_setup(self, item: Any) -> None:
        _limit(self._times.get(item.nodeid, 0.0))


class _Loaded:
    """Tries changes in forks of a process that has collected the tests."""

    def __init__(self, folder: Path, room: str, chosen: list[Change]) -> None:
        import coverage

        self._folder = folder
        self._chosen = chosen
        self._data = folder / "coverage"
        self._times: dict[str, float] = defaultdict(float)
        self._failed: set[str] = set()
        self._room = [str(folder / "granja" / room / "*")]
        self._measured = False
        self._coverage = coverage.Coverage(None, include=self._room, config_file=False)
        self._coverage.start()

    def pytest_runtest_setup(self, item: Any) -> None:
        if self._measured:
            self._coverage.switch_context(item.nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._times[report.nodeid] += report.duration
        if report.failed:
            self._failed.add(report.nodeid)

    def pytest_runtestloop(self, session: Any) -> bool:
        """Try every change, in the place of pytest's own loop."""
        self._import()
        self._coverage.stop()
        if any("postgresql" in item.nodeid for item in session.items):
            from tests.support import postgresql

            postgresql.server()  # One for all forks.
        imported = self._coverage.get_data()
        _forked(lambda: self._measure(session))
        left_out = self._read()
        self._items = [item for item in session.items if item.nodeid not in left_out]
        self._items.sort(key=lambda item: self._times[item.nodeid])
        self._functions = _functions()
        gc.freeze()
        anew, survivors = [], 0
        for number, change in enumerate(self._chosen):
            codes = _changed(self._codes[str(change.path)], change.code)
            lines = range(change.line, change.last + 1)
            at_import = {*(imported.lines(str(change.path)) or ())}
            if not any(map(self._functions.get, codes)) or at_import & {*lines}:
                anew.append(number)
            elif self._survives(session, change, codes, lines):
                survivors += 1
        notes = {
            "times": self._times,
            "left out": sorted(left_out),
            "anew": anew,
            "survivors": survivors,
        }
        (self._folder / NOTES).write_text(json.dumps(notes), "utf-8")
        return True

    def _import(self) -> None:
        """Import the modules to change.  One that only a test would import, when it runs, would
        come without the change."""
        for path in {change.path: None for change in self._chosen}:
            name = ".".join(path.relative_to(self._folder).with_suffix("").parts)
            importlib.import_module(name.removesuffix(".__init__"))

    def _measure(self, session: Any) -> int:
        """Run all tests without a change.  Write down what each reaches, and how long it takes."""
        import coverage

        self._measured = True
        self._coverage = coverage.Coverage(str(self._data), include=self._room, config_file=False)
        self._coverage.start()
        for item, after in _in_turn(session.items):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        self._coverage.stop()
        self._coverage.save()
        notes = {"times": self._times, "failed": [*self._failed]}
        (self._folder / NOTES).write_text(json.dumps(notes), "utf-8")
        return 0

    def _read(self) -> set[str]:
        """Read what ``_measure`` wrote.  Returns the tests to leave out, and says which they are:
        a test that looks at the time may fail while it is traced."""
        import coverage

        data = coverage.CoverageData(str(self._data))
        data.read()
        notes = json.loads((self._folder / NOTES).read_text("utf-8"))
        self._times.update(notes["times"])
        slow = {name for name, seconds in self._times.items() if seconds > LONGEST}
        for why, names in (("fails", notes["failed"]), ("is slow", slow)):
            for name in names:
                sys.stdout.write(f"{name} {why} without a change, and is left out\n")
        sys.stdout.flush()
        self._reaching: dict[str, dict[int, list[str]]] = {}
        self._codes: dict[str, CodeType] = {}
        for change in self._chosen:
            path = str(change.path)
            if path not in self._codes:
                self._reaching[path] = data.contexts_by_lineno(path)
                self._codes[path] = compile(change.path.read_text("utf-8"), path, "exec")
        return slow.union(notes["failed"])

    def _survives(
        self, session: Any, change: Change, codes: dict[_Place, CodeType], lines: range
    ) -> bool:
        reaching = self._reaching[str(change.path)]
        names = {name for line in lines for name in reaching.get(line, ())}
        items = [item for item in self._items if item.nodeid in names]
        if items and _forked(lambda: _silently(lambda: self._try(session, codes, items))):
            return False
        remark = "" if items else " (no test reaches it)"
        _show(self._folder, change, remark)
        return True

    def _try(self, session: Any, codes: dict[_Place, CodeType], items: list[Any]) -> int:
        session.config.pluginmanager.unregister(name="terminalreporter")
        for place, code in codes.items():
            for function in self._functions[place]:
                function.__code__ = code
        for item, after in _in_turn(items):
            _limit(self._times[item.nodeid])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if session.testsfailed:
                return 1
        return 0


def _in_turn(items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Each test with the one after it."""
    return zip(items, [*items[1:], None], strict=True)


#: A function's file, qualified name and first line.
_Place = tuple[str, str, int]


def _place(code: CodeType) -> _Place:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _functions() -> dict[_Place, list[FunctionType]]:
    """All functions that exist."""
    found: dict[_Place, list[FunctionType]] = defaultdict(list)
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType):
            found[_place(thing.__code__)].append(thing)
    return found


def _changed(before: CodeType, after: CodeType) -> dict[_Place, CodeType]:
    """The functions whose code differs.  Nothing if a function cannot take its new code."""
    old, new = _codes(before), _codes(after)
    found = {place: code for place, code in new.items() if code != old.get(place)}
    for place, code in found.items():
        if place not in old or old[place].co_freevars != code.co_freevars:
            return {}
    return found


def _codes(code: CodeType) -> dict[_Place, CodeType]:
    """The code of each function in a module, also of those within functions."""
    found = {}
    for part in code.co_consts:
        if isinstance(part, CodeType):
            if part.co_flags & inspect.CO_NEWLOCALS:  # A function, not a class.
                found[_place(part)] = part
            found |= _codes(part)
    return found


def _run(folder: Path, tests: tuple[str, ...], plugin: object) -> int:
    """Run pytest with a plugin, on the copy."""
    import pytest

    os.chdir(folder)
    (folder / "tmp").mkdir(exist_ok=True)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder / "tmp")
    here = str(PROJECT)
    sys.path[:] = [str(folder), *(path for path in sys.path if path not in ("", here))]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("granja", "tests")]:
        del sys.modules[name]
    os.environ["PYTHONPATH"] = str(folder)
    arguments = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", *tests]
    return int(pytest.main(arguments, plugins=[plugin]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description=__doc__)
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("patterns", nargs="*", help="parts of the names of modules")
    parser.add_argument("--sample", type=int, help="try so many changes, chosen at random")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    parser.add_argument("--again", type=Path, help="try what survived in the run with this output")
    asked = parser.parse_args()
    sys.exit(main(asked.room, asked.patterns, asked.sample, asked.seed, asked.again))
