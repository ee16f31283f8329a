"""One farmer's connection: framing, manners, and the conversation on top of them."""

from __future__ import annotations

from collections import deque
from typing import ClassVar, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
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
from granja.people.arriving import AskName
from granja.people.chatting import Chat
from granja.people.roster import Connection, Conversation, Farmer
from granja.text import clean as text
from granja.wire import telnet
from granja.wire.addresses import address_of
from granja.wire.encodings import GMCP, PLAIN, Carrier
from granja.wire.lines import TOO_LONG, LineSplitter, TooLong
from granja.wire.plain import plain_line, plain_talk
from granja.wire.rate import TokenBucket

#: Why nothing is read: lines wait to be obeyed, or the server stops.  The board has its reasons.
LINES, STOPPING = "lines", "stopping"

#: The board's reasons for which no line is obeyed either, of those that were read before: the
#: client does not read the replies that it asked for, or a crowd does not keep up with its talk.
MUTING = frozenset({REPLIES, SLOW})

#: Seconds that the lines of one connection may take before the others have their turn, and the
#: most lines, for a clock that stands still.
TURN = 0.002
MOST_IN_A_ROW = 200

#: Bytes that are split into lines at a time: as lines, short ones take ten times their bytes.
SLICE = 4096

#: Bytes that are read at a time of whoever speaks telnet: its commands are of two bytes, and are no
#: lines that wait for their turn.  64 KB of them took 27 ms.
TELNET_SLICE = 1024


class IWire(ITCPTransport, IPushProducer):
    """What a connection must offer: TCP does, and so do TLS and the web's adapter."""


class Leavings(farm.Comings, Protocol):
    """Who comes, and who goes when a connection ends."""

    def gone(self, connection: Connection) -> None:
        """A connection ended: leave the chat, or let go of a name that was only claimed."""


class Farm(farm.Farm, Protocol):
    """What a connection needs of the factory that made it."""

    connections: set[FarmerProtocol]

    @property
    def presence(self) -> Leavings: ...

    def forget(self, connection: FarmerProtocol) -> None:
        """The connection is closed at both ends."""


@implementer(IHalfCloseableProtocol)
class FarmerProtocol(LineReceiver):
    """From the bytes of one connection to lines, one at a time, each finished before the next.

    ``carrier`` may be set before the connection is made; ``farmer`` is who is at the other end,
    as soon as that is known.  LineReceiver's own splitter is not used: it knows one line end, and
    costs three to four times as much.
    """

    log: ClassVar[Logger] = Logger()
    factory: Farm
    transport: IWire
    listener: Listener

    def __init__(self, factory: Farm) -> None:
        self.factory = factory
        self.carrier: Carrier = PLAIN
        self.farmer: Farmer | None = None
        self.over = False
        self.address = ""
        self._conversation: Conversation = AskName(factory, self)
        # What most connections never need is made when it is needed: ten thousand are idle.
        self._telnet: telnet.Telnet | None = None
        self._max_line = factory.settings.max_line
        self._splitter = LineSplitter(self._max_line)
        self._lines: deque[bytes | TooLong | int] | tuple[()] = ()
        self._unsplit = b""
        self._busy = False
        self._at_rest = False
        self._working = False
        self._hidden = False
        self._input_ended = False
        self._held: frozenset[str] = frozenset()
        self._stopped: Deferred[None] | None = None
        self._later: IDelayedCall | None = None
        self._deadline: IDelayedCall | None = None

    # -- the connection's life -----------------------------------------------------------------

    def connectionMade(self) -> None:  # noqa: N802
        """By every door, who is at the other end is known here: a PROXY header has been read."""
        clock, settings = self.factory.clock, self.factory.settings
        self.address = address_of(self.transport.getPeer())
        self._bucket = TokenBucket(settings.rate, clock.seconds()) if settings.rate else None
        self.listener = self.factory.board.listen(self.transport, self, self.carrier)
        self._at_rest = True
        self.start_the_clock(settings.arrival_timeout)
        self.factory.connections.add(self)
        self.ask()

    def readConnectionLost(self) -> None:  # noqa: N802
        """The client has finished sending, and still reads (PROTOCOL §1, half-close)."""
        self._input_ended = True
        self._work()

    def writeConnectionLost(self) -> None:  # noqa: N802
        """Nothing can be told any more, so nothing is worth obeying."""
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        self._end()
        self.listener.lost()
        self.factory.forget(self)

    def finish(self) -> None:
        """Obey nothing more, write what was told, and close."""
        self._end()
        self.listener.close()

    def stop_obeying(self) -> Deferred[None]:
        """Obey no further line.  Fires when the one under way is done."""
        self._lines, self._unsplit = (), b""
        self.hold(STOPPING)
        self._conversation.abandon()
        self._stopped = Deferred()
        if not self._busy:
            self._stopped.callback(None)
        return self._stopped

    def _end(self) -> None:
        if self.over:
            return
        self.over, self._at_rest = True, False
        self._lines, self._unsplit = (), b""
        self.stop_the_clock()
        self._conversation.abandon()
        if self._later is not None and self._later.active():
            self._later.cancel()
        self.factory.presence.gone(self)

    def _time_is_up(self) -> None:
        self.tell(messages.TIME_UP)
        self.finish()

    def stop_the_clock(self) -> float:
        """Take no more of the time for arriving.  Returns the seconds that are left of it."""
        deadline, self._deadline = self._deadline, None
        if deadline is None or not deadline.active():
            return 0.0
        left = deadline.getTime() - self.factory.clock.seconds()
        deadline.cancel()
        return left

    def start_the_clock(self, seconds: float) -> None:
        """From here on, so many seconds are left for arriving."""
        if not self.over:
            self._deadline = self.factory.clock.callLater(seconds, self._time_is_up)

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
        self._hide_typing(question is messages.ASK_PASSWORD)

    def _hide_typing(self, hide: bool) -> None:
        """RFC 857: who says WILL ECHO does the echoing.  We don't, so passwords stay unseen.

        Only for clients that have negotiated something before (PROTOCOL §1): netcat would show the
        three bytes.
        """
        if hide != self._hidden and self._telnet is not None and self._telnet.negotiates:
            self._hidden = hide
            self._say_telnet(telnet.WILL if hide else telnet.WONT, telnet.ECHO)

    def refuse(self, error: GranjaError) -> None:
        """Say why something was refused."""
        self.tell(messages.failure(error, self.factory.catalog))

    # -- telnet --------------------------------------------------------------------------------

    def negotiated(self, verb: int, option: int) -> None:
        """GMCP for a client that asks for it while it arrives; everything else stays off.

        RFC 854, RFC 1143: what the server does not do is refused, and what is off already, or is
        the answer to what the server said itself, needs no answer.
        """
        if verb == telnet.WILL:
            self._say_telnet(telnet.DONT, option)
        elif verb == telnet.DO and option == telnet.GMCP:
            self._begin_gmcp()
        elif verb == telnet.DO and not (option == telnet.ECHO and self._hidden):
            self._say_telnet(telnet.WONT, option)
        elif verb == telnet.DONT and option == telnet.GMCP and self.carrier is GMCP:
            self._say_telnet(telnet.WONT, option)
            self.carrier = PLAIN
            self.factory.board.carry(self.listener, PLAIN)

    def _begin_gmcp(self) -> None:
        if self.carrier is PLAIN and not self.listener.joined:
            self.carrier = GMCP
            self._say_telnet(telnet.WILL, telnet.GMCP)
            self.listener.carry(GMCP)
        elif self.carrier is not GMCP:
            self._say_telnet(telnet.WONT, telnet.GMCP)

    def _say_telnet(self, verb: int, option: int) -> None:
        self.listener.raw(bytes((telnet.IAC, verb, option)))

    def marked(self, command: int, data: bytes) -> None:
        """The answer keeps its place: it waits behind the lines that came before it."""
        lines = self._splitter.feed(self._unsplit + data)
        self._unsplit = b""
        if not isinstance(self._lines, deque):
            self._lines = deque()
        self._lines += [*lines, command]  # in place: one read may hold 32,000 of them

    def subnegotiated(self, option: int, payload: bytes) -> None:
        """Clients introduce themselves; nothing here depends on who they are."""

    # -- lines ---------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if self._at_rest:
            line = plain_line(data, self._max_line)
            if line is not None and (self._bucket is None or self._may_speak()):
                self._obey(line)
                return
        if self.over or self._stopped is not None:
            return
        self._at_rest = False
        self._take(data)
        self._at_rest = self._is_at_rest()

    def _take(self, data: bytes) -> None:
        if self._telnet is not None:
            data = self._telnet.feed(data)
        elif telnet.IAC in data:
            self._telnet = telnet.Telnet(self, in_place=self.marked)
            self.listener.wire.read_little(TELNET_SLICE)
            data = self._telnet.feed(data)
        if self.over:
            return
        if self._busy or self._lines or self._unsplit or not self._takes_at_once(data):
            self._unsplit += data
            self._work()

    def _takes_at_once(self, data: bytes) -> bool:
        """What comes most often, on its shortest way: one line, or a chunk of plain talk.

        False, and nothing has happened, for everything else.
        """
        if data.find(b"\n", 0, -1) >= 0:
            return not self._splitter.partial and self._says_chunk(data)
        if len(data) > SLICE or (self._held and not self._held.isdisjoint(MUTING)):
            return False
        lines = self._splitter.feed(data)
        if len(lines) == 1 and (self._bucket is None or self._may_speak()):
            self.lineReceived(lines[0])
        elif lines:
            self._lines = deque(lines)
            self._work()
        return True

    def _says_chunk(self, data: bytes) -> bool:
        """Say several whole lines of plain talk at once, if that is all there is."""
        farmer = self.farmer
        if not isinstance(self._conversation, Chat) or farmer is None:
            return False
        if not self._held.isdisjoint(MUTING):
            return False
        talk = plain_talk(data, self._max_line)
        if talk is None:
            return False
        now, lines = self.factory.clock.seconds(), talk.count(b"\n") + 1
        if self._bucket is not None and not self._bucket.take(lines, now):
            return False
        self.factory.talk.say_block(farmer, talk)
        return True

    def _is_at_rest(self) -> bool:
        """Whether the next byte begins a line that can be obeyed at once."""
        waiting = self._busy or self._lines or self._unsplit or self._splitter.partial
        stopped = self.over or self._stopped is not None or self._held or self._input_ended
        return not (waiting or stopped or self._telnet)

    def _work(self) -> None:
        """Obey waiting lines, in order, until one takes time or the allowance is used up."""
        if self._working:
            return
        self._working = True
        seconds = self.factory.clock.seconds
        enough = seconds() + TURN
        for _ in range(MOST_IN_A_ROW):
            lines = self._next_lines()
            if self._busy or self.over or not lines or not self._may_speak():
                break
            self.lineReceived(lines.popleft())
            if seconds() > enough:
                self._work_later(0)
                break
        else:
            self._work_later(0)
        self._working = False
        self._settle()

    def _next_lines(self) -> deque[bytes | TooLong | int] | tuple[()]:
        """The lines that wait; none while others must first read what this one has caused."""
        while not self._lines and self._unsplit:
            data, self._unsplit = self._unsplit[:SLICE], self._unsplit[SLICE:]
            self._lines = deque(self._splitter.feed(data))
        return self._lines if self._held.isdisjoint(MUTING) else ()

    def _may_speak(self) -> bool:
        if self._bucket is None:
            return True
        if self._later is not None and self._later.active():
            return False
        wait = self._bucket.wait(self.factory.clock.seconds())
        if wait:
            self._work_later(wait)
        return not wait

    def _work_later(self, seconds: float) -> None:
        if self._later is None or not self._later.active():
            self._later = self.factory.clock.callLater(seconds, self._work_again)

    def _work_again(self) -> None:
        # Whoever has reset the connection is not kept present by the lines that they left behind.
        if self.listener.is_cut():
            self.transport.abortConnection()
        else:
            self._work()

    def _settle(self) -> None:
        """Read on when there is nothing left to do; close when there never will be."""
        if self.over:
            return
        if self._lines or self._unsplit:
            self.hold(LINES)
        elif self._busy:
            return  # Nothing waits for it: pausing and resuming would cost four system calls.
        elif self._input_ended:
            self.finish()
        else:
            self._lines = ()
            self.release(LINES)
            self._at_rest = self._is_at_rest()

    def lineReceived(self, line: bytes | TooLong | int) -> None:  # noqa: N802
        """Take one line, without its end and without telnet, or a telnet command in its place."""
        if isinstance(line, int):
            self._answer_telnet(line)
            return
        try:
            if line is TOO_LONG:
                raise LineTooLong(self._max_line)
            clean = text.decode(line)
        except Exception:
            self._failed(Failure())
        else:
            self._obey(clean)

    def _answer_telnet(self, command: int) -> None:
        if command == telnet.AYT:
            self.tell(messages.I_AM_HERE)
        else:
            self._say_telnet(telnet.WONT, telnet.TIMING_MARK)

    def _obey(self, line: str) -> None:
        """Take one clean line."""
        try:
            outcome = self._conversation.answer(line)
        except Exception:
            self._failed(Failure())
            return
        if outcome is not None:
            self._busy, self._at_rest = True, False
            outcome.addErrback(self._failed).addBoth(self._done)

    def _failed(self, failure: Failure) -> None:
        """The one place where a refusal becomes a line."""
        error = failure.value
        if isinstance(error, CancelledError):
            return  # The connection is over, and its password need not be checked.
        if not isinstance(error, GranjaError):
            self.log.failure("A line of {farmer} failed", failure, farmer=self.farmer)
            error = GranjaError()
        self.refuse(error)
        if not self.over:
            self.ask()

    def _done(self, _: object) -> None:
        self._busy = False
        if self._stopped is not None and not self._stopped.called:
            self._stopped.callback(None)
        self._at_rest = self._is_at_rest()
        if not self._at_rest:  # mostly nothing has come meanwhile
            self._work()

    # -- flow control (the board asks for it too) ------------------------------------------------

    def hold(self, reason: str) -> None:
        """Read nothing until every reason is released."""
        self._at_rest = False
        if not self._held:
            self.transport.pauseProducing()
        self._held |= {reason}

    def release(self, reason: str) -> None:
        if reason in self._held:
            self._held -= {reason}
            if reason in MUTING:
                self._work()
            # After a half-close there is nothing to read but the end, again and again.
            if not self._held and not self._input_ended:
                self.transport.resumeProducing()
