"""Takes the telnet commands out of what a client sends (RFC 854, RFC 855).

The filter has no socket and answers nothing.  Byte FF is always IAC, whether or not the client
speaks telnet: a command follows it.  The only exception is IAC IAC, which is one byte FF of data.
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

MAX_SUBNEGOTIATION: Final = 4096
"""The most bytes of a client's sub-negotiation.  Nothing of a longer one is kept or delivered."""

_IAC = b"\xff"

# Data, and commands that end after two bytes.  One expression takes them all: one by one, a
# megabyte of commands would keep everybody else waiting.
_run_from = re.compile(rb"(?:[^\xff]++|\xff[\x00-\xf5\xf9\xff])*+").match
_two_bytes = re.compile(rb"\xff[\x00-\xf9]")
#: Keys that erase: EC is a DEL, EL a NAK (PROTOCOL §1).
_ERASE = {247: 0x7F, 248: 0x15}

Command = tuple[int, int]
"""AYT and 0; or WILL, WONT, DO or DONT, and the option that it is about."""

_Step = Callable[[bytes, int, bytearray], int]
"""Takes a segment, the position in it, and the data so far; returns the next position."""


class TelnetHandler(Protocol):
    """Hears what the other side negotiates."""

    def negotiated(self, verb: int, option: int) -> None:
        """The other side said ``verb`` (WILL, WONT, DO or DONT) about ``option`` (0 to 255)."""

    def subnegotiated(self, option: int, payload: bytes) -> None:
        """The other side said ``payload`` (with each IAC IAC as one byte) about ``option``."""


class Telnet:
    """Takes commands out of a stream, however the network cuts the stream.

    The handler hears of the commands in their order, while ``feed`` runs.  By then ``feed`` has
    returned the data of earlier segments, and no data of the segment that completes the command.
    So the handler hears of a command before the caller sees the data around it in that segment.
    A server takes them ``in_place``, because no cut may make a difference to it.
    """

    def __init__(
        self,
        handler: TelnetHandler | None = None,
        limit: int = MAX_SUBNEGOTIATION,
        in_place: Callable[[Command, bytes], None] | None = None,
    ) -> None:
        """:param handler: hears what the other side negotiates.
        :param limit: the most bytes of a sub-negotiation; a server's packages are longer.
        :param in_place: called for every command that may need an answer: the answer belongs
            between the answers to the lines around it.  It gets the data before the command;
            ``feed`` does not return that data again.  With it, EC and EL become editing keys.
        """
        self._in_place = in_place
        self._limit = limit
        self._handler = handler
        self._verb = 0
        self._payload = bytearray()
        self._within_data: _Step = self._data  # Bound once, because ``feed`` must be fast.
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
        # No command ends in IAC, so two of them together always mean one byte FF.
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
            self._say((AYT, 0), data)
        elif command in _ERASE and self._in_place is not None:
            data.append(_ERASE[command])
        else:
            self._obey(command)
        return at + 1

    def _say(self, command: Command, data: bytearray) -> None:
        if self._in_place is not None:
            self._in_place(command, bytes(data))
            data.clear()
        elif self._handler is not None and command != (AYT, 0):
            self._handler.negotiated(*command)

    def _obey(self, command: int) -> None:
        if command == SB:
            self._step = self._subnegotiation
        elif command in (WILL, WONT, DO, DONT):
            self._verb = command
            self._step = self._option
        # Any other command has two bytes, and both are read.

    def _option(self, segment: bytes, at: int, data: bytearray) -> int:
        self._step = self._within_data
        self._say((self._verb, segment[at]), data)
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
        # The client broke the sub-negotiation off: the byte after IAC is a command of its own.
        self._payload.clear()
        return self._command(segment, at, data)

    def _keep(self, piece: bytes) -> None:
        """Keep the option and its payload.  One more byte shows that the payload is too long."""
        room = 1 + self._limit + 1 - len(self._payload)
        self._payload += piece[:room]

    def _deliver(self) -> None:
        fits = 1 <= len(self._payload) <= 1 + self._limit
        if fits and self._handler is not None:
            self._handler.subnegotiated(self._payload[0], bytes(self._payload[1:]))
        self._payload.clear()


def escape(payload: bytes) -> bytes:
    """``payload`` as it must be sent: with each IAC doubled, no byte of it looks like a command."""
    return payload.replace(_IAC, _IAC * 2)
