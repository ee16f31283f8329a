"""A server is alive if it asks its question, and ready if it can store."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from granja.health import probes
from granja.health.probes import RETRY, Liveness, Readiness
from tests.support.logs import sentences

reactor: Any = installed


class Deaf(Protocol):
    """Takes connections and says nothing."""


class Awake(Protocol):
    def connectionMade(self) -> None:  # noqa: N802
        assert self.transport is not None
        self.transport.write(b"?\r\n")


class Alive(TestCase):
    async def look(self, protocol: type[Protocol]) -> bool:
        port = reactor.listenTCP(0, Factory.forProtocol(protocol), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return await Liveness(reactor, [port]).look()

    async def test_who_gives_the_question_is_alive(self) -> None:
        self.assertTrue(await self.look(Awake))

    async def test_it_stands_in_no_log(self) -> None:
        """Machines ask again and again."""
        said = sentences(self, "")
        self.assertTrue(await self.look(Awake))
        whole = " ".join(said)
        self.assertNotIn("Starting factory <granja.health", whole)
        self.assertNotIn("OneShotFactory", whole)

    async def test_who_takes_the_connection_and_is_deaf_is_not(self) -> None:
        self.patch(probes, "PATIENCE", 0.1)
        self.assertFalse(await self.look(Deaf))

    async def test_where_nobody_listens_nobody_is_alive(self) -> None:
        port = reactor.listenTCP(0, Factory.forProtocol(Awake), interface="127.0.0.1")
        liveness = Liveness(reactor, [port])
        door = liveness._door(port)
        self.patch(Liveness, "_door", lambda *_: door)
        await port.stopListening()
        self.assertFalse(await liveness.look())


class Ready(SynchronousTestCase):
    def test_it_tries_by_itself_until_it_works(self) -> None:
        """Nobody may come to store anything while the probe keeps them away."""
        clock, wrong, writes = Clock(), ["no room"], list[Deferred[None]]()

        def write() -> Deferred[None]:
            writes.append(Deferred())
            return writes[-1]

        ready = Readiness(clock, lambda: wrong[0] if wrong else None, write)
        self.assertEqual(ready.look(), "no room")
        clock.advance(RETRY)
        writes[0].callback(None)
        clock.advance(RETRY)
        wrong.clear()
        writes[1].callback(None)
        self.assertIsNone(ready.look())
        clock.advance(9 * RETRY)
        self.assertEqual((len(writes), clock.getDelayedCalls()), (2, []))
