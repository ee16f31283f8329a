"""The telnet commands in what a client sends, taken out of it (RFC 854, RFC 855).

The filter has no socket and answers nothing.  Byte FF is always IAC, whether or not the client is
a telnet: what follows it is a command, except that IAC IAC is one byte FF of data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol

SE: Final = 240
SB: Final = 250
WILL: Final = 251
WONT: Final = 252
DO: Final = 253
DONT: Final = 254
IAC: Final = 255

AYT: Final = 246
ECHO: Final = 1
TIMING_MARK: Final = 6
GMCP: Final = 201

MAX_SUBNEGOTIATION = 4096
"""The most bytes of a client's sub-negotiation; of a longer one nothing is delivered or kept."""

_IAC = b"\xff"

# Data, and what is over after two bytes: one after the other, a megabyte of them takes a third of
# a second, in which nobody else is read.
_run_from = re.compile(rb"(?:[^\xff]++|\xff[\x00-\xf5\xf9\xff])*+").match
_two_bytes = re.compile(rb"\xff[\x00-\xf9]")
#: What a client erases with its own key: EC is a DEL, EL a NAK (PROTOCOL §1).
_ERASE = {247: 0x7F, 248: 0x15}

_Step = Callable[[bytes, int, bytearray], int]
"""Takes a segment, where to go on in it, and the data so far; returns where the next goes on."""


class TelnetHandler(Protocol):
    """Whoever wants to know what the client negotiates."""

    def negotiated(self, verb: int, option: int) -> None:
        """The client said ``verb`` (WILL, WONT, DO or DONT) of ``option`` (0 to 255)."""

    def subnegotiated(self, option: int, payload: bytes) -> None:
        """The client said ``payload`` (with each IAC IAC as one byte) about ``option``."""


class Telnet:
    """Takes commands out of a stream, however it is cut.

    The handler hears of the commands in their order, while ``feed`` runs: after the data of
    earlier segments was returned, and before any data of the segment that completes the command.
    Within one segment it therefore hears of a command before the caller sees the data around it.

    ``negotiates`` is true once the client has said WILL, WONT, DO or DONT of any option.
    """

    def __init__(
        self,
        handler: TelnetHandler | None = None,
        limit: int = MAX_SUBNEGOTIATION,
        in_place: Callable[[int, bytes], None] | None = None,
    ) -> None:
        """:param limit: the most bytes of a sub-negotiation; a server's packages are longer.
        :param in_place: called with AYT, or with DO for a timing mark (RFC 860), which are answered
            at their place among the lines, and with the data before it, which ``feed`` does not
            return any more.  Who has it takes EC and EL for the editing keys that they are.
        """
        self._in_place = in_place
        self.negotiates = False
        self._limit = limit
        self._handler = handler
        self._verb = 0
        self._payload = bytearray()
        self._within_data: _Step = self._data  # bound once: ``feed`` asks for it in a hurry
        self._step: _Step = self._within_data

    def feed(self, segment: bytes) -> bytes:
        """The data in ``segment``, without the commands and without parts of commands."""
        if self._step is self._within_data and _IAC not in segment:
            return segment
        data = bytearray()
        at = 0
        while at < len(segment):
            at = self._step(segment, at, data)
        return bytes(data)

    def _data(self, segment: bytes, at: int, data: bytearray) -> int:
        run = _run_from(segment, at)
        assert run is not None, "it may be empty"
        # Commands end in no IAC, so two of them together are always a doubled one.
        data += _IAC.join([_two_bytes.sub(b"", part) for part in run[0].split(_IAC * 2)])
        if run.end() == len(segment):
            return run.end()
        self._step = self._command
        return run.end() + 1

    def _command(self, segment: bytes, at: int, data: bytearray) -> int:
        self._step = self._within_data
        command = segment[at]
        if command == IAC:
            data += _IAC
        elif command == AYT:
            self._mark(AYT, data)
        elif command in _ERASE and self._in_place is not None:
            data.append(_ERASE[command])
        else:
            self._obey(command)
        return at + 1

    def _mark(self, command: int, data: bytearray) -> None:
        if self._in_place is not None:
            self._in_place(command, bytes(data))
            data.clear()

    def _obey(self, command: int) -> None:
        if command == SB:
            self._step = self._subnegotiation
        elif command in (WILL, WONT, DO, DONT):
            self._verb = command
            self._step = self._option
        # Any other command is of two bytes, and they are over.

    def _option(self, segment: bytes, at: int, data: bytearray) -> int:
        self._step = self._within_data
        self.negotiates = True
        if self._verb == DO and segment[at] == TIMING_MARK:
            self._mark(DO, data)
        elif self._handler is not None:
            self._handler.negotiated(self._verb, segment[at])
        return at + 1

    def _subnegotiation(self, segment: bytes, at: int, data: bytearray) -> int:
        end = segment.find(_IAC, at)
        if end < 0:
            self._keep(segment[at:])
            return len(segment)
        self._keep(segment[at:end])
        self._step = self._command_within
        return end + 1

    def _command_within(self, segment: bytes, at: int, data: bytearray) -> int:
        command = segment[at]
        if command == IAC:
            self._keep(_IAC)
            self._step = self._subnegotiation
            return at + 1
        if command == SE:
            self._deliver()
            self._step = self._within_data
            return at + 1
        # The sub-negotiation was broken off: what follows IAC is a command of its own.
        self._payload.clear()
        return self._command(segment, at, data)

    def _keep(self, piece: bytes) -> None:
        """Keep the option and its payload, and one byte beyond to know that it was too long."""
        room = 1 + self._limit + 1 - len(self._payload)
        self._payload += piece[:room]

    def _deliver(self) -> None:
        fits = 1 <= len(self._payload) <= 1 + self._limit
        if fits and self._handler is not None:
            self._handler.subnegotiated(self._payload[0], bytes(self._payload[1:]))
        self._payload.clear()  # It may be of megabytes.


def escape(payload: bytes) -> bytes:
    """``payload`` as it must be sent, so that no byte of it is taken for a command."""
    return payload.replace(_IAC, _IAC * 2)
