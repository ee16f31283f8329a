"""Answers: what other nodes ask of this one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from granja.contract.ids import FarmerId
from granja.ledger.lane import Lane
from granja.nodes.hearing import Hearing
from granja.nodes.neighbour import DONE, GONE
from granja.nodes.outbox import Outbox
from granja.nodes.packing import packed
from granja.nodes.people import SharedRoster, everybody
from granja.nodes.retelling import pack
from granja.nodes.watching import Farm
from granja.people.returning import MOST_LINES, unread

#: How many seconds we wait at most until we have followed the record as far as another node.
FOLLOWING: Final = 1.0

Answer = bytes | Deferred[bytes]

T = TypeVar("T")


class Answers:
    """:param farm: the rooms of this node.
    :param more: further answers, by the question's word.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        outbox: Outbox,
        hearing: Hearing,
        farm: Farm,
        roster: SharedRoster,
        more: Mapping[str, Callable[..., Answer]],
    ) -> None:
        self._clock = clock
        self._outbox = outbox
        self._roster = roster
        self._hearing = hearing
        self._farm = farm
        self._answers: dict[str, Callable[..., Answer]] = {
            "people": self._people,
            "whisper": self._whisper,
            "expel": self._expel,
            "unread": self._told_unread,
            **more,
        }

    def asked(self, data: bytes) -> Answer:
        """Answer a question: in JSON, a word and its values."""
        word, *rest = json.loads(data)
        answer = self._answers.get(word)
        if answer is None:
            self.log.warn("A node asks what nobody here understands; is it newer?")
            return GONE
        answered = answer(*rest)
        if isinstance(answered, Deferred):
            return answered.addCallback(packed)
        return packed(answered)

    def _people(self) -> bytes:
        people = everybody(self._roster.here.people.values())
        return json.dumps([self._outbox.number, self._outbox.lines, people]).encode()

    def _whisper(
        self, writer: int, number: int, lines: int, to: int, name: str, text: str, speaker: int
    ) -> bytes:
        self._count_missed(writer, number, lines)
        farmer, by = self._roster.here.people.get(FarmerId(to)), FarmerId(speaker)
        if farmer is None:
            return GONE
        if by not in self._farm.ignoring.ignored_by(farmer.id):
            farmer.hear_whisper(name, text, None, by)
        return DONE

    def _expel(self, id: int, why: str) -> bytes:
        farmer = self._roster.here.people.get(FarmerId(id))
        if farmer is None:
            return GONE
        self._farm.order.put_out(farmer, why)
        return DONE

    def _told_unread(self, sequence: int, *question: Any) -> Answer:
        """Tell another node what somebody who comes back there has not read here.

        First we follow the record as far as that node: what it did not tell them, we do.
        """
        told = partial(self._unread, *question)
        return once_followed(self._clock, self._farm.lane, sequence, told)

    def _unread(
        self, writer: int, number: int, lines: int, id: int, visit: int, after: int | None
    ) -> bytes:
        self._count_missed(writer, number, lines)
        farmer, board = self._roster.here.people.get(FarmerId(id)), self._farm.board
        if farmer is None or farmer.receipts is None or farmer.visit != visit:
            return GONE
        board.flush()  # Lines that wait get their numbers first.
        farmer.receipts.skip_to(min(after or 0, MOST_LINES))
        receipts, connection = farmer.receipts, farmer.connection
        if after is None:
            after = receipts.sent if connection is None else connection.listener.last_sent()
        but = self._farm.ignoring.not_told_again(farmer.id)
        told = unread(board, receipts, after, but)
        self._outbox.publish()
        heard = {node.writer: node.lines for node in self._hearing.nodes.values()}
        heard[self._outbox.writer] = self._outbox.lines
        last = receipts.count
        return pack(told, after=after, count=last, partial=receipts.partial, heard=heard)

    def _count_missed(self, writer: int, number: int, lines: int) -> None:
        """Tell everybody here what they have missed of the node that asks."""
        node = self._hearing.nodes.get(writer)
        if node is not None:
            self._hearing.miss(node, number, lines)


def once_followed(
    clock: IReactorTime, lane: Lane, sequence: int, then: Callable[[], T]
) -> Deferred[T]:
    """Do something as soon as we have followed the record as far as another node, or after
    :data:`FOLLOWING` seconds."""
    followed = lane.when_at(sequence)
    followed.addTimeout(FOLLOWING, clock, onTimeoutCancel=lambda *_: None)
    return followed.addCallback(lambda _: then())
