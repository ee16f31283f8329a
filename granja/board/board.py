"""The board encodes what is said once, and writes it once for each listener and batch.

All bytes for a connection go in order through its :class:`~granja.board.listener.Listener`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar, Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from granja.board import backlog as kinds
from granja.board.batch import Announcement, Batch, Entry, Remark, Talk
from granja.board.counters import Counters
from granja.board.group import Group
from granja.board.history import History
from granja.board.listener import Listener
from granja.board.schedule import Schedule
from granja.board.slow import Reader, Slow
from granja.clockwork.timer import Timer
from granja.contract.messages import Message
from granja.wire.encodings import PLAIN, Carrier

__all__ = ["Board", "Listener", "Reader"]

#: Listeners in a group: about two milliseconds of writing.
GROUP: Final = 256


class Board:
    """The log of the talk, and everybody who listens.

    :param clock: gives the reactor's ticks.
    :param time: measures durations, in seconds; the clock's own time if not given.
    :param history: keeps the board's announcements; a room that knows the speaker adds the talk.
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
        #: Call this with a group that has something to write.
        self.due = self._schedule.due
        self._apart: dict[Listener, None] = {}
        self._answering = Timer(clock, self._answer)

    # -- listeners -------------------------------------------------------------------------------

    def listen(self, transport: Any, reader: Reader, carrier: Carrier = PLAIN) -> Listener:
        """Make a place for a new connection.  It hears no talk before :meth:`join`."""
        group = next((group for group in self.groups if len(group.listeners) < GROUP), None)
        if group is None:
            group = Group(self.counters)
            self.groups.append(group)
        listener = Listener(self, group, transport, reader, carrier)
        group.listeners.add(listener)
        return listener

    def join(self, listener: Listener) -> None:
        """Let the listener hear the talk from now on."""
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
        """Note that ``listener`` needs its own version of this batch."""
        # A listener that joins and leaves before the group's turn still belongs to that turn.
        if listener.joined or listener.hearing or listener in listener.group.touched:
            listener.group.touched[listener] = None
        else:
            self._apart[listener] = None
            self._answering.start(0)

    def carry(self, listener: Listener, carrier: Carrier) -> None:
        """Encode for another carrier from now on, even while the listener hears the talk."""
        self.flush()  # The old carrier encodes what was said until now.
        listener.change_carrier(carrier)

    def has_touched(self, listener: Listener) -> bool:
        return listener in listener.group.touched or listener in self._apart

    def forget(self, listener: Listener) -> None:
        group = listener.group
        group.forget(listener)
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
        """Say a message that the history has already."""
        self._add(Announcement(message), None)

    def say(
        self,
        speaker: Listener | None,
        name: str,
        data: bytes,
        lines: int,
        deaf: Collection[Listener] = (),
    ) -> None:
        """Say plain lines of ``name``.

        :param speaker: does not hear them; None if the speaker does not listen here.
        :param data: clean lines in UTF-8, with LF between them and none after the last.
        :param lines: the number of lines.
        :param deaf: other listeners that must not hear them.
        """
        self._add(Talk(name, data, lines), speaker, deaf)

    def say_message(
        self, speaker: Listener | None, message: Message, deaf: Collection[Listener] = ()
    ) -> None:
        """Say talk that is no plain line, such as ``:yo``.  Everybody else hears it."""
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
        # Every group has the entry now.  Not earlier: writing may cause more to be said.
        for group in list(self.groups):
            self.due(group)

    # -- writing ---------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write everything now.  Usually the board writes by itself, in rounds."""
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
        """Answer those who are not in the chat.  No talk comes before the answer: no need to
        wait."""
        apart, self._apart = self._apart, {}
        self._deliver(apart)

    def _deliver(
        self, listeners: dict[Listener, None], batch: Batch[Listener] | None = None
    ) -> None:
        """Send to each listener what is its own.

        :param batch: the one that has just ended; None for listeners that hear none of it.
        """
        deliver = (
            Listener.deliver if batch is not None and batch.entries else Listener.deliver_quietly
        )
        for listener in listeners:
            try:
                deliver(listener, batch or listener.group.batch)
            except Exception:
                # No failure may keep the others from hearing.
                self.log.failure("Nothing can be written to {listener}", listener=listener)
                self.soon(listener.abort)

    def soon(self, call: Callable[[], None]) -> None:
        """Call ``call`` when the present work is done."""
        self.clock.callLater(0, call)
