"""What a NATS server says, line by line, and what no server should say."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from granja.bus.interface import NoAnswer
from granja.bus.nats_protocol import LONGEST_LINE, MOST_WAITING, PING, NatsProtocol
from granja.bus.open import open_bus
from granja.bus.url import read_bus
from granja.contract.errors import ConfigurationError

INFO = b'INFO {"server_id":"x","headers":true,"max_payload":1048576}\r\n'


class Wire(StringTransport):
    """A connection that remembers whether it was cut, and what the system was asked for."""

    cut = no_delay = keep_alive = False

    def setTcpNoDelay(self, enabled: bool) -> None:  # noqa: N802
        self.no_delay = enabled

    def setTcpKeepAlive(self, enabled: bool) -> None:  # noqa: N802
        self.keep_alive = enabled

    def abortConnection(self) -> None:  # noqa: N802
        self.cut = True


class Owner:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def greeted(self, protocol: NatsProtocol) -> None:
        protocol.subscribe(7, "granja.talk")

    def connected(self, protocol: NatsProtocol) -> None:
        self.told.append(("connected",))

    def heard(self, sid: int, subject: str, reply: str, data: bytes) -> None:
        self.told.append((sid, subject, reply, data))

    def nobody(self, subject: str) -> None:
        self.told.append(("nobody", subject))

    def lost(self, protocol: NatsProtocol, why: str) -> None:
        self.told.append(("lost", why))


class ProtocolCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.owner, self.wire = Clock(), Owner(), Wire()
        login = {"auth_token": "s3creta"}
        self.protocol = NatsProtocol(self.clock, self.owner, "a test", login, None)
        self.protocol.makeConnection(self.wire)

    def says(self, *data: bytes) -> bytes:
        """The server says it, and what we say then."""
        self.wire.clear()
        for piece in data:
            self.protocol.dataReceived(piece)
        said: bytes = self.wire.value()
        return said


class Talking(ProtocolCase):
    def test_who_we_are_what_we_hear_and_whether_that_will_do(self) -> None:
        """All of it goes out at once.  The bus is up when the answer to the ping comes."""
        said = self.says(INFO).split(b"\r\n")
        connect = json.loads(said[0].removeprefix(b"CONNECT "))
        self.assertEqual((connect["auth_token"], connect["echo"]), ("s3creta", False))
        self.assertEqual((connect["verbose"], connect["pedantic"]), (False, False))
        self.assertEqual(said[1:], [b"SUB granja.talk 7", b"PING", b""])
        self.assertEqual(self.owner.told, [])
        self.says(b"PONG\r\n", b"PONG\r\n")
        self.assertEqual(self.owner.told, [("connected",)])

    def test_the_connection(self) -> None:
        """Nothing waits for more; a dead one is found out; and it says when it takes nothing."""
        self.assertTrue(self.wire.no_delay and self.wire.keep_alive)
        self.says(INFO)
        self.assertEqual((self.wire.producer, self.wire.streaming), (self.protocol, True))

    def test_messages_with_headers(self) -> None:
        """We read only whether nobody is there."""
        head = b"NATS/1.0 503 No Responders\r\n\r\n"
        other = b"NATS/1.0\r\nA: 503\r\n\r\n"
        self.says(INFO, b"PONG\r\n")
        self.says(b"HMSG _INBOX.x.1 1 %d %d\r\n%b\r\n" % (len(head), len(head), head))
        self.says(b"HMSG a.b 7 %d %d\r\n%bhola\r\n" % (len(other), len(other) + 4, other))
        heard = [("nobody", "_INBOX.x.1"), (7, "a.b", "", b"hola")]
        self.assertEqual(self.owner.told[1:], heard)

    def test_why_the_connection_is_over(self) -> None:
        """The first reason counts."""
        self.says(INFO, b"-ERR 'Stale Connection'\r\nHELLO\r\n")
        self.says(b"HELLO\r\n")
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.owner.told, [("lost", "it says: Stale Connection")])
        self.setUp()
        self.says(INFO, b"PONG\r\n")
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.owner.told[-1], ("lost", "Connection was closed cleanly"))
        self.clock.advance(2 * PING)
        self.assertFalse(self.wire.cut)

    def test_it_closes(self) -> None:
        """It says when that is done, to whoever asks."""
        self.says(INFO, b"PONG\r\n")
        closed, again = self.protocol.close(), self.protocol.close()
        self.assertTrue(self.wire.disconnecting)
        self.assertNoResult(closed)
        self.protocol.connectionLost(Failure(ConnectionDone()))
        for done in {id(closed): closed, id(again): again}.values():
            self.successResultOf(done)

    def test_messages_in_pieces(self) -> None:
        """This holds for any segments with any bytes."""
        stream = INFO + b"PONG\r\nMSG granja.talk 7 5\r\nA\r\nB\n\r\nMSG a.b 7 _INBOX.x.1 0\r\n\r\n"
        stream += b"HMSG _INBOX.x.2 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n+OK\r\nPING\r\n"
        for size in (1, 2, 7, len(stream)):
            self.setUp()
            pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
            said = self.says(*pieces)
            heard = [(7, "granja.talk", "", b"A\r\nB\n"), (7, "a.b", "_INBOX.x.1", b"")]
            expected = [("connected",), *heard, ("nobody", "_INBOX.x.2")]
            self.assertEqual(self.owner.told, expected, size)
            self.assertTrue(said.endswith(b"PONG\r\n"))

    def test_what_it_must_not_say(self) -> None:
        """The connection is over, with a reason and without a traceback."""
        for said in (
            b"HTTP/1.1 400 Bad Request\r\n",
            b"MSG a 1 1\r\n",
            b"INFO {\r\n",
            INFO + b"MSG a 7 -1\r\n",
            INFO + b"MSG a 7 99999999999\r\n",
            INFO + b"MSG a x 1\r\n",
            INFO + b"MSG\r\n",
            INFO + b"MSG a 7 1\r\nab\r\n",
            INFO + b"\xff\xfe\r\n",
            INFO + b"HELLO\r\n",
            INFO + b"\r\n",
            INFO + b"-ERR 'Authorization Violation'\r\n",
            b"x" * (LONGEST_LINE + 1),
            b'INFO {"tls_required":true}\r\n',
        ):
            self.setUp()
            self.says(said)
            self.assertTrue(self.wire.cut, said)
            self.protocol.connectionLost(Failure(ConnectionDone()))
            self.assertEqual(self.owner.told[-1][0], "lost")
            self.assertNotIn("s3creta", self.owner.told[-1][1])

    def test_what_is_only_about_one_subject(self) -> None:
        self.says(INFO, b"-ERR 'Permissions Violation for Publish to \"x\"'\r\n")
        self.assertFalse(self.wire.cut)

    def test_a_server_that_is_silent(self) -> None:
        """It is silent from the start, or after a while."""
        self.clock.advance(PING)
        self.assertTrue(self.wire.cut)
        self.setUp()
        self.says(INFO, b"PONG\r\n")
        self.wire.clear()
        self.clock.advance(PING)
        self.assertEqual((self.wire.cut, self.wire.value()), (False, b"PING\r\n"))
        self.says(b"PONG\r\n")
        self.clock.advance(PING)
        self.assertFalse(self.wire.cut)
        self.clock.advance(PING)
        self.assertTrue(self.wire.cut)

    def test_a_server_that_takes_nothing(self) -> None:
        """The bytes that wait for it have a limit."""
        self.says(INFO, b"PONG\r\n")
        self.protocol.pauseProducing()
        for _ in range(MOST_WAITING // 100_000):
            self.protocol.publish("granja.talk", b"x" * 100_000)
        self.assertFalse(self.wire.cut)
        self.protocol.resumeProducing()
        for _ in range(2 * MOST_WAITING // 100_000):
            self.protocol.publish("granja.talk", b"x" * 100_000)
        self.assertFalse(self.wire.cut)
        self.protocol.pauseProducing()
        for _ in range(MOST_WAITING // 100_000 + 1):
            self.protocol.publish("granja.talk", b"x" * 100_000)
        self.assertTrue(self.wire.cut)


class Opening(SynchronousTestCase):
    def test_without_a_url_a_node_is_alone(self) -> None:
        """Its bus is there."""
        bus = open_bus(None, Clock(), "a test", "secret")
        bus.open()
        self.assertTrue(bus.up)
        self.failureResultOf(bus.request("granja.node.1", b""), NoAnswer)

    def test_with_a_url_it_connects_when_it_is_opened(self) -> None:
        bus = open_bus("nats://127.0.0.1", Clock(), "a test", "secret")
        self.assertFalse(bus.up)
        with self.assertRaises(ConfigurationError):
            open_bus("redis://x", Clock(), "a test", "secret")


class Addresses(SynchronousTestCase):
    def test_urls(self) -> None:
        for url, shown, login in (
            ("nats://bus", "nats://bus:4222", {}),
            ("bus:4333", "nats://bus:4333", {}),
            ("nats://[::1]:1", "nats://[::1]:1", {}),
            ("tls://a,tls://b:5", "tls://a:4222,tls://b:5", {}),
            ("nats://t%40k@bus", "nats://bus:4222", {"auth_token": "t@k"}),
            ("nats://u:p@a:1,nats://b", "nats://a:1,nats://b:4222", {"user": "u", "pass": "p"}),
        ):
            address = read_bus(url)
            self.assertEqual((str(address), address.login), (shown, login))
            self.assertNotIn("t@k", repr(address))

    def test_what_is_none(self) -> None:
        for url in ("", "nats://", "redis://x", "nats://bus:x", "nats://bus/path", "nats://a,"):
            why = str(self.assertRaises(ConfigurationError, read_bus, url))
            self.assertIn("nats://HOST:4222", why, url)
