"""Incidents: what an operator, or fail2ban, wants to know about names and addresses, in the log.

Each incident is an event with the fields ``event``, ``farmer``, ``address``, ``port`` and
``times``.  Its sentence begins with our words, then come address and port.  Text that somebody has
typed comes last: so nobody can choose a name that makes fail2ban ban another address.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Final, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger, LogLevel

from granja.clockwork.timer import Timer
from granja.text.printable import printable

#: Seconds between two lines about the same kind of incident from one address.
PERIOD: Final = 1.0

#: The kinds of incident (``event``), and how their sentences begin.
SENTENCES: Final = {
    "login_failed": "Wrong password",
    "pass_refused": "Pass refused",
    "registered": "Name registered",
    "password_changed": "Password changed",
    "taken_over": "Connection taken over",
    "timed_out": "Timed out on arriving",
}


class Peer(Protocol):
    """Where somebody is.  ``port`` is 0 if there is none."""

    address: str
    port: int


class Incidents:
    """Writes at most one line a second for each kind and address.

    A line says how many incidents it stands for.

    :param clock: says when the next line may be written.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._recent: dict[tuple[str, str], _Recent] = {}

    def note(self, event: str, peer: Peer, farmer: object = "") -> None:
        """Report an incident.

        :param event: one of :data:`SENTENCES`.
        :param farmer: whom it is about, if that is known.
        """
        key = (event, peer.address)
        recent = self._recent.get(key)
        if recent is None:
            self._write(event, peer.address, peer.port, str(farmer), 1)
            self._quieten(key)
        else:
            recent.port, recent.farmer = peer.port, str(farmer)
            recent.times += 1

    def finish(self) -> None:
        """Write the incidents that wait."""
        recents, self._recent = self._recent, {}
        for key, recent in recents.items():
            recent.timer.stop()
            if recent.times:
                self._write(*key, recent.port, recent.farmer, recent.times)

    def _settle(self, key: tuple[str, str]) -> None:
        recent = self._recent.pop(key)
        if recent.times:
            self._write(*key, recent.port, recent.farmer, recent.times)
            self._quieten(key)

    def _quieten(self, key: tuple[str, str]) -> None:
        self._recent[key] = recent = _Recent(Timer(self._clock, partial(self._settle, key)))
        recent.timer.start(PERIOD)

    def _write(self, event: str, address: str, port: int, farmer: str, times: int) -> None:
        self.log.emit(
            LogLevel.warn if event == "login_failed" else LogLevel.info,
            "{sentence} from {address} port {port}{whom}{more}.",
            event=event,
            farmer=farmer,
            address=address,
            port=port,
            times=times,
            sentence=SENTENCES[event],
            whom=f" for {printable(farmer)}" if farmer else "",
            more=f" (the last of {times})" if times > 1 else "",
        )


class _Recent:
    """What has happened since the last line.  ``farmer`` and ``port``: of the last incident."""

    __slots__ = ("farmer", "port", "timer", "times")

    farmer: str
    port: int

    def __init__(self, timer: Timer) -> None:
        self.timer = timer
        self.times = 0
