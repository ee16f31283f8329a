"""A bus of NATS servers.  It connects again whenever the connection is lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any, ClassVar, Final

from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IAddress, ITCPTransport
from twisted.internet.protocol import Factory
from twisted.internet.ssl import optionsForClientTLS
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.bus.interface import PATIENCE, Answer, Hear, NoAnswer
from granja.bus.nats_protocol import NatsProtocol
from granja.bus.url import BusAddress, Server
from granja.bus.waiting import Waiting
from granja.clockwork.timer import Timer

#: Seconds until the next attempts; the last value repeats.
PAUSES: Final = (0.1, 0.25, 0.5, 1.0)
#: The most seconds for one attempt.
CONNECTING: Final = 3


class _Once(Factory):
    """Makes the protocol of one connection.  The log says nothing of the attempt."""

    noisy = False

    def __init__(self, protocol: NatsProtocol) -> None:
        self._made = protocol

    def buildProtocol(self, addr: IAddress | None) -> NatsProtocol:  # noqa: N802
        return self._made


class NatsBus:
    """:param reactor: connects, and gives the time.
    :param name: the servers show it for this node.
    :param inbox: a subject for answers, which nobody else knows.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(self, reactor: Any, address: BusAddress, name: str, inbox: str) -> None:
        self.up = False
        self._reactor = reactor
        self._address = address
        self._name = name
        self._inbox = f"_INBOX.{inbox}"
        self._servers = cycle(address.servers)
        self._tries = 0
        self._protocol: NatsProtocol | None = None
        self._greeted: NatsProtocol | None = None
        self._connecting: Deferred[NatsProtocol] | None = None
        self._closing = False
        self._said = ""
        self._changed: list[Callable[[bool], None]] = []
        self._last_sid = 1  # The inbox has the first number.
        self._sids: dict[str, int] = {}
        self._subjects: dict[int, str] = {}
        self._hear: dict[str, Hear] = {}
        self._answer: dict[str, Answer] = {}
        self._waiting = Waiting(reactor)
        self._again = Timer(reactor, self._reach)

    # -- connecting ------------------------------------------------------------------------------

    def open(self) -> None:
        self._reach()

    def _reach(self) -> None:
        server = next(self._servers)
        endpoint = HostnameEndpoint(self._reactor, server.host, server.port, timeout=CONNECTING)
        tls = self._tls(server.host) if server.tls else None
        protocol = NatsProtocol(self._reactor, self, self._name, self._address.login, tls)
        connecting: Deferred[Any] = endpoint.connect(_Once(protocol))
        self._connecting = connecting
        connecting.addCallbacks(self._reached, self._not_reached, errbackArgs=(server,))

    def _tls(self, host: str) -> Callable[[ITCPTransport], None]:
        def start(transport: Any) -> None:
            transport.startTLS(optionsForClientTLS(host))

        return start

    def _reached(self, protocol: NatsProtocol) -> None:
        self._connecting = None
        self._protocol = protocol

    def _not_reached(self, failure: Failure, server: Server) -> None:
        self._connecting = None
        self._is_away(f"{server} cannot be reached ({failure.getErrorMessage().rstrip('.')})")

    def greeted(self, protocol: NatsProtocol) -> None:
        self._greeted = protocol
        protocol.subscribe(1, f"{self._inbox}.*")
        for subject, sid in self._sids.items():
            protocol.subscribe(sid, subject)

    def connected(self, protocol: NatsProtocol) -> None:
        self.up, self._tries, self._said = True, 0, ""
        self.log.info("The bus {at} is there.", at=str(self._address))
        self._tell(True)

    def lost(self, protocol: NatsProtocol, why: str) -> None:
        self._protocol = self._greeted = None
        self._is_away(f"{self._address} is away ({why})")

    def _is_away(self, sentence: str) -> None:
        """Log it once, and try again."""
        was_up, self.up = self.up, False
        if self._closing:
            return
        if sentence != self._said:
            self._said = sentence
            self.log.warn(
                "The bus {sentence}; until it is there, each node has its own talk.",
                sentence=sentence,
            )
        self._again.restart(PAUSES[min(self._tries, len(PAUSES) - 1)])
        self._tries += 1
        self._waiting.give_up()
        if was_up:
            self._tell(False)

    def _tell(self, up: bool) -> None:
        for changed in self._changed:
            changed(up)

    def watch(self, changed: Callable[[bool], None]) -> None:
        self._changed.append(changed)

    def close(self) -> Deferred[None]:
        self._closing = True
        self._again.stop()
        self._changed.clear()
        self._waiting.give_up()
        if self._connecting is not None:
            self._connecting.cancel()
        return self._protocol.close() if self._protocol is not None else succeed(None)

    # -- what is said ----------------------------------------------------------------------------

    def publish(self, subject: str, data: bytes) -> None:
        self._publish(subject, data, "")

    def request(self, subject: str, data: bytes, seconds: float = PATIENCE) -> Deferred[bytes]:
        number, answer = self._waiting.begin(seconds)
        why_not = self._publish(subject, data, f"{self._inbox}.{number}")
        if why_not:
            self._waiting.fail(number, NoAnswer(why_not))
        return answer

    def _publish(self, subject: str, data: bytes, reply: str) -> str:
        """Publish it.

        :return: why that cannot be; empty if it can.
        """
        if not self.up or self._protocol is None:
            return "the bus is away"
        if len(data) > self._protocol.largest:  # The server would end the connection.
            self.log.error(
                "A message of {size} bytes is too large for the bus: nobody hears it.",
                size=len(data),
            )
            return "the question is too large for the bus"
        self._protocol.publish(subject, data, reply)
        return ""

    # -- what is heard ---------------------------------------------------------------------------

    def subscribe(self, subject: str, hear: Hear) -> None:
        self._hear[subject] = hear
        self._listen(subject)

    def answer(self, subject: str, answer: Answer) -> None:
        self._answer[subject] = answer
        self._listen(subject)

    def _listen(self, subject: str) -> None:
        if subject not in self._sids:
            self._last_sid += 1
            self._sids[subject] = self._last_sid
            self._subjects[self._last_sid] = subject
            if self._greeted is not None:
                self._greeted.subscribe(self._last_sid, subject)

    def withdraw(self, subject: str) -> None:
        sid = self._sids.pop(subject, 0)
        self._hear.pop(subject, None)
        self._answer.pop(subject, None)
        if self._subjects.pop(sid, None) and self._greeted is not None:
            self._greeted.unsubscribe(sid)

    def heard(self, sid: int, subject: str, reply: str, data: bytes) -> None:
        if sid == 1:
            self._waiting.succeed(_number_in(subject), data)
            return
        wanted = self._subjects.get(sid, "")
        try:
            if reply and wanted in self._answer:
                self._reply(reply, self._answer[wanted](data))
            elif wanted in self._hear:
                self._hear[wanted](data)
        except Exception:  # A message that nobody understands must not end the connection.
            self.log.failure("A message of {subject} could not be taken", subject=wanted)

    def _reply(self, reply: str, answer: bytes | Deferred[bytes]) -> None:
        if isinstance(answer, Deferred):
            answer.addCallback(partial(self.publish, reply))
            answer.addErrback(partial(self.log.failure, "A question could not be answered"))
        else:
            self.publish(reply, answer)

    def nobody(self, subject: str) -> None:
        self._waiting.fail(_number_in(subject), NoAnswer("nobody is there"))


def _number_in(subject: str) -> int:
    number = subject.rpartition(".")[2]
    return int(number) if number.isdecimal() else 0
