"""The chat: a line is talk or a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from granja.contract.commands import COMMANDS, MODERATORS_COMMANDS, Command, is_blank, parse
from granja.contract.ids import ArtifactId
from granja.people.arriving import Declaration, Place
from granja.people.farm import Farm
from granja.people.roster import Connection, Farmer


class Chat(Place):
    """The place where nothing is asked."""

    question = None

    def __init__(self, factory: Farm, farmer: Farmer) -> None:
        self._factory = factory
        self._talk = factory.talk
        self._farmer = farmer

    def answer(self, text: str) -> Deferred[None] | None:
        me, parsed = self._farmer, self.parse(text)
        if parsed is not None:
            command, values = parsed
            outcome = command.run(self._factory, me, *values)
            # Usually there is nothing to wait for, and this is faster than making a Deferred.
            return outcome if isinstance(outcome, Deferred) else None
        if not is_blank(text):
            self._talk.say(me, text)
        return None

    def parse(self, text: str) -> tuple[Command, list[Any]] | None:
        """The command in this line, with its arguments; None for talk."""
        return parse(text, MODERATORS_COMMANDS if self._farmer.moderator else COMMANDS)


class DeclarationInChat(Declaration):
    """Asks somebody in the chat for their artifacts.  Commands still work."""

    def __init__(
        self,
        factory: Farm,
        connection: Connection,
        declare: Callable[[list[ArtifactId]], Deferred[None]],
        chat: Chat,
    ) -> None:
        super().__init__(factory, connection, declare)
        self._chat = chat

    def answer(self, text: str) -> Deferred[None] | None:
        return super().answer(text) if self._chat.parse(text) is None else self._chat.answer(text)
