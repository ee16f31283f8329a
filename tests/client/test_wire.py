"""The terminal client's connections: TCP and TLS, certificates, and half-close."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from granja.client import connect, sentences as notes, wire
from granja.client.arguments import Address
from granja.client.connect import open_wire
from granja.client.wire import CHUNK, Wire
from tests.support.certificates import make
from tests.support.folders import folder_for

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def talk_to(
    serve: Serve,
    visit: Callable[[Wire], Awaitable[None]],
    server: ssl.SSLContext | None = None,
    client: ssl.SSLContext | None = None,
) -> None:
    """Serve one connection with ``serve`` while the client makes its ``visit``."""
    served: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
            writer.close()
            await writer.wait_closed()
        except OSError:
            writer.transport.abort()
        served.set_result(None)

    async with asyncio.timeout(10):
        listening = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=server)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            visiting = await open_wire(Address("127.0.0.1", port), client)
            try:
                await visit(visiting)
            finally:
                await visiting.close()
            await served


async def all_of(visiting: Wire) -> bytes:
    heard = bytearray()
    while data := await visiting.read():
        heard += data
    return bytes(heard)


async def after_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers only when the client has said all, and then at length."""
    said = await reader.read()
    writer.write(said * 3 + b"x" * 200_000)
    await writer.drain()


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = folder_for(self)

    def contexts(self, pem: Path, trusted: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(pem)
        return server, ssl.create_default_context(cafile=str(trusted))


class TCP(Case):
    def test_replies_after_the_half_close(self) -> None:
        """``printf … | granja`` loses no reply."""

        async def visit(visiting: Wire) -> None:
            await visiting.write(b"hola\n")
            await visiting.finish()
            self.assertEqual(await all_of(visiting), b"hola\n" * 3 + b"x" * 200_000)

        asyncio.run(talk_to(after_the_end, visit))

    def test_a_server_that_never_reads(self) -> None:
        """Leaving takes seconds, not for ever."""
        self.patch(wire, "PARTING", 0.05)
        done = asyncio.Event()

        async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            reader._transport.pause_reading()  # type: ignore[attr-defined]
            await done.wait()

        async def visit(visiting: Wire) -> None:
            writing = asyncio.create_task(visiting.write(b"x" * 50_000_000))
            await asyncio.sleep(0)
            await visiting.close()
            await asyncio.wait({writing})
            done.set()

        asyncio.run(talk_to(deaf, visit))

    def test_a_server_that_does_not_answer(self) -> None:
        """A handshake that never comes is given up."""
        self.patch(connect, "PATIENCE", 0.05)

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        async def visit(visiting: Wire) -> None: ...

        with self.assertRaises(TimeoutError):
            asyncio.run(talk_to(silent, visit, client=ssl.create_default_context()))


class TLS(Case):
    def test_a_conversation(self) -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(3):
                writer.write(await reader.readline())
                await writer.drain()

        async def visit(visiting: Wire) -> None:
            for line in (b"uno\n", b"dos\n", b"tres\n"):
                await visiting.write(line)
                self.assertEqual(await visiting.read(), line)
            self.assertEqual(await visiting.read(), b"")

        pem = make("127.0.0.1").put(self.folder / "granja.pem")
        asyncio.run(talk_to(echo, visit, *self.contexts(pem, pem)))

    def test_replies_after_the_half_close(self) -> None:
        """A ``close_notify`` ends one way only (RFC 8446 §6.1): what comes back is not lost."""
        pem = make("127.0.0.1").put(self.folder / "granja.pem")
        server, client = self.contexts(pem, pem)
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)

        def serve() -> None:
            # A blocking socket, because asyncio's TLS cannot be half closed.
            with server.wrap_socket(listening.accept()[0], server_side=True) as connection:
                said = bytearray()
                while data := connection.recv(CHUNK):
                    said += data
                connection.sendall(said * 3 + b"x" * 200_000)
                connection.unwrap()

        async def visit() -> bytes:
            async with asyncio.timeout(10):
                serving = asyncio.create_task(asyncio.to_thread(serve))
                address = Address("127.0.0.1", listening.getsockname()[1])
                visiting = await open_wire(address, client)
                await visiting.write(b"hola\n")
                await visiting.finish()
                heard = await all_of(visiting)
                await visiting.close()
                await serving
                return heard

        self.assertEqual(asyncio.run(visit()), b"hola\n" * 3 + b"x" * 200_000)

    def refused(self, pem: Path, trusted: Path) -> str:
        """The sentence for a certificate that the client must not accept."""

        async def visit(visiting: Wire) -> None:
            self.fail("accepted")

        with self.assertRaises(ssl.SSLError) as caught:
            asyncio.run(talk_to(after_the_end, visit, *self.contexts(pem, trusted)))
        return notes.explain(caught.exception, Address("127.0.0.1"))

    def test_an_unknown_certificate(self) -> None:
        pem = make("127.0.0.1").put(self.folder / "granja.pem")
        other = make("127.0.0.1").put(self.folder / "otra.pem")
        said = self.refused(pem, other)
        self.assertIn("No confío en el certificado de 127.0.0.1:5555", said)
        self.assertIn("--cafile", said)

    def test_somebody_elses_certificate(self) -> None:
        pem = make("192.0.2.1").put(self.folder / "granja.pem")
        self.assertIn("es de otro servidor, no de 127.0.0.1", self.refused(pem, pem))

    def test_an_expired_certificate(self) -> None:
        pem = make("127.0.0.1", days=-1).put(self.folder / "granja.pem")
        self.assertIn("está vencido", self.refused(pem, pem))

    def test_no_tls_there(self) -> None:
        async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"[SERVER] Ingresa tu nombre:\r\n")
            await reader.read()

        async def visit(visiting: Wire) -> None:
            self.fail("accepted")

        with self.assertRaises(ssl.SSLError) as caught:
            asyncio.run(talk_to(plain, visit, client=ssl.create_default_context()))
        said = notes.explain(caught.exception, Address("127.0.0.1"))
        self.assertIn("no habla TLS", said)

    def test_a_connection_that_is_cut(self) -> None:
        """An end without the server's goodbye may hide lost replies: it is no end but a break."""

        async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            # Some versions of asyncio say goodbye even when they are told to abort.
            writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

        async def visit(visiting: Wire) -> None:
            await visiting.write(b"hola\n")
            with self.assertRaises(OSError):
                await all_of(visiting)

        pem = make("127.0.0.1").put(self.folder / "granja.pem")
        asyncio.run(talk_to(cut, visit, *self.contexts(pem, pem)))
