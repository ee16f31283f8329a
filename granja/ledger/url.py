"""The URL of a ledger: ``memory:``, ``sqlite:PATH`` or ``postgresql://…``."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IReactorFromThreads

from granja.contract.errors import ConfigurationError
from granja.ledger.archive import IArchive, IClosed, ITarget
from granja.ledger.interface import ILedger
from granja.ledger.memory import MemoryLedger
from granja.ledger.shared import ISharedLedger
from granja.ledger.sqlite.archive import SQLiteArchive
from granja.ledger.sqlite.closed import ClosedSQLite
from granja.ledger.sqlite.ledger import SQLiteLedger
from granja.ledger.sqlite.target import SQLiteTarget

DEFAULT = "sqlite:granja.db"

#: How the URL of a database begins that several nodes may share.
SHARED = ("postgresql://", "postgres://")


def open_ledger(
    url: str, reactor: IReactorFromThreads, now: Callable[[], float], node: str = ""
) -> ILedger:
    """The ledger of a URL.  Nothing is touched before its :meth:`~ILedger.open`.

    :param now: the time in Unix seconds.
    :param node: the name of this node, if others share the ledger.
    :raises ConfigurationError: when the URL is of no known kind.
    """
    check(url)
    if is_shared(url):
        return open_shared(url, reactor, now, node)
    path = path_of(url)
    return MemoryLedger(keep=False) if path is None else SQLiteLedger(path, reactor, now)


def open_shared(
    url: str, reactor: IReactorFromThreads, now: Callable[[], float], node: str
) -> ISharedLedger:
    """The ledger of a URL that :func:`is_shared`."""
    from granja.ledger.postgresql.address import Address
    from granja.ledger.postgresql.ledger import PostgreSQLLedger

    clock: Any = reactor  # The reactor also has a clock.
    name = node or os.uname().nodename
    return PostgreSQLLedger(Address(url), name, reactor, now, clock.seconds)


def open_archive(url: str, *, to_copy: bool = False) -> IArchive:
    """The archive of a URL.  A server may write to the ledger at the same time.

    :param to_copy: it will only be copied, so it may have an older version.
    :raises ConfigurationError: when the URL is of no known kind, or ``memory:``.
    :raises LedgerRefused: with a sentence, when it cannot be read.
    """
    check(url)
    if is_shared(url):
        from granja.ledger.postgresql.address import Address
        from granja.ledger.postgresql.archive import PostgreSQLArchive

        return PostgreSQLArchive(Address(url))
    path = _file_of(url, "cannot be looked at from outside its server")
    return SQLiteArchive(path, any_version=to_copy)


def open_target(url: str) -> ITarget:
    """The place that a URL names for a copy.

    :raises ConfigurationError: when the URL is of no known kind, or ``memory:``.
    """
    check(url)
    if is_shared(url):
        from granja.ledger.postgresql.address import Address
        from granja.ledger.postgresql.archive import PostgreSQLTarget

        return PostgreSQLTarget(Address(url))
    return SQLiteTarget(_file_of(url, "is forgotten; copy to another one"))


def open_closed(url: str) -> IClosed:
    """A ledger whose server is stopped.  No server can open it before we close it.

    :raises ConfigurationError: when the URL is of no known kind, or is ``memory:``.
    :raises LedgerRefused: with a sentence, when a server has it, or it cannot be read.
    """
    check(url)
    if is_shared(url):
        from granja.ledger.postgresql.address import Address
        from granja.ledger.postgresql.closed import ClosedPostgreSQL

        return ClosedPostgreSQL(Address(url))
    return ClosedSQLite(_file_of(url, "is forgotten; there is nothing to archive"))


def _file_of(url: str, why_not: str) -> Path:
    """The path of a ledger in a file.

    :param why_not: what a ledger in memory cannot do.
    :raises ConfigurationError: when the URL is ``memory:``.
    """
    path = path_of(url)
    if path is None:
        raise ConfigurationError(f"a ledger in memory: {why_not}")
    return path


def is_shared(url: str) -> bool:
    """Whether several nodes may have this ledger at once."""
    return url.startswith(SHARED)


def check(url: str) -> None:
    """Check a URL.

    :raises ConfigurationError: with a sentence, when the URL is of no known kind, or when a package
        that it needs is not installed.
    """
    if not is_shared(url):
        path_of(url)
        return
    if find_spec("psycopg") is None:
        raise ConfigurationError(
            "the ledger needs psycopg; install it with: pip install 'granja[cluster]'"
        )
    shown(url)


def password_of(url: str) -> str | None:
    """The password in a URL, if there is one."""
    if not is_shared(url):
        return None
    from granja.ledger.postgresql.address import Address

    return Address(url).password


def shown(url: str) -> str:
    """A URL for people: without a database's password.

    :raises ConfigurationError: when it is of no known kind.
    """
    if not is_shared(url):
        return url
    from granja.ledger.postgresql.address import Address

    return str(Address(url))


def path_of(url: str) -> Path | None:
    """The file of a ledger; None for a ledger in memory or in a database.

    :raises ConfigurationError: with a sentence, when the URL is of no known kind, or names the home
        of an unknown user.
    """
    kind, colon, path = url.partition(":")
    if url == "memory:" or is_shared(url):
        return None
    if kind == "sqlite" and colon and path and "\0" not in path:
        return _expanded(path)
    # A URL may contain a password, so we do not repeat it if it looks like that.
    quoted = "what was given" if "@" in url else repr(url)
    raise ConfigurationError(
        f"the ledger must be memory: or sqlite:PATH, not {quoted}; "
        "several nodes share one at postgresql://USER@HOST/DATABASE"
    )


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        home = Path(path).parts[0]
        raise ConfigurationError(f"the ledger {path}: nobody knows the folder {home}") from None
