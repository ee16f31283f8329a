"""Passwords: who gets in, who waits, and which secrets nobody sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from threading import Event, enumerate as enumerate_threads
from typing import TYPE_CHECKING, Any
from unittest import mock

from argon2 import PasswordHasher
from twisted.internet import reactor as _reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import Clock, LoopingCall, deferLater
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from granja.accounts import passwords as accounts
from granja.accounts.fair_queue import Turns
from granja.accounts.passwords import Accounts, IAccounts, PasswordTrouble, PlainAccounts
from granja.accounts.throttle import MOST_BY_NETWORK, MOST_BY_PAIR, WINDOW, Attempt
from granja.contract.errors import BadPassword, TooManyWaiting
from granja.ledger.sqlite.verifiers import UNREADABLE

reactor: Any = _reactor

GOOD = "cuchara oxidada"


def nothing() -> None:
    """Told that an answer waits."""


class PasswordTests(SynchronousTestCase):
    """Which texts are passwords, and which are verifiers."""

    def test_what_has_the_form_of_a_verifier(self) -> None:
        """An audit says of any other that no password can fit."""
        for text, fits in (
            ("$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0$c29tZSBoYXNo", True),
            ("$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0", False),
            ("plain:girasoles", False),
            ("", False),
        ):
            self.assertIs(accounts.is_verifier(text), fits, text)

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
    """The promises of the real accounts and of the double."""

    def make(self) -> Accounts | PlainAccounts:
        raise NotImplementedError

    async def test_the_right_password_opens(self) -> None:
        """The password of the registration opens, in any way of typing its accents."""
        verifier = await self.subject.hash("contrasen\u0303a larga ")
        self.assertTrue(await self.login(verifier, " contraseña larga", "ana", "192.0.2.1"))

    async def test_any_other_password_does_not(self) -> None:
        """One letter more, in another case, too short, too long or nothing at all: wrong."""
        verifier = await self.subject.hash(GOOD)
        for wrong in (GOOD + "s", GOOD.upper(), "", "corta", GOOD * 20):
            self.assertFalse(await self.login(verifier, wrong, "ana", "192.0.2.1"))

    async def test_the_shortest_and_the_longest_open_too(self) -> None:
        """Whoever may register with a password comes in with it."""
        for longest in ("a" * 8, "ñ" * 128):
            verifier = await self.subject.hash(longest)
            self.assertTrue(await self.login(verifier, longest, "ana", "192.0.2.1"))

    async def test_a_name_without_a_verifier_opens_to_nobody(self) -> None:
        """Even the empty password does not open it."""
        for given in ("", GOOD):
            self.assertFalse(await self.login("", given, "ana", "192.0.2.1"))

    async def test_a_bad_new_password_is_refused(self) -> None:
        """``:registrar corta`` says what a password must be."""
        with self.assertRaises(BadPassword):
            await self.subject.hash("corta")

    def test_it_provides_the_interface(self) -> None:
        """It has everything that the factory will ask of it."""
        self.assertTrue(verifyObject(IAccounts, self.subject))

    def login(self, verifier: str, password: str, name: str, address: str) -> Deferred[bool]:
        login: Deferred[bool] = self.subject.login(
            verifier, password, Attempt(name, address), nothing
        )
        return login

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
        """The cost is 19 MiB, two passes and one lane.  Each verifier has its own salt."""
        one, other = await self.subject.hash(GOOD), await self.subject.hash(GOOD)
        self.assertTrue(one.startswith("$argon2id$v=19$m=19456,t=2,p=1$"), one)
        self.assertNotEqual(one, other)
        self.assertFalse(accounts.outdated(one))

    async def test_a_verifier_of_another_cost_still_opens_and_is_found_outdated(self) -> None:
        """If we raise the parameters one day, everybody can still come in."""
        weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(GOOD)
        self.assertTrue(await self.subject.verify(weak, GOOD))
        self.assertTrue(accounts.outdated(weak))

    async def test_a_broken_verifier_opens_to_nobody(self) -> None:
        """Damage in the ledger lets nobody in, and the operator hears of it."""
        for broken in ("nonsense", UNREADABLE, "$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA"):
            self.assertFalse(await self.subject.verify(broken, GOOD))
            self.assertFalse(accounts.outdated(broken) and broken == "nonsense")

    async def test_what_can_be_no_password_costs_nothing(self) -> None:
        """The answer is there at once, and the operator hears of no damage."""
        verifier = await self.subject.hash(GOOD)
        with capturedLogs() as logs:
            for stored, given in ((verifier, "corta"), (verifier, "a" * 129), ("", GOOD)):
                verified = self.login(stored, given, "ana", "192.0.2.1")
                self.assertFalse(self.successResultOf(verified))
        self.assertEqual(logs, [])

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
        """Ten wrong answers come at once.  After them right and wrong answers wait, and people hear
        so.

        They hear it at once, while the check itself still waits for its turn.
        """
        clock = ClockedReactor()
        told: list[object] = []
        subject = Accounts(clock)
        self.addCleanup(subject.close)
        verifier = await subject.hash(GOOD)
        attempt = Attempt("ana", "192.0.2.1")
        for _ in range(MOST_BY_PAIR):
            self.assertFalse(
                await subject.login(verifier, "wrong wrong", attempt, lambda: told.append("early"))
            )
        waits = [
            subject.login(verifier, given, attempt, partial(told.append, given))
            for given in ("wrong wrong", GOOD)
        ]
        self.assertEqual(told, ["wrong wrong", GOOD])
        await subject.verify(verifier, GOOD)  # comes after them, so both have been checked
        self.assertEqual([wait.called and not wait.paused for wait in waits], [False, False])
        clock.advance(WINDOW)
        self.assertEqual([await wait for wait in waits], [False, True])
        self.assertEqual(told, ["wrong wrong", GOOD])

    async def test_guesses_at_the_same_moment_are_counted_too(self) -> None:
        """A person who sends a hundred at once gets ten answers.  Then they hear that they wait."""
        clock = ClockedReactor()
        told: list[object] = []
        subject = Accounts(clock)
        self.addCleanup(subject.close)
        attempt = Attempt("ana", "192.0.2.1")
        for number in range(20):
            subject.login("$x", "wrong wrong", attempt, partial(told.append, number))
        await subject.verify("$x", GOOD, "192.0.2.1")
        self.assertEqual(told, [*range(10, 20)])
        await subject.close()

    async def test_a_pass_is_judged_like_a_password(self) -> None:
        """Thirty wrong ones from one network, whatever they were for, and the next one waits."""
        clock = ClockedReactor()
        told: list[object] = []
        subject = Accounts(clock)
        attempt = Attempt("", "192.0.2.1")
        for _ in range(MOST_BY_NETWORK):
            self.assertFalse(await subject.judge(False, attempt, lambda: told.append("early")))
        waiting = subject.judge(True, attempt, lambda: told.append("late"))
        self.assertNoResult(waiting)
        self.assertEqual(told, ["late"])
        clock.advance(WINDOW)
        self.assertTrue(self.successResultOf(waiting))

    async def test_who_hangs_up_while_waiting_leaves_no_timer(self) -> None:
        """A guesser who disconnects costs nothing after that."""
        clock = ClockedReactor()
        subject = Accounts(clock)
        self.addCleanup(subject.close)
        attempt = Attempt("ana", "192.0.2.1")
        for _ in range(MOST_BY_PAIR):
            await subject.login("$x", "wrong wrong", attempt, nothing)
        waiting = subject.login("$x", "wrong wrong", attempt, nothing)
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
            waiting.append(self.login(verifier, GOOD, name, "192.0.2.1"))
            if len(waiting) % 20 == 0:  # as connections come: some in each tick
                await deferLater(reactor, 0)
        busy = await lateness(gatherResults(waiting[:40]))
        self.assertEqual({await login for login in waiting[:40]}, {True})
        self.assertLess(busy - idle, 0.1)
        for login in waiting[40:]:
            login.addErrback(lambda failure: failure.trap(CancelledError) and None)

    async def assert_second(self, mine: Deferred[bool], crowd: list[Deferred[bool]]) -> None:
        """At most two of the crowd that came first have their turn before mine."""
        ended: list[Deferred[bool]] = []
        for login in [*crowd, mine]:
            login.addCallback(lambda _, login=login: ended.append(login))  # type: ignore[call-overload]
        await gatherResults([*crowd, mine])
        self.assertLessEqual(ended.index(mine), 2)

    async def test_who_changes_addresses_within_a_network_has_one_turn(self) -> None:
        """200 addresses of one IPv6 /64 delay a stranger by one check, not by 200."""
        verifier = await self.subject.hash(GOOD)
        crowd = [self.login(verifier, GOOD, "ana", f"2001:db8::{n}") for n in range(20)]
        await self.assert_second(self.login(verifier, GOOD, "beto", "2001:db8:0:1::1"), crowd)

    async def test_networks_take_turns_to_register_too(self) -> None:
        """A crowd that registers delays a stranger by one."""
        crowd = [self.subject.hash(GOOD, "192.0.2.1") for _ in range(20)]
        self.assertGreater(self.subject.waiting, 10)
        await self.assert_second(self.subject.hash(GOOD, "192.0.2.2"), crowd)

    async def test_by_a_unix_socket_names_take_turns(self) -> None:
        """Its peers have no address, and a crowd at one name delays no other."""
        verifier = await self.subject.hash(GOOD)
        crowd = [self.login(verifier, GOOD, "ana", "") for n in range(20)]
        await self.assert_second(self.login(verifier, GOOD, "beto", ""), crowd)


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


def threads() -> Iterator[int]:
    """The threads that compute passwords now."""
    return (thread.native_id or 0 for thread in enumerate_threads() if "password" in thread.name)


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
        """With any number of networks that have one job each, the oldest job is served."""
        turns = self.queue(most=5)
        begun = self.job(turns, "begun", "z")
        waiting = [self.job(turns, f"{n}", f"192.0.2.{n}") for n in range(6)]
        self.failureResultOf(waiting[-1], TooManyWaiting)
        self.gate.set()
        await gatherResults([begun, *waiting[:-1]])
        self.assertEqual(self.done, ["begun", *"01234"])

    async def test_of_crowds_as_big_whose_newest_came_last_loses_it(self) -> None:
        """This holds even if another crowd has its turn first."""
        turns = self.queue(most=4)
        begun = self.job(turns, "begun", "z")
        names = ["a1", "b1", "a2", "b2", "c1"]
        jobs = {name: self.job(turns, name, name[0]) for name in names}
        self.failureResultOf(jobs.pop("b2"), TooManyWaiting)
        self.gate.set()
        await gatherResults([begun, *jobs.values()])

    async def test_closing_finishes_what_has_begun_and_drops_the_rest(self) -> None:
        """A shutdown waits for one check, not for a thousand, and no thread is left."""
        turns = self.queue()
        before = {*threads()}
        begun, waiting = self.job(turns, "begun", "a"), self.job(turns, "waiting", "a")
        self.assertEqual(turns.waiting, 1)
        closed = turns.close()
        self.failureResultOf(waiting, CancelledError)
        self.assertNoResult(closed)
        self.gate.set()
        self.assertEqual(await begun, "begun")
        await closed
        self.assertEqual(self.done, ["begun"])
        self.assertEqual({*threads()} - before, set())
        self.failureResultOf(turns.take(str, "a"), TooManyWaiting)

    async def test_an_error_reaches_who_asked(self) -> None:
        """The next job is done as usual."""
        turns = self.queue()
        wrong: Deferred[float] = turns.take(lambda: 1 / 0, "a")
        with self.assertRaises(ZeroDivisionError):
            await wrong
        self.assertEqual(await turns.take(lambda: 7, "a"), 7)
