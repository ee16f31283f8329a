"""Moderators: the registered farmers whom the operator names (PROTOCOL §7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from twisted.logger import Logger

from granja.people.roster import Farmer, Roster
from granja.text.names import Name, NameIndex, recall


class Moderators:
    """Knows the moderators.  Only the owner of a name becomes a moderator by it.

    So nobody may take a moderator's name that is not registered yet.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._names: NameIndex[Name] = NameIndex()
        self._appointed: list[Farmer] = []

    def appoint(self, names: Iterable[str]) -> None:
        """Let these farmers be the moderators, and nobody else."""
        for farmer in self._appointed:
            farmer.moderator = False
        self._names, self._appointed = NameIndex(), []
        for name in map(recall, names):
            if self._names.find(name) is None:
                self._names.add(name, name)
            self._recognize(name)

    def _recognize(self, name: Name) -> None:
        owner = self._owner(name)
        if owner is None:
            self.log.warn("The moderator {name} is not registered.", name=str(name))
        else:
            owner.moderator, owner.mute = True, None
            self._appointed.append(owner)

    def _owner(self, name: Name) -> Farmer | None:
        """The farmer who has registered this name, not a name that only looks like it."""
        holder = self._roster.holder(name)
        own = holder is not None and holder.registered and holder.name.folded == name.folded
        return holder if own else None

    def reserves(self, name: Name) -> bool:
        """Whether a visitor with this name could become a moderator, or be taken for one."""
        return any(self._owner(moderator) is None for moderator in self._names.matches(name))

    def appoint_again(self) -> None:
        """Appoint the same names again: somebody has registered one of them by now."""
        self.appoint(str(name) for name in list(self._names))

    def listed(self, name: str) -> Name | None:
        """The operator's spelling of the moderator's name that this is, or looks like."""
        return self._names.find(name)

    def is_one(self, name: str) -> bool:
        """Whether this is a moderator's name, registered or not."""
        return self._names.find(name) is not None
