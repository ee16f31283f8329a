"""``granja.toml``: options by their names, read with the same coercions as flags."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from granja.catalog_file import read_text
from granja.contract.errors import ConfigurationError
from granja.options.coercions import Coercion

Rows = Sequence[tuple[str, object, str, Coercion]]
Lists = Mapping[str, Coercion]


def from_file(path: str, rows: Rows, lists: Lists) -> dict[str, Any]:
    """The values in a file, by the names of the options.

    :raises ConfigurationError: with a sentence about what is wrong in it.
    """
    try:
        given = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from None
    try:
        return values(given, rows, lists)
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def values(given: Mapping[str, Any], rows: Rows, lists: Lists) -> dict[str, Any]:
    """The values in what TOML gives.

    :raises ValueError: with a sentence, without the file's name.
    """
    defaults = {name: (default, coerce) for name, default, _, coerce in rows}
    found: dict[str, Any] = {}
    for name, value in given.items():
        try:
            if name in lists:
                found[name] = [lists[name](text) for text in _texts(value)]
            elif name in defaults:
                found[name] = _one(value, *defaults[name])
            else:
                raise ConfigurationError(_unknown(name, [*defaults, *lists]))
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        except ValueError as error:
            raise ValueError(f"{name} = {_shown(value)}: {error}") from None
    return found


def _texts(value: object) -> list[str]:
    """A list of texts; one text is a list of one.

    :raises ValueError: for anything else.
    """
    listed: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in listed):
        raise ValueError('it must be a list of texts in quotes, such as ["…", "…"]')
    return listed


def _one(value: object, default: object, coerce: Coercion) -> object:
    if isinstance(default, int | float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("it must be a number, without quotes")
        return coerce(repr(value))
    if not isinstance(value, str):
        raise ValueError("it must be a text, in quotes")
    if default is None and not value:
        return None
    return coerce(value)


def _unknown(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name.replace("_", "-"), known, 1)
    return f"there is no option {name!r}" + (f"; did you mean {close[0]}?" if close else "")


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
