"""Coming back with a pass: no name, list or password, and the same place (PROTOCOL §5b)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from twisted.internet.defer import Deferred

from granja.board.receipts import Receipts
from granja.contract import errors, messages
from granja.contract.ids import FarmerId
from granja.contract.messages import Message
from granja.market.offers import News
from granja.people.attendance import Attendance
from granja.people.declaring import Declaring
from granja.people.farm import Farm
from granja.people.issuing import Issuing
from granja.people.lingering import Lingering
from granja.people.missed import Newsroom
from granja.people.passes import Pass, Passes
from granja.people.returning import MOST_LINES, Unread, retell, take_up, unread
from granja.people.roster import Connection, Farmer, Retelling


class Entrance(Protocol):
    """The way into the chat (:class:`granja.people.presence.Presence`)."""

    passes: Passes
    issuing: Issuing
    lingering: Lingering
    attendance: Attendance
    news: Newsroom
    declaring: Declaring

    def once_held(self, farmer: Farmer, then: Callable[[], Deferred[None]]) -> Deferred[None]:
        """Call ``then`` as soon as this node holds the name."""

    def enter(self, farmer: Farmer, connection: Connection, told: Sequence[Message] = ()) -> None:
        """Let them into the chat: from ``¡OK!`` on they hear it, are listed and announced."""

    def greeting(self, farmer: Farmer, news: News) -> list[Message]:
        """What somebody who was away reads after ``¡OK!``."""

    def replace(self, before: Connection) -> None:
        """Close the old connection: the farmer is on another one now."""

    def join(self, farmer: Farmer, connection: Connection) -> None:
        """Let them hear the talk from now on."""


class Comeback:
    """Brings back a farmer who shows a pass."""

    def __init__(self, factory: Farm, entrance: Entrance) -> None:
        self._factory = factory
        self._board = factory.board
        self._market = factory.market
        self._roster = factory.roster
        self._teller = factory.teller
        self._entrance = entrance
        self._passes = entrance.passes

    def bearer(self, secret: str) -> Farmer | None:
        """The farmer of a pass; None if the pass does not work."""
        known = self._passes.find(secret)
        if known is None:
            return None
        name = self._market.registered.get(known.farmer)
        present = self._roster.present(known.farmer)
        return present or (self._roster.owner(name) if name is not None else None)

    def is_unheard(self, secret: str) -> bool:
        """See :class:`granja.people.farm.Comings`."""
        shared = self._entrance.attendance.claims is not None
        return shared and self._passes.find(secret) is not None and self.bearer(secret) is None

    def return_with(
        self, secret: str, number: int | None, connection: Connection
    ) -> Deferred[None]:
        """Bring somebody back with a pass.

        :param number: of the last line that they have heard, if they say so.
        :raises BadPass: when the pass does not work.
        """
        farmer = self.bearer(secret)
        if farmer is None:
            raise errors.BadPass
        then = partial(self._return, farmer.id, secret, number, connection)
        return self._entrance.once_held(farmer, then)

    def _return(
        self, id: FarmerId, secret: str, number: int | None, connection: Connection
    ) -> Deferred[None]:
        known, farmer = self._passes.find(secret), self.bearer(secret)
        if known is None or farmer is None:
            self._entrance.attendance.depart(id)
            raise errors.BadPass
        used = self._passes.use(secret)
        done = self._entrance.attendance.come_back(farmer.id, connection, used)
        return done.addCallback(self._returned, farmer, connection, known, number)

    def _returned(
        self,
        news: News | None,
        farmer: Farmer,
        connection: Connection,
        known: Pass,
        number: int | None,
    ) -> Deferred[None] | None:
        elsewhere, after = farmer.elsewhere, known.told_after if number is None else number
        if elsewhere is None or connection.over:
            self._admit(None, news, farmer, connection, known, number)
            return None
        but = self._factory.ignoring.not_told_again(farmer.id)
        asked = elsewhere.unread(farmer, known.visit, after, but)
        return asked.addCallback(self._admit, news, farmer, connection, known, number)

    def _admit(
        self,
        retelling: Retelling | None,
        news: News | None,
        farmer: Farmer,
        connection: Connection,
        known: Pass,
        number: int | None,
    ) -> None:
        """:param retelling: what they have not read at another node, if it says so.
        :param news: None if the connection ended before we looked for them.
        """
        present = self._roster.present(farmer.id) is not None
        if not connection.over:  # Somebody may have banned them meanwhile.
            self._factory.order.turns_away(farmer, connection)
        if connection.over:
            if news is not None:
                self._entrance.news.keep(farmer.id, news)
            self._give_up(farmer)
            return
        if not present and not farmer.registered and not self._is_expected(farmer):
            self._give_up(farmer)
            raise errors.BadPass
        assert news is not None
        connection.farmer, connection.chain = farmer, known.chain
        self._entrance.news.told(farmer.id)
        if present and farmer.elsewhere is None:
            self._resume(farmer, connection, known, number, news)
        else:
            self._come_in(farmer, connection, number, news, retelling)
            if retelling is not None:
                self._retell(retelling, farmer, connection, known)
        self._entrance.declaring.ask(farmer)

    def _is_expected(self, farmer: Farmer) -> bool:
        """Whether this is a visitor whose node has let them go while they were on the way here: it
        has lost its lease, perhaps."""
        claims = self._entrance.attendance.claims
        expected = claims is not None and claims.concerns(farmer.id)
        return expected and farmer.id in self._market.held

    def _give_up(self, farmer: Farmer) -> None:
        """They do not come in after all.  A visitor whose node has let them go is gone."""
        gone = not farmer.registered and self._roster.present(farmer.id) is None
        if gone and self._roster.holder(farmer.name) is farmer:
            self._roster.free(farmer)
        self._entrance.attendance.depart(farmer.id)

    def _come_in(
        self,
        farmer: Farmer,
        connection: Connection,
        number: int | None,
        news: News,
        retelling: Retelling | None,
    ) -> None:
        """They had left, or were at another node: they come in as with a password.  Others hear it
        in the first case only."""
        receipts = connection.listener.receipts
        if receipts is not None:
            last = retelling.count if retelling is not None else 0
            receipts.skip_to(min(max(number or 0, last), MOST_LINES))
        connection.tell(messages.WelcomeBack(str(farmer)), self._teller.inventory(farmer.id))
        if retelling is None:
            greeting = self._entrance.greeting(farmer, news)
        else:
            greeting = self._teller.meanwhile(farmer.id, news) if retelling.partial else []
        self._entrance.enter(farmer, connection, greeting)

    def _retell(
        self, retelling: Retelling, farmer: Farmer, connection: Connection, known: Pass
    ) -> None:
        """Tell what they had not read at the other node.  The same pass tells it again here."""
        known.visit, known.told_after = farmer.visit, retelling.after
        retell(retelling, farmer, connection)

    def _resume(
        self,
        farmer: Farmer,
        connection: Connection,
        known: Pass,
        number: int | None,
        news: News,
    ) -> None:
        """They are in the chat or linger: go on where they were."""
        before, receipts = farmer.connection, farmer.receipts
        if known.visit != farmer.visit:
            receipts = None
        if self._passes.has_moved(farmer):  # They come back from a node that we do not hear.
            self._passes.begin_visit(farmer)
        self._entrance.lingering.end(farmer)
        take_up(self._board, farmer, connection)
        if farmer.receipts is not None:
            farmer.receipts.skip_to(min(number or 0, MOST_LINES))
        lines, place = self._unread(farmer, receipts, known, number)
        farmer.connection = connection
        self._roster.comes_again(farmer)
        connection.stop_the_clock()
        connection.enter_chat(farmer)
        told = connection.listener.tell_numbered
        told(messages.WelcomeBack(str(farmer)), (), place)
        told(self._teller.inventory(farmer.id), (), place)
        told(messages.Ready(str(farmer)), (), place)
        self._entrance.issuing.give(farmer)
        if receipts is None or receipts.partial:
            for message in self._teller.meanwhile(farmer.id, news):
                told(message, (), place)
        for line in lines:
            told(line.message, line.privates, line.place)
        self._factory.journal.resumed(farmer, connection)
        if before is not None:
            self._entrance.replace(before)
        self._entrance.join(farmer, connection)

    def _unread(
        self,
        farmer: Farmer,
        receipts: Receipts | None,
        known: Pass,
        number: int | None,
    ) -> tuple[list[Unread], int]:
        """The lines that they have not read, and their place in the talk.

        :param receipts: of the visit of this pass; None if that visit is over.
        """
        if receipts is None:
            return [], self._board.counters.lines
        if number is None:
            number = known.told_after if known.told_after is not None else receipts.sent
        known.told_after = number
        place = receipts.place_after(number)
        but = self._factory.ignoring.not_told_again(farmer.id)
        lines = unread(self._board, receipts, number, but)
        receipts.resume(number)
        return lines, place
