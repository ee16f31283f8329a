"""What a plain connection is written in: lines, or GMCP's packages; and telnet's own answers."""

from __future__ import annotations

from granja.board.listener import Listener
from granja.contract import messages
from granja.wire import telnet
from granja.wire.encodings import GMCP, PLAIN


class Dialect:
    """What one listener's client has negotiated (:class:`granja.wire.negotiation.Speaker`)."""

    __slots__ = ("_listener",)

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def say_telnet(self, verb: int, option: int) -> None:
        """Send ``IAC verb option`` in its place."""
        self._listener.raw(bytes((telnet.IAC, verb, option)))

    def answer(self, command: int) -> None:
        """Answer AYT or a timing mark, where it stood among the lines (PROTOCOL §1)."""
        if command == telnet.AYT:
            self._listener.tell(messages.I_AM_HERE)
        else:
            self.say_telnet(telnet.WONT, telnet.TIMING_MARK)

    @property
    def speaks_packages(self) -> bool:
        """Whether it is sent GMCP packages."""
        return self._listener.carrier is GMCP

    def begin_packages(self) -> bool:
        """Send packages from here on.  False when it is too late."""
        if self._listener.carrier is not PLAIN or self._listener.joined:
            return False
        self._listener.carry(GMCP)
        return True

    def end_packages(self) -> None:
        """From here on come lines alone."""
        self._listener.board.carry(self._listener, PLAIN)
