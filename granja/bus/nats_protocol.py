"""Core NATS on one connection: what a client says, and what a server says.

It has as much of https://docs.nats.io/reference/reference-protocols/nats-protocol as a farm needs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IPushProducer, IReactorTime, ITCPTransport
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from granja import __version__
from granja.clockwork.timer import Timer

CRLF: Final = b"\r\n"

#: The most bytes of a server's line, and of a message.
LONGEST_LINE: Final = 1 << 16
LARGEST: Final = 1 << 26
#: The most bytes that a server usually takes in one message; it says if that is otherwise.
USUAL: Final = 1 << 20
#: Seconds between two pings.  Without an answer until the next one, the connection is lost.
PING: Final = 2.0
#: The most bytes that may wait for a server that takes nothing.
MOST_WAITING: Final = 8 << 20


class Broken(Exception):
    """The server breaks the protocol, or refuses us.  The text says how."""


class Owner(Protocol):
    """The user of the connection."""

    def greeted(self, protocol: NatsProtocol) -> None:
        """The server knows who we are.  Now we may subscribe."""

    def connected(self, protocol: NatsProtocol) -> None:
        """The server has accepted all of that."""

    def heard(self, sid: int, subject: str, reply: str, data: bytes) -> None:
        """A message for a subscription has come."""

    def nobody(self, subject: str) -> None:
        """Nobody is there to answer the request with this reply subject."""

    def lost(self, protocol: NatsProtocol, why: str) -> None:
        """The connection is over."""


class Line(ITCPTransport, IConsumer):
    """What a connection must offer.  TCP does, and TLS does too."""


@implementer(IPushProducer)
class NatsProtocol(TwistedProtocol):
    """:param login: what CONNECT says about who we are.
    :param start_tls: called when encryption must begin; None if we expect none.

    ``largest``: the most bytes that the server takes in one message.
    """

    transport: Line

    def __init__(
        self,
        clock: IReactorTime,
        owner: Owner,
        name: str,
        login: Mapping[str, str],
        start_tls: Callable[[ITCPTransport], None] | None,
    ) -> None:
        self.largest = 0
        self._owner = owner
        self._name = name
        self._login = login
        self._start_tls = start_tls
        self._buffer = bytearray()
        self._message: tuple[int, str, str, int, int] | None = None
        self._greeted = self._ready = self._paused = False
        self._waits = 0
        self._why = ""
        self._unanswered = False
        self._ping = Timer(clock, self._look)
        self._closed: Deferred[None] | None = None

    # -- what we say -----------------------------------------------------------------------------

    def publish(self, subject: str, data: bytes, reply: str = "") -> None:
        head = f"PUB {subject} {reply} {len(data)}" if reply else f"PUB {subject} {len(data)}"
        self._say(b"%b\r\n%b\r\n" % (head.encode(), data))

    def subscribe(self, sid: int, subject: str) -> None:
        self._say(f"SUB {subject} {sid}\r\n".encode())

    def unsubscribe(self, sid: int) -> None:
        self._say(f"UNSUB {sid}\r\n".encode())

    def _say(self, data: bytes) -> None:
        if self._paused:
            self._waits += len(data)
            if self._waits > MOST_WAITING:
                self._break("it takes nothing any more")
                return
        self.transport.write(data)

    def close(self) -> Deferred[None]:
        """Write what waits, then close."""
        self._closed = self._closed or Deferred()
        self.transport.loseConnection()
        return self._closed

    # -- the connection --------------------------------------------------------------------------

    def connectionMade(self) -> None:  # noqa: N802
        self.transport.setTcpNoDelay(True)
        self.transport.setTcpKeepAlive(True)
        self._ping.start(PING)

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        self._ping.stop()
        why = self._why or (reason.getErrorMessage() if reason is not None else "")
        self._owner.lost(self, why.rstrip("."))
        if self._closed is not None:
            self._closed.callback(None)

    def pauseProducing(self) -> None:  # noqa: N802
        """From now on let the transport keep what we say: the server takes nothing now."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802
        self._paused, self._waits = False, 0

    def stopProducing(self) -> None:  # noqa: N802
        """Do nothing: the connection is ending."""

    def _break(self, why: str) -> None:
        self._why = self._why or why
        self._buffer.clear()
        self.transport.abortConnection()

    def _look(self) -> None:
        """Find out whether the server is still there, or has not greeted in time."""
        if self._unanswered or not self._ready:
            self._break("it does not answer")
            return
        self._unanswered = True
        self._say(b"PING\r\n")
        self._ping.start(PING)

    # -- what the server says --------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self._buffer += data
        try:
            while not self._why and self._take():
                pass
        except Broken as error:
            self._break(str(error))
        except (ValueError, IndexError, KeyError, TypeError):
            self._break("it does not speak NATS")

    def _take(self) -> bool:
        """Take one line or one message.

        :return: False if it has not come completely yet.
        """
        if self._message is not None:
            return self._take_message(*self._message)
        end = self._buffer.find(CRLF)
        if end < 0:
            if len(self._buffer) > LONGEST_LINE:
                raise Broken("it says a line without an end")
            return False
        line = self._buffer[:end].decode()
        del self._buffer[: end + 2]
        self._line(line)
        return True

    def _take_message(self, sid: int, subject: str, reply: str, head: int, size: int) -> bool:
        if len(self._buffer) < size + 2:
            return False
        with memoryview(self._buffer) as view:
            data = bytes(view[head:size])  # Without a copy of the copy: a message may be large.
            known = bytes(view[:head])
        if self._buffer[size : size + 2] != CRLF:
            raise Broken("it says a message without an end")
        del self._buffer[: size + 2]
        self._message = None
        if head and known.split(CRLF)[0].split()[1:2] == [b"503"]:
            self._owner.nobody(subject)
        else:
            self._owner.heard(sid, subject, reply, data)
        return True

    def _line(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        word = word.upper()
        if word == "INFO":
            self._info(json.loads(rest))
        elif not self._greeted:
            raise Broken("it does not speak NATS")
        elif word == "MSG":
            self._expect(rest.split(), headers=False)
        elif word == "HMSG":
            self._expect(rest.split(), headers=True)
        elif word == "PING":
            self._say(b"PONG\r\n")
        elif word == "PONG":
            self._pong()
        elif word == "-ERR":
            self._error(rest.strip("' "))
        elif word != "+OK":
            raise Broken("it does not speak NATS")

    def _expect(self, words: list[str], *, headers: bool) -> None:
        """Read the head of a message; the message itself comes next."""
        subject, sid, *rest = words
        size = int(rest.pop())
        head = int(rest.pop()) if headers else 0
        if not 0 <= head <= size <= LARGEST:
            raise Broken("it says a message of no size")
        self._message = (int(sid), subject, rest[0] if rest else "", head, size)

    def _info(self, info: dict[str, Any]) -> None:
        if self._greeted:
            return  # Later INFO lines only tell what has changed.
        self._greeted = True
        self.largest = int(info.get("max_payload", USUAL))
        if self._start_tls is not None:
            if not info.get("tls_required") and not info.get("tls_available"):
                raise Broken("it has no TLS")
            self._start_tls(self.transport)
        elif info.get("tls_required"):
            raise Broken("it wants TLS; say tls:// for it")
        self.transport.registerProducer(self, True)
        self._connect(headers=bool(info.get("headers")))

    def _connect(self, *, headers: bool) -> None:
        """Say who we are and what we hear.  The answer to a ping shows whether that is accepted."""
        said = {
            "verbose": False,
            "pedantic": False,
            "echo": False,
            "lang": "python-granja",
            "version": __version__,
            "name": self._name,
            "protocol": 1,
            "headers": headers,
            "no_responders": headers,
            **self._login,
        }
        self._say(f"CONNECT {json.dumps(said)}\r\n".encode())
        self._owner.greeted(self)
        self._say(b"PING\r\n")

    def _pong(self) -> None:
        self._unanswered = False
        if not self._ready:
            self._ready = True
            self._owner.connected(self)

    def _error(self, what: str) -> None:
        """Report an error.  One that concerns only a subject does not end the connection."""
        if not what.lower().startswith(("permissions violation", "invalid subject")):
            raise Broken(f"it says: {what}")
