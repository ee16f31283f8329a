"""Hearing: says here what other nodes tell, in each node's order, and counts what is lost."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import ClassVar

from twisted.logger import Logger

from granja.board.board import Board, Listener
from granja.contract.ids import FarmerId
from granja.contract.messages import Acted, Message, Missed
from granja.nodes.neighbour import Neighbour
from granja.nodes.outbox import TellingHistory
from granja.nodes.tick import NEWS, Entry, Tick, Unreadable, decode


class Hearing:
    """:param deaf_to: gives the listeners here that do not hear a farmer.
    :param happened: takes the entries that nobody hears.
    :param make: makes a neighbour from its number, its last tick, and its lines until then.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        board: Board,
        history: TellingHistory,
        deaf_to: Callable[[FarmerId], Collection[Listener]],
        happened: Callable[[Neighbour, Entry], None],
        make: Callable[[int, int, int], Neighbour],
        writer: int,
    ) -> None:
        self.nodes: dict[int, Neighbour] = {}
        #: Nodes that have ended.  We hear nothing that they say.
        self.dead: set[int] = set()
        #: Nodes that began after this one have said nothing that we could have missed.
        self.writer = writer
        self._board = board
        self._history = history
        self._deaf_to = deaf_to
        self._happened = happened
        self._make = make
        #: Whether somebody said this before they went on elsewhere.
        self.late: Callable[[Neighbour, FarmerId, float], bool]

    def hear(self, data: bytes) -> Tick | None:
        """Take a tick.

        :returns: the tick; None if we have heard it before or cannot use it.
        """
        try:
            said = decode(data)
        except Unreadable:
            self.log.warn("A node says what nobody here understands; is it newer?")
            return None
        if said.writer == self.writer or said.writer in self.dead:
            return None
        node = self.nodes.get(said.writer) or self._meet(said)
        if said.number <= node.number:
            return None
        self.miss(node, said.number - 1, said.lines)
        node.number = said.number
        for entry in said.entries:
            self._take(node, entry)
        return said

    def miss(self, node: Neighbour, number: int, lines: int) -> None:
        """Count as lost what has not come: a node has said ``lines`` lines in ``number`` ticks."""
        if number <= node.number:
            return
        node.number, node.known = number, False
        missed = lines - node.lines
        if missed > 0:
            node.lines = lines
            self.announce(Missed(missed))

    def _meet(self, said: Tick) -> Neighbour:
        before = (0, 0) if said.writer > self.writer else (said.number - 1, said.lines)
        self.nodes[said.writer] = node = self._make(said.writer, *before)
        return node

    def _take(self, node: Neighbour, entry: Entry) -> None:
        match entry:
            case ["said", int(by), str(name), str(text), int() | float() as time]:
                if not self._too_late(node, FarmerId(by), text, time):
                    self._say(node, FarmerId(by), name, text, time)
                    self._history.note_other(node.writer, node.lines, entry)
            case ["acted", int(by), str(name), str(text), int() | float() as time]:
                if not self._too_late(node, FarmerId(by), "", time):
                    self._act(node, FarmerId(by), name, text, time)
                    self._history.note_other(node.writer, node.lines, entry)
            case [str(word), str(about)] if word in NEWS:
                node.lines += 1
                self.announce(NEWS[word](about))
                self._history.note_other(node.writer, node.lines, entry)
            case _:
                self._happened(node, entry)

    def announce(self, message: Message) -> None:
        """Say it to everybody at this node, and to nobody else."""
        self._history.announce_other(message, self._board.counters.lines)
        self._board.pass_on(message)

    def _too_late(self, node: Neighbour, by: FarmerId, text: str, time: float) -> bool:
        """Count a line as missed if it would be out of order: its speaker has gone on elsewhere."""
        late = self.late(node, by, time)
        if late:
            lines = text.count("\n") + 1
            node.lines += lines
            self.announce(Missed(lines))
        return late

    def _say(self, node: Neighbour, by: FarmerId, name: str, text: str, time: float) -> None:
        data, lines = text.encode(), text.count("\n") + 1
        node.lines += lines
        self._board.say(None, name, data, lines, self._deaf_to(by))
        place = self._board.counters.lines
        self._history.add_other(by, name, data, lines, time, False, place)

    def _act(self, node: Neighbour, by: FarmerId, name: str, text: str, time: float) -> None:
        node.lines += 1
        self._board.say_message(None, Acted(name, text), self._deaf_to(by))
        place = self._board.counters.lines
        self._history.add_other(by, name, text.encode(), 1, time, True, place)
