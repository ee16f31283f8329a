"""The one lane on which artifacts move: decide, record, apply, tell.

Requests wait in lines; each farmer that a request touches has a line.  The lane takes all requests
that are first in all their lines.  It decides them together against the same state, and records
them in one ledger transaction.  When that is durable, it applies and tells the facts in order, and
takes the next requests.  Only one batch is in work at a time.  So a decision is applied to the
state that it saw, and nobody ever undoes anything.

Somebody else may write to the same ledger.  Then the ledger refuses a batch as stale.  The lane
applies and tells what it missed, and decides the batch again.  Until that is stored, or is nothing,
the ledger may make the others wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja.clockwork.stopwatch import Stopwatch
from granja.clockwork.timer import Timer
from granja.contract import errors
from granja.contract.ids import FarmerId
from granja.ledger.interface import ILedger, Kept, LedgerError, NotStored, Stale
from granja.market.facts import Fact
from granja.market.market import Market
from granja.market.offers import Happened

#: Most requests in one transaction.  More gains little, and makes the chat wait: see
#: docs/performance/trading.md.
MOST_AT_ONCE = 100

#: Seconds of applying and telling before the chat has its turn.
TURN = 0.001

#: Seconds after which farmers hear that nobody knows yet whether a write is stored.
DOUBT = 10.0

Tell = Callable[[Fact, "list[Happened]"], None]


@dataclass(eq=False)
class _Request:
    """``ahead``: how many of its farmers have an earlier request.

    ``doubt``: called when nobody knows for a long time whether it is stored.
    """

    farmers: frozenset[FarmerId]
    decide: Callable[[], Sequence[Fact]]
    credentials: Mapping[FarmerId, str]
    kept: Sequence[Kept]
    trade: bool
    doubt: Callable[[], object] | None = None
    ahead: int = 0
    done: Deferred[list[Fact]] = field(default_factory=Deferred)
    facts: list[Fact] = field(default_factory=list)

    @property
    def stores(self) -> bool:
        """Whether it has something to store."""
        return bool(self.facts or self.credentials or self.kept)


class Lane:
    """:param clock: gives the chat its turn while many facts are told.
    :param sequence: the ledger's last sequence number; ``market`` is the state at it.
    :param tell: called once for each applied fact, with the offers that it ended.
    """

    log = Logger()

    def __init__(
        self, clock: IReactorTime, market: Market, ledger: ILedger, sequence: int, tell: Tell
    ) -> None:
        self.market = market
        self._clock = clock
        self.halted = False
        #: Whether the last write was refused and nothing has been stored since.
        self.refused = False
        #: Measures the time from a decision to the disk.
        self.appending = Stopwatch()
        self._since = 0.0
        self._ledger = ledger
        self._sequence = sequence
        self._tell = tell
        # A request is ready when it is first in the lines of all its farmers.  So nobody searches
        # through the others, however many wait for one farmer.
        self._lines: dict[FarmerId, deque[_Request]] = {}
        self._ready: deque[_Request] = deque()
        self._busy = False
        # The ledger makes others wait until we have decided the stale batch again.
        self._in_turn = False
        # What the ledger writes now.
        self._batch: list[_Request] = []
        self._unsure = False
        self._doubts: list[Timer] = []
        self._others: list[tuple[int, Sequence[Fact]]] = []
        self._idle: list[Deferred[None]] = []
        # Until where everything is told, and who waits for more.
        self._told = sequence
        self._awaited: dict[Deferred[None], int] = {}

    @property
    def sequence(self) -> int:
        """The number of the last entry that the market knows."""
        return self._sequence

    def submit(
        self,
        farmers: Iterable[FarmerId],
        decide: Callable[[], Sequence[Fact]],
        *,
        credentials: Mapping[FarmerId, str] | None = None,
        kept: Sequence[Kept] = (),
        trade: bool = False,
        doubt: Callable[[], object] | None = None,
    ) -> Deferred[list[Fact]]:
        """Decide something when its turn comes.

        :param farmers: everyone whose artifacts or offers the decision looks at.
        :param decide: called when none of them has other work in progress, and again if the ledger
            finds the decision stale; returns the facts, or raises a GranjaError.
        :param credentials: password verifiers to store together with the facts.
        :param kept: what to keep beside the chain together with the facts.  The lane reads it after
            ``decide``, which may fill it.
        :param trade: chooses the sentence for a failed write.
        :param doubt: called if nobody knows for :data:`DOUBT` seconds whether it is stored.
        :returns: fires with the facts once they are durable, applied and told; fails with what
            ``decide`` raised, or with the error for a record that was not stored.
        """
        request = _Request(frozenset(farmers), decide, credentials or {}, kept, trade, doubt)
        if self._unsure:
            return fail(_sentence(request, self.halted))
        self._line_up(request)
        self._advance()
        return request.done

    def unsure(self) -> None:
        """Nobody can find out now whether the present batch is stored.

        The requests in it wait for the truth.  The lane refuses all others until :meth:`sure`.
        """
        self._unsure = True
        waiting = dict.fromkeys(chain(self._ready, *self._lines.values()))
        under_way = [request for request in waiting if request in self._batch]
        self._ready.clear()
        self._lines = {farmer: deque([one]) for one in under_way for farmer in one.farmers}
        for request in under_way:
            if request.doubt is not None:
                self._doubts.append(Timer(self._clock, request.doubt))
                self._doubts[-1].start(DOUBT)
        for request in waiting:
            if request not in self._batch:
                request.done.errback(Failure(_sentence(request, self.halted)))

    def sure(self) -> None:
        """The outcome is known again, and those who waited have their answer."""
        self._unsure = False
        doubts, self._doubts = self._doubts, []
        for doubt in doubts:
            doubt.stop()

    def follow(self, after: int, facts: Sequence[Fact]) -> None:
        """Apply and tell facts that others stored in the same ledger.  A present batch ends first.

        The lane leaves out facts that it knows.  After a gap it applies nothing: the next batch is
        stale then, and the ledger gives everything that is missing.

        :param after: the sequence number before the first of ``facts``.
        """
        self._others.append((after, facts))
        self._advance()  # What hears of these facts may submit something: that comes after them.

    def when_at(self, sequence: int) -> Deferred[None]:
        """Fires as soon as everything until this number is applied and told."""
        if sequence <= self._told:
            return succeed(None)
        awaited: Deferred[None] = Deferred(self._give_up)
        self._awaited[awaited] = sequence
        return awaited

    def _give_up(self, awaited: Deferred[Any]) -> None:
        del self._awaited[awaited]

    def when_idle(self) -> Deferred[None]:
        """Fires as soon as no request waits or is in work."""
        if not self._busy:
            return succeed(None)
        idle: Deferred[None] = Deferred()
        self._idle.append(idle)
        return idle

    # -- who is next -------------------------------------------------------------------------

    def _line_up(self, request: _Request) -> None:
        for farmer in request.farmers:
            line = self._lines.setdefault(farmer, deque())
            request.ahead += bool(line)
            line.append(request)
        if not request.ahead:
            self._ready.append(request)

    def _release(self, request: _Request) -> None:
        """End a request.  Requests that waited only for it become ready."""
        for farmer in request.farmers:
            line = self._lines[farmer]
            line.popleft()
            if not line:
                del self._lines[farmer]
                continue
            line[0].ahead -= 1
            if not line[0].ahead:
                self._ready.append(line[0])

    # -- decide ------------------------------------------------------------------------------

    def _advance(self) -> None:
        if not self._busy:
            self._busy = True
            self._go_on()

    def _go_on(self) -> None:
        """Decide and record, until the ledger writes, or until the chat must have its turn."""
        enough = self._clock.seconds() + TURN
        self._catch_up()
        while self._ready:
            batch = self._decide_batch(enough)
            if batch and not self._record(batch):
                return  # The ledger writes now.  Its answer calls this method again.
            if self._ready and self._clock.seconds() > enough:
                self._clock.callLater(0, self._go_on)
                return
            self._catch_up()
        if self._in_turn and not self._record([]):
            return  # To give the turn back, we store nothing.
        self._busy = False
        idle, self._idle = self._idle, []
        for waiter in idle:
            waiter.callback(None)

    def _decide_batch(self, enough: float) -> list[_Request]:
        """Decide the ready requests.  They touch different farmers.

        A request with nothing to record is answered at once.  So the next decision already sees the
        effect of that answer.
        """
        batch: list[_Request] = []
        while self._ready and len(batch) < MOST_AT_ONCE:
            request = self._ready.popleft()
            if self._decide(request):
                foremost = request.facts and request.facts[0].foremost
                batch.insert(0 if foremost else len(batch), request)
            elif self._clock.seconds() > enough:
                break
        return batch

    def _decide(self, request: _Request) -> bool:
        """Decide one request.

        :return: whether it has something to record; if not, it is answered.
        """
        try:
            request.facts = list(request.decide())
            if self.halted and request.stores:
                raise _sentence(request, halted=True)
        except Exception:  # The caller gets any exception, and logs it.
            self._end(request, Failure())
            return False
        if request.stores:
            return True
        self._end(request, request.facts)
        return False

    def _end(self, request: _Request, outcome: list[Fact] | Failure) -> None:
        self._release(request)
        request.done.callback(outcome)

    # -- record ------------------------------------------------------------------------------

    def _record(self, batch: list[_Request]) -> bool:
        """Record a batch.

        :return: whether that is finished already (a ledger in memory is quick).
        """
        facts = [fact for request in batch for fact in request.facts]
        credentials = {k: v for request in batch for k, v in request.credentials.items()}
        kept = [item for request in batch for item in request.kept]
        self._in_turn, self._batch = False, batch
        self._since = self._clock.seconds()
        stored = maybeDeferred(self._ledger.append, facts, self._sequence, credentials, kept)
        done = stored.addCallbacks(self._stored, self._refuse, (batch,), errbackArgs=(batch,))
        done.addErrback(self._refuse_rest, batch)
        finished: list[None] = []
        done.addCallback(finished.append)
        if finished:
            return True
        done.addCallback(lambda _: self._go_on())
        return False

    # -- apply, tell -------------------------------------------------------------------------

    def _stored(self, sequence: int, batch: list[_Request]) -> Deferred[None] | None:
        self.appending.add(self._clock.seconds() - self._since)
        self.refused = False
        return self._apply(sequence, batch)

    def _apply(self, sequence: int, batch: list[_Request]) -> Deferred[None] | None:
        """Apply and tell, in order.  If this takes long, it goes on after the chat had its turn."""
        self._sequence = sequence
        enough = self._clock.seconds() + TURN
        for position, request in enumerate(batch, 1):
            self._apply_request(request)
            if position < len(batch) and self._clock.seconds() > enough:
                again: Callable[..., Any] = self._apply
                return deferLater(self._clock, 0, again, sequence, batch[position:])
        if self._ledger.wants_checkpoint():
            self._ledger.checkpoint(self.market.snapshot(), sequence)
        return None

    def _apply_request(self, request: _Request) -> None:
        for fact in request.facts:
            self._apply_fact(fact)
        self._end(request, request.facts)

    def _apply_fact(self, fact: Fact) -> None:
        ended = self.market.apply(fact)
        try:
            self._tell(fact, ended)
        except Exception:  # The fact is true, even if somebody does not hear of it.
            self.log.failure("telling {fact}", fact=fact)

    def _catch_up(self) -> None:
        """Apply the facts of :meth:`follow`.  Everything until now is told."""
        others, self._others = self._others, []
        for after, facts in others:
            if after <= self._sequence:
                self._apply_others(facts[self._sequence - after :])
        self._told = self._sequence
        for awaited in [one for one, until in self._awaited.items() if until <= self._told]:
            del self._awaited[awaited]
            awaited.callback(None)

    def _apply_others(self, facts: Sequence[Fact]) -> None:
        """Apply and tell facts that somebody else stored.  A fact that does not fit halts
        trading."""
        try:
            for fact in facts:
                if self.halted:
                    return
                self._apply_fact(fact)
                self._sequence += 1
        except Exception:  # The market differs from the ledger.
            self._halt(Failure())

    def _decide_again(self, missed: Sequence[Fact], batch: list[_Request]) -> None:
        """Apply the facts that the batch did not know, and decide the batch first."""
        self._in_turn = True
        self._apply_others(missed)
        self._ready.extendleft(reversed(batch))

    def _refuse(self, failure: Failure, batch: list[_Request]) -> None:
        """Apply nothing, and tell everyone: nothing was stored, or nobody knows."""
        error = failure.value
        if isinstance(error, Stale) and error.missed:
            self._decide_again(error.missed, batch)
            return
        if failure.check(NotStored):
            first, self.refused = not self.refused, True
            if first:  # A database that is away would fill the log.
                self.log.error("The ledger could not store: {why}", why=failure.getErrorMessage())
        else:
            self._halt(failure)
        for request in batch:
            self._end(request, Failure(_sentence(request, self.halted)))

    def _refuse_rest(self, failure: Failure, batch: list[_Request]) -> None:
        """Answer everybody after a failure that should be impossible: nobody may wait for ever."""
        self._halt(failure)
        for request in batch:
            if not request.done.called:
                self._end(request, Failure(_sentence(request, self.halted)))

    def _halt(self, failure: Failure) -> None:
        self.halted = True
        if failure.check(LedgerError):
            self.log.critical("Trading has stopped: {why}", why=failure.getErrorMessage())
        else:
            self.log.failure("Trading has stopped: the ledger failed", failure)


def _sentence(request: _Request, halted: bool) -> errors.GranjaError:
    if halted:
        return errors.TradingHalted() if request.trade else errors.Halted()
    return errors.TradeNotStored() if request.trade else errors.NotStored()
