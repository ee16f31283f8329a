"""Write the parts of docs/protocol.md that the code knows best.

These parts stand between ``<!-- generated: NAME -->`` and ``<!-- end -->``.  People write the rest
by hand, and the tool keeps it.  Run it from the top of the repository::

    python -m tools.document_protocol           # write the parts
    python -m tools.document_protocol --check   # only say whether they are up to date
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

from granja.contract import commands, errors, messages
from granja.contract.catalog import Artifact
from granja.contract.commands import Command
from granja.contract.errors import GranjaError
from granja.contract.messages import Message, Said
from granja.text import names
from granja.wire import encodings as carriers
from tools.protocol_limits import LIMITS
from tools.protocol_samples import CATALOG, ERRORS, MESSAGES, Sample

PAGE = Path(__file__).parent.parent / "docs" / "protocol.md"

_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_SUBNEGOTIATION = re.compile(rb"\xff\xfa\xc9(\S+) (.*?)\xff\xf0(?:(.*)\r\n)?", re.DOTALL)


class Undocumented(Exception):
    """The server can send something that the page does not show.  The text says what to do."""


def main(arguments: Sequence[str], page: Path = PAGE) -> int:
    """Write or check the page.  Returns the exit status: 1 when ``--check`` finds a stale part."""
    written = page.read_text("utf-8")
    fresh = rewrite(written)
    if "--check" in arguments:
        stale = list(differing(written, fresh))
        for name in stale:
            sys.stderr.write(f"{page.name}: {name} is stale; python -m tools.document_protocol\n")
        return 1 if stale else 0
    page.write_text(fresh, "utf-8")
    return 0


def rewrite(page: str) -> str:
    """The page with all its blocks made again.

    :raises Undocumented: when a message or an error has no sample, when nothing makes a block of
        the page, or when the page lacks a block.
    """
    found = [name for _, name, _ in _BLOCK.findall(page)]
    if sorted(found) != sorted(BLOCKS):
        raise Undocumented(f"the page must have each block once: {', '.join(sorted(BLOCKS))}")
    return _BLOCK.sub(lambda match: match[1] + BLOCKS[match[2]]() + match[3], page)


def differing(one: str, other: str) -> Iterator[str]:
    """The names of the blocks that differ between two versions of the page."""
    pairs = zip(_BLOCK.finditer(one), _BLOCK.finditer(other), strict=True)
    yield from (before[2] for before, after in pairs if before[0] != after[0])


# -- what the page must show ------------------------------------------------------------------


def kinds(base: type, *modules: ModuleType) -> list[type]:
    """The subclasses of ``base`` that these modules or packages define, in order."""
    return [
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, base)
        and value is not base
        and f"{value.__module__}.".startswith(f"{module.__name__}.")
    ]


def refuse_gaps(wanted: Iterable[type], shown: Iterable[object]) -> None:
    """Check that each wanted class has a sample.

    :raises Undocumented: when one has none.
    """
    missing = set(wanted) - {type(value) for value in shown}
    if missing:
        names_ = ", ".join(sorted(kind.__name__ for kind in missing))
        raise Undocumented(f"add a sample to tools/protocol_samples.py for: {names_}")


# -- the blocks ------------------------------------------------------------------------------


def command_table() -> str:
    """The rows of the command table that everybody may use."""
    return _command_rows(commands.FOR_ALL)


def moderators_table() -> str:
    """The rows for moderators only."""
    return _command_rows([row for row in commands.TABLE if row.moderators])


def _command_rows(table: Sequence[Command]) -> str:
    rows = [(_code(row.usage), " ".join(map(_code, row.aliases)), row.summary) for row in table]
    return _table(("command", "also", "what `:help` says"), rows)


def reserved_names() -> str:
    return ", ".join(map(_code, names.RESERVED)) + ".\n"


def message_overview() -> str:
    """One row for each kind of message."""
    refuse_gaps(
        kinds(Message, messages), [message for sample in MESSAGES for message in sample.messages]
    )
    rows = [_overview(sample) for sample in MESSAGES]
    return _table(("type", "GMCP package", "fields", "line"), rows)


def _overview(sample: Sample) -> tuple[str, ...]:
    message = sample.messages[0]
    template = message.template
    for field, name in message.renamed.items():
        template = template.replace("{%s}" % field, "{%s}" % name)  # noqa: UP031 (braces)
    return (
        _code(message.type),
        _code(package(message)),
        ", ".join(f"`{name}`: {kind}" for name, kind in field_types(type(message))),
        _code(template) if template else "",
    )


def field_types(kind: type[Message]) -> list[tuple[str, str]]:
    """The names of a message's fields in the data, each with its JSON type."""
    hints = get_type_hints(kind)
    return [
        (kind.renamed.get(field.name, field.name), _JSON_TYPES[hints[field.name]])
        for field in fields(kind)
        if field.name not in kind.unsaid
    ]


_JSON_TYPES: dict[object, str] = {
    str: "text",
    int: "number",
    Artifact: "artifact",
    tuple[str, ...]: "list of text",
    tuple[Artifact, ...]: "list of artifacts",
    bool: "true or false",
    tuple[Artifact, ...] | None: "list of artifacts, or null",
    messages.Unnamed: "object: `givers` and `seekers`, numbers",
    tuple[tuple[str, object], ...]: "object: the refusal's own fields",
}


def message_examples() -> str:
    """Each kind of message: when the server says it, its lines, and the same as data."""
    return "\n".join(map(_examples, MESSAGES))


def _examples(sample: Sample) -> str:
    first = sample.messages[0]
    lines = [message.line() for message in sample.messages if not message.silent]
    data = [carriers.WEBSOCKET_DATA.text(message) for message in sample.messages]
    return (
        f"#### `{first.type}`\n\n{sample.when}\n\n"
        + (_fenced("text", lines) + "\n" if lines else "")
        + _fenced("json", data)
    )


def package(message: Message) -> str:
    """The name of a message's GMCP package, taken from the bytes that the server sends."""
    return _sent(message)[0]


def _sent(message: Message) -> tuple[str, str, str]:
    match = _SUBNEGOTIATION.fullmatch(carriers.GMCP.encode(message).replace(carriers.MARK, b"12"))
    if match is None:
        raise Undocumented(f"{message} is not sent as the section on GMCP says")
    name, data, line = (part.decode() for part in match.groups(b""))
    return name, data, line


def gmcp_example() -> str:
    """One message as it travels with GMCP, with telnet's bytes in words."""
    name, data, line = _sent(Said("Ana", "hola"))
    return _fenced("text", [f"IAC SB 201 {name} {data} IAC SE {line} CR LF"])


#: Base classes of other errors.  Nobody reads these themselves.
_ABSTRACT = (errors.TradeError, errors.Limited)


def error_table() -> str:
    """Every error, with the line that a farmer reads."""
    refuse_gaps(
        [kind for kind in kinds(GranjaError, errors) if kind not in _ABSTRACT],
        [error for _, error in ERRORS],
    )
    rows = [
        (
            _code(type(error).__name__),
            when,
            _code(messages.failure(error, CATALOG).line()),
        )
        for when, error in ERRORS
    ]
    return _table(("`code`", "answers", "line"), rows)


def limit_table() -> str:
    rows = [(limit.what, limit.value, _code(limit.option)) for limit in LIMITS]
    return _table(("what", "limit", "option"), rows)


BLOCKS: dict[str, Callable[[], str]] = {
    "commands": command_table,
    "moderators": moderators_table,
    "reserved": reserved_names,
    "messages": message_overview,
    "examples": message_examples,
    "gmcp": gmcp_example,
    "errors": error_table,
    "limits": limit_table,
}


# -- Markdown --------------------------------------------------------------------------------


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(row) + " |\n" for row in lines)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _fenced(language: str, lines: Iterable[str]) -> str:
    return f"```{language}\n" + "".join(line + "\n" for line in lines) + "```\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
