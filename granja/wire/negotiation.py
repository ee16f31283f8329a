"""The server's answers to what a client negotiates (RFC 854, RFC 1143, PROTOCOL §1).

Every option stays off.  GMCP is the only exception: the server turns it on for a client that asks
while it arrives.  The server refuses what it does not do.  It gives no answer when an option is off
already, or when the client answers the server's own offer.
"""

from __future__ import annotations

from typing import Protocol

from granja.wire import telnet


class Speaker(Protocol):
    """The connection that negotiates."""

    def say_here(self) -> None:
        """Answer AYT in its place."""

    def say_telnet(self, verb: int, option: int) -> None:
        """Send ``IAC verb option`` behind what was said before."""

    @property
    def speaks_packages(self) -> bool:
        """Whether this connection gets GMCP packages."""

    def begin_packages(self) -> bool:
        """Send packages from now on.

        :return: False when it is too late.
        """

    def end_packages(self) -> None:
        """Send only lines from now on."""


class Negotiation:
    """Hears what one client says about options, and answers."""

    __slots__ = ("_hides", "_speaker", "begun")

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._hides = False
        #: Whether the client has said WILL, WONT, DO or DONT about any option.
        self.begun = False

    def hide_typing(self, hide: bool) -> None:
        """Hide or show what the client types.

        A server that says WILL ECHO promises to echo (RFC 857).  We say it and echo nothing, so
        nobody sees the password.
        """
        if hide != self._hides:
            self._hides = hide
            self._speaker.say_telnet(telnet.WILL if hide else telnet.WONT, telnet.ECHO)

    def answer(self, command: telnet.Command) -> None:
        """Answer a command, at its position among the lines."""
        if command[0] == telnet.AYT:
            self._speaker.say_here()
        else:
            self.negotiated(*command)

    def negotiated(self, verb: int, option: int) -> None:
        """The client said ``verb`` about ``option``."""
        self.begun = True
        speaker = self._speaker
        if verb == telnet.WILL:
            speaker.say_telnet(telnet.DONT, option)
        elif verb == telnet.DO and option == telnet.GMCP:
            self._begin_packages()
        elif verb == telnet.DO and not (option == telnet.ECHO and self._hides):
            speaker.say_telnet(telnet.WONT, option)
        elif verb == telnet.DONT and option == telnet.GMCP and speaker.speaks_packages:
            speaker.say_telnet(telnet.WONT, option)
            speaker.end_packages()

    def _begin_packages(self) -> None:
        if not self._speaker.speaks_packages:
            verb = telnet.WILL if self._speaker.begin_packages() else telnet.WONT
            self._speaker.say_telnet(verb, telnet.GMCP)
