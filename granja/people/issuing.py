"""Issuing: gives a pass to each connection that speaks data, and ends passes (PROTOCOL §5b)."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.contract import errors, messages
from granja.people.lingering import Lingering
from granja.people.passes import Passes
from granja.people.roster import Connection, Farmer


class Issuing:
    """Gives passes, and ends them."""

    log = Logger()

    def __init__(self, passes: Passes, lingering: Lingering) -> None:
        self._passes = passes
        self._lingering = lingering

    def give(self, farmer: Farmer) -> None:
        """Give a pass to a connection that speaks data, as soon as its hash is stored."""
        connection = farmer.connection
        if connection is None or not _can_have_one(connection):
            return
        connection.chain = connection.chain or self._passes.new_chain()
        given = self._passes.give(farmer, connection.chain)
        given.addCallbacks(
            self._given, self._not_given, (farmer, connection), errbackArgs=(farmer,)
        )

    def _given(self, secret: str, farmer: Farmer, connection: Connection) -> None:
        if farmer.connection is connection and _can_have_one(connection):
            connection.has_pass = True
            connection.tell(messages.Pass(secret, self._seconds(farmer)))
            return
        self._passes.revoke(secret)
        theirs = farmer.connection
        if farmer not in self._lingering and (theirs is None or not theirs.has_pass):
            self._passes.forget_visit(farmer.id)

    def _not_given(self, failure: Failure, farmer: Farmer) -> None:
        """Go on without a pass: they come in as before."""
        if not failure.check(errors.NotStored, errors.Halted):
            self.log.failure("{farmer} could not have a pass", failure, farmer=farmer)

    def _seconds(self, farmer: Farmer) -> int:
        """How many seconds a pass works after the connection is lost."""
        remembered = self._passes.remember if farmer.registered else 0.0
        return int(max(self._lingering.seconds, remembered))

    def password_changed(self, farmer: Farmer) -> None:
        """End all passes except those of this connection."""
        chain = farmer.connection.chain if farmer.connection is not None else ""
        self._passes.end_others(farmer.id, chain)
        self.give(farmer)

    def end(self, farmer: Farmer) -> Deferred[None]:
        """End all their passes; fails with NotStored or Halted."""
        return self._passes.give_up(farmer.id).addCallback(lambda _: _ended(farmer))

    def put_out(self, farmer: Farmer) -> None:
        """End all their passes and their lingering: they must leave.

        The caller tells a connected farmer why, and closes the connection.
        """
        self._passes.end_all(farmer.id)
        if farmer.connection is not None:
            farmer.connection.may_linger = False
        else:
            self._lingering.leave(farmer)


def _can_have_one(connection: Connection) -> bool:
    return connection.may_linger and connection.listener.carrier.numbers


def _ended(farmer: Farmer) -> None:
    if farmer.connection is not None:
        farmer.connection.may_linger = farmer.connection.has_pass = False
