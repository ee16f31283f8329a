"""Reading from many connections at once, over real sockets."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from granja.reactor import reading as intake
from granja.reactor.reading import Intake

reactor: Any = installed


class Echo(Protocol):
    """Says again what it hears, and breaks when it hears a bang."""

    def __init__(self, heard: list[bytes]) -> None:
        self.heard = heard
        self.ended: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self.heard.append(data)
        if data == b"bang":
            raise ZeroDivisionError
        assert self.transport is not None
        self.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self.ended.callback(None)


@implementer(IHalfCloseableProtocol)
class PatientEcho(Echo):
    """Has a last word when the other side has finished."""

    def readConnectionLost(self) -> None:  # noqa: N802
        assert self.transport is not None
        self.transport.write(b"bye")
        self.transport.loseConnection()

    def writeConnectionLost(self) -> None:  # noqa: N802
        """Ignore it."""


class WaitingEcho(PatientEcho):
    """Has still much to do when the other side has finished."""

    finished: ClassVar[Deferred[None]]

    def connectionMade(self) -> None:  # noqa: N802
        WaitingEcho.finished = Deferred()

    def readConnectionLost(self) -> None:  # noqa: N802
        self.finished.callback(None)


class SickEcho(Echo):
    """Fails when it ends."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        super().connectionLost(reason)
        raise ZeroDivisionError


class Visitor(Protocol):
    """Keeps what it hears.  ``ended`` fires with all of it at the end of the connection."""

    def __init__(self) -> None:
        self.heard = b""
        self.ended: Deferred[bytes] = Deferred()
        self._waits: tuple[bytes, Deferred[None]] | None = None

    def hears(self, data: bytes) -> Deferred[None]:
        heard: Deferred[None] = Deferred()
        self._waits = (data, heard)
        return heard

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self.heard += data
        if self._waits is not None and self.heard == self._waits[0]:
            (_, heard), self._waits = self._waits, None
            heard.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self.ended.callback(self.heard)


class IntakeTests(TestCase):
    def setUp(self) -> None:
        self.said: list[str] = []
        self.intake = Intake(reactor, reactor.seconds, self.said.append)
        self.addCleanup(self.intake.close)
        self.echoes: list[Echo] = []
        self.heard: list[bytes] = []
        self.kind: type[Echo] = Echo
        factory = ServerFactory()
        factory.buildProtocol = self.build  # type: ignore[assignment,method-assign]
        factory.noisy = False
        self.port: Any = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)
        self.intake.serve(self.port)

    def build(self, address: object) -> Echo:
        self.echoes.append(self.kind(self.heard))
        return self.echoes[-1]

    async def visit(self) -> Visitor:
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        visitor: Visitor = await connectProtocol(endpoint, Visitor())
        return visitor

    async def leave(self, *visitors: Visitor) -> None:
        for visitor in visitors:
            visitor.transport.loseConnection()  # type: ignore[union-attr]
        await gatherResults([echo.ended for echo in self.echoes if not echo.ended.called])

    async def test_everybody_is_read_however_many_there_are(self) -> None:
        self.patch(intake, "MOST_AT_ONCE", 2)
        visitors = [await self.visit() for _ in range(7)]
        heard = gatherResults([visitor.hears(b"hola") for visitor in visitors])
        for visitor in visitors:
            visitor.transport.write(b"hola")  # type: ignore[union-attr]
        await heard
        self.assertEqual(self.heard, [b"hola"] * 7)
        await self.leave(*visitors)

    async def test_nobody_is_forgotten_when_each_has_much_to_say(self) -> None:
        """The time is over after each look.  A connection that we did not read comes first next
        time."""
        self.patch(intake, "MOST_AT_ONCE", 2)
        self.intake._time = itertools.count(step=1.0).__next__
        visitors = [await self.visit() for _ in range(7)]
        heard = gatherResults([visitor.hears(b"hola" * 3) for visitor in visitors])
        for _ in range(3):
            for visitor in visitors:
                visitor.transport.write(b"hola")  # type: ignore[union-attr]
        await heard
        await self.leave(*visitors)

    async def test_one_that_fails_is_closed_and_the_others_are_not(self) -> None:
        ana, beto = await self.visit(), await self.visit()
        ana.transport.write(b"bang")  # type: ignore[union-attr]
        self.assertEqual(await ana.ended, b"")
        self.assertEqual(self.flushLoggedErrors(ZeroDivisionError), [])
        self.assertIn("ZeroDivisionError()", self.said[0])  # a line, no traceback
        heard = beto.hears(b"hola")
        beto.transport.write(b"hola")  # type: ignore[union-attr]
        await heard
        await self.leave(beto)

    async def test_one_that_cannot_end_takes_nobody_along(self) -> None:
        """An exception at the end of a connection is that connection's alone."""
        self.kind = SickEcho
        ana = await self.visit()
        heard = ana.hears(b"hola")
        ana.transport.write(b"hola")  # type: ignore[union-attr]
        await heard
        self.kind = Echo
        beto = await self.visit()
        ana.transport.loseConnection()  # type: ignore[union-attr]
        self.assertEqual(await ana.ended, b"hola")
        await self.echoes[0].ended
        heard = beto.hears(b"hola")
        beto.transport.write(b"hola")  # type: ignore[union-attr]
        await heard
        newcomer = await self.visit()
        await self.leave(beto, newcomer)

    async def test_nobody_is_read_who_is_paused(self) -> None:
        ana, beto = await self.visit(), await self.visit()
        first = self.echoes[0].transport
        first.pauseProducing()  # type: ignore[union-attr]
        ana.transport.write(b"later")  # type: ignore[union-attr]
        heard = beto.hears(b"hola")
        beto.transport.write(b"hola")  # type: ignore[union-attr]
        await heard
        self.assertEqual(self.heard, [b"hola"])
        heard = ana.hears(b"later")
        first.resumeProducing()  # type: ignore[union-attr]
        await heard
        await self.leave(ana, beto)

    async def test_who_has_finished_sending_hears_the_last_word(self) -> None:
        """A half-close (PROTOCOL §1)."""
        self.kind = PatientEcho
        ana = await self.visit()
        ana.transport.loseWriteConnection()  # type: ignore[union-attr]
        self.assertEqual(await ana.ended, b"bye")
        await self.leave()

    async def test_who_resets_the_connection_is_gone_also_while_nobody_reads(self) -> None:
        """PROTOCOL §6: whatever still waited to be obeyed."""
        ana, beto = await self.visit(), await self.visit()
        ana.transport.write(b"later")  # type: ignore[union-attr]
        for echo in self.echoes:
            echo.transport.pauseProducing()  # type: ignore[union-attr]
        ana.transport.abortConnection()  # type: ignore[union-attr]
        await self.echoes[0].ended
        self.assertEqual((self.heard, self.echoes[1].ended.called), ([], False))
        self.echoes[1].transport.resumeProducing()  # type: ignore[union-attr]
        await self.leave(beto)

    async def test_who_resets_after_a_half_close_is_gone(self) -> None:
        self.kind = WaitingEcho
        ana = await self.visit()
        ana.transport.loseWriteConnection()  # type: ignore[union-attr]
        await WaitingEcho.finished
        ana.transport.abortConnection()  # type: ignore[union-attr]
        await self.leave()

    async def test_who_resets_the_connection_is_gone(self) -> None:
        ana = await self.visit()
        ana.transport.abortConnection()  # type: ignore[union-attr]
        await self.leave()
        self.assertEqual(list(self.intake._readers.values()), [self.port])
