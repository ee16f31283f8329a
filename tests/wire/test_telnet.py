"""A telnet may negotiate what it likes: nobody sees it and nothing breaks (PROTOCOL §1)."""

from __future__ import annotations

import re
import tracemalloc

from hypothesis import given, settings, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from granja.wire.telnet import (
    AYT,
    DO,
    DONT,
    ECHO,
    GMCP,
    IAC,
    MAX_SUBNEGOTIATION,
    SB,
    SE,
    WILL,
    WONT,
    Telnet,
    escape,
)
from tests.support.nasty import cuts

COMMAND = re.compile(
    rb"\xff(?:\xfa(?:[^\xff]|\xff\xff)*(?:\xff\xf0|(?=\xff[^\xff\xf0])|\xff?\Z)"
    rb"|[\xfb-\xfe].?|.?)",
    re.DOTALL,
)
"""The same language as one expression: what the filter must take out of a whole stream."""


def data_of(stream: bytes) -> bytes:
    return COMMAND.sub(lambda m: b"\xff" if m[0] == b"\xff\xff" else b"", stream)


def telnet_bytes() -> st.SearchStrategy[bytes]:
    """Streams in which commands are likely, whole and broken."""
    known = [IAC, IAC, IAC, SB, SE, WILL, WONT, DO, DONT, ECHO, GMCP, 0, 10, 13, 65]
    return st.lists(st.sampled_from(known) | st.integers(0, 255), max_size=40).map(bytes)


class Listener:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, int] | tuple[int, bytes]] = []

    def negotiated(self, verb: int, option: int) -> None:
        self.heard.append((verb, option))

    def subnegotiated(self, option: int, payload: bytes) -> None:
        self.heard.append((option, payload))


def heard_in(*segments: bytes) -> tuple[bytes, list[tuple[int, int] | tuple[int, bytes]]]:
    """The data of the segments, put together, and what the listener heard."""
    listener = Listener()
    telnet = Telnet(listener)
    data = b"".join(telnet.feed(segment) for segment in segments)
    return data, listener.heard


class Consuming(SynchronousTestCase):
    """Commands are taken out, and nothing else."""

    def test_plain_talk_passes_untouched(self) -> None:
        """Without FF the very same bytes come back, without a copy."""
        telnet = Telnet()
        line = "¡hola!\r\n".encode()
        self.assertIs(telnet.feed(line), line)

    def test_negotiations_are_not_shown(self) -> None:
        """What a telnet says when it connects is not part of the first name."""
        opening = bytes([IAC, DO, 3, IAC, WILL, 24, IAC, SB, 24, 0, 65, IAC, SE])
        self.assertEqual(Telnet().feed(opening + b"Ana\r\n"), b"Ana\r\n")

    def test_commands_may_stand_in_the_midst_of_a_word(self) -> None:
        self.assertEqual(Telnet().feed(b"ho\xff\xf1la\xff\xfb\x01!"), b"hola!")

    def test_a_doubled_byte_is_data(self) -> None:
        """It is one byte FF, which makes the line no UTF-8, and it is no command."""
        self.assertEqual(heard_in(b"a\xff\xffb"), (b"a\xffb", []))

    def test_every_pair_after_iac(self) -> None:
        """None of the 65,536 is fatal, and none takes more or less than its own bytes."""
        for pair in range(0x10000):
            stream = b"a\xff" + pair.to_bytes(2, "big") + b"bc\xff\xf0d"
            self.assertEqual(Telnet().feed(stream), data_of(stream), stream)

    @settings(deadline=None, max_examples=200)
    @given(telnet_bytes())
    def test_any_stream(self, stream: bytes) -> None:
        self.assertEqual(Telnet().feed(stream), data_of(stream))

    @settings(deadline=None, max_examples=200)
    @given(telnet_bytes(), st.data())
    def test_any_cut_is_the_same_stream(self, stream: bytes, data: st.DataObject) -> None:
        """The cuts of the network change neither the data nor what the handler hears."""
        segments = data.draw(cuts(stream))
        self.assertEqual(heard_in(*segments), heard_in(stream))

    def test_every_cut_of_a_long_conversation(self) -> None:
        stream = b"a\xff\xfb\x01b\xff\xffc\xff\xfa\xc9{\xff\xff}\xff\xf0d\xff\xfa\x18x\xff\xfd\x03e"
        whole = heard_in(stream)
        self.assertEqual(heard_in(*(stream[i : i + 1] for i in range(len(stream)))), whole)
        for at in range(len(stream)):
            self.assertEqual(heard_in(stream[:at], stream[at:]), whole)


class Hearing(SynchronousTestCase):
    """A handler hears what the client negotiated."""

    def test_verbs_are_heard(self) -> None:
        stream = bytes([IAC, WILL, ECHO, IAC, WONT, 0, IAC, DO, GMCP, IAC, DONT, IAC])
        self.assertEqual(
            heard_in(stream), (b"", [(WILL, ECHO), (WONT, 0), (DO, GMCP), (DONT, IAC)])
        )

    def test_subnegotiations_are_heard(self) -> None:
        """With their doubled bytes single again."""
        stream = bytes([IAC, SB, GMCP]) + escape(b"a\xffb") + bytes([IAC, SE])
        self.assertEqual(heard_in(stream), (b"", [(GMCP, b"a\xffb")]))

    def test_nothing_of_one_is_in_the_next(self) -> None:
        """Nothing of it is kept, not even until then."""
        heard = Listener()
        telnet = Telnet(heard)
        for payload in (b"abc", b"x" * (MAX_SUBNEGOTIATION + 1), b"d"):
            telnet.feed(bytes([IAC, SB, GMCP]) + payload + bytes([IAC, SE]))
            self.assertEqual(telnet._payload, b"")
        self.assertEqual(heard.heard, [(GMCP, b"abc"), (GMCP, b"d")])

    def test_an_empty_subnegotiation_says_nothing(self) -> None:
        """It has no option.  One with an option and no payload has."""
        stream = bytes([IAC, SB, IAC, SE, 65, IAC, SB, GMCP, IAC, SE])
        self.assertEqual(heard_in(stream), (b"A", [(GMCP, b"")]))

    def test_a_broken_subnegotiation_is_dropped(self) -> None:
        """The command that breaks it is obeyed.  What follows is data again."""
        stream = bytes([IAC, SB, GMCP, 66, IAC, DO, ECHO]) + b"hola"
        self.assertEqual(heard_in(stream), (b"hola", [(DO, ECHO)]))

    def test_a_subnegotiation_in_another_begins_anew(self) -> None:
        stream = bytes([IAC, SB, GMCP, 66, IAC, SB, 24, 67, IAC, SE])
        self.assertEqual(heard_in(stream), (b"", [(24, b"C")]))

    def test_the_longest_subnegotiation_is_heard(self) -> None:
        for extra, heard in ((0, 1), (1, 0)):
            payload = b"x" * (MAX_SUBNEGOTIATION + extra)
            stream = bytes([IAC, SB, GMCP]) + payload + bytes([IAC, SE]) + b"hola"
            data, events = heard_in(stream)
            self.assertEqual(data, b"hola")
            self.assertEqual(events, [(GMCP, payload)] * heard)

    def test_nobody_need_listen(self) -> None:
        telnet = Telnet()
        stream = bytes([IAC, WILL, ECHO, IAC, SB, GMCP, 65, IAC, SE]) + b"hola"
        self.assertEqual(telnet.feed(stream), b"hola")

    def test_other_commands_negotiate_nothing(self) -> None:
        """NOP, AYT, and a byte that is none."""
        self.assertEqual(heard_in(b"\xff\xf1\xff\xf6\xff\x41"), (b"", []))

    def test_who_answers_hears_the_data_before(self) -> None:
        """A server puts each answer at its place.  Words about an option need no answer."""
        heard: list[tuple[tuple[int, int], bytes]] = []
        telnet = Telnet(in_place=lambda command, before: heard.append((command, before)))
        data = telnet.feed(b"a\xff\xf6b\xff\xfa\xc9\x01\xff\xf0c\xff\xfb\x1fd")
        self.assertEqual((heard, data), ([((AYT, 0), b"a"), ((WILL, 31), b"bc")], b"d"))


class Keys(SynchronousTestCase):
    def test_what_a_client_erases_is_its_editing_keys(self) -> None:
        """EC is a DEL, EL a NAK.  For a caller that does not edit they are commands like any
        other."""
        stream = b"ab\xff\xf7c\xff\xf8d"
        self.assertEqual(Telnet(in_place=lambda *_: None).feed(stream), b"ab\x7fc\x15d")
        self.assertEqual(Telnet().feed(stream), b"abcd")


class Bounds(SynchronousTestCase):
    """Nobody fills the server's memory with commands."""

    def test_a_subnegotiation_without_end_costs_no_memory(self) -> None:
        telnet = Telnet()
        telnet.feed(bytes([IAC, SB, GMCP]))
        segment = b"x" * 65_536
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for _ in range(100):
            self.assertEqual(telnet.feed(segment), b"")
        self.assertLess(tracemalloc.get_traced_memory()[0], 4 * MAX_SUBNEGOTIATION)
        # The option, and one byte to know that it was too long.
        self.assertEqual(len(telnet._payload), 1 + MAX_SUBNEGOTIATION + 1)


class Escaping(SynchronousTestCase):
    """What the server sends in a sub-negotiation."""

    @settings(deadline=None)
    @given(st.binary(max_size=50))
    def test_what_is_escaped_is_all_data(self, payload: bytes) -> None:
        self.assertEqual(Telnet().feed(escape(payload)), payload)
