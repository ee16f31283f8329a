"""Ignoring: whom a farmer does not want to hear (PROTOCOL §3, ``:ignorar``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from twisted.internet.defer import Deferred

from granja.board.board import Listener
from granja.contract import errors, messages
from granja.contract.ids import FarmerId
from granja.ledger.interface import AllKept, Kept
from granja.ledger.lane import Lane
from granja.people.keepsakes import keep
from granja.people.roster import Farmer, Roster

#: The ledger's subject.  It has a key for each pair of registered farmers, ``<who>:<whom>``.
SUBJECT = "ignored"

Pair = tuple[FarmerId, FarmerId]


class Ignoring:
    """Pairs of farmers: the first does not hear the second.

    :param kept: what the ledger keeps beside its chain, by subject and key.
    :param registered: the names of the registered farmers.
    """

    def __init__(
        self, lane: Lane, roster: Roster, kept: AllKept, registered: Mapping[FarmerId, str]
    ) -> None:
        self._lane = lane
        self._roster = roster
        self._registered = registered
        self._ignored: dict[FarmerId, dict[FarmerId, str]] = {}
        self._ignored_by: dict[FarmerId, set[FarmerId]] = {}
        for who, whom in _pairs(kept.get(SUBJECT, {})):
            if who in registered and whom in registered:
                self._add(who, whom, registered[whom])

    def _add(self, who: FarmerId, whom: FarmerId, name: str) -> None:
        self._ignored.setdefault(who, {})[whom] = name
        self._ignored_by.setdefault(whom, set()).add(who)

    def _remove(self, who: FarmerId, whom: FarmerId) -> None:
        ignored, by = self._ignored[who], self._ignored_by[whom]
        del ignored[whom]
        by.remove(who)
        if not ignored:
            del self._ignored[who]
        if not by:
            del self._ignored_by[whom]

    def ignored_by(self, who: FarmerId) -> Mapping[FarmerId, str]:
        """The farmers whom ``who`` ignores, with their names, oldest first."""
        return self._ignored.get(who, {})

    def not_told_again(self, farmer: FarmerId) -> set[FarmerId]:
        """Whose lines a farmer who comes back does not hear: their own, and of whom they ignore."""
        return {farmer, *self.ignored_by(farmer)}

    def deaf_to(self, speaker: FarmerId) -> list[Listener]:
        """The listeners in the chat that do not hear ``speaker``."""
        if speaker not in self._ignored_by:
            return []
        found = map(self._roster.present, sorted(self._ignored_by[speaker]))
        here = (farmer.connection for farmer in found if farmer is not None)
        return [connection.listener for connection in here if connection is not None]

    # -- commands --------------------------------------------------------------------------------

    def ignore(self, me: Farmer, name: str | None) -> Deferred[None] | None:
        """``:ignorar``; without a name it lists the ignored farmers (PROTOCOL §3).

        :raises Nobody: when nobody has this name.
        :raises IgnoresOneself: when it is one's own.
        """
        if name is None:
            ignored = self.ignored_by(me.id).items()
            names = tuple(name for whom, name in ignored if self._is_somebody(whom))
            me.tell(messages.Ignoring(names) if names else messages.HEARS_EVERYBODY)
            return None
        other = self._roster.person(name)
        if other is None:
            raise errors.Nobody(name)
        if other is me:
            raise errors.IgnoresOneself

        def done() -> None:
            self._add(me.id, other.id, str(other))
            me.tell(messages.Ignored(str(other)))

        return keep(self._lane, me, self._kept(me.id, other, True), done)

    def hear_again(self, me: Farmer, name: str) -> Deferred[None] | None:
        """``:escuchar`` (PROTOCOL §3).

        :raises NotIgnored: when ``me`` ignores nobody of this name.
        """
        other = self._roster.person(name)
        if other is None or other.id not in self.ignored_by(me.id):
            raise errors.NotIgnored(name)

        def done() -> None:
            self._remove(me.id, other.id)
            me.tell(messages.HeardAgain(str(other)))

        return keep(self._lane, me, self._kept(me.id, other, None), done)

    def _is_somebody(self, whom: FarmerId) -> bool:
        """Whether this farmer exists.  A visitor exists only during the visit."""
        return whom in self._registered or self._roster.present(whom) is not None

    def _kept(self, who: FarmerId, whom: Farmer, value: bool | None) -> list[Kept]:
        """What the ledger keeps: nothing of a visitor, who is ignored only for a visit."""
        return [Kept(SUBJECT, f"{who}:{whom.id}", value)] if whom.registered else []

    def follow(self, item: Kept) -> None:
        """Follow another node, which has changed a pair."""
        for who, whom in _pairs([item.key]):
            if item.value is not None and whom in self._registered:
                self._add(who, whom, self._registered[whom])
            elif item.value is None and whom in self.ignored_by(who):
                self._remove(who, whom)

    # -- visitors who register, and visits that end ----------------------------------------------

    def carried(self, farmer: Farmer) -> list[Kept]:
        """What the ledger must keep when this visitor registers."""
        mine = ((farmer.id, whom) for whom in self.ignored_by(farmer.id))
        others = ((who, farmer.id) for who in sorted(self._ignored_by.get(farmer.id, ())))
        pairs = [*mine, *others]
        known = {*self._registered, farmer.id}
        return [Kept(SUBJECT, f"{a}:{b}", True) for a, b in pairs if a in known and b in known]

    def forget(self, visitor: FarmerId) -> None:
        """Forget a visitor whose visit is over.  Nobody will have this number again."""
        for whom in list(self.ignored_by(visitor)):
            self._remove(visitor, whom)
        for who in list(self._ignored_by.get(visitor, ())):
            self._remove(who, visitor)


def _pairs(keys: Iterable[str]) -> Iterable[Pair]:
    for key in keys:
        who, _, whom = key.partition(":")
        with suppress(ValueError):  # Damaged, or not ours: nobody is ignored by it.
            yield FarmerId(int(who)), FarmerId(int(whom))
