"""Talk: what a farmer says to everybody or to one person, and who hears it."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from granja.board.board import Board
from granja.board.history import Remark
from granja.contract import errors, messages
from granja.contract.commands import FOR_ALL, TABLE, help_entries
from granja.contract.messages import Message
from granja.people.ignoring import Ignoring
from granja.people.moments import stamp
from granja.people.roster import Farmer, Roster
from granja.text.clean import squeezed

#: Lines that ``:historial`` shows without a number, and at most (PROTOCOL §3).
USUAL, MOST = 20, 100


class Talking:
    """The commands of talk.  ``me`` is the farmer who typed the line.

    :param now: the time of day, in Unix seconds.
    """

    def __init__(
        self,
        now: Callable[[], float],
        board: Board,
        roster: Roster,
        ignoring: Ignoring,
    ) -> None:
        self._now = now
        self._board = board
        self._roster = roster
        self._history = board.history
        self._ignoring = ignoring

    def show_help(self, me: Farmer) -> None:
        me.tell(*help_entries(TABLE if me.moderator else FOR_ALL))

    def leave(self, me: Farmer) -> None:
        me.tell(messages.GOODBYE)
        if me.connection is not None:
            me.connection.may_linger = False
            me.connection.finish()

    def list_users(self, me: Farmer) -> None:
        me.tell(messages.Here(self._roster.names()))

    def whisper(self, me: Farmer, name: str, text: str) -> Deferred[None] | None:
        """``:p``.

        :returns: the caller waits for it if they are at another node; fails with NotDelivered.
        :raises NobodyCalled: when nobody in the chat has this name.
        """
        if me.mute is not None:
            _refuse_the_muted(me, self._now())
        other = self._roster.find(name)
        if other is None:
            raise errors.NobodyCalled(name)
        if me.id in self._ignoring.ignored_by(other.id):
            return None  # An ignored farmer does not notice it (PROTOCOL §3).
        by = me.connection.listener if me.connection is not None else None
        return other.hear_whisper(str(me), squeezed(text), by, me.id)

    def say(self, me: Farmer, text: str) -> None:
        """Say plain talk, also emoticons."""
        self.say_block(me, squeezed(text).encode())

    def act(self, me: Farmer, text: str) -> None:
        """``:yo``."""
        if me.mute is not None:
            _refuse_the_muted(me, self._now())
        if me.connection is not None:
            acted = messages.Acted(str(me), squeezed(text))
            deaf = self._ignoring.deaf_to(me.id)
            self._board.say_message(me.connection.listener, acted, deaf)
            said = acted.text.encode()
            place = self._board.counters.lines
            self._history.add(me.id, str(me), said, 1, self._now(), acted=True, place=place)

    def say_block(self, me: Farmer, data: bytes) -> None:
        """Say clean lines of plain talk: UTF-8 with LF between them."""
        if me.mute is not None:
            _refuse_the_muted(me, self._now())
        if me.connection is not None:
            name, lines = me.name.spelling, data.count(b"\n") + 1
            deaf = self._ignoring.deaf_to(me.id)
            self._board.say(me.connection.listener, name, data, lines, deaf)
            place = self._board.counters.lines
            self._history.add(me.id, name, data, lines, self._now(), place=place)

    def show_history(self, me: Farmer, count: int | None) -> None:
        """``:historial``.

        :raises NoHistory: when the operator keeps none.
        :raises NothingSaid: when there is nothing to show.
        """
        if not self._history.most:
            raise errors.NoHistory
        never_told = self._ignoring.never_told(me.id)
        found = self._history.last(min(count or USUAL, MOST), never_told)
        if not found:
            raise errors.NothingSaid
        now = self._now()
        me.tell(messages.LastLines(len(found)), *(_as_before(remark, now) for remark in found))


def _refuse_the_muted(me: Farmer, now: float) -> None:
    """Refuse to let a muted farmer speak (PROTOCOL §7, ``:callar``).

    :param now: the time of day, in Unix seconds.
    :raises Muted: until the mute is over.
    """
    mute = me.mute
    if mute is None:
        return
    if mute.ends <= now:
        me.mute = None
    else:
        raise errors.Muted(mute.said(now), mute.why)


def _as_before(remark: Remark, now: float) -> Message:
    kind = messages.ActedBefore if remark.acted else messages.SaidBefore
    return kind(stamp(remark.time, now), remark.name, remark.text)
