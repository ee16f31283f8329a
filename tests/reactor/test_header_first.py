"""A ``haproxy:`` endpoint: first the header, then everything is as at a plain one."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from granja.reactor.header_first import MOST_STRANGERS, PATIENCE, HeaderFirst

PROXY, STRANGER = "10.0.0.1", "192.0.2.66"
HEADER = b"PROXY TCP4 192.0.2.9 10.0.0.1 4711 5555\r\n"


class Inside(Protocol):
    heard = b""

    def connectionMade(self) -> None:  # noqa: N802
        assert self.transport is not None
        self.peer = self.transport.getPeer()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        self.heard += data


class Answers(Factory):
    """The factory behind the door.  ``closed``: it lets nobody in."""

    noisy = False
    closed = False

    def __init__(self) -> None:
        self.stopped = False
        self.inside: list[Inside] = []
        self.asked: list[IAddress | None] = []

    def buildProtocol(self, addr: IAddress | None) -> Inside | None:  # noqa: N802
        self.asked.append(addr)
        if self.closed:
            return None
        self.inside.append(Inside())
        return self.inside[-1]

    def doStop(self) -> None:  # noqa: N802
        self.stopped = True


class Wire(StringTransport):
    """``protocol`` hears what comes, as with Twisted's own transports."""

    aborted = False
    protocol: Any

    def abortConnection(self) -> None:  # noqa: N802
        self.aborted = True
        self.connected = False


class AtTheDoor(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.answers = Answers()
        self.said: list[str] = []
        self.door = HeaderFirst(self.answers, self.clock, self.believes, self.complain)

    def believes(self, peer: IAddress) -> bool:
        return bool(getattr(peer, "host", "") == PROXY)

    def complain(self, peer: IAddress, why: str) -> None:
        self.said.append(f"{getattr(peer, 'host', '')} {why}")

    def comes(self, host: str = PROXY) -> Wire:
        wire = Wire(peerAddress=IPv4Address("TCP", host, 40000))
        wire.protocol = self.door.buildProtocol(None)
        wire.protocol.makeConnection(wire)
        return wire

    def test_whoever_is_behind_the_proxy_is_the_peer_from_the_first_moment(self) -> None:
        wire = self.comes()
        for byte in HEADER:
            self.assertEqual(self.answers.inside, [])
            wire.protocol.dataReceived(bytes((byte,)))
        (inside,) = self.answers.inside
        source = IPv4Address("TCP", "192.0.2.9", 4711)
        self.assertEqual((inside.peer, self.answers.asked), (source, [source]))
        self.assertIs(wire.protocol, inside)
        self.clock.advance(PATIENCE)
        self.assertFalse(wire.disconnecting)

    def test_what_follows_in_the_same_segment_is_heard(self) -> None:
        wire = self.comes()
        wire.protocol.dataReceived(HEADER + b"Ana\r\n")
        self.assertEqual(self.answers.inside[0].heard, b"Ana\r\n")

    def test_nothing_is_heard_after_an_end(self) -> None:
        self.patch(Inside, "connectionMade", lambda self: self.transport.abortConnection())
        self.comes().protocol.dataReceived(HEADER + b"Ana\r\n")
        self.assertEqual(self.answers.inside[0].heard, b"")

    def test_unknown_is_the_proxy_itself(self) -> None:
        self.comes().protocol.dataReceived(b"PROXY UNKNOWN\r\n")
        self.assertEqual(getattr(self.answers.inside[0].peer, "host", ""), PROXY)

    def test_a_header_of_anybody_else_closes(self) -> None:
        wire = self.comes(STRANGER)
        wire.protocol.dataReceived(HEADER)
        wire.protocol.dataReceived(HEADER)
        self.assertEqual(self.said, [f"{STRANGER} it is none of the proxies"])
        self.assertTrue(wire.disconnecting)
        self.assertEqual(self.answers.asked, [])

    def test_a_crowd_of_others_holds_no_descriptors(self) -> None:
        """Until something comes, or nothing does in time, each would hold one."""
        crowd = [self.comes(STRANGER) for _ in range(MOST_STRANGERS + 1)]
        self.assertEqual([wire.aborted for wire in crowd], [False] * MOST_STRANGERS + [True])
        crowd[0].protocol.connectionLost(connectionDone)
        self.assertFalse(self.comes(STRANGER).aborted)
        self.assertFalse(self.comes().aborted)
        self.clock.advance(PATIENCE)
        self.assertEqual((self.door.waiting, self.door.strangers), (set(), set()))

    def test_a_malformed_one_closes(self) -> None:
        wire = self.comes()
        wire.protocol.dataReceived(b"Ana\r\n")
        wire.protocol.connectionLost(connectionDone)
        self.assertTrue(wire.disconnecting)
        self.assertEqual(self.said, [f"{PROXY} it does not begin with a PROXY header"])

    def test_none_in_time_closes(self) -> None:
        wire = self.comes()
        wire.protocol.dataReceived(HEADER[:9])
        self.clock.advance(PATIENCE)
        self.assertTrue(wire.disconnecting)
        self.assertEqual(self.said, [f"{PROXY} it sent no PROXY header within 5 s"])

    def test_an_end_in_its_midst(self) -> None:
        wire = self.comes()
        wire.protocol.dataReceived(HEADER[:9])
        wire.protocol.connectionLost(connectionDone)
        self.assertEqual(self.said, [f"{PROXY} its PROXY header does not end"])

    def test_who_only_looks_whether_there_is_somebody_leaves_no_trace(self) -> None:
        self.comes().protocol.connectionLost(connectionDone)
        self.assertEqual((self.said, self.clock.getDelayedCalls()), ([], []))
        self.assertEqual(self.door.waiting, set())

    def test_nobody_may_answer(self) -> None:
        self.answers.closed = True
        wire = self.comes()
        wire.protocol.dataReceived(HEADER)
        self.assertTrue(wire.disconnecting)

    def test_when_the_port_closes_who_waits_is_sent_away(self) -> None:
        wire = self.comes()
        self.door.doStop()
        self.assertEqual((wire.aborted, self.answers.stopped), (True, True))
        self.assertEqual(self.clock.getDelayedCalls(), [])
