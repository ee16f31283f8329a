"""Passwords: who gets in, who waits, and what nobody ever sees."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from itertools import pairwise
from threading import Event
from typing import TYPE_CHECKING, Any
from unittest import mock

from argon2 import PasswordHasher
from twisted.internet import reactor as _reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import Clock, LoopingCall, deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from granja.accounts import passwords as accounts
from granja.accounts.fair_queue import Turns
from granja.accounts.passwords import Accounts, IAccounts, PasswordTrouble, PlainAccounts
from granja.accounts.throttle import MOST_WRONG, WINDOW, Throttle
from granja.contract.errors import BadPassword, TooManyWaiting
from granja.ledger.sqlite.verifiers import UNREADABLE

reactor: Any = _reactor

GOOD = "cuchara oxidada"


class PasswordTests(SynchronousTestCase):
    """What counts as a password."""

    def test_spaces_at_the_ends_do_not_count(self) -> None:
        """A space typed by accident before Enter locks nobody out."""
        self.assertEqual(accounts.check("  cuchara oxidada \t"), "cuchara oxidada")

    def test_composed_and_decomposed_letters_are_the_same(self) -> None:
        """A password typed on a Mac is good on a PC."""
        self.assertEqual(accounts.check("contrasen\u0303a"), "contraseña")

    def test_eight_to_128_characters_after_normalising(self) -> None:
        """The limits are counted in characters as they are seen, without the spaces."""
        for fine in ("a" * 8, "ñ" * 128, "n\u0303" * 128, " " + "a" * 128 + " "):
            self.assertEqual(accounts.check(fine), accounts.normalise(fine))
        for bad in ("", "a" * 7, "n\u0303" * 7, "      a       ", "a" * 129):
            with self.assertRaises(BadPassword):
                accounts.check(bad)


if TYPE_CHECKING:
    _Base = TestCase
else:
    _Base = object


class AccountsContract(_Base):
    """What the real thing and the double both promise."""

    def make(self) -> Accounts | PlainAccounts:
        raise NotImplementedError

    async def test_the_right_password_opens(self) -> None:
        """What one registered with is what one comes back with, however it is typed."""
        verifier = await self.subject.hash("contrasen\u0303a larga ")
        self.assertTrue(await self.subject.login(verifier, " contraseña larga", "ana", "192.0.2.1"))

    async def test_any_other_password_does_not(self) -> None:
        """One letter more, in another case, too short, too long or nothing at all: wrong."""
        verifier = await self.subject.hash(GOOD)
        for wrong in (GOOD + "s", GOOD.upper(), "", "corta", GOOD * 20):
            self.assertFalse(await self.subject.login(verifier, wrong, "ana", "192.0.2.1"))

    async def test_a_name_without_a_verifier_opens_to_nobody(self) -> None:
        """Not even to the empty password."""
        for given in ("", GOOD):
            self.assertFalse(await self.subject.login("", given, "ana", "192.0.2.1"))

    async def test_a_bad_new_password_is_refused(self) -> None:
        """``:registrar corta`` says what a password must be."""
        with self.assertRaises(BadPassword):
            await self.subject.hash("corta")

    def test_it_provides_the_interface(self) -> None:
        """It has everything that the factory will ask of it."""
        self.assertTrue(verifyObject(IAccounts, self.subject))

    def setUp(self) -> None:
        self.subject: Any = self.make()
        self.addCleanup(self.subject.close)


class PlainAccountsTests(AccountsContract, TestCase):
    """The double."""

    def make(self) -> PlainAccounts:
        return PlainAccounts()


class RealAccountsTests(AccountsContract, TestCase):
    """argon2 in threads."""

    def make(self) -> Accounts:
        return Accounts(reactor)

    async def test_a_verifier_is_argon2id_with_the_promised_cost(self) -> None:
        """19 MiB, two passes, one lane; and another salt each time."""
        one, other = await self.subject.hash(GOOD), await self.subject.hash(GOOD)
        self.assertTrue(one.startswith("$argon2id$v=19$m=19456,t=2,p=1$"), one)
        self.assertNotEqual(one, other)
        self.assertFalse(accounts.outdated(one))

    async def test_a_verifier_of_another_cost_still_opens_and_is_found_outdated(self) -> None:
        """When the parameters are raised one day, nobody is locked out."""
        weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(GOOD)
        self.assertTrue(await self.subject.verify(weak, GOOD))
        self.assertTrue(accounts.outdated(weak))

    async def test_a_broken_verifier_opens_to_nobody(self) -> None:
        """Damage in the ledger lets nobody in, and the operator hears of it."""
        for broken in ("nonsense", UNREADABLE, "$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA"):
            self.assertFalse(await self.subject.verify(broken, GOOD))
            self.assertFalse(accounts.outdated(broken) and broken == "nonsense")

    async def test_a_traceback_does_not_show_the_password(self) -> None:
        """When argon2 itself fails, what reaches the log holds no password, whatever is asked."""
        broken = mock.Mock(hash=mock.Mock(side_effect=MemoryError(GOOD)))
        with mock.patch.object(accounts, "_hasher", broken):
            failed = self.subject.hash(GOOD)
            [failure] = await failed.addErrback(lambda failure: [failure])
        failure.trap(PasswordTrouble)
        shown = failure.getTraceback(detail="verbose") + repr(failure) + str(failure.value)
        self.assertIn("MemoryError", shown)
        self.assertNotIn(GOOD, shown)

    async def test_nothing_that_waits_can_be_printed_with_a_password(self) -> None:
        """A log line or a debugger's repr of the queue shows no secret."""
        waiting = [self.subject.verify("$argon2id$x", GOOD, "192.0.2.1") for _ in range(5)]
        jobs = [job for jobs in self.subject._turns._waiting.values() for job in jobs]
        self.assertTrue(jobs)
        self.assertNotIn(GOOD, repr([jobs, jobs[0].work, self.subject, vars(self.subject)]))
        await gatherResults(waiting)

    async def test_after_ten_wrong_ones_the_answer_waits(self) -> None:
        """Ten wrong answers come at once; the eleventh, and a right one after it, must wait."""
        clock = ClockedReactor()
        subject = Accounts(clock)
        self.addCleanup(subject.close)
        verifier = await subject.hash(GOOD)
        for _ in range(MOST_WRONG):
            self.assertFalse(await subject.login(verifier, "wrong wrong", "ana", "192.0.2.1"))
        waits = [
            subject.login(verifier, "wrong wrong", "ana", "192.0.2.2"),
            subject.login(verifier, GOOD, "ana", "192.0.2.3"),
        ]
        await subject.verify(verifier, GOOD)  # comes after them, so both have been checked
        self.assertEqual([wait.called and not wait.paused for wait in waits], [False, False])
        clock.advance(WINDOW)
        self.assertEqual([await wait for wait in waits], [False, True])

    async def test_who_hangs_up_while_waiting_leaves_no_timer(self) -> None:
        """A guesser who disconnects costs nothing any more."""
        clock = ClockedReactor()
        subject = Accounts(clock)
        self.addCleanup(subject.close)
        for _ in range(MOST_WRONG):
            await subject.login("$x", "wrong wrong", "ana", "192.0.2.1")
        waiting = subject.login("$x", "wrong wrong", "ana", "192.0.2.1")
        await subject.verify("$x", GOOD)
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.assertEqual(clock.getDelayedCalls(), [])

    async def test_a_thousand_waiting_logins_do_not_delay_the_chat(self) -> None:
        """While a thousand passwords wait to be checked, the reactor is never 100 ms late.

        Beyond what it is late on this machine without them, that is.
        """
        verifier = await self.subject.hash(GOOD)
        idle = await lateness(deferLater(reactor, 0.5))
        waiting: list[Deferred[bool]] = []
        while len(waiting) < 1000:
            name = f"name{len(waiting)}"
            waiting.append(self.subject.login(verifier, GOOD, name, "192.0.2.1"))
            if len(waiting) % 20 == 0:  # as connections come: some in each tick
                await deferLater(reactor, 0)
        busy = await lateness(gatherResults(waiting[:40]))
        self.assertEqual({await login for login in waiting[:40]}, {True})
        self.assertLess(busy - idle, 0.1)
        for login in waiting[40:]:
            login.addErrback(lambda failure: failure.trap(CancelledError) and None)

    async def test_who_changes_addresses_within_a_network_has_one_turn(self) -> None:
        """200 addresses of one IPv6 /64 delay a stranger by one check, not by 200."""
        verifier, ended = await self.subject.hash(GOOD), []
        crowd = [self.subject.login(verifier, GOOD, "ana", f"2001:db8::{n}") for n in range(20)]
        mine = self.subject.login(verifier, GOOD, "beto", "2001:db8:0:1::1")
        for n, login in enumerate([*crowd, mine]):
            login.addCallback(lambda _, n=n: ended.append(n))
        await gatherResults([*crowd, mine])
        self.assertLessEqual(ended.index(20), 2)

    async def test_by_a_unix_socket_names_take_turns(self) -> None:
        """Its peers have no address, and a crowd at one name delays no other."""
        verifier, ended = await self.subject.hash(GOOD), []
        crowd = [self.subject.login(verifier, GOOD, "ana", "") for n in range(20)]
        mine = self.subject.login(verifier, GOOD, "beto", "")
        for n, login in enumerate([*crowd, mine]):
            login.addCallback(lambda _, n=n: ended.append(n))
        await gatherResults([*crowd, mine])
        self.assertLessEqual(ended.index(20), 2)


async def lateness(until: Deferred[Any]) -> float:
    """How late the reactor came to its timers at the worst, in seconds."""
    beats: list[float] = []
    beat = LoopingCall(lambda: beats.append(reactor.seconds()))
    beat.start(0.01)
    await until
    beat.stop()
    assert len(beats) > 10
    return max(after - before for before, after in pairwise(beats)) - 0.01


class ClockedReactor(Clock):
    """Time is a clock's, threads are real."""

    def callFromThread(self, call: Callable[..., Any], *arguments: object) -> None:  # noqa: N802
        reactor.callFromThread(call, *arguments)


class TurnsTests(TestCase):
    """The queue before the threads."""

    def setUp(self) -> None:
        self.gate = Event()
        self.done: list[str] = []

    def queue(self, **options: int) -> Turns:
        turns = Turns(reactor, **options)
        self.addCleanup(turns.close)
        self.addCleanup(self.gate.set)
        return turns

    def job(self, turns: Turns, name: str, who: str) -> Deferred[str]:
        def work() -> str:
            self.gate.wait(10)
            self.done.append(name)
            return name

        return turns.take(work, who)

    async def test_addresses_take_turns(self) -> None:
        """Somebody else's hundred logins delay mine by one, not by a hundred."""
        turns = self.queue()
        jobs = [self.job(turns, f"crowd{n}", "192.0.2.1") for n in range(100)]
        jobs.append(self.job(turns, "me", "192.0.2.2"))
        self.gate.set()
        await gatherResults(jobs)
        self.assertLessEqual(self.done.index("me"), 2)
        self.assertEqual([n for n in self.done if n != "me"], [f"crowd{n}" for n in range(100)])

    async def test_who_hangs_up_leaves_the_queue(self) -> None:
        """A check for a connection that is gone is not made."""
        turns = self.queue()
        first, gone, last = (self.job(turns, name, "a") for name in ("first", "gone", "last"))
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        self.gate.set()
        await gatherResults([first, last])
        self.assertEqual(self.done, ["first", "last"])

    async def test_who_hangs_up_during_the_check_harms_nobody(self) -> None:
        """The check that was under way ends unheard, and the next one begins."""
        turns = self.queue()
        gone, last = self.job(turns, "gone", "a"), self.job(turns, "last", "a")
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        self.gate.set()
        self.assertEqual(await last, "last")

    async def test_a_full_queue_refuses_the_biggest_crowd(self) -> None:
        """When too many wait, the answer is a sentence, and it is the crowd that hears it."""
        turns = self.queue(most=5)
        crowd = [self.job(turns, f"crowd{n}", "a") for n in range(6)]  # one of them has begun
        me = self.job(turns, "me", "b")
        self.failureResultOf(crowd[-1], TooManyWaiting)
        self.gate.set()
        self.assertEqual(await me, "me")
        await gatherResults(crowd[:-1])

    async def test_of_crowds_as_big_the_newest_is_refused(self) -> None:
        """However many networks there are with one each, who has waited longest is served."""
        turns = self.queue(most=5)
        begun = self.job(turns, "begun", "z")
        waiting = [self.job(turns, f"{n}", f"192.0.2.{n}") for n in range(6)]
        self.failureResultOf(waiting[-1], TooManyWaiting)
        self.gate.set()
        await gatherResults([begun, *waiting[:-1]])
        self.assertEqual(self.done, ["begun", *"01234"])

    async def test_of_crowds_as_big_whose_newest_came_last_loses_it(self) -> None:
        """Also when another crowd has its turn first."""
        turns = self.queue(most=4)
        begun = self.job(turns, "begun", "z")
        names = ["a1", "b1", "a2", "b2", "c1"]
        jobs = {name: self.job(turns, name, name[0]) for name in names}
        self.failureResultOf(jobs.pop("b2"), TooManyWaiting)
        self.gate.set()
        await gatherResults([begun, *jobs.values()])

    async def test_closing_finishes_what_has_begun_and_drops_the_rest(self) -> None:
        """A shutdown waits for one check, not for a thousand."""
        turns = self.queue()
        begun, waiting = self.job(turns, "begun", "a"), self.job(turns, "waiting", "a")
        closed = turns.close()
        self.failureResultOf(waiting, CancelledError)
        self.gate.set()
        self.assertEqual(await begun, "begun")
        await closed
        self.assertEqual(self.done, ["begun"])
        self.failureResultOf(turns.take(str, "a"), TooManyWaiting)

    async def test_an_error_reaches_who_asked(self) -> None:
        """And the next job is done all the same."""
        turns = self.queue()
        wrong: Deferred[float] = turns.take(lambda: 1 / 0, "a")
        with self.assertRaises(ZeroDivisionError):
            await wrong
        self.assertEqual(await turns.take(lambda: 7, "a"), 7)


class ThrottleTests(SynchronousTestCase):
    """More than ten wrong in a minute for a name or an address: the answer waits."""

    def after(self, count: int, *, now: float = 0.0, **who: str) -> Throttle:
        throttle = Throttle()
        for n in range(count):
            throttle.wrong(now, who.get("name", f"name{n}"), who.get("address", f"192.0.2.{n}"))
        return throttle

    def test_ten_wrong_ones_do_not_wait(self) -> None:
        """Fat fingers are forgiven."""
        throttle = self.after(10, name="ana", address="192.0.2.1")
        self.assertEqual(throttle.delay(0, "ana", "192.0.2.1"), 0)

    def test_the_eleventh_for_a_name_waits_from_any_address(self) -> None:
        """Guessing one name from many machines does not help."""
        throttle = self.after(11, name="ana")
        self.assertEqual(throttle.delay(0, "ana", "198.51.100.7"), WINDOW)
        self.assertEqual(throttle.delay(0, "beto", "198.51.100.7"), 0)

    def test_the_eleventh_from_an_address_waits_for_any_name(self) -> None:
        """Guessing many names from one machine does not help either."""
        throttle = self.after(11, address="192.0.2.1")
        self.assertEqual(throttle.delay(0, "zoe", "192.0.2.1"), WINDOW)
        self.assertEqual(throttle.delay(0, "zoe", "192.0.2.2"), 0)

    def test_it_is_forgotten_after_a_minute(self) -> None:
        """The wait ends when the wrong ones are a minute old."""
        throttle = self.after(11, name="ana")
        self.assertEqual(throttle.delay(45, "ana", "x"), 15)
        self.assertEqual(throttle.delay(60, "ana", "x"), 0)

    def test_wrong_ones_far_apart_do_not_add_up(self) -> None:
        """Eleven in a year are not eleven in a minute."""
        throttle = Throttle()
        for n in range(50):
            throttle.wrong(n * 7.0, "ana", "192.0.2.1")
        self.assertEqual(throttle.delay(50 * 7.0, "ana", "192.0.2.1"), 0)

    def test_guessing_on_and_on_never_beats_ten_a_minute(self) -> None:
        """Who always waits for the answer gets ten a minute and not one more, for hours."""
        throttle, now = Throttle(), 0.0
        answers: list[float] = []
        while now < 3600:
            throttle.wrong(now, "ana", "192.0.2.1")
            now += throttle.delay(now, "ana", "192.0.2.1")
            answers.append(now)
        for at in answers:
            self.assertLessEqual(sum(at - WINDOW < other <= at for other in answers), 10)
        self.assertEqual(len(answers), 60 * 10 + 1)

    def test_peers_of_a_unix_socket_share_no_count(self) -> None:
        """They are in no network: eleven wrong ones for other names delay nobody."""
        self.assertEqual(self.after(11, address="").delay(0, "zoe", ""), 0)

    def test_a_million_addresses_do_not_fill_the_memory(self) -> None:
        """An attack from everywhere is remembered up to a bound."""
        throttle = Throttle(most_kept=100)
        for n in range(20_000):
            throttle.wrong(n / 1000, f"name{n}", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
        gc.collect()
        kept = throttle._names._answers, throttle._networks._answers
        self.assertEqual([len(times) for times in kept], [100, 100])
        self.assertLess(sum(sys.getsizeof(times) for times in kept), 100_000)
