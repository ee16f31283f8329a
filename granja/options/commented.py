"""A ``granja.toml`` that explains itself, made from the table of options."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Iterator

from granja.options.table import DEFAULT_LISTEN, LISTS, ROWS, Table

_HEAD = (
    "What `twistd granja --config granja.toml` may say: options by their names, as their flags "
    "have them. Each line here says what holds without it. A flag wins over this file. SIGHUP and "
    "`granja admin reload` read it anew. To check it: granja config --check granja.toml"
)
_DEFAULT = re.compile(r"\s*\[default: .*\]\Z")


def commented() -> Iterator[str]:
    """The lines of the file."""
    yield from _comment(_HEAD)
    for name in LISTS:
        said = inspect.getdoc(getattr(Table, f"opt_{name.replace('-', '_')}")) or ""
        listed = [DEFAULT_LISTEN] if name == "listen" else []
        yield from _entry(name, _DEFAULT.sub("", said), json.dumps(listed))
    for name, default, help, _ in ROWS:
        yield from _entry(name, f"{help}.", _toml(default))


def _entry(name: str, said: str, value: str) -> Iterator[str]:
    yield ""
    yield from _comment(said)
    yield f"#{name} = {value}"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 98, initial_indent="# ", subsequent_indent="# ")


def _toml(default: object) -> str:
    """The value in TOML.  None becomes an empty text."""
    return json.dumps("" if default is None else default)
