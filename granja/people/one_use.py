"""Passwords from the operator: each works once, for a day, beside the farmer's own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from twisted.internet.defer import Deferred

from granja.contract import errors
from granja.contract.ids import FarmerId
from granja.ledger.interface import AllKept, Kept
from granja.ledger.lane import Lane
from granja.market.facts import Fact

#: The ledger's subject.  Its keys are the farmers' numbers.
SUBJECT: Final = "one-use"
#: Seconds that such a password works.
LIFE: Final = 86_400
#: Letters and digits that do not look like others: five bits each.
LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
#: Letters in a password, and in each of its groups.
LENGTH: Final = 16
GROUP: Final = 4

_OTHERS: Final = re.compile(rf"[^{LETTERS}]")


@dataclass(frozen=True, slots=True)
class Given:
    """``hash``: of the password.  ``ends``: when it stops working, in Unix seconds."""

    hash: str
    ends: float


class OneUse:
    """:param now: the time of day, in Unix seconds.
    :param chance: gives a number of bytes that nobody can guess.
    :param kept: what the ledger keeps beside its chain, by subject and key.
    """

    def __init__(
        self,
        now: Callable[[], float],
        chance: Callable[[int], bytes],
        lane: Lane,
        kept: AllKept,
    ) -> None:
        self._now = now
        self._chance = chance
        self._lane = lane
        self._given: dict[FarmerId, Given] = {}
        for key, value in kept.get(SUBJECT, {}).items():
            self.follow(Kept(SUBJECT, key, value))

    def follow(self, item: Kept) -> None:
        """Take what the ledger keeps, also from another node: a new password, or a used one."""
        match item.value:
            case {"hash": str(hash), "ends": int() | float() as ends} if item.key.isdecimal():
                self._given[FarmerId(int(item.key))] = Given(hash, ends)
            case None if item.key.isdecimal():
                self._given.pop(FarmerId(int(item.key)), None)

    def give(self, farmer: FarmerId) -> Deferred[tuple[str, float]]:
        """Give a new password.  An older one stops working.

        :returns: fires with it and its end, in Unix seconds, once its hash is stored; fails with
            NotStored or Halted.
        """
        letters = "".join(LETTERS[byte % len(LETTERS)] for byte in self._chance(LENGTH))
        password = "-".join(letters[at : at + GROUP] for at in range(0, LENGTH, GROUP))
        given = Given(_hash_of(password), self._now() + LIFE)
        kept = Kept(SUBJECT, str(farmer), {"hash": given.hash, "ends": given.ends})

        def stored(_: object) -> tuple[str, float]:
            self._given[farmer] = given
            return password, given.ends

        return self._lane.submit([farmer], list, kept=[kept]).addCallback(stored)

    def fits(self, farmer: FarmerId, text: str) -> bool:
        """Whether this is the password that works now.  Capitals and spaces do not matter."""
        given = self._given.get(farmer)
        if given is None or given.ends <= self._now():
            return False
        return compare_digest(given.hash, _hash_of(text))

    def spend(self, farmer: FarmerId, text: str) -> Deferred[None]:
        """Use the password up.

        :returns: fires when that is stored; fails with WrongPassword when it was used before, and
            with NotStored or Halted.
        """

        def decide() -> list[Fact]:
            if not self.fits(farmer, text):
                raise errors.WrongPassword
            return []

        spent = self._lane.submit([farmer], decide, kept=[Kept(SUBJECT, str(farmer), None)])
        return spent.addCallback(partial(self._forget, farmer))

    def _forget(self, farmer: FarmerId, _: object) -> None:
        self._given.pop(farmer, None)


def _hash_of(password: str) -> str:
    """The hash.  One round is enough, because nobody can guess the password."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    return sha256(_OTHERS.sub("", plain).encode()).hexdigest()
