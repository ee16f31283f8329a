"""Homes: the networks from which a registered name has come in (PROTOCOL §5, Guessing).

When somebody guesses at a name, its owner does not have to wait at home.  The ledger keeps homes,
so a restart does not make them wait.  It keeps them beside its chain, so homes can be forgotten.  A
home is a keyed hash: without the key, a list of homes shows no address.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from granja.accounts.networks import network_of
from granja.contract.errors import GranjaError
from granja.contract.ids import FarmerId
from granja.ledger.interface import AllKept, Kept, Value
from granja.ledger.lane import Lane
from granja.ledger.owed import Owed

#: We forget a home when the name has not come in from there for this many days.
DAYS: Final = 90
#: The most homes of a farmer.  For one more, we forget the one that was used longest ago.
MOST_HOMES: Final = 64
#: Homes that we forget at a time.  The next call forgets more.
MOST_FORGOTTEN: Final = 1000

DAY: Final = 86400.0

#: The ledger's subjects for homes, and for the key of their hashes.
HOMES: Final = "homes"
SECRETS: Final = "secrets"


class Homes:
    """:param now: the time of day, in Unix seconds.
    :param chance: gives a number of bytes that nobody can guess, like :func:`secrets.token_bytes`.
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
        #: Changes that the ledger does not have yet.
        self._owed = Owed(lane)
        #: The last day of each home; the oldest first.
        self._days: OrderedDict[str, tuple[FarmerId, int]] = OrderedDict()
        self._by_farmer: dict[FarmerId, OrderedDict[str, None]] = {}
        self._secret = self._read_secret(kept.get(SECRETS, {}).get(HOMES), chance)
        for day, farmer, key in sorted(_read(kept.get(HOMES, {}))):
            self._note(farmer, key, day)

    def is_home(self, farmer: FarmerId, address: str) -> bool:
        """Whether this farmer has come in from the network of ``address`` within 90 days."""
        home = self._days.get(self._key(farmer, address))
        return home is not None and self._today() - home[1] <= DAYS

    def came_in(self, farmer: FarmerId, address: str) -> Deferred[None]:
        """Remember the network that they came in from.  We store this once a day.

        :returns: fires when it is stored.  What cannot be stored is tried again with the next home.
        """
        key, today = self._key(farmer, address), self._today()
        if self._days.get(key) != (farmer, today):
            self._note(farmer, key, today)
            self._owed.owe(Kept(HOMES, key, [farmer, today]))
        self._forget_old(today)
        return self._owed.store([farmer]).addErrback(_is_owed)

    def follow(self, item: Kept) -> None:
        """Follow another node: it has a new home, or has forgotten one."""
        for day, farmer, key in _read({} if item.value is None else {item.key: item.value}):
            self._note(farmer, key, day)
        if item.value is None and item.key in self._days:
            self._forget(item.key)

    # -- which they are --------------------------------------------------------------------------

    def _key(self, farmer: FarmerId, address: str) -> str:
        """The hash of a home.  Unix sockets are in no network; together they are one home."""
        home = f"{farmer} {network_of(address) or 'unix'}"
        return blake2b(home.encode(), key=self._secret, digest_size=16).hexdigest()

    def _today(self) -> int:
        return int(self._now() // DAY)

    def _note(self, farmer: FarmerId, key: str, day: int) -> None:
        self._days[key] = farmer, day
        self._days.move_to_end(key)
        theirs = self._by_farmer.setdefault(farmer, OrderedDict())
        theirs[key] = None
        theirs.move_to_end(key)
        if len(theirs) > MOST_HOMES:
            self._forget(next(iter(theirs)))

    def _forget(self, key: str) -> None:
        farmer, _ = self._days.pop(key)
        theirs = self._by_farmer[farmer]
        del theirs[key]
        if not theirs:
            del self._by_farmer[farmer]
        self._owed.owe(Kept(HOMES, key, None))

    def _forget_old(self, today: int) -> None:
        for _ in range(MOST_FORGOTTEN):
            key = next(iter(self._days), "")
            if not key or today - self._days[key][1] <= DAYS:
                return
            self._forget(key)

    # -- storing ---------------------------------------------------------------------------------

    def _read_secret(self, kept: Value | None, chance: Callable[[int], bytes]) -> bytes:
        if isinstance(kept, str):
            with suppress(ValueError):
                return bytes.fromhex(kept)
        secret = chance(32)
        self._owed.owe(Kept(SECRETS, HOMES, secret.hex()))
        return secret


def _is_owed(failure: Failure) -> None:
    """Ignore the failure: the ledger has logged it, and we try again."""
    failure.trap(GranjaError)


def _read(kept: Mapping[str, Value]) -> Iterator[tuple[int, FarmerId, str]]:
    """Day, farmer and key of each home in the ledger; it leaves damaged ones out."""
    for key, value in kept.items():
        match value:
            case [int(farmer), int(day)]:
                yield day, FarmerId(farmer), key
