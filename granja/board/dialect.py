"""What a plain connection gets: lines, or GMCP's packages; and answers to telnet commands."""

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
        """Send ``IAC verb option`` behind what was said before."""
        self._listener.raw(bytes((telnet.IAC, verb, option)))

    def say_here(self) -> None:
        """Answer AYT."""
        self._listener.tell(messages.I_AM_HERE)

    @property
    def speaks_packages(self) -> bool:
        """Whether this connection gets GMCP packages."""
        return self._listener.carrier is GMCP

    def begin_packages(self) -> bool:
        """Send packages from now on.

        :return: False when it is too late.
        """
        if self._listener.carrier is not PLAIN or self._listener.joined:
            return False
        self._listener.carry(GMCP)
        return True

    def end_packages(self) -> None:
        """Send only lines from now on."""
        self._listener.board.carry(self._listener, PLAIN)
