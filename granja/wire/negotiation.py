"""What the server answers to what a client negotiates (RFC 854, RFC 1143, PROTOCOL §1).

Everything stays off but GMCP, for a client that asks for it while it arrives.  What the server does
not do is refused; what is off already, or is the answer to what the server said itself, needs no
answer.
"""

from __future__ import annotations

from typing import Protocol

from granja.wire import telnet


class Speaker(Protocol):
    """The connection that negotiates."""

    def say_telnet(self, verb: int, option: int) -> None:
        """Send ``IAC verb option`` in its place."""

    @property
    def speaks_packages(self) -> bool:
        """Whether it is sent GMCP packages."""

    def begin_packages(self) -> bool:
        """Send packages from here on.  False when it is too late."""

    def end_packages(self) -> None:
        """From here on come lines alone."""


class Negotiation:
    """Hears what one client says of options, and answers."""

    __slots__ = ("_hides", "_speaker")

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._hides = False

    def hide_typing(self, hide: bool) -> None:
        """RFC 857: who says WILL ECHO does the echoing.  We don't, so passwords stay unseen."""
        if hide != self._hides:
            self._hides = hide
            self._speaker.say_telnet(telnet.WILL if hide else telnet.WONT, telnet.ECHO)

    def negotiated(self, verb: int, option: int) -> None:
        """The client said ``verb`` of ``option``."""
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

    def subnegotiated(self, option: int, payload: bytes) -> None:
        """Clients introduce themselves; nothing here depends on who they are."""
