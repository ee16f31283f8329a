"""A server is alive if it asks its question, and ready if it can store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import DefaultOpenSSLContextFactory
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from granja.health import probes
from granja.health.probes import RETRY, Liveness, Readiness
from tests.support.certificates import make
from tests.support.logs import sentences

reactor: Any = installed


class Deaf(Protocol):
    """Takes connections and says nothing."""


class Awake(Protocol):
    def connectionMade(self) -> None:  # noqa: N802
        assert self.transport is not None
        self.transport.write(b"?\r\n")


class Rude(Protocol):
    def connectionMade(self) -> None:  # noqa: N802
        assert self.transport is not None
        self.transport.loseConnection()


class Alive(TestCase):
    timeout = 10.0

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

    async def test_who_hangs_up_without_a_word_is_not(self) -> None:
        """That is known at once."""
        self.patch(probes, "PATIENCE", 60)
        self.assertFalse(await self.look(Rude))

    async def test_a_farm_without_a_door_to_try_is(self) -> None:
        """It is enough that somebody answers this question."""
        self.assertTrue(await Liveness(reactor, []).look())

    async def test_at_a_unix_socket(self) -> None:
        for protocol, alive in ((Awake, True), (Rude, False)):
            port = reactor.listenUNIX(self.mktemp(), Factory.forProtocol(protocol))
            self.addCleanup(port.stopListening)
            self.assertEqual(await Liveness(reactor, [port]).look(), alive)

    async def test_by_tls_with_any_certificate(self) -> None:
        path = str(make("granja.example").put(Path(self.mktemp())))
        context = DefaultOpenSSLContextFactory(path, path)
        for protocol, alive in ((Awake, True), (Rude, False)):
            factory = Factory.forProtocol(protocol)
            port = reactor.listenSSL(0, factory, context, interface="127.0.0.1")
            self.addCleanup(port.stopListening)
            self.assertEqual(await Liveness(reactor, [port]).look(), alive)

    async def test_where_nobody_listens_nobody_is_alive(self) -> None:
        self.patch(probes, "PATIENCE", 60)
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

    def test_when_the_server_stops_it_tries_no_more(self) -> None:
        clock = Clock()
        ready = Readiness(clock, lambda: "stopping", Deferred)
        ready.start()
        self.assertEqual(ready.look(), "stopping")
        ready.stop()
        self.assertEqual(clock.getDelayedCalls(), [])
