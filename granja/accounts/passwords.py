"""Passwords: from what a farmer types to what the ledger keeps, and to yes or no.

argon2id with 19 MiB, two passes and one lane (RFC 9106; the numbers are from OWASP's password
storage cheat sheet).  One check is slow, so it happens in a thread.  argon2 releases the
interpreter in the meantime.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from argon2.low_level import Type
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import Attribute, Interface, implementer

from granja.accounts.fair_queue import Turns
from granja.accounts.networks import network_of
from granja.accounts.throttle import Attempt, Throttle
from granja.contract.errors import PASSWORD_CHARACTERS, BadPassword

SHORTEST, LONGEST = PASSWORD_CHARACTERS

T = TypeVar("T")

_log = Logger()
_VERIFIER = re.compile(
    r"\$argon2(id|i|d)(\$v=\d+)?\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+", re.ASCII
)
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1, type=Type.ID)


def normalise(password: str) -> str:
    """The password that the farmer meant: without spaces at its ends, in NFC."""
    return unicodedata.normalize("NFC", password.strip())


def check(password: str) -> str:
    """A new password, normalised.

    :raises BadPassword: when it does not have 8 to 128 characters.
    """
    password = normalise(password)
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadPassword
    return password


def is_verifier(text: str) -> bool:
    """Whether it has the form of a verifier, so that a password might fit it."""
    return _VERIFIER.fullmatch(text) is not None


def outdated(verifier: str) -> bool:
    """Whether a verifier has other parameters than today's.

    Then hash the password again the next time that the farmer gives it.
    """
    try:
        return _hasher.check_needs_rehash(verifier)
    except InvalidHashError:
        return False  # No password fits it.


class PasswordTrouble(Exception):
    """argon2 itself failed (no memory, …).  This says nothing about the password."""


class IAccounts(Interface):
    """Makes and checks password verifiers."""

    waiting: int = Attribute("How many passwords are not looked at yet.")

    tell_wrong: Callable[[Attempt], object] = Attribute(
        "Called with each wrong attempt.  Other nodes of the farm count it as well."
    )

    def note_wrong(attempt: Attempt) -> None:  # noqa: N805
        """Count a wrong attempt that somebody made at another node."""

    def hash(password: str, address: str = "") -> Deferred[str]:  # noqa: N805 (as zope has it)
        """The verifier for a new password, a string in PHC format.

        Fails with :class:`~granja.contract.errors.BadPassword`, or with
        :class:`~granja.contract.errors.TooManyWaiting`.
        """

    def verify(verifier: str, password: str, address: str = "") -> Deferred[bool]:  # noqa: N805
        """Whether a password belongs to a verifier.

        Fails with :class:`~granja.contract.errors.TooManyWaiting`.  To cancel it leaves the queue.
        """

    def login(
        verifier: str,  # noqa: N805
        password: str,
        attempt: Attempt,
        waits: Callable[[], object],
    ) -> Deferred[bool]:
        """The same as :meth:`verify`, but the answer waits after too many wrong ones.

        :param waits: called at once, and only once, when the answer waits.
        """

    def judge(right: bool, attempt: Attempt, waits: Callable[[], object]) -> Deferred[bool]:  # noqa: N805
        """The same as :meth:`login`, for a secret already known to be right or wrong."""

    def close() -> Deferred[None]:
        """End the threads, and cancel the jobs that wait."""


@implementer(IAccounts)
class Accounts:
    """Makes and checks verifiers in threads, and makes guessers wait.

    :param reactor: the real one: it gives the answers, and its clock is the throttle's.
    :param threads: checks at a time.  More than one takes a processor away from the chat.
    """

    def __init__(self, reactor: Any, threads: int = 1) -> None:
        self._reactor = reactor
        self._turns = Turns(reactor, threads)
        self._throttle = Throttle()
        self.tell_wrong: Callable[[Attempt], object] = _tell_nobody

    @property
    def waiting(self) -> int:
        """See :attr:`IAccounts.waiting`."""
        return self._turns.waiting

    def hash(self, password: str, address: str = "") -> Deferred[str]:
        """See :meth:`IAccounts.hash`."""
        try:
            wanted = check(password)
        except BadPassword as error:
            return fail(error)
        return self._in_thread(lambda: _hasher.hash(wanted), network_of(address) or "")

    def verify(self, verifier: str, password: str, address: str = "") -> Deferred[bool]:
        """See :meth:`IAccounts.verify`."""
        return self._verify(verifier, password, network_of(address) or "")

    def login(
        self, verifier: str, password: str, attempt: Attempt, waits: Callable[[], object]
    ) -> Deferred[bool]:
        """See :meth:`IAccounts.login`."""
        waiter = _Waiter(waits)
        if self._throttle.wait(self._reactor.seconds(), attempt):
            waiter.tell()  # Now, because the check itself may have to wait for its turn.
        # Unix sockets are in no network: they take turns by name.
        checked = self._verify(verifier, password, network_of(attempt.address) or attempt.name)
        return checked.addCallback(self._answer, attempt, waiter)

    def judge(self, right: bool, attempt: Attempt, waits: Callable[[], object]) -> Deferred[bool]:
        """See :meth:`IAccounts.judge`."""
        return succeed(right).addCallback(self._answer, attempt, _Waiter(waits))

    def note_wrong(self, attempt: Attempt) -> None:
        """See :meth:`IAccounts.note_wrong`."""
        self._throttle.wrong(self._reactor.seconds(), attempt)

    def close(self) -> Deferred[None]:
        """See :meth:`IAccounts.close`."""
        return self._turns.close()

    def _verify(self, verifier: str, password: str, who: str) -> Deferred[bool]:
        given = normalise(password)
        if not verifier or not SHORTEST <= len(given) <= LONGEST:
            return succeed(False)
        return self._in_thread(lambda: _matches(verifier, given), who)

    def _answer(self, right: bool, attempt: Attempt, waiter: _Waiter) -> bool | Deferred[bool]:
        now = self._reactor.seconds()
        wait = self._throttle.wait(now, attempt)
        if not right:
            self._throttle.wrong(now, attempt)
            self.tell_wrong(attempt)
        if not wait:
            return right
        waiter.tell()
        return deferLater(self._reactor, wait, lambda: right)

    def _in_thread(self, work: Callable[[], T], who: str) -> Deferred[T]:
        done = self._turns.take(lambda: _quietly(work), who)
        return done.addCallback(_outcome)


def _tell_nobody(attempt: Attempt) -> None:
    """Tell nobody: there is no other node."""


class _Waiter:
    """Tells somebody, once, that the answer waits."""

    def __init__(self, waits: Callable[[], object]) -> None:
        self._waits = waits
        self._told = False

    def tell(self) -> None:
        if not self._told:
            self._told = True
            self._waits()


@implementer(IAccounts)
class PlainAccounts:
    """A double for tests, with the same rules: it answers at once, and hides nothing."""

    waiting = 0

    def __init__(self) -> None:
        self.tell_wrong: Callable[[Attempt], object] = _tell_nobody

    def note_wrong(self, attempt: Attempt) -> None:
        """Nobody waits here."""

    def hash(self, password: str, address: str = "") -> Deferred[str]:
        try:
            return succeed("plain:" + check(password))
        except BadPassword as error:
            return fail(error)

    def verify(self, verifier: str, password: str, address: str = "") -> Deferred[bool]:
        return succeed(verifier == "plain:" + normalise(password))

    def login(
        self, verifier: str, password: str, attempt: Attempt, waits: Callable[[], object]
    ) -> Deferred[bool]:
        return self.verify(verifier, password, attempt.address)

    def judge(self, right: bool, attempt: Attempt, waits: Callable[[], object]) -> Deferred[bool]:
        return succeed(right)

    def close(self) -> Deferred[None]:
        return succeed(None)


def _matches(verifier: str, password: str) -> bool:
    try:
        return _hasher.verify(verifier, password)
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError) as error:
        _log.error("A verifier in the ledger is unusable: {why}.", why=type(error).__name__)
        return False


def _quietly(work: Callable[[], T]) -> tuple[T] | str:
    """The result, or the name of the error.  A traceback's frames would hold the password."""
    try:
        return (work(),)
    except Exception as error:
        return type(error).__name__


def _outcome(result: tuple[T] | str) -> T:
    if isinstance(result, str):
        raise PasswordTrouble(result)
    return result[0]
