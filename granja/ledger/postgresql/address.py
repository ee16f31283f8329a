"""The URL of a database, and the part of it that we may show."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from granja.contract.errors import ConfigurationError

#: Seconds until we give up a host that does not answer, and how the system finds a dead peer.
_HABITS: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    # With several hosts, take only the one that accepts writes; a former primary does not.
    "target_session_attrs": "read-write",
}


class Address:
    """Where a database is.

    :param url: as libpq takes it, also with several hosts.
    :raises ConfigurationError: with a sentence that quotes nothing, because a password may be in
        it.
    """

    def __init__(self, url: str) -> None:
        try:
            self._parts: dict[str, Any] = dict(conninfo_to_dict(url))
        except psycopg.Error:
            raise ConfigurationError(
                "the ledger's URL is none that PostgreSQL understands; "
                "it must be like postgresql://USER@HOST:5432/DATABASE"
            ) from None

    @property
    def password(self) -> str | None:
        """The password in it, if there is one."""
        secret = self._parts.get("password")
        return str(secret) if secret else None

    def conninfo(self, name: str) -> str:
        """The text that libpq connects with.

        :param name: the database shows it in ``pg_stat_activity``.
        """
        return make_conninfo("", **{**_HABITS, "application_name": name, **self._parts})

    def __str__(self) -> str:
        """The address for people, without the password."""
        parts = self._parts
        hosts = str(parts.get("host") or parts.get("hostaddr") or "").split(",")
        ports = str(parts.get("port") or "").split(",")
        ports = ports * len(hosts) if len(ports) == 1 else ports
        at = ",".join(h + (f":{p}" if p else "") for h, p in zip(hosts, ports, strict=False))
        user = f"{parts['user']}@" if parts.get("user") else ""
        return f"postgresql://{user}{at}/{parts.get('dbname') or ''}"
