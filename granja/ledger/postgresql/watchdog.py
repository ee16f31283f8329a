"""The watchdog: the thread that finds a server that neither answers nor hangs up.

A statement may take long for good reasons: a commit waits for the standby.  So the watchdog asks
the server, over another connection, whether it still works on the statement.  If not, the watchdog
ends the wait and closes the socket.  It never cancels a statement: a cancelled commit that waits
for a standby says that it succeeded.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event, Thread
from typing import Final

import psycopg

from granja.ledger.postgresql.address import Address
from granja.ledger.postgresql.session import Session

#: The watchdog asks the server after seeing the same statement in so many looks, one a second.
PATIENCE: Final = 5

EACH: Final = 1.0


class Watchdog:
    """:param sessions: of one node."""

    def __init__(self, address: Address, sessions: Sequence[Session]) -> None:
        self._address = address
        self._sessions = sessions
        self._seen = [(0, 0)] * len(sessions)
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="granja-watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop, from any thread."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(EACH):
            for n, session in enumerate(self._sessions):
                self._look(n, session)

    def _look(self, n: int, session: Session) -> None:
        server, looks = self._seen[n]
        now = session.waits_for()
        self._seen[n] = now, looks + 1 if now and now == server else 0
        if self._seen[n][1] >= PATIENCE:
            self._seen[n] = 0, 0
            if not self._is_at_it(now) and session.waits_for() == now:
                session.cut()

    def _is_at_it(self, server: int) -> bool:
        try:
            with psycopg.connect(self._address.conninfo("granja watchdog")) as asked:
                row = asked.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND state = 'active'", (server,)
                )
                return row.fetchone() is not None
        except psycopg.Error:
            return False
