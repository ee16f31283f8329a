"""One farmer's connection: framing, manners, and the conversation on top of them."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IPushProducer,
    ITCPTransport,
)
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from granja.board.board import Listener
from granja.board.listener import REPLIES
from granja.board.slow import SLOW
from granja.contract import messages
from granja.contract.errors import GranjaError, LineTooLong
from granja.contract.messages import Message
from granja.people import farm
from granja.people.arriving import AskName, AtTheDoor
from granja.people.chatting import Chat
from granja.people.roster import Connection, Conversation, Farmer
from granja.reactor.clockwork import Timer
from granja.text import clean as text
from granja.wire import telnet
from granja.wire.addresses import address_of
from granja.wire.encodings import GMCP, PLAIN, Carrier
from granja.wire.inbox import Inbox, Line
from granja.wire.lines import TOO_LONG
from granja.wire.negotiation import Negotiation
from granja.wire.rate import Rate

#: Why nothing is read: lines wait to be obeyed, or the server stops.  The board has its reasons.
LINES, STOPPING = "lines", "stopping"

#: The board's reasons for which no line is obeyed either, of those that were read before: the
#: client does not read the replies that it asked for, or a crowd does not keep up with its talk.
MUTING = frozenset({REPLIES, SLOW})

#: Seconds that the lines of one connection may take before the others have their turn, and the
#: most lines, for a clock that stands still.
TURN = 0.002
MOST_IN_A_ROW = 200


#: Seconds in which the lines that wait at the end of a client's input are obeyed (PROTOCOL §6).
LAST_WORDS = 60.0


class IWire(ITCPTransport, IPushProducer):
    """What a connection must offer: TCP does, and so do TLS and the web's adapter."""


class Leavings(farm.Comings, Protocol):
    """Who comes, and who goes when a connection ends."""

    def gone(self, connection: Connection) -> None:
        """A connection ended: leave the chat, or let go of a name that was only claimed."""


class Doors(Protocol):
    """Who counts the connections of each network."""

    def enter(self, address: str) -> float:
        """Somebody comes in; returns the seconds that their first question has to wait."""

    def leave(self, address: str) -> None:
        """They are gone."""


class Farm(farm.Farm, Protocol):
    """What a connection needs of the factory that made it."""

    connections: set[FarmerProtocol]
    refusals: Counter[str]

    @property
    def doorkeeper(self) -> Doors: ...

    @property
    def presence(self) -> Leavings: ...

    def forget(self, connection: FarmerProtocol) -> None:
        """The connection is closed at both ends."""


@implementer(IHalfCloseableProtocol)
class FarmerProtocol(LineReceiver):
    """One line at a time to the conversation, each finished before the next.

    ``carrier`` may be set before the connection is made; ``farmer`` is who is at the other end,
    as soon as that is known.  Lines come from the inbox, not from LineReceiver's own splitter: that
    knows one line end, and costs three to four times as much.
    """

    log: ClassVar[Logger] = Logger()
    factory: Farm
    transport: IWire
    listener: Listener

    def __init__(self, factory: Farm) -> None:
        self.factory = factory
        self.carrier: Carrier = PLAIN
        self.farmer: Farmer | None = None
        self.over = self.cut = self.has_pass = False
        self.may_linger = True
        self.chain = ""
        self.address, self.port = "", 0
        self._conversation: Conversation
        self._negotiation = Negotiation(self)
        self._working = False
        self._stopped: Deferred[None] | None = None
        self._later = Timer(factory.clock, self._work_again)
        self._deadline = Timer(factory.clock, self._time_is_up)
        self._last_words = Timer(factory.clock, self.finish)

    # -- the connection's life -----------------------------------------------------------------

    def connectionMade(self) -> None:  # noqa: N802
        """By every door, who is at the other end is known here: a PROXY header has been read."""
        clock, settings = self.factory.clock, self.factory.settings
        peer = self.transport.getPeer()
        self.address, self.port = address_of(peer), getattr(peer, "port", 0) or 0
        handler, now = self._negotiation, clock.seconds()
        self._inbox = Inbox(settings.max_line, settings.rate, now, handler, MUTING)
        self.listener = self.factory.board.listen(self.transport, self, self.carrier)
        self.factory.connections.add(self)
        wait = self.factory.doorkeeper.enter(self.address)
        if wait:
            self._wait_at_the_door(wait)
        else:
            self._let_in()

    def allow(self, rate: Rate | None) -> None:
        """From here on it may speak so fast."""
        self._inbox.allow(rate, self.factory.clock.seconds())

    def _wait_at_the_door(self, seconds: float) -> None:
        """What is said meanwhile waits; whoever hangs up is gone at once."""
        self._conversation = door = AtTheDoor(self.factory.clock, seconds, self._let_in)
        self._inbox.begin()
        door.waiting.addErrback(self._failed).addBoth(self._done)

    def _let_in(self) -> None:
        self.start_the_clock(self.factory.settings.arrival_timeout)
        self.converse(AskName(self.factory, self))

    def readConnectionLost(self) -> None:  # noqa: N802
        """The client has finished sending, and still reads (PROTOCOL §1, half-close)."""
        self._inbox.end()
        self._work()
        if not self.over:
            self._last_words.start(LAST_WORDS)

    def writeConnectionLost(self) -> None:  # noqa: N802
        """Nothing can be told any more, so nothing is worth obeying."""
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
        """Obey no further line.  Fires when the one under way is done."""
        self._inbox.close()
        self.hold(STOPPING)
        self._conversation.abandon()
        self._stopped = Deferred()
        if not self._inbox.busy:
            self._stopped.callback(None)
        return self._stopped

    def _end(self) -> None:
        if self.over:
            return
        self.over = True
        self._inbox.close()
        self.stop_the_clock()
        self._conversation.abandon()
        self._later.stop()
        self._last_words.stop()
        self.factory.presence.gone(self)

    def _time_is_up(self) -> None:
        self.factory.incidents.note("timed_out", self, self.farmer or "")
        self.tell(messages.TIME_UP)
        self.finish()

    def stop_the_clock(self) -> float:
        """Take no more of the time for arriving.  Returns the seconds that are left of it."""
        return self._deadline.stop()

    def start_the_clock(self, seconds: float) -> None:
        """From here on, so many seconds are left for arriving."""
        if not self.over:
            self._deadline.restart(seconds)

    # -- the conversation ----------------------------------------------------------------------

    def tell(self, *messages: Message) -> None:
        """Say something to this connection alone; it keeps its place among the talk."""
        self.listener.tell(*messages)

    def enter_chat(self, farmer: Farmer) -> None:
        """From here on a line is talk or a command of this farmer."""
        self.converse(Chat(self.factory, farmer))

    def converse(self, conversation: Conversation) -> None:
        """Go on to another place of the conversation, and ask what is asked there."""
        self._conversation = conversation
        self.ask()

    def ask(self) -> None:
        """Ask the question at hand, if there is one."""
        question = self._conversation.question
        if question is not None:
            self.tell(question)
        # Only for clients that have negotiated something before (PROTOCOL §1): netcat would show
        # the three bytes.
        if self._inbox.telnet is not None and self._inbox.telnet.negotiates:
            self._negotiation.hide_typing(messages.is_secret(question))

    def refuse(self, error: GranjaError) -> None:
        """Say why something was refused."""
        self.tell(messages.failure(error, self.factory.catalog))

    # -- telnet --------------------------------------------------------------------------------

    def say_telnet(self, verb: int, option: int) -> None:
        """Send ``IAC verb option`` in its place."""
        self.listener.raw(bytes((telnet.IAC, verb, option)))

    @property
    def speaks_packages(self) -> bool:
        """Whether it is sent GMCP packages."""
        return self.carrier is GMCP

    def begin_packages(self) -> bool:
        """Send packages from here on.  False when it is too late."""
        if self.carrier is not PLAIN or self.listener.joined:
            return False
        self.carrier = GMCP
        self.listener.carry(GMCP)
        return True

    def end_packages(self) -> None:
        """From here on come lines alone."""
        self.carrier = PLAIN
        self.factory.board.carry(self.listener, PLAIN)

    # -- lines ---------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        inbox, now = self._inbox, self.factory.clock.seconds()
        line = inbox.plain(data, now)
        if line is not None:
            self._obey(line)
            return
        inbox.feed(data)
        farmer = self.farmer
        # Each line of somebody who is muted is refused by itself.
        if isinstance(self._conversation, Chat) and farmer is not None and farmer.mute is None:
            talk = inbox.talk(now)
            if talk is not None:
                self.factory.talk.say_block(farmer, talk)
        if inbox.waiting:
            self._work()

    def _work(self) -> None:
        """Obey waiting lines, in order, until one takes time or the allowance is used up."""
        if self._working:
            return
        self._working = True
        inbox, seconds = self._inbox, self.factory.clock.seconds
        now = seconds()
        enough = now + TURN
        for _ in range(MOST_IN_A_ROW):
            line = inbox.next(now)
            if line is not None:
                self.lineReceived(line)
            elif not inbox.more:
                break
            now = seconds()
            if now > enough:
                self._later.start(0)
                break
        else:
            self._later.start(0)
        self._working = False
        self._settle()

    def _work_again(self) -> None:
        # Whoever has reset the connection is not kept present by the lines that they left behind.
        if self.listener.is_cut():
            self.transport.abortConnection()
        else:
            self._work()

    def _settle(self) -> None:
        """Read on when there is nothing left to do; close when there never will be."""
        inbox = self._inbox
        if self.over:
            return
        if inbox.waiting:
            if inbox.wait:
                self._later.start(inbox.wait)
            self.hold(LINES)
        elif inbox.busy:
            return  # Nothing waits for it: pausing and resuming would cost four system calls.
        elif inbox.ended:
            self.finish()
        else:
            self.release(LINES)

    def lineReceived(self, line: Line) -> None:  # noqa: N802
        """Take one line, without its end and without telnet, or a telnet command in its place."""
        if isinstance(line, int):
            self._answer_telnet(line)
            return
        try:
            if line is TOO_LONG:
                raise LineTooLong(self._inbox.max_line)
            clean = text.decode(line)
        except Exception:
            self._failed(Failure())
        else:
            self._obey(clean)

    def _answer_telnet(self, command: int) -> None:
        if command == telnet.AYT:
            self.tell(messages.I_AM_HERE)
        else:
            self.say_telnet(telnet.WONT, telnet.TIMING_MARK)

    def _obey(self, line: str) -> None:
        """Take one clean line."""
        try:
            outcome = self._conversation.answer(line)
        except Exception:
            self._failed(Failure())
            return
        if outcome is not None:
            self._inbox.begin()
            outcome.addErrback(self._failed).addBoth(self._done)

    def _failed(self, failure: Failure) -> None:
        """The one place where a refusal becomes a line."""
        error = failure.value
        if isinstance(error, CancelledError):
            return  # The connection is over, and its password need not be checked.
        if not isinstance(error, GranjaError):
            self.log.failure("A line of {farmer} failed", failure, farmer=self.farmer)
            error = GranjaError()
        self.factory.refusals[type(error).__name__] += 1
        self.refuse(error)
        if not self.over:
            self.ask()

    def _done(self, _: object) -> None:
        self._inbox.done()
        if self._stopped is not None and not self._stopped.called:
            self._stopped.callback(None)
        if not self._inbox.resting:  # mostly nothing has come meanwhile
            self._work()

    def acknowledged(self) -> int | None:
        """How many bytes the other side's system has taken in all; None where nobody knows."""
        return self.listener.acknowledged()

    # -- flow control (the board asks for it too) ------------------------------------------------

    def hold(self, reason: str) -> None:
        """Read nothing until every reason is released."""
        if self._inbox.hold(reason):
            self.transport.pauseProducing()

    def release(self, reason: str) -> None:
        if not self._inbox.release(reason):
            return
        if reason in MUTING:
            self._work()
        if self._inbox.reads:
            self.transport.resumeProducing()
