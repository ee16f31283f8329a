"""Who looks after the farm: the registered farmers whom the operator names (PROTOCOL §7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from twisted.logger import Logger

from granja.people.roster import Farmer, Roster
from granja.text.names import Name, NameIndex, recall


class Moderators:
    """Nobody but its owner becomes a moderator by a name: one that nobody has registered is kept
    from everybody."""

    log: ClassVar[Logger] = Logger()

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._names: NameIndex[Name] = NameIndex()
        self._appointed: list[Farmer] = []

    def appoint(self, names: Iterable[str]) -> None:
        """Let these be the moderators, and nobody else."""
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
            owner.moderator = True
            self._appointed.append(owner)

    def _owner(self, name: Name) -> Farmer | None:
        """Who has registered this name, and not only one that looks like it."""
        holder = self._roster.holder(name)
        own = holder is not None and holder.registered and holder.name.folded == name.folded
        return holder if own else None

    def reserves(self, name: Name) -> bool:
        """Whether a visitor with this name could become a moderator, or be taken for one."""
        return any(self._owner(moderator) is None for moderator in self._names.matches(name))

    def appoint_again(self) -> None:
        """The same, of whom somebody has registered meanwhile."""
        self.appoint(str(name) for name in list(self._names))

    def listed(self, name: str) -> Name | None:
        """How the operator wrote the moderator's name that this is, or could be mistaken for."""
        return self._names.find(name)

    def is_one(self, name: str) -> bool:
        """Whether a moderator has this name, registered or not."""
        return self._names.find(name) is not None
