"""A ledger that can forget names.  Both engines share this; their threads do the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from granja.contract.ids import FarmerId
from granja.ledger.interface import CannotForget, IForgetful
from granja.ledger.pseudonyms import NameRow
from granja.ledger.writing import Forget
from granja.text.names import fold

_PLAIN = (
    "this ledger has names in its chain, from before granja could forget; stop the server and make "
    "a new one of it: granja rewrite OLD NEW"
)


@implementer(IForgetful)
class Forgetful:
    """``_plain``: whether the chain may hold names in plain."""

    _plain = False

    def forget(self, farmers: Iterable[FarmerId]) -> Deferred[int]:
        meant = frozenset(farmers)
        return self._forget_all(lambda row: row.farmer in meant)

    def forget_name(self, name: str) -> Deferred[int]:
        folded = fold(name)
        return self._forget_all(lambda row: fold(row.name) == folded)

    def objection(self) -> str | None:
        return _PLAIN if self._plain else None

    def forget_visitors(self, before: float) -> Deferred[int]:
        def is_meant(row: NameRow) -> bool:
            return row.gone is not None and row.gone < before

        return self._forget(Forget(is_meant, beside=False))

    def _forget_all(self, is_meant: Callable[[NameRow], bool]) -> Deferred[int]:
        if self._plain:
            return fail(CannotForget(_PLAIN))
        return self._forget(Forget(is_meant, beside=True))

    def _forget(self, job: Forget) -> Deferred[int]:
        """Give the job to the thread; each engine does this in its own way."""
        raise NotImplementedError
