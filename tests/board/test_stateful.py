"""In every story, everybody hears what the simple model says, in the same order."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from granja.board import backlog, board, listener as listener, pacing as pace, schedule, slow
from granja.board.board import Board, Listener
from granja.contract.messages import Arrived, Notice, Whispered
from granja.reactor import sending as wires
from granja.wire.encodings import GMCP, PLAIN, WEBSOCKET_DATA, WEBSOCKET_LINES, Carrier
from tests.support.board_model import ModelBoard, ModelListener, say
from tests.support.numbers import numbers, without_numbers
from tests.support.wiring import HeldReader, ManualReactor, NarrowConnection, SlowTransport

words = st.sampled_from(["hola", "¿qué tal?", "sí", "Ñandú " * 9])
which = st.integers(0, 6)
CARRIERS: list[Carrier] = [PLAIN, PLAIN, PLAIN, GMCP, PLAIN, WEBSOCKET_LINES, WEBSOCKET_DATA]
#: The last three are not plain TCP.
DIRECT = 4


@dataclass
class Guest:
    """A listener, its double in the model, and the two ends of its wire."""

    name: str
    listener: Listener
    model: ModelListener
    transport: NarrowConnection | SlowTransport
    reader: HeldReader


class BoardMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.reactor = ManualReactor()
        self.board = Board(self.reactor)
        self.model = ModelBoard()
        self.guests = [self.arrive(i, carrier) for i, carrier in enumerate(CARRIERS)]
        self.number = 0

    def arrive(self, index: int, carrier: Carrier) -> Guest:
        transport: NarrowConnection | SlowTransport
        if index < DIRECT:
            transport = NarrowConnection(self.reactor, 100, lambda: None)
        else:
            transport = SlowTransport(self.reactor, 100)
        reader = HeldReader()
        here = self.board.listen(transport, reader, carrier)
        return Guest(f"Ana{index}", here, self.model.listen(carrier), transport, reader)

    def text(self, word: str) -> str:
        self.number += 1
        return f"{word} {self.number}"

    # -- what may happen -------------------------------------------------------------------------

    @rule(i=which)
    def join(self, i: int) -> None:
        if not self.guests[i].model.closed:
            self.board.join(self.guests[i].listener)
            self.model.join(self.guests[i].model)

    @rule(i=which)
    def leave(self, i: int) -> None:
        self.board.leave(self.guests[i].listener)
        self.model.leave(self.guests[i].model)

    @rule(i=which, word=words)
    def say(self, i: int, word: str) -> None:
        guest, text = self.guests[i], self.text(word)
        say(self.board, guest.listener, guest.name, text)
        self.model.say(guest.model, guest.name, [text])

    @rule(i=which, lines=st.lists(words, min_size=1, max_size=6), deaf=st.sets(which))
    def say_block(self, i: int, lines: list[str], deaf: set[int]) -> None:
        """Some listeners ignore the speaker."""
        guest, data = self.guests[i], "\n".join(map(self.text, lines)).encode()
        others = [self.guests[j] for j in sorted(deaf - {i})]
        listeners = [other.listener for other in others]
        self.board.say(guest.listener, guest.name, data, data.count(b"\n") + 1, listeners)
        self.model.say_block(guest.model, guest.name, data, [other.model for other in others])

    @rule(i=which, alone=st.booleans())
    def announce(self, i: int, alone: bool) -> None:
        guest, message = self.guests[i], Arrived(self.text("Eva"))
        self.board.announce(message, guest.listener if alone else None)
        self.model.announce(message, guest.model if alone else None)

    @rule(i=which, word=words)
    def tell(self, i: int, word: str) -> None:
        message = Notice("x", self.text(word))
        self.guests[i].listener.tell(message)
        self.guests[i].model.tell(message)

    @rule(i=which, by=which, word=words)
    def whisper(self, i: int, by: int, word: str) -> None:
        message = Whispered(self.guests[by].name, self.text(word))
        self.guests[i].listener.hear(message, self.guests[by].listener)
        self.guests[i].model.hear(message)

    @rule(i=st.sampled_from([1, 5]))
    def close(self, i: int) -> None:
        self.guests[i].listener.close()
        self.guests[i].model.close()

    @rule(i=which, size=st.integers(1, 400))
    def read(self, i: int, size: int) -> None:
        self.guests[i].transport.read(size)

    @rule()
    def turn(self) -> None:
        self.reactor.turn()

    @rule()
    def flush(self) -> None:
        self.board.flush()

    @rule(seconds=st.sampled_from([0.01, 0.3]))
    def wait(self, seconds: float) -> None:
        self.reactor.advance(seconds)

    # -- what must be ----------------------------------------------------------------------------

    @invariant()
    def nobody_hears_what_was_not_said(self) -> None:
        for guest in self.guests:
            follow(guest, to_the_end=False)

    def teardown(self) -> None:
        """In the end everybody reads everything, and nobody waits any more."""
        for _ in range(50):
            for guest in self.guests:
                guest.transport.read(1 << 20)
            self.reactor.advance(0.01)
            self.reactor.turn()
        for guest in self.guests:
            follow(guest, to_the_end=True)
            assert not guest.reader.held, guest.reader.log
            assert not guest.listener.pending
            assert not guest.model.closed or guest.transport.disconnecting
        assert not self.board.slow.waiting


def follow(guest: Guest, to_the_end: bool) -> None:
    """Compare the lines read with the model.  A count of missed lines stands for those lines."""
    expected = list(guest.model.heard)
    messages, rest = whole_messages(guest.transport.taken, guest.model.carrier)
    heard = numbers(b"".join(messages))
    assert heard == sorted(set(heard)), "the numbers of lines of data count up"
    assert len(heard) == len(messages) or not guest.model.carrier.numbers
    messages = [without_numbers(message) for message in messages]
    for message in messages:
        missed = re.search(rb"Te perdiste (\d+) l\xc3\xadneas?\.", message)
        if missed is None:
            assert expected, message
            assert message == expected.pop(0)[1]
            continue
        skipped, expected = expected[: int(missed[1])], expected[int(missed[1]) :]
        assert len(skipped) == int(missed[1]), (missed[0], skipped)
        assert all(may_miss for may_miss, _ in skipped), "a reply was dropped"
    assert not to_the_end or (not expected and not rest), (expected, rest)


def whole_messages(data: bytes, carrier: Carrier) -> tuple[list[bytes], bytes]:
    """The messages that were read to their end, and what was read of the one after them."""
    if not carrier.shares_transport:
        *lines, rest = data.split(b"\n")
        return [line + b"\n" for line in lines], rest
    messages = []
    while data:  # a transport that is no plain TCP takes whole writes, but its peer may not
        size = 2 + data[1] if data[1:2] and data[1] < 126 else len(data) + 1
        if data[1:2] == b"\x7e" and len(data) > 3:
            size = 4 + int.from_bytes(data[2:4], "big")
        if len(data) < size:
            break
        messages.append(data[:size])
        data = data[size:]
    return messages, data


class BoardStatefulTests(SynchronousTestCase):
    def test_everybody_hears_what_the_model_says(self) -> None:
        """Joining, leaving, talk, whispers, replies, narrow sockets, pauses and closing, mixed."""
        self.play()

    def test_the_same_with_gaps_between_the_rounds(self) -> None:
        """Much can happen before a group has its turn."""
        self.patch(pace.Pacing, "delay", lambda self, patience: 0.005)
        self.play()

    def play(self) -> None:
        self.patch(slow, "FAR_BEHIND", 150)
        self.patch(listener, "HEARD_LIMIT", 200)
        self.patch(listener, "REPLIES_LIMIT", 300)
        self.patch(schedule, "FLUSH_AT", 700)
        self.patch(listener, "FLUSH_AT", 700)
        self.patch(board, "GROUP", 3)
        self.patch(backlog, "MOST_BUFFERS", 5)
        self.patch(wires.DirectWire, "limit", 250)
        self.patch(wires.TransportWire, "limit", 120)
        run_state_machine_as_test(
            BoardMachine,
            settings=settings(max_examples=120, stateful_step_count=80, deadline=None),
        )
