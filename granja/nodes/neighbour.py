"""Neighbour: another node, what we have heard of it, who is there, and what we ask it."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Sequence
from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.bus.interface import PATIENCE, Bus, NoAnswer
from granja.contract import errors
from granja.contract.ids import FarmerId
from granja.nodes.outbox import Outbox
from granja.nodes.packing import unpacked
from granja.nodes.people import Census
from granja.nodes.retelling import Gap, unpack
from granja.people.roster import Farmer, Retelling

#: The answers: somebody was told, or is not there.
DONE, GONE = b"done", b"gone"


def subject_of(writer: int) -> str:
    """The subject under which a node answers."""
    return f"granja.node.{writer}"


def ask(
    bus: Bus, writer: int, question: Sequence[Any], seconds: float = PATIENCE
) -> Deferred[bytes]:
    """Ask this node.

    :returns: fires with the answer; fails with NoAnswer.
    """
    asked = json.dumps(question, ensure_ascii=False).encode()
    return bus.request(subject_of(writer), asked, seconds).addCallback(unpacked)


class Neighbour:
    """:param sequence: how far this node has followed the record.
    :param remember: what somebody there has not read, as far as this node knows it: see
        :meth:`unread`.

    ``number``: of the last tick that we heard.  ``lines``: what it had said until then.
    ``known``: whether we know its people as of that tick.  ``heard_at``: the reactor's seconds when
    we heard it.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        writer: int,
        number: int,
        lines: int,
        bus: Bus,
        outbox: Outbox,
        sequence: Callable[[], int],
        remember: Callable[[Farmer, int, int | None, Container[FarmerId]], Retelling | None],
    ) -> None:
        self.writer = writer
        self.number = number
        self.lines = lines
        self.heard_at = 0.0
        self.census = Census()
        self.known = self.asked = False
        self._bus = bus
        self._outbox = outbox
        self._sequence = sequence
        self._remember = remember

    def ask(self, *question: Any, seconds: float = PATIENCE) -> Deferred[bytes]:
        """Ask this node.

        :returns: fires with the answer; fails with NoAnswer.
        """
        return ask(self._bus, self.writer, question, seconds)

    def whisper(self, to: Farmer, name: str, text: str, speaker: FarmerId) -> Deferred[None]:
        """Tell a whisper there, after everything that the speaker said before it."""
        outbox = self._outbox
        outbox.publish()
        place = (outbox.writer, outbox.number, outbox.lines)
        told = self.ask("whisper", *place, to.id, name, text, speaker)
        return told.addCallbacks(_judge, _unanswered, (to,), errbackArgs=(to,))

    def expel(self, farmer: Farmer, why: str) -> None:
        """Put them out at that node."""
        self.ask("expel", farmer.id, why).addErrback(self._failed, farmer)

    def unread(
        self, farmer: Farmer, visit: int, number: int | None, but: Container[FarmerId]
    ) -> Deferred[Retelling | None]:
        """What they have not read there, and what was said while that node answered.

        :param visit: the visit of their pass.
        :param number: of the last line that they have read; None if they do not say it.
        :param but: leave out the lines of these farmers.
        :returns: if that node does not answer, fires with what this node knows; with None if it
            knows nothing of that visit.
        """
        outbox, gap = self._outbox, Gap()
        outbox.publish()
        outbox.gaps.append(gap)
        place = (outbox.writer, outbox.number, outbox.lines)
        asked = self.ask("unread", self._sequence(), *place, farmer.id, visit, number)
        asked.addBoth(_stop, outbox, gap)
        rest = (farmer, visit, number, but)
        told: Deferred[Any] = asked.addCallbacks(_told, self._untold, (gap, but), errbackArgs=rest)
        return told

    def _untold(self, failure: Failure, *question: Any) -> Retelling | None:
        failure.trap(NoAnswer)
        return self._remember(*question)

    def _failed(self, failure: Failure, farmer: Farmer) -> None:
        failure.trap(NoAnswer)
        self.log.warn(
            "{name} could not be put out at another node: {why}",
            name=str(farmer),
            why=failure.getErrorMessage(),
        )


def _stop(result: Any, outbox: Outbox, gap: Gap) -> Any:
    outbox.gaps.remove(gap)
    return result


def _told(answer: bytes, gap: Gap, but: Container[FarmerId]) -> Retelling | None:
    return None if answer == GONE else unpack(answer, gap, but)


def _judge(answer: bytes, to: Farmer) -> None:
    if answer != DONE:
        raise errors.NotDelivered(str(to))


def _unanswered(failure: Failure, to: Farmer) -> None:
    failure.trap(NoAnswer)
    raise errors.NotDelivered(str(to))
