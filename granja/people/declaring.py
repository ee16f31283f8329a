"""``--declarations once``: we ask a registered farmer once for their artifacts, in the chat."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from granja.contract import errors, messages
from granja.contract.ids import ArtifactId
from granja.market import holding
from granja.people.chatting import Chat, DeclarationInChat
from granja.people.farm import Farm
from granja.people.roster import Farmer


class Declaring:
    """:param declared: called with a farmer who has answered and is in the chat."""

    def __init__(self, factory: Farm, declared: Callable[[Farmer], None]) -> None:
        self._factory = factory
        self._lane = factory.lane
        self._market = factory.market
        self._then = declared

    def ask(self, farmer: Farmer) -> None:
        """Ask for the artifacts, unless they have answered or the operator wants no question."""
        connection = farmer.connection
        if connection is None or not self._factory.settings.declare_once:
            return
        if farmer.id not in self._market.declared:
            declare = partial(self.declare, farmer)
            chat = Chat(self._factory, farmer)
            connection.converse(DeclarationInChat(self._factory, connection, declare, chat))

    def declare(self, farmer: Farmer, artifacts: list[ArtifactId]) -> Deferred[None]:
        """Declare what they have; fails with DeclaredOnce if they have declared before."""
        decide = partial(
            holding.decide_declaration, self._market, farmer.id, str(farmer), artifacts, once=True
        )
        done = self._lane.submit([farmer.id], decide)
        return done.addCallbacks(
            self._declared, self._not_declared, (farmer,), errbackArgs=(farmer,)
        )

    def _declared(self, _: object, farmer: Farmer) -> None:
        if farmer.connection is not None:
            farmer.connection.enter_chat(farmer)
            farmer.tell(messages.Ready(str(farmer)))
            self._then(farmer)

    def _not_declared(self, failure: Failure, farmer: Farmer) -> Failure:
        """End the question if it was answered on an older connection."""
        if farmer.connection is not None and failure.check(errors.DeclaredOnce):
            farmer.connection.enter_chat(farmer)
        return failure
