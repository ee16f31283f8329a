"""Lines in turns, without a connection: an inbox of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from granja.reactor.obeying import MOST_IN_A_ROW, TURN, IFlow, Obeying
from granja.wire.inbox import Inbox, Line
from granja.wire.rate import Rate

MUTED = "muted"


class Flow(StringTransport):
    """Counts how often it is read off and on."""

    aborted = False

    def __init__(self) -> None:
        super().__init__()
        self.pauses = self.resumes = 0

    def pauseProducing(self) -> None:  # noqa: N802
        super().pauseProducing()
        self.pauses += 1

    def resumeProducing(self) -> None:  # noqa: N802
        super().resumeProducing()
        self.resumes += 1

    def abortConnection(self) -> None:  # noqa: N802
        self.aborted = True


class Speaker:
    """Notes what it obeys.  It calls ``then`` while it obeys."""

    def __init__(self) -> None:
        self.obeyed: list[Line] = []
        self.over = self.cut = False
        self.finished = 0
        self.then: Callable[[Line], None] = lambda line: None

    def lineReceived(self, line: Line) -> None:  # noqa: N802
        self.obeyed.append(line)
        self.then(line)

    def is_cut(self) -> bool:
        return self.cut

    def finish(self) -> None:
        self.finished += 1
        self.over = True


class Turns(SynchronousTestCase):
    def setUp(self) -> None:
        self.begin(None)

    def begin(self, rate: Rate | None) -> None:
        self.clock, self.flow, self.speaker = Clock(), Flow(), Speaker()
        self.inbox = Inbox(100, rate, 0.0, frozenset({MUTED}))
        flow = cast(IFlow, self.flow)
        self.obeying = Obeying[Line](self.clock, flow, self.inbox, self.speaker, {MUTED})

    def feed(self, lines: int) -> None:
        self.inbox.feed(b"x\n" * lines)
        self.obeying.work()

    def test_what_waits_is_obeyed_in_one_go(self) -> None:
        self.feed(20)
        self.assertEqual(len(self.speaker.obeyed), 20)
        self.assertEqual((self.flow.pauses, self.flow.resumes), (0, 0))

    def test_others_have_their_turn_after_a_while(self) -> None:
        self.speaker.then = lambda line: self.clock.advance(TURN)
        self.feed(3)
        self.assertEqual(len(self.speaker.obeyed), 2)
        self.assertEqual(self.flow.pauses, 1)
        self.clock.advance(0)
        self.assertEqual(len(self.speaker.obeyed), 3)
        self.assertEqual(self.flow.resumes, 1)

    def test_and_after_so_many_lines_if_the_clock_stands_still(self) -> None:
        self.feed(MOST_IN_A_ROW + 1)
        self.assertEqual(len(self.speaker.obeyed), MOST_IN_A_ROW)
        self.clock.advance(0)
        self.assertEqual(len(self.speaker.obeyed), MOST_IN_A_ROW + 1)

    def test_a_line_that_takes_time_is_waited_for(self) -> None:
        outcome, failures = Deferred[None](), list[Failure]()

        def takes_time(line: Line) -> None:
            self.speaker.then = lambda line: None
            self.obeying.wait_for(outcome, failures.append)

        self.speaker.then = takes_time
        self.feed(2)
        self.assertEqual(len(self.speaker.obeyed), 1)
        outcome.errback(ValueError("no"))
        self.assertEqual(len(self.speaker.obeyed), 2)
        self.assertIsInstance(failures[0].value, ValueError)

    def test_stopping_waits_for_the_line_under_way(self) -> None:
        outcome = Deferred[None]()
        self.speaker.then = lambda line: self.obeying.wait_for(outcome, lambda failure: None)
        self.feed(2)
        stopped = self.obeying.stop()
        self.assertNoResult(stopped)
        outcome.callback(None)
        self.successResultOf(stopped)
        self.assertEqual((len(self.speaker.obeyed), self.flow.pauses), (1, 1))

    def test_stopping_waits_for_nothing_where_nothing_is_under_way(self) -> None:
        self.successResultOf(self.obeying.stop())
        self.feed(1)
        self.assertEqual(self.speaker.obeyed, [])

    def test_a_muted_one_goes_on_when_it_may(self) -> None:
        self.obeying.hold(MUTED)
        self.feed(2)
        self.assertEqual(self.speaker.obeyed, [])
        self.obeying.release(MUTED)
        self.assertEqual(len(self.speaker.obeyed), 2)
        self.assertEqual((self.flow.pauses, self.flow.resumes), (1, 1))

    def test_at_the_end_of_the_input_it_finishes_when_all_is_obeyed(self) -> None:
        self.inbox.feed(b"x\ny\n")
        self.inbox.end()
        self.obeying.work()
        self.assertEqual((len(self.speaker.obeyed), self.speaker.finished), (2, 1))

    def test_whoever_has_reset_the_connection_leaves_their_lines_behind(self) -> None:
        self.feed(MOST_IN_A_ROW + 1)
        self.speaker.cut = True
        self.clock.advance(0)
        self.assertEqual(len(self.speaker.obeyed), MOST_IN_A_ROW)
        self.assertTrue(self.flow.aborted)

    def test_nothing_is_left_after_the_end(self) -> None:
        self.feed(MOST_IN_A_ROW + 1)
        self.obeying.close()
        self.clock.advance(1)
        self.assertEqual(len(self.speaker.obeyed), MOST_IN_A_ROW)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_past_the_rate_it_waits(self) -> None:
        self.begin(Rate(1.0, 1))
        self.feed(3)
        self.assertEqual((len(self.speaker.obeyed), self.flow.pauses), (1, 1))
        self.clock.pump([0.5, 0.5, 1])
        self.assertEqual((len(self.speaker.obeyed), self.flow.resumes), (3, 1))
