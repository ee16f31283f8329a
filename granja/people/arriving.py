r"""The way in: what a line means as the answer to a question.

Each class is one place on a farmer's way: :class:`AskName`, then :class:`AskPassword` or
:class:`Declaration`, then the chat (:mod:`granja.people.chatting`).  A place knows its question
and takes the answers.  The farmer reads the error that a place raises, and hears the question
again.

===================  =====================================  =======================================
place                what comes                             where the farmer goes
===================  =====================================  =======================================
:class:`AtTheDoor`   the network's wait is over             :class:`AskName`
:class:`AskName`     a name that nobody holds               :class:`Declaration`, or with
                                                            ``--declarations once`` the chat
\                    a registered name                      :class:`AskPassword`
\                    a pass that works (``:volver``)        the chat, as the pass's farmer
\                    the tenth pass that does not work      closed
:class:`AskPassword` the right password                     the chat; an older connection leaves it
\                    a wrong one                            the same question; the third time closed
\                    a password from the operator           :class:`AskNewPassword`
:class:`AskNewPassword` a password                          the chat; an older connection leaves it
:class:`Declaration` a list                                 the same place, which asks for a yes
\                    a yes                                  the chat, once it is on record
\                    anything else                          the same place, which asks for the list
any of these         ``--arrival-timeout`` is over          closed
any of these         the connection ends                    gone; a visitor's name is free again
===================  =====================================  =======================================
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from granja.contract import errors, messages
from granja.contract.answers import artifact_list, is_yes
from granja.contract.commands import returning
from granja.contract.ids import ArtifactId
from granja.contract.messages import Prompt
from granja.people.farm import Farm
from granja.people.roster import Connection, Farmer

#: PROTOCOL §5: the third wrong password closes.
MOST_WRONG_PASSWORDS = 3
#: PROTOCOL §5b: the tenth wrong pass closes.
MOST_WRONG_PASSES = 10


class Place:
    """A place with nothing to abandon."""

    def abandon(self) -> None:
        """Do nothing."""


class AtTheDoor(Place):
    """Many have come from this network a short time ago: the first question has to wait.

    :param let_in: called when the wait is over.
    """

    question = None

    def __init__(self, clock: IReactorTime, seconds: float, let_in: Callable[[], None]) -> None:
        self.waiting: Deferred[None] = deferLater(clock, seconds, let_in)

    def answer(self, text: str) -> None:
        raise AssertionError("lines wait as well")

    def abandon(self) -> None:
        self.waiting.cancel()


class AskName:
    """Asks for the name.  A free name makes a visitor; a registered one needs its password."""

    question = messages.ASK_NAME

    def __init__(self, factory: Farm, connection: Connection) -> None:
        self._factory = factory
        self._connection = connection
        self._wrong = 0
        self._judging: Deferred[bool] | None = None

    def answer(self, text: str) -> Deferred[None] | None:
        found = returning(text)
        if found is not None:
            return self._come_back(*found)
        claimed = self._factory.registration.claim(text)
        if isinstance(claimed, Deferred):
            return claimed.addCallback(self._claimed)
        return self._claimed(claimed)

    def _claimed(self, farmer: Farmer) -> Deferred[None] | None:
        factory, connection = self._factory, self._connection
        may_come = self._may_come(farmer)
        if connection.over or not may_come:
            if not farmer.registered:
                factory.registration.let_go(farmer)
            if not may_come:
                raise errors.CannotEnter
            return None  # The connection ended while we asked the table of names.
        if not farmer.registered:
            connection.farmer = farmer
        if factory.order.turns_away(farmer, connection):
            return None
        if farmer.registered:
            connection.converse(AskPassword(factory, connection, farmer))
            return None
        connection.tell(messages.Welcome())
        if factory.settings.declare_once:
            return factory.presence.arrive(farmer, connection, [])
        connection.converse(
            Declaration(factory, connection, lambda chosen: self._declare(farmer, chosen))
        )
        return None

    def _may_come(self, farmer: Farmer) -> bool:
        """Whether they may come in.  While the farm is drained, only those in the chat may."""
        return not self._factory.draining or self._factory.roster.present(farmer.id) is not None

    def _come_back(self, secret: str, number: int | None) -> Deferred[None]:
        """Come back with a pass.  The answer may wait, as the answer to a password does."""
        factory, connection = self._factory, self._connection
        if factory.presence.is_unheard(secret):
            raise errors.CannotEnter
        right = factory.presence.bearer(secret) is not None
        waits = partial(connection.tell, messages.TOO_MANY_TRIES)
        judging = factory.registration.judge(right, connection.address, waits)
        self._judging = judging
        left = connection.stop_the_clock()
        return judging.addBoth(self._go_on, left).addCallback(self._judged, secret, number)

    def _go_on(self, outcome: bool | Failure, left: float) -> bool | Failure:
        self._judging = None
        self._connection.start_the_clock(left)
        return outcome

    def abandon(self) -> None:
        """Cancel an answer that waits, so that nothing keeps this connection in memory."""
        if self._judging is not None:
            self._judging.cancel()

    def _judged(self, right: bool, secret: str, number: int | None) -> Deferred[None] | None:
        connection = self._connection
        if not right:
            self._factory.incidents.note("pass_refused", connection)
        if connection.over:
            return None
        bearer = self._factory.presence.bearer(secret) if right else None
        if bearer is not None and self._factory.order.turns_away(bearer, connection):
            return None
        if right:
            return self._factory.presence.return_with(secret, number, connection)
        self._wrong += 1
        if self._wrong < MOST_WRONG_PASSES:
            raise errors.BadPass
        connection.refuse(errors.BadPass())
        connection.finish()
        return None

    def _declare(self, farmer: Farmer, chosen: list[ArtifactId]) -> Deferred[None]:
        return self._factory.presence.arrive(farmer, self._connection, chosen)


class AskPassword:
    """The name is registered.  A farmer who is inside does not notice the question."""

    question = messages.ASK_PASSWORD

    def __init__(self, factory: Farm, connection: Connection, farmer: Farmer) -> None:
        self._factory = factory
        self._connection = connection
        self._farmer = farmer
        self._wrong = 0
        self._checking: Deferred[bool] | None = None

    def answer(self, text: str) -> Deferred[None] | None:
        connection = self._connection
        checking = self._factory.registration.check(
            self._farmer,
            text,
            connection.address,
            partial(connection.tell, messages.TOO_MANY_TRIES),
        )
        self._checking = checking
        # The answer may wait because somebody else guesses.  That time is not this farmer's fault.
        left = connection.stop_the_clock()
        return checking.addBoth(self._go_on, left).addCallback(self._checked, text)

    def _go_on(self, outcome: bool | Failure, left: float) -> bool | Failure:
        self._checking = None  # From here on the farmer comes in, and nobody cancels that.
        self._connection.start_the_clock(left)
        return outcome

    def abandon(self) -> None:
        """Cancel the check: take it out of the queue if it has not begun, because it is expensive.

        An answer that waits for a minute must not keep this connection in memory.
        """
        if self._checking is not None:
            self._checking.cancel()

    def _checked(self, right: bool, text: str) -> Deferred[None] | None:
        if not right:  # A client that hangs up before the answer has guessed too.
            self._factory.incidents.note("login_failed", self._connection, self._farmer)
        if self._connection.over:
            return None
        if right:
            if self._factory.order.turns_away(self._farmer, self._connection):
                return None
            if self._factory.registration.one_use.fits(self._farmer.id, text):
                spent = self._factory.registration.spend(self._farmer, text)
                return spent.addCallback(self._spent)
            self._connection.farmer = self._farmer
            return self._factory.presence.come_back(self._farmer, self._connection)
        self._wrong += 1
        if self._wrong < MOST_WRONG_PASSWORDS:
            raise errors.WrongPassword
        self._connection.refuse(errors.WrongPassword())
        self._connection.finish()
        return None

    def _spent(self, _: object) -> None:
        if not self._connection.over:
            self._connection.converse(AskNewPassword(self._factory, self._connection, self._farmer))


class AskNewPassword(Place):
    """The farmer came with the operator's password, which works only once: ask for a new one."""

    question = messages.ASK_NEW_PASSWORD

    def __init__(self, factory: Farm, connection: Connection, farmer: Farmer) -> None:
        self._factory = factory
        self._connection = connection
        self._farmer = farmer

    def answer(self, text: str) -> Deferred[None]:
        renewed = self._factory.registration.renew(self._farmer, text, self._connection)
        return renewed.addCallback(self._renewed)

    def _renewed(self, _: object) -> Deferred[None] | None:
        if self._connection.over:
            return None
        self._connection.farmer = self._farmer
        return self._factory.presence.come_back(self._farmer, self._connection)


class Declaration(Place):
    """Asks for the artifacts.  Nobody gets any before the yes.

    :param declare: called with the confirmed list; the next line waits for its outcome.
    """

    def __init__(
        self,
        factory: Farm,
        connection: Connection,
        declare: Callable[[list[ArtifactId]], Deferred[None]],
    ) -> None:
        self._factory = factory
        self._connection = connection
        self._declare = declare
        self._chosen: list[ArtifactId] | None = None

    @property
    def question(self) -> Prompt:
        return messages.ASK_ARTIFACTS if self._chosen is None else messages.ASK_CONFIRMATION

    def answer(self, text: str) -> Deferred[None] | None:
        if self._chosen is None:
            self._choose(text)
            return None
        if is_yes(text):
            return self._declare(self._chosen)
        self._chosen = None
        self._connection.ask()
        return None

    def _choose(self, text: str) -> None:
        catalog = self._factory.catalog
        chosen = artifact_list(text, catalog, self._factory.settings.limits.artifacts)
        self._chosen = chosen
        self._connection.tell(messages.Inventory(messages.inventory(chosen, catalog)))
        self._connection.ask()
