"""Reading options again: the options that hold now, and those that the operator wants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.python.usage import UsageError

from granja.contract.catalog import Catalog
from granja.contract.errors import ConfigurationError
from granja.options.table import FIXED, LISTS, ROWS, Table
from granja.settings import Settings

#: For these we compare the content of the file, not its name.
_FILES = frozenset({"artifacts", "motd"})


@dataclass(frozen=True)
class Anew:
    """What the operator wants now.  ``changed``: options, with their new and old values.

    ``options``: all of them, for :meth:`Standing.take`.
    """

    catalog: Catalog
    settings: Settings
    changed: Sequence[str]
    options: Table


class Standing:
    """:param options: as they were parsed at the start.
    :param folder: the current folder at the start; later ``twistd`` may go to its ``--rundir``.
    """

    def __init__(self, options: Table, folder: str) -> None:
        self._first = self._now = options
        self._folder = folder

    def read(self) -> Anew:
        """Read the file, and the files that it names, again.  Flags stay as they were.

        :raises ConfigurationError: when something is wrong, or when an option differs that cannot
            change.
        """
        options = Table(self._folder, self._first)
        try:
            options.parseOptions(self._first.words)
        except UsageError as error:
            raise ConfigurationError(str(error)) from None
        differing = [name for name in _names() if options[name] != self._now[name]]
        fixed = [name for name in differing if name in FIXED]
        if fixed:
            # We do not show their values: an address may hold a password.
            raise ConfigurationError(f"{_listed(fixed)} cannot change while the server runs")
        changed = [
            f"{name}: {_said(options[name])} (was {_said(self._now[name])})"
            for name in differing
            if name not in _FILES
        ]
        return Anew(options["catalog"], options.settings(), changed, options)

    def take(self, anew: Anew) -> None:
        """Let these options hold from now on."""
        self._now = anew.options


def _names() -> Iterator[str]:
    yield from LISTS
    yield from (row[0] for row in ROWS)


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _said(value: Any) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
