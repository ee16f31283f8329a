"""One farmer's connection: its lines, its limits, and the conversation above them."""

from __future__ import annotations

from typing import ClassVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from granja.board.board import Listener
from granja.board.dialect import Dialect
from granja.board.listener import MUTING
from granja.clockwork.timer import Timer, after, stop
from granja.contract import messages
from granja.contract.errors import GranjaError, LineTooLong
from granja.contract.messages import Message
from granja.people.arriving import AskName, AtTheDoor
from granja.people.chatting import Chat
from granja.people.farm import Host
from granja.people.roster import Conversation, Farmer
from granja.reactor.obeying import IFlow, Obeying
from granja.text import clean as text
from granja.wire.addresses import address_of
from granja.wire.encodings import PLAIN, Carrier
from granja.wire.inbox import Inbox, Line
from granja.wire.lines import TOO_LONG
from granja.wire.negotiation import Negotiation
from granja.wire.rate import Rate

#: Seconds to obey the lines that still wait when a client's input ends (PROTOCOL §6).
LAST_WORDS = 60.0


@implementer(IHalfCloseableProtocol)
class FarmerProtocol(LineReceiver):
    """Gives the conversation one line at a time; each is finished before the next.

    Set ``carrier`` before the connection is made.  ``farmer``: the farmer at the other end, once we
    know them.  Lines come from the inbox.  LineReceiver's own splitter knows only one line end, and
    is slower.
    """

    log: ClassVar[Logger] = Logger()
    factory: Host
    transport: IFlow
    listener: Listener

    def __init__(self, factory: Host) -> None:
        self.factory = factory
        self.carrier: Carrier = PLAIN
        self.farmer: Farmer | None = None
        self.over = self.cut = self.has_pass = False
        self.may_linger = True
        self.chain = ""
        self.address, self.port = "", 0
        self._conversation: Conversation
        # Of ten thousand connections, few need one of these at a time.
        self._negotiation: Negotiation | None = None
        self._deadline: Timer | None = None
        self._last_words: Timer | None = None

    # -- the connection's life -----------------------------------------------------------------

    def connectionMade(self) -> None:  # noqa: N802
        """Begin.  Every kind of door knows the client's address by now: a PROXY header is read."""
        clock, settings = self.factory.clock, self.factory.settings
        peer = self.transport.getPeer()
        self.address, self.port = address_of(peer), getattr(peer, "port", 0) or 0
        self.listener = self.factory.board.listen(self.transport, self, self.carrier)
        self._inbox = Inbox(settings.max_line, settings.rate, clock.seconds(), MUTING)
        self._obeying: Obeying[Line] = Obeying(clock, self.transport, self._inbox, self, MUTING)
        self.factory.welcome(self)
        wait = self.factory.doorkeeper.enter(self.address)
        if wait:
            self._conversation = door = AtTheDoor(clock, wait, self._let_in)
            self._obeying.wait_for(door.waiting, self._failed)
        else:
            self._let_in()

    def allow(self, rate: Rate | None) -> None:
        """Let it speak this fast from now on."""
        self._inbox.allow(rate, self.factory.clock.seconds())

    def _let_in(self) -> None:
        self.start_the_clock(self.factory.settings.arrival_timeout)
        self.converse(AskName(self.factory, self))

    def readConnectionLost(self) -> None:  # noqa: N802
        """The client has finished sending, and still reads (PROTOCOL §1, half-close)."""
        self._inbox.end()
        self._obeying.work()
        if not self.over and self._last_words is None:
            self._last_words = after(self.factory.clock, LAST_WORDS, self.finish)

    def writeConnectionLost(self) -> None:  # noqa: N802
        self.abort()  # We can tell nothing more, so there is no point in obeying.

    def abort(self) -> None:
        """Close at once, even if something was not told."""
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        self.cut = True
        self._end()
        self.listener.lost()
        self.factory.doorkeeper.leave(self.address)
        self.factory.forget(self)

    def finish(self) -> None:
        """Obey nothing more, write what was told, and close."""
        self._end()
        self.listener.close()

    def stop_obeying(self) -> Deferred[None]:
        """Obey no further line.  What this returns fires when the present one is done."""
        stopped = self._obeying.stop()
        self._conversation.abandon()
        return stopped

    def _end(self) -> None:
        if self.over:
            return
        self.over = True
        self._obeying.close()
        self.stop_the_clock()
        self._conversation.abandon()
        stop(self._last_words)
        self.factory.presence.gone(self)

    def _time_is_up(self) -> None:
        self.factory.incidents.note("timed_out", self, self.farmer or "")
        self.tell(messages.TIME_UP)
        self.finish()

    def stop_the_clock(self) -> float:
        """Stop the time for arriving, and return the seconds that are left of it."""
        deadline, self._deadline = self._deadline, None
        return stop(deadline)

    def start_the_clock(self, seconds: float) -> None:
        """From now on, give ``seconds`` for arriving."""
        self.stop_the_clock()
        if not self.over:
            self._deadline = after(self.factory.clock, seconds, self._time_is_up)

    # -- the conversation ----------------------------------------------------------------------

    def tell(self, *messages: Message) -> None:
        """Say something to this connection alone.  It keeps its place among the talk."""
        self.listener.tell(*messages)

    def enter_chat(self, farmer: Farmer) -> None:
        """Take each line as talk or as a command of this farmer from now on."""
        self.converse(Chat(self.factory, farmer))

    def converse(self, conversation: Conversation) -> None:
        """Go to another place of the conversation, and ask its question."""
        self._conversation = conversation
        self.ask()

    def ask(self) -> None:
        """Ask the present question, if there is one."""
        question = self._conversation.question
        if question is not None:
            self.tell(question)
        # Only for clients that have negotiated something before (PROTOCOL §1): netcat would show
        # the three bytes.
        if self._negotiation is not None and self._negotiation.begun:
            self._negotiation.hide_typing(messages.is_secret(question))

    def refuse(self, error: GranjaError) -> None:
        self.tell(messages.failure(error, self.factory.catalog))

    # -- lines ---------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        inbox, now = self._inbox, self.factory.clock.seconds()
        line = inbox.plain(data, now)
        if line is not None:
            self._obey(line)
            return
        inbox.feed(data)
        farmer = self.farmer
        # If the farmer is muted, each line gets its own refusal.
        if isinstance(self._conversation, Chat) and farmer is not None and farmer.mute is None:
            talk = inbox.talk(now)
            if talk is not None:
                self.factory.talk.say_block(farmer, talk)
        if inbox.waiting:
            self._obeying.work()

    def lineReceived(self, line: Line) -> None:  # noqa: N802
        """Take one line, without its end and without telnet; or a telnet command in its place."""
        if isinstance(line, tuple):
            self._negotiation = self._negotiation or Negotiation(Dialect(self.listener))
            self._negotiation.answer(line)
            return
        try:
            if line is TOO_LONG:
                raise LineTooLong(self._inbox.max_line)
            clean = text.decode(line)
        except Exception:
            self._failed(Failure())
        else:
            self._obey(clean)

    def _obey(self, line: str) -> None:
        """Take one clean line."""
        try:
            outcome = self._conversation.answer(line)
        except Exception:
            self._failed(Failure())
            return
        if outcome is not None:
            self._obeying.wait_for(outcome, self._failed)

    def _failed(self, failure: Failure) -> None:
        """Make a line of a refusal.  This is the only place that does."""
        error = failure.value
        if isinstance(error, CancelledError):
            return  # The connection is over, so nobody needs the check of its password.
        if not isinstance(error, GranjaError):
            self.log.failure("A line of {farmer} failed", failure, farmer=self.farmer)
            error = GranjaError()
        self.factory.refusals[type(error).__name__] += 1
        self.refuse(error)
        if not self.over:
            self.ask()

    # -- what others ask of it -------------------------------------------------------------------

    def acknowledged(self) -> int | None:
        """How many bytes the peer's system has taken in all; None if nobody knows."""
        return self.listener.acknowledged()

    def is_cut(self) -> bool:
        """Whether the peer has reset the connection."""
        return self.listener.is_cut()

    def hold(self, reason: str) -> None:
        """Read nothing until all reasons are released."""
        self._obeying.hold(reason)

    def release(self, reason: str) -> None:
        self._obeying.release(reason)
