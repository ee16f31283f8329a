"""Passwords that the operator gives out: each serves once, for a day, beside the farmer's own."""

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

#: What they are kept under, by the number of the farmer.
SUBJECT: Final = "one-use"
#: Seconds that one serves.
LIFE: Final = 86_400
#: Letters and digits that are not mistaken for others: five bits each.
LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
#: Letters of a password, and of each of its groups.
LENGTH: Final = 16
GROUP: Final = 4

_OTHERS: Final = re.compile(rf"[^{LETTERS}]")


@dataclass(frozen=True, slots=True)
class Given:
    """``hash``: of the password.  ``ends``: when it serves no more, in Unix seconds."""

    hash: str
    ends: float


class OneUse:
    """:param now: the time on the wall, in Unix seconds.
    :param chance: gives so many bytes that nobody can guess.
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
        """What is kept, also by another node: one was given out, or has served."""
        match item.value:
            case {"hash": str(hash), "ends": int() | float() as ends} if item.key.isdecimal():
                self._given[FarmerId(int(item.key))] = Given(hash, ends)
            case None if item.key.isdecimal():
                self._given.pop(FarmerId(int(item.key)), None)

    def give(self, farmer: FarmerId) -> Deferred[tuple[str, float]]:
        """A new one, in the place of any that was given before.

        :returns: fires with it and its end once its hash is stored; fails with NotStored or Halted.
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
        """Whether that is the one that serves now; a phone's capital, or spaces, do no harm."""
        given = self._given.get(farmer)
        if given is None or given.ends <= self._now():
            return False
        return compare_digest(given.hash, _hash_of(text))

    def spend(self, farmer: FarmerId, text: str) -> Deferred[None]:
        """It has served.

        :returns: fires when that is stored; fails with WrongPassword when it had served before,
            and with NotStored or Halted.
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
    """Of so much chance one round is enough."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    return sha256(_OTHERS.sub("", plain).encode()).hexdigest()
