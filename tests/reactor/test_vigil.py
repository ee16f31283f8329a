"""The server tells slow readers from dead peers (PROTOCOL §6)."""

from __future__ import annotations

import socket
import struct
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from granja.reactor.sockets import SILENCE, account_of
from granja.reactor.vigil import MORE_TIME, PERIOD, SLICE, Vigil
from tests.support.wiring import ManualReactor, NarrowConnection

reactor: Any = installed


class Watched(NarrowConnection):
    """The test chooses what its kernel says.  ``granted`` holds its user timeouts, in seconds."""

    def __init__(self) -> None:
        super().__init__(ManualReactor(), 0, lambda: None)
        self.unsent = self.in_flight = self.unanswered = 0
        self.heard = 0.0
        self.granted: list[float] = []
        self.aborted = False
        self.narrow.getsockopt = self._tell  # type: ignore[method-assign]
        self.narrow.setsockopt = self._take  # type: ignore[method-assign]

    def _tell(self, level: int, name: int, size: int) -> bytes:
        info = bytearray(size)
        info[3] = self.unanswered
        struct.pack_into("=I", info, 24, self.in_flight)
        struct.pack_into("=I", info, 56, int(1000 * self.heard))
        struct.pack_into("=I", info, 144, self.unsent)
        return bytes(info)

    def _take(self, *option: object) -> None:
        level, name, value = option
        assert (level, name) == (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        assert isinstance(value, int)
        self.granted.append(value / 1000)

    def abortConnection(self) -> None:  # noqa: N802
        self.aborted = True


class Looking(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.ana = Watched()
        self.people: list[Any] = [self.ana]
        self.vigil = Vigil(self.clock, lambda: self.people)

    def pass_rounds(self, count: int) -> None:
        for _ in range(count):
            self.clock.advance(PERIOD)

    def test_who_takes_all_is_left_alone(self) -> None:
        self.pass_rounds(20)
        self.assertEqual((self.ana.granted, self.ana.aborted), ([], False))

    def test_who_answers_has_more_time_as_long_as_something_waits(self) -> None:
        self.ana.unsent, self.ana.heard = 5000, SILENCE - 1
        self.pass_rounds(20)
        self.assertEqual(self.ana.granted[0], SILENCE)
        self.assertEqual(self.ana.granted[-1], 19 * PERIOD + MORE_TIME)
        self.assertFalse(self.ana.aborted)
        self.ana.unsent = 0
        self.pass_rounds(2)
        self.assertEqual((len(self.ana.granted), self.ana.granted[-1]), (21, SILENCE))

    def test_who_does_not_answer_is_gone(self) -> None:
        for attribute in ("in_flight", "unanswered"):
            beto = Watched()
            self.people.append(beto)
            beto.unsent, beto.heard = 5000, SILENCE
            self.pass_rounds(1)
            self.assertFalse(beto.aborted)  # It was not asked yet.
            setattr(beto, attribute, 1)
            self.pass_rounds(1)
            self.assertTrue(beto.aborted)

    def test_many_are_looked_at_some_at_a_time(self) -> None:
        crowd = [Watched() for _ in range(3 * SLICE)]
        for one in crowd:
            one.unsent = 1
        self.people[:] = crowd
        waits: list[float] = []
        call_later = self.clock.callLater

        def note(seconds: float, *call: Any) -> Any:
            waits.append(seconds)
            return call_later(seconds, *call)

        self.patch(self.clock, "callLater", note)
        self.clock.advance(PERIOD)
        self.assertEqual(waits, [0, 0, PERIOD])
        self.assertEqual([len(one.granted) for one in crowd], [1] * len(crowd))

    def test_what_is_no_connection_is_passed_over(self) -> None:
        gone = Watched()
        gone.connected = 0
        self.people += [object(), gone]
        self.pass_rounds(2)
        self.vigil.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class TheKernel(TestCase):
    async def test_it_says_what_a_peer_has_taken(self) -> None:
        made: Deferred[Any] = Deferred()
        factory = ServerFactory()
        factory.noisy = False
        factory.buildProtocol = lambda address: protocol  # type: ignore[assignment,method-assign]
        protocol = Protocol()
        protocol.connectionMade = lambda: made.callback(protocol)  # type: ignore[method-assign]
        port: Any = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        heard: Deferred[None] = Deferred()
        lost: Deferred[None] = Deferred()
        visitor = Protocol()
        visitor.dataReceived = lambda data: heard.callback(None)  # type: ignore[method-assign]
        visitor.connectionLost = lambda reason: lost.callback(None)  # type: ignore[assignment,method-assign,misc]
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        await connectProtocol(endpoint, visitor)
        await made
        transport: Any = protocol.transport
        before = account_of(transport)
        transport.write(b"hola")
        await heard
        after = account_of(transport)
        assert before is not None
        assert after is not None
        self.assertEqual(after.acknowledged - before.acknowledged, 4)
        self.assertEqual((after.in_flight, after.unsent, after.unanswered), (0, 0, 0))
        self.assertLess(after.heard, 30)
        transport.abortConnection()
        await lost
        self.assertIsNone(account_of(transport))
