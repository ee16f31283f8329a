"""Which ledger an operator means: ``memory:`` or ``sqlite:PATH``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twisted.internet.interfaces import IReactorFromThreads

from granja.contract.errors import ConfigurationError
from granja.ledger.archive import IArchive
from granja.ledger.interface import ILedger
from granja.ledger.memory import MemoryLedger
from granja.ledger.sqlite.archive import SQLiteArchive
from granja.ledger.sqlite.ledger import SQLiteLedger

DEFAULT = "sqlite:granja.db"


def open_ledger(url: str, reactor: IReactorFromThreads, now: Callable[[], float]) -> ILedger:
    """The ledger of that URL; nothing is touched before its :meth:`~ILedger.open`.

    :param now: the time in Unix seconds.
    :raises ConfigurationError: when the URL is of neither kind.
    """
    path = path_of(url)
    return MemoryLedger(keep=False) if path is None else SQLiteLedger(path, reactor, now)


def open_archive(url: str, *, to_copy: bool = False) -> IArchive:
    """The same ledger, to be looked at; a server may be writing to it.

    :param to_copy: it need not be understood, so it may be of an older version.
    :raises ConfigurationError: when the URL is of neither kind, or ``memory:``.
    :raises LedgerRefused: with a sentence, when it cannot be read.
    """
    path = path_of(url)
    if path is None:
        raise ConfigurationError("a ledger in memory: cannot be looked at from outside its server")
    return SQLiteArchive(path, any_version=to_copy)


def path_of(url: str) -> Path | None:
    """The file of a ledger, None for one in memory.

    :raises ConfigurationError: with a sentence, when the URL is of neither kind, or in the home of
        somebody unknown.
    """
    kind, colon, path = url.partition(":")
    if url == "memory:":
        return None
    if kind == "sqlite" and colon and path and "\0" not in path:
        return _expanded(path)
    raise ConfigurationError(f"the ledger must be memory: or sqlite:PATH, not {url!r}")


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        home = Path(path).parts[0]
        raise ConfigurationError(f"the ledger {path}: nobody knows the folder {home}") from None
