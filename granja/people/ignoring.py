"""Ignoring: whom a farmer does not want to hear (PROTOCOL §3, ``:ignorar``)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress

from twisted.internet.defer import Deferred

from granja.board.board import Listener
from granja.contract import errors, messages
from granja.contract.ids import FarmerId
from granja.ledger.interface import AllKept, Kept
from granja.ledger.lane import Lane
from granja.market.market import Market
from granja.people.keepsakes import Keepsakes
from granja.people.roster import Farmer, Roster

#: The ledger's subject.  It has a key for each pair of farmers, ``<who>:<whom>``.
SUBJECT = "ignored"
#: Visitors who have left and whose old lines one farmer still does not hear.  For one more, we
#: forget the first.
MOST_GONE = 200

Pair = tuple[FarmerId, FarmerId]


class Ignoring:
    """Pairs of farmers: the first does not hear the second.

    :param kept: what the ledger keeps beside its chain, by subject and key.
    """

    def __init__(self, lane: Lane, roster: Roster, market: Market, kept: AllKept) -> None:
        self._keepsakes = Keepsakes(lane)
        self._roster = roster
        self._market = market
        self._ignored: dict[FarmerId, dict[FarmerId, None]] = {}
        self._ignored_by: dict[FarmerId, set[FarmerId]] = {}
        #: Visitors who were ignored until they left.  What they said is still in the history.
        self._gone: dict[FarmerId, dict[FarmerId, None]] = {}
        for who, whom in _pairs(kept.get(SUBJECT, {})):
            self._add(who, whom)

    def _add(self, who: FarmerId, whom: FarmerId) -> None:
        self._ignored.setdefault(who, {})[whom] = None
        self._ignored_by.setdefault(whom, set()).add(who)

    def _remove(self, who: FarmerId, whom: FarmerId) -> None:
        ignored, by = self._ignored[who], self._ignored_by[whom]
        del ignored[whom]
        by.remove(who)
        if not ignored:
            del self._ignored[who]
        if not by:
            del self._ignored_by[whom]

    def ignored_by(self, who: FarmerId) -> Collection[FarmerId]:
        """The farmers whom ``who`` ignores, oldest first."""
        return self._ignored.get(who, {})

    def never_told(self, farmer: FarmerId) -> set[FarmerId]:
        """Whose lines a farmer does not hear later either: of whom they ignore, and of visitors
        whom they ignored until the visit was over."""
        return {*self.ignored_by(farmer), *self._gone.get(farmer, ())}

    def not_told_again(self, farmer: FarmerId) -> set[FarmerId]:
        """Whose lines a farmer who comes back does not hear: their own too."""
        return {farmer, *self.never_told(farmer)}

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
            names = tuple(filter(None, map(self._name, self.ignored_by(me.id))))
            me.tell(messages.Ignoring(names) if names else messages.HEARS_EVERYBODY)
            return None
        other = self._roster.person(name)
        if other is None:
            raise errors.Nobody(name)
        if other is me:
            raise errors.IgnoresOneself

        def done() -> None:
            self._add(me.id, other.id)
            me.tell(messages.Ignored(str(other)))

        return self._keepsakes.keep(me, [_kept(me.id, other.id)], done)

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

        return self._keepsakes.keep(me, [_kept(me.id, other.id, None)], done)

    def _name(self, whom: FarmerId) -> str | None:
        """The name of this farmer; None if they do not exist.  A visitor exists only during the
        visit."""
        present = self._roster.present(whom)
        return self._market.registered.get(whom) if present is None else str(present)

    def follow(self, item: Kept) -> None:
        """Follow another node, which has changed a pair."""
        for who, whom in _pairs([item.key]):
            if item.value is not None:
                self._add(who, whom)
            elif whom in self.ignored_by(who):
                self._remove(who, whom)
                # Who is here has not typed ``:escuchar`` there: it is the visit that is over.
                if self._is_here(who) or self._name(whom) is None:
                    self._remember(who, whom)

    def _is_here(self, who: FarmerId) -> bool:
        """Whether they are in the chat, at this node."""
        present = self._roster.present(who)
        return present is not None and present.elsewhere is None

    # -- visitors who register, and visits that end ----------------------------------------------

    def carried(self, farmer: Farmer) -> list[Kept]:
        """What the ledger must keep when this visitor registers."""
        mine = ((farmer.id, whom) for whom in self.ignored_by(farmer.id))
        others = ((who, farmer.id) for who in sorted(self._ignored_by.get(farmer.id, ())))
        return [_kept(who, whom) for who, whom in (*mine, *others)]

    def forget(self, visitor: FarmerId) -> None:
        """Forget a visitor whose visit is over.  Nobody will have this number again."""
        mine = [(visitor, whom) for whom in self.ignored_by(visitor)]
        others = [(who, visitor) for who in sorted(self._ignored_by.get(visitor, ()))]
        for who, whom in (*mine, *others):
            self._remove(who, whom)
        self._gone.pop(visitor, None)
        for who, _ in others:
            self._remember(who, visitor)
        self._keepsakes.keep_soon([_kept(who, whom, None) for who, whom in (*mine, *others)])

    def _remember(self, who: FarmerId, visitor: FarmerId) -> None:
        """Remember that somebody ignored this visitor until the visit was over."""
        gone = self._gone.setdefault(who, {})
        gone[visitor] = None
        if len(gone) > MOST_GONE:
            del gone[next(iter(gone))]

    def farmers(self) -> set[FarmerId]:
        """All who ignore somebody, and all who are ignored."""
        return {*self._ignored, *self._ignored_by}


def _kept(who: FarmerId, whom: FarmerId, value: bool | None = True) -> Kept:
    return Kept(SUBJECT, f"{who}:{whom}", value)


def _pairs(keys: Iterable[str]) -> Iterable[Pair]:
    for key in keys:
        who, _, whom = key.partition(":")
        with suppress(ValueError):  # Damaged, or not ours: nobody is ignored by it.
            yield FarmerId(int(who)), FarmerId(int(whom))
