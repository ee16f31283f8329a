"""Talk: what a farmer says to everybody and to one, and who is here to hear it."""

from __future__ import annotations

from granja.board.board import Board
from granja.contract import errors, messages
from granja.contract.commands import help_entries
from granja.people.roster import Farmer, Roster
from granja.text.clean import squeezed


class Talking:
    """The commands of talk; ``me`` is whoever typed the line."""

    def __init__(self, board: Board, roster: Roster) -> None:
        self._board = board
        self._roster = roster

    def show_help(self, me: Farmer) -> None:
        me.tell(*help_entries())

    def leave(self, me: Farmer) -> None:
        me.tell(messages.GOODBYE)
        if me.connection is not None:
            me.connection.finish()

    def list_users(self, me: Farmer) -> None:
        me.tell(messages.Here(self._roster.names()))

    def whisper(self, me: Farmer, name: str, text: str) -> None:
        """:raises NobodyCalled: when nobody in the chat has this name."""
        other = self._roster.find(name)
        theirs = other.connection if other is not None else None
        if theirs is None:
            raise errors.NobodyCalled(name)
        by = me.connection.listener if me.connection is not None else None
        theirs.listener.hear_whisper(me.name.spelling, squeezed(text), by)

    def say(self, me: Farmer, text: str) -> None:
        """Plain talk, and the emoticons."""
        if me.connection is not None:
            self._board.say(me.connection.listener, str(me), [squeezed(text)])

    def act(self, me: Farmer, text: str) -> None:
        """``:yo``."""
        if me.connection is not None:
            acted = messages.Acted(str(me), squeezed(text))
            self._board.say_message(me.connection.listener, acted)

    def say_block(self, me: Farmer | None, lines: bytes) -> None:
        """Several clean lines of plain talk: UTF-8 with LF between them."""
        if me is not None and me.connection is not None:
            self._board.say_block(me.connection.listener, str(me), lines)
