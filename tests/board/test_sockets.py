"""The board on real sockets, with the kernel's own buffers between it and its listeners."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from OpenSSL.SSL import Error
from twisted.internet import reactor as real_reactor, ssl, tcp
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from granja.board.board import Board, Listener
from granja.contract.messages import GOODBYE, Arrived, Notice
from granja.reactor.half_close import close_by_halves
from granja.reactor.sending import DirectWire, SecureWire, SharedWire, TransportWire, wire
from tests.support.certificates import make
from tests.support.wiring import HeldReader

reactor: Any = real_reactor
TEXT = "¡hola! " * 20


class End(Protocol):
    """The server's end of a connection: hears the talk from the beginning."""

    transport: Any

    def __init__(self, board: Board, seated: Callable[[Listener], object]) -> None:
        self.board = board
        self.seated = seated

    def connectionMade(self) -> None:  # noqa: N802
        base = getattr(self.transport, "transport", self.transport)
        base.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.listener = self.board.listen(self.transport, HeldReader())
        self.board.join(self.listener)
        self.seated(self.listener)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self.listener.lost()


class Client(Protocol):
    """The other end of a connection, which reads only when the test says so."""

    transport: Any

    def __init__(self) -> None:
        self.made: Deferred[None] = Deferred()
        self.read = bytearray()
        self.ended: Deferred[bytes] = Deferred()

    def connectionMade(self) -> None:  # noqa: N802
        self.transport.pauseProducing()
        self.made.callback(None)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self.read += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self.ended.callback(bytes(self.read))


class Calling(ClientFactory):
    noisy = False

    def __init__(self, client: Client) -> None:
        self.client = client

    def buildProtocol(self, addr: object) -> Client:  # noqa: N802
        return self.client


class SharedTransport:
    """Like the transport that a WebSocket's adapter shares with its wire: others write to it
    too."""

    disconnecting = False

    def __init__(self, below: tcp.Connection) -> None:
        self.transport = below

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:  # noqa: N802
        self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:  # noqa: N802
        self.transport.unregisterProducer()

    def loseConnection(self) -> None:  # noqa: N802
        self.transport.loseConnection()


class SocketTests(TestCase):
    timeout = 60
    #: Whether TLS is ours, or Twisted's.
    by_halves = False

    def setUp(self) -> None:
        self.board = Board(reactor)
        self.listeners: list[Listener] = []
        self.seated: Deferred[Listener] = Deferred()
        self.changes = 0

    def serve(self, context: Any = None) -> int:
        factory = Factory.forProtocol(lambda: End(self.board, self.take))
        factory.noisy = False
        if context is None:
            port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        else:
            port = reactor.listenSSL(0, factory, context, interface="127.0.0.1")
            if self.by_halves:
                close_by_halves(port, self.count)
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    def count(self) -> None:
        """A connection by TLS has ended its handshake, or is gone."""
        self.changes += 1

    def take(self, listener: Listener) -> None:
        self.listeners.append(listener)
        waiting, self.seated = self.seated, Deferred()
        waiting.callback(listener)

    async def sits_down(self, port: int, context: Any = None) -> tuple[Listener, Client]:
        client, seated = Client(), self.seated
        if context is None:
            reactor.connectTCP("127.0.0.1", port, Calling(client))
        else:
            reactor.connectSSL("127.0.0.1", port, Calling(client), context)
        await client.made
        return await seated, client

    async def hears_everything(self, listener: Listener, client: Client) -> None:
        """Talk and replies come, more than any buffer holds, then the end.  Only then the client
        reads."""
        expected = bytearray()
        for number in range(3000):
            arrived, notice = Arrived(f"{number} {TEXT}"), Notice("x", f"{number} {TEXT}")
            if number % 7:
                self.board.announce(arrived)
            else:
                listener.tell(notice)
            expected += (arrived if number % 7 else notice).line().encode() + b"\r\n"
        listener.tell(GOODBYE)
        listener.close()
        self.board.flush()
        self.assertTrue(listener.pending)
        client.transport.resumeProducing()
        read = await client.ended
        self.assertEqual(read, bytes(expected) + GOODBYE.line().encode() + b"\r\n")

    async def test_a_full_socket_keeps_the_order(self) -> None:
        listener, client = await self.sits_down(self.serve())
        self.assertIsInstance(listener.wire, DirectWire)
        await self.hears_everything(listener, client)

    async def secured(self) -> tuple[Listener, Client]:
        path = make("localhost").put(Path(self.mktemp()))
        context = ssl.DefaultOpenSSLContextFactory(str(path), str(path))
        return await self.sits_down(self.serve(context), ssl.ClientContextFactory())

    async def test_another_tls_goes_the_way_of_the_transport(self) -> None:
        """Nothing is ever sent on the socket beside the encryption."""
        listener, client = await self.secured()
        self.assertIs(type(listener.wire), TransportWire)
        await self.hears_everything(listener, client)

    async def test_tls_keeps_the_order(self) -> None:
        """This includes bytes before the handshake, and bytes that the socket does not take."""
        self.by_halves = True
        listener, client = await self.secured()
        self.assertIsInstance(listener.wire, SecureWire)
        await self.hears_everything(listener, client)

    async def shaken(self) -> tuple[Any, Listener, Client]:
        """TLS after its handshake, with the first word already read."""
        self.by_halves = True
        listener, client = await self.secured()
        client.transport.resumeProducing()
        listener.wire.send(b".")
        while not client.read:
            await deferLater(reactor, 0.001, lambda: None)
        client.read.clear()
        return listener.transport, listener, client

    async def test_what_others_write_by_tls_keeps_its_place(self) -> None:
        """This holds if the socket takes little, and if a gathering of bytes comes between."""
        tls, listener, client = await self.shaken()
        client.transport.pauseProducing()
        wanted, full = bytearray(), False
        for number in range(400):
            frame = b"%06d" % number * 1_000
            if listener.wire.send(frame):
                wanted += frame
            else:
                full = True
            if number % 3 == 0:
                pong = b"<pong %d>" % number
                tls.write(pong)
                wanted += pong
        self.assertTrue(full, "the socket took everything: nothing was tried")
        client.transport.resumeProducing()
        listener.wire.lose()
        self.assertEqual(await client.ended, bytes(wanted))

    async def test_tls_with_nothing_to_write_is_not_asked(self) -> None:
        """One send for each line: no timer, and not the transport, which asks the reactor twice."""
        tls, listener, client = await self.shaken()
        written: list[bytes] = []
        self.patch(tls.transport, "write", written.append)
        self.patch(tls, "write", written.append)
        assert isinstance(listener.wire, SecureWire)
        sends, real = 0, listener.wire._send

        def send(data: bytes | memoryview) -> int:
            nonlocal sends
            sends += 1
            return int(real(data))

        listener.wire._send = send
        for size in (4, 1_000):
            self.assertEqual(listener.wire.send(b"x" * size), size)
        self.assertEqual((written, sends), ([], 2))
        while len(client.read) < 1_004:
            await deferLater(reactor, 0.001, lambda: None)
        self.assertEqual(client.read, b"x" * 1_004)
        self.assertEqual(self.changes, 1)
        client.transport.abortConnection()
        await client.ended
        while self.changes != 2:
            await deferLater(reactor, 0.001, lambda: None)

    async def test_records_that_cannot_be_made_end_only_their_connection(self) -> None:
        class Broken:
            ready = True

            def seal(self, data: bytes) -> bytes:
                raise Error([("SSL routines", "", "internal error")])

        _, listener, client = await self.shaken()
        assert isinstance(listener.wire, SecureWire)
        self.patch(listener.wire, "_records", Broken())
        self.assertEqual(listener.wire.send(b"hola"), 4)
        self.assertEqual(await client.ended, b"")
        self.assertEqual(self.flushLoggedErrors(), [])

    async def test_nobody_waits_for_a_packet_to_fill(self) -> None:
        """TCP_NODELAY: a single line goes at once, also with one on its way."""
        listener, client = await self.sits_down(self.serve())
        self.assertTrue(listener.transport.getTcpNoDelay())
        listener.close()
        client.transport.resumeProducing()
        await client.ended

    async def test_a_peer_that_resets_hurts_nobody(self) -> None:
        """The flush goes on for the others, and the connection is lost as any other."""
        port = self.serve()
        gone, gone_client = await self.sits_down(port)
        stays, client = await self.sits_down(port)
        self.assertEqual((gone.is_cut(), stays.is_cut()), (False, False))
        gone_client.transport.abortConnection()
        await gone_client.ended
        self.assertEqual((gone.is_cut(), stays.is_cut()), (True, False))
        for number in range(10):
            self.board.announce(Arrived(str(number)))
            self.board.flush()
        stays.close()
        client.transport.resumeProducing()
        self.assertEqual(len((await client.ended).splitlines()), 10)
        self.assertNotIn(gone, self.board.groups[0].listeners)

    # -- a WebSocket over plain TCP: a send on the socket, and pongs that others write

    async def wired(self) -> tuple[Any, SharedTransport, Client]:
        listener, client = await self.sits_down(self.serve())
        shared = SharedTransport(listener.transport)
        made = wire(shared, True, listener)
        assert isinstance(made, SharedWire)
        return made, shared, client

    async def test_what_others_write_keeps_its_place(self) -> None:
        """Even if the socket takes little, each byte leaves in the order in which it came."""
        made, shared, client = await self.wired()
        client.transport.pauseProducing()
        wanted, full = bytearray(), False
        for number in range(400):
            frame = b"%06d" % number * 1_000
            if made.send(frame):
                wanted += frame
            else:
                full = True
            pong = b"<pong %d>" % number
            shared.write(pong)
            wanted += pong
        self.assertTrue(full, "the socket took everything: nothing was tried")
        client.transport.resumeProducing()
        made.lose()
        self.assertEqual(await client.ended, bytes(wanted))

    async def test_an_idle_transport_is_not_asked(self) -> None:
        """There is one send only.  The transport would ask the reactor twice."""
        made, shared, client = await self.wired()
        written: list[bytes] = []
        self.patch(shared, "write", written.append)
        self.assertEqual(made.send(b"hola"), 4)
        self.assertEqual(written, [])
        made.lose()
        client.transport.resumeProducing()
        self.assertEqual(await client.ended, b"hola")
