"""A bus connects, and connects again, in its own time.  The servers are played by the test."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionRefusedError as Refused
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from granja.bus.interface import NoAnswer
from granja.bus.nats import PAUSES, NatsBus
from granja.bus.url import read_bus
from tests.bus.test_protocol import INFO, Wire


class Net(MemoryReactorClock):
    """A reactor whose hosts have one address each."""

    def __init__(self) -> None:
        super().__init__()
        self.nameResolver: Any = self  # As a reactor has it.

    def resolveHostName(self, receiver: Any, host: str, **named: Any) -> None:  # noqa: N802
        receiver.resolutionBegan(None)
        receiver.addressResolved(IPv4Address("TCP", host, named["portNumber"]))
        receiver.resolutionComplete()


class BusCase(SynchronousTestCase):
    url = "nats://10.0.0.1,nats://10.0.0.2:4333"

    def setUp(self) -> None:
        self.net: Any = Net()
        self.bus = NatsBus(self.net, read_bus(self.url), "a test", "secret")
        self.changes: list[bool] = []
        self.bus.watch(self.changes.append)
        self.bus.open()

    def attempt(self) -> Any:
        """The attempt that has just begun: to which server, and how it may end."""
        self.net.advance(0)
        host, port, factory, *_ = self.net.tcpClients.pop(0)
        self.assertEqual(self.net.tcpClients, [])
        self.at = host, port
        return factory

    def is_refused(self) -> None:
        self.attempt().clientConnectionFailed(None, Failure(Refused()))
        self.net.advance(0.3)  # By then the endpoint has looked for another address.

    def is_there(self, *, greeted: bool = True, ready: bool = True) -> Any:
        """The server accepts the connection."""
        self.protocol = self.attempt().buildProtocol(None)
        self.wire = Wire()
        self.protocol.makeConnection(self.wire)
        self.net.advance(0)
        if greeted:
            self.protocol.dataReceived(INFO)
        if ready:
            self.protocol.dataReceived(b"PONG\r\n")

    def is_lost(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))

    def said(self) -> bytes:
        data: bytes = self.wire.value()
        self.wire.clear()
        return data

    def pauses(self, *wanted: float) -> None:
        """So many attempts fail, and the bus waits so long after each."""
        for seconds in wanted:
            self.is_refused()
            self.net.advance(seconds - 0.01)
            self.assertEqual(self.net.tcpClients, [])
            self.net.advance(0.02)
            self.assertEqual(len(self.net.tcpClients), 1)


class Attempts(BusCase):
    def test_longer_and_longer_pauses(self) -> None:
        """To a second; and after the bus was there, from the beginning."""
        self.pauses(*PAUSES, PAUSES[-1], PAUSES[-1])
        self.is_there()
        self.is_lost()
        self.net.advance(PAUSES[0])
        self.pauses(*PAUSES[1:])

    def test_each_server_in_turn(self) -> None:
        tried = []
        for _ in range(3):
            self.is_refused()
            tried.append(self.at)
            self.net.advance(1.0)
        self.assertEqual(tried, [("10.0.0.1", 4222), ("10.0.0.2", 4333), ("10.0.0.1", 4222)])

    def test_it_is_told_once_that_the_bus_comes_and_goes(self) -> None:
        self.pauses(*PAUSES[:2])
        self.assertEqual(self.changes, [])
        self.is_there()
        self.assertEqual(self.changes, [True])
        self.is_lost()
        self.net.advance(PAUSES[0])
        self.pauses(*PAUSES[1:])
        self.assertEqual((self.changes, self.bus.up), ([True, False], False))
        self.is_there()
        self.assertEqual((self.changes, self.bus.up), ([True, False, True], True))


class Asking(BusCase):
    def test_who_waits_for_an_answer_hears_at_once_that_the_bus_is_lost(self) -> None:
        self.is_there()
        asked = self.bus.request("granja.node.2", b"")
        self.is_lost()
        self.failureResultOf(asked, NoAnswer)

    def test_before_the_bus_is_there(self) -> None:
        """Nothing is said to a server that has not accepted us; nobody waits for an answer."""
        self.is_there(ready=False)
        self.said()
        self.bus.publish("granja.talk", b"uno")
        self.failureResultOf(self.bus.request("granja.node.2", b""), NoAnswer)
        self.assertEqual(self.said(), b"")

    def test_what_is_heard_is_said_to_each_server_anew(self) -> None:
        """Also what was begun while the bus was away, and nothing that has ended."""
        self.bus.subscribe("granja.talk", lambda _: None)
        self.bus.answer("granja.node.1", lambda _: b"")
        self.is_there()
        self.bus.withdraw("granja.node.1")
        self.assertTrue(self.said().endswith(b"UNSUB 3\r\n"))
        self.bus.withdraw("granja.nothing")
        self.assertEqual(self.said(), b"")
        self.is_lost()
        self.bus.withdraw("granja.nothing")
        self.bus.answer("granja.node.4", lambda _: b"")
        self.net.advance(1.0)
        self.is_there()
        _, *subjects = self.said().split(b"\r\n")
        wanted = [b"SUB _INBOX.secret.* 1", b"SUB granja.talk 2", b"SUB granja.node.4 4"]
        self.assertEqual(subjects[:3], wanted)

    def test_an_answer_that_nobody_waits_for(self) -> None:
        """It comes too late, or has no number."""
        self.is_there()
        asked = self.bus.request("granja.node.2", b"")
        for subject in ("_INBOX.secret.7", "_INBOX.secret.x", "_INBOX.secret.²"):
            self.protocol.dataReceived(f"MSG {subject} 1 0\r\n\r\n".encode())
        self.assertFalse(self.wire.cut)
        self.assertNoResult(asked)
        self.protocol.dataReceived(b"MSG _INBOX.secret.1 1 4\r\nhola\r\n")
        self.assertEqual(self.successResultOf(asked), b"hola")

    def test_a_message_that_cannot_be_taken(self) -> None:
        """The log has it, and the connection goes on."""
        heard: list[bytes] = []

        def hear(data: bytes) -> None:
            if not data:
                raise ValueError
            heard.append(data)

        self.bus.subscribe("granja.talk", hear)
        self.is_there()
        self.protocol.dataReceived(b"MSG granja.talk 2 0\r\n\r\nMSG granja.talk 2 3\r\nuno\r\n")
        self.assertEqual(heard, [b"uno"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_a_question_that_cannot_be_answered(self) -> None:
        """At once, or later."""
        later: Deferred[bytes] = Deferred()
        self.bus.answer("granja.node.1", lambda _: later)
        self.is_there()
        self.said()
        self.protocol.dataReceived(b"MSG granja.node.1 2 _INBOX.x.1 0\r\n\r\n")
        later.errback(ValueError())
        self.assertEqual(self.said(), b"")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_a_question_under_a_subject_that_is_only_heard(self) -> None:
        """It is heard, as anything is."""
        heard: list[bytes] = []
        self.bus.subscribe("granja.talk", heard.append)
        self.is_there()
        self.said()
        self.protocol.dataReceived(b"MSG granja.talk 2 _INBOX.x.1 3\r\nuno\r\n")
        self.assertEqual((heard, self.said()), ([b"uno"], b""))


class Closing(BusCase):
    def test_while_it_connects(self) -> None:
        self.assertTrue(self.bus.close().called)
        self.net.advance(10.0)
        self.assertEqual((len(self.net.tcpClients), self.changes), (1, []))
        self.assertTrue(self.net.connectors[0].stoppedConnecting)

    def test_before_the_server_has_accepted_us(self) -> None:
        """Nobody is told that it does so then."""
        self.is_there(ready=False)
        self.bus.close()
        self.protocol.dataReceived(b"PONG\r\n")
        self.assertEqual(self.changes, [])

    def test_while_it_waits_to_try_again(self) -> None:
        self.is_refused()
        self.assertTrue(self.bus.close().called)
        self.net.advance(10.0)
        self.assertEqual(self.net.tcpClients, [])

    def test_what_waits_is_written_first(self) -> None:
        """Then the connection is closed, and nobody is told of that."""
        self.is_there()
        asked = self.bus.request("granja.node.2", b"")
        closed = self.bus.close()
        self.failureResultOf(asked, NoAnswer)
        self.assertTrue(self.wire.disconnecting)
        self.assertNoResult(closed)
        self.is_lost()
        self.successResultOf(closed)
        self.net.advance(10.0)
        self.assertEqual((self.net.tcpClients, self.changes), ([], [True]))


class Encrypted(BusCase):
    url = "tls://10.0.0.1"

    def test_a_server_without_tls_hears_no_secret(self) -> None:
        self.is_there(ready=False)
        self.assertEqual((self.said(), self.wire.cut), (b"", True))
