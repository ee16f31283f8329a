"""The board: what is said to everybody, encoded once and written once for each listener and batch.

Whatever is written to a connection goes in order through its
:class:`~granja.board.listener.Listener`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from granja.board import backlog as kinds
from granja.board.batch import Announcement, Batch, Entry, Remark, Talk
from granja.board.counters import Counters
from granja.board.group import Group
from granja.board.history import History
from granja.board.listener import Listener
from granja.board.schedule import Schedule
from granja.board.slow import Reader, Slow
from granja.contract.messages import Message
from granja.wire.encodings import PLAIN, Carrier

__all__ = ["Board", "Listener", "Reader"]

#: Listeners in a group: two milliseconds of writing.
GROUP: Final = 256


class Board:
    """The log of the talk, and everybody who listens.

    :param clock: gives the reactor's ticks.
    :param time: measures how long things take, in seconds; the clock's own if not given.
    :param history: takes note of what is announced; whoever knows the speaker adds the talk.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        time: Callable[[], float] | None = None,
        history: History | None = None,
    ) -> None:
        self.clock = clock
        self.history = history or History(0)
        self.time: Callable[[], float] = time or clock.seconds
        self.counters = Counters()
        self.groups: list[Group[Listener]] = [Group(self.counters)]
        self.slow: Slow[Listener] = Slow(clock, self.time, self.counters)
        self._schedule = Schedule(clock, self.time, self._flush, self.counters.flushing)
        #: Called with a group in which something has gathered.
        self.due = self._schedule.due
        self._apart: dict[Listener, None] = {}
        self._answering: IDelayedCall | None = None

    # -- listeners -------------------------------------------------------------------------------

    def listen(self, transport: Any, reader: Reader, carrier: Carrier = PLAIN) -> Listener:
        """A place for a new connection; it hears no talk before :meth:`join`."""
        group = next((group for group in self.groups if len(group.listeners) < GROUP), None)
        if group is None:
            group = Group(self.counters)
            self.groups.append(group)
        listener = Listener(self, group, transport, reader, carrier)
        group.listeners.add(listener)
        return listener

    def join(self, listener: Listener) -> None:
        """From here on the listener hears the talk."""
        if not listener.joined and listener in listener.group.listeners:
            listener.joined = True
            self._apart.pop(listener, None)
            listener.group.touched[listener] = None
            listener.note(kinds.JOIN, b"")

    def leave(self, listener: Listener) -> None:
        if listener.joined:
            listener.joined = False
            listener.fan_out.sends.pop(listener, None)
            listener.note(kinds.LEAVE, b"")

    def touch(self, listener: Listener) -> None:
        """This batch is not for ``listener`` what it is for everybody else."""
        # Who has joined and left again before the group's turn still belongs to it.
        if listener.joined or listener.hearing or listener in listener.group.touched:
            listener.group.touched[listener] = None
        else:
            self._apart[listener] = None
            if self._answering is None:
                self._answering = self.clock.callLater(0, self._answer)

    def carry(self, listener: Listener, carrier: Carrier) -> None:
        """Encode for another carrier from here on, also for somebody who hears the talk."""
        self.flush()  # What was said until now is on its way by the carrier of before.
        listener.change_carrier(carrier)

    def has_touched(self, listener: Listener) -> bool:
        return listener in listener.group.touched or listener in self._apart

    def forget(self, listener: Listener) -> None:
        group = listener.group
        group.forget(listener)
        self._apart.pop(listener, None)
        self.slow.lost(listener)
        if not group.listeners and len(self.groups) > 1 and group in self.groups:
            self.groups.remove(group)
            self._schedule.drop(group)

    # -- talk ------------------------------------------------------------------------------------

    def announce(self, message: Message, but: Listener | None = None) -> None:
        """Say a message to everybody who has joined, except ``but``."""
        self.history.announce(message, self.counters.lines)
        self._add(Announcement(message), but)

    def pass_on(self, message: Message) -> None:
        """The same for what the history knows already."""
        self._add(Announcement(message), None)

    def say(
        self,
        speaker: Listener | None,
        name: str,
        data: bytes,
        lines: int,
        deaf: Collection[Listener] = (),
    ) -> None:
        """Plain talk: clean lines of ``name`` as UTF-8, with LF between them, none after the last.

        :param speaker: who does not hear it; None if they do not listen here.
        :param lines: how many they are.
        :param deaf: others who are not to hear it.
        """
        self._add(Talk(name, data, lines), speaker, deaf)

    def say_message(
        self, speaker: Listener | None, message: Message, deaf: Collection[Listener] = ()
    ) -> None:
        """Talk that is no plain line, such as what somebody does: everybody else hears it."""
        self._add(Remark(message), speaker, deaf)

    def _add(self, entry: Entry, but: Listener | None, deaf: Collection[Listener] = ()) -> None:
        self.counters.lines += entry.lines
        for group in self.groups:
            group.add(entry, but)
        for listener in deaf:
            listener.group.batch.hide_last(listener)
            self.touch(listener)
        if but is not None:
            self.touch(but)
            if self.slow.waiting:
                self.slow.hold(but)
        # Only now, when all have it: writing may cause something to be said.
        for group in list(self.groups):
            self.due(group)

    # -- writing ---------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write all that has gathered; in its rounds the board does it by itself."""
        self._schedule.finish()
        self._answer()

    def _flush(self, group: Group[Listener]) -> None:
        batch, touched = group.seal()
        self.counters.flushes += 1
        if batch.entries:
            self.counters.deliveries += batch.lines * group.hearing
            for listener, block, sent in group.broadcast(batch, touched):
                listener.fall_behind([(kinds.TALK, memoryview(block))], sent)
        self._deliver(touched, batch)
        self.slow.flushed(group, batch)

    def _answer(self) -> None:
        """Answer those who are not in the chat; no talk has to go before it, so there is no gap."""
        self._answering = None
        apart, self._apart = self._apart, {}
        self._deliver(apart)

    def _deliver(
        self, listeners: dict[Listener, None], batch: Batch[Listener] | None = None
    ) -> None:
        """:param batch: the one that has just ended; none for those who hear none of it."""
        deliver = (
            Listener.deliver if batch is not None and batch.entries else Listener.deliver_quietly
        )
        for listener in listeners:
            try:
                deliver(listener, batch or listener.group.batch)
            except Exception:
                # Whatever it is, it must not keep the others from hearing.
                self.log.failure("Nothing can be written to {listener}", listener=listener)
                self.soon(listener.abort)

    def soon(self, call: Callable[[], None]) -> None:
        """Do something when whatever goes on now has come to its end."""
        self.clock.callLater(0, call)
