"""Connections are counted by what they hold, and let go of it once."""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import reactor as installed, tcp
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, connectProtocol
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from granja.reactor.descriptors import (
    TURNED_AWAY,
    Descriptors,
    _counted,
    answers_at,
    count_descriptors,
    for_connections,
)

reactor: Any = installed


class Visitor(Protocol):
    """One end of a connection."""

    def __init__(self) -> None:
        self.ended: Deferred[None] = Deferred()

    def connectionLost(self, reason: Failure = ConnectionDone) -> None:  # type: ignore[assignment]  # noqa: N802
        self.ended.callback(None)


class Counting(TestCase):
    """Over TCP and unix sockets alike."""

    async def visit(self, address: str) -> Visitor:
        visitor = Visitor()
        await connectProtocol(clientFromString(reactor, address), visitor)
        return visitor

    async def counts(self, port: Any, address: str, served: list[Visitor]) -> None:
        descriptors = Descriptors(most=1)
        count_descriptors(port, descriptors)
        for _ in range(1 + TURNED_AWAY):
            await self.visit(address)
        while len(served) < 1 + TURNED_AWAY:
            await _a_turn()
        self.assertEqual(descriptors.held, 1 + TURNED_AWAY)
        self.assertTrue(descriptors.exceeded())
        await (await self.visit(address)).ended  # Closed at once, and nobody has answered.
        self.assertEqual(len(served), 1 + TURNED_AWAY)
        for one in served:
            one.transport.abortConnection()  # type: ignore[union-attr]
            await one.ended
        self.assertEqual(descriptors.held, 0)
        await port.stopListening()

    def factory(self, served: list[Visitor]) -> ServerFactory:
        class Answers(ServerFactory):
            noisy = False

            def buildProtocol(self, addr: object) -> Visitor:  # noqa: N802
                served.append(Visitor())
                return served[-1]

        return Answers()

    async def test_tcp(self) -> None:
        served: list[Visitor] = []
        port = reactor.listenTCP(0, self.factory(served), interface="127.0.0.1")
        answers = port.factory
        await self.counts(port, f"tcp:127.0.0.1:{port.getHost().port}", served)
        self.assertIs(answers_at(port), answers)

    async def test_unix(self) -> None:
        path = self.mktemp()
        served: list[Visitor] = []
        port = reactor.listenUNIX(path, self.factory(served))
        await self.counts(port, f"unix:{path}", served)


class HowMany(SynchronousTestCase):
    def test_some_are_kept_for_files(self) -> None:
        most = for_connections()
        assert most is not None
        self.assertGreater(most, 0)

    def test_without_a_bound_nothing_is_too_much(self) -> None:
        self.assertFalse(Descriptors(held=1_000_000).exceeded())


def _a_turn() -> Deferred[None]:
    done: Deferred[None] = Deferred()
    reactor.callLater(0, done.callback, None)
    return done


class Memory(SynchronousTestCase):
    def test_what_a_connection_learns_late_costs_it_no_table_of_its_own(self) -> None:
        kind = _counted(tcp.Server, Descriptors())
        crowd = [kind.__new__(kind) for _ in range(100)]
        for connection in crowd:
            for name in ("reactor", "socket", "fileno", "protocol", "hostname", "connected"):
                setattr(connection, name, None)
        late = crowd[-1]
        before = sys.getsizeof(vars(late))
        late.dataBuffer, late.offset = b"", 0
        late.registerProducer(None, True)
        late.unregisterProducer()
        self.assertLess(sys.getsizeof(vars(late)) - before, 100)
