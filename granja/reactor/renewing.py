"""Serves new certificates while the server runs.

Certbot and similar programs write new files every few weeks, and tell nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from granja.clockwork.timer import Timer
from granja.reactor.certificates import CertificateRefused
from granja.reactor.tls_contexts import Certificates, Stamp

#: Seconds between two looks at the files.  A file that changed may be half written.  We read it at
#: the next look, if it has not changed again: so we serve it after at most two looks.
PERIOD: Final = 20.0


class Renewal:
    """Serves new certificates, and keeps the old ones when the new ones cannot be served.

    :param clock: says when to look.
    """

    def __init__(self, served: Iterable[Certificates], clock: IReactorTime) -> None:
        self._watched = [_Watched(certificates) for certificates in served]
        self._timer = Timer(clock, self._look)

    def start(self) -> None:
        """Begin to look."""
        if self._watched:
            self._timer.start(PERIOD)

    def stop(self) -> None:
        """Stop looking."""
        self._timer.stop()

    def _look(self) -> None:
        self.start()
        for watched in self._watched:
            watched.look()


class _Watched:
    log: ClassVar[Logger] = Logger()

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates
        self._seen: Stamp = certificates.served.stamp
        self._refused: Stamp | None = None

    def look(self) -> None:
        now, before = self._certificates.look(), self._seen
        self._seen = now
        if now == before and now not in (self._certificates.served.stamp, self._refused):
            self._renew(now)

    def _renew(self, now: Stamp) -> None:
        where, old = self._certificates.where, self._certificates.served
        try:
            self._certificates.serve(self._certificates.load())
        except CertificateRefused as error:
            self._refused = now
            self.log.error("{where} keeps its certificates: {why}", where=where, why=str(error))
            return
        if self._certificates.served.prints != old.prints:
            self.log.info("{where} serves renewed certificates.", where=where)
