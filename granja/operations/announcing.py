"""Announcing: what the start logs about the ledger and the catalog, before anybody comes."""

from __future__ import annotations

import os
from typing import Protocol

from twisted.logger import Logger

from granja import __version__
from granja.contract.catalog import Catalog
from granja.ledger.url import is_shared, path_of, shown
from granja.operations.rereading import Market, copies, lacking

_log = Logger()


class Farm(Protocol):
    """``began_at``: how many entries the ledger had at the start."""

    began_at: int

    @property
    def catalog(self) -> Catalog: ...
    @property
    def market(self) -> Market: ...


def announce(farm: Farm, ledger: str) -> None:
    """Log which ledger it is.  A ledger in the wrong folder is empty, and looks like a great loss.

    :param ledger: its URL.
    """
    path = path_of(ledger)
    if path is not None:
        where = os.path.realpath(path)
    else:
        where = shown(ledger) if is_shared(ledger) else "in memory, which nobody will remember"
    entries = f"{farm.began_at:,} {'entry' if farm.began_at == 1 else 'entries'}"
    state = entries if farm.began_at else "new, no entries"
    _log.info(
        "Granja {version}; ledger {where}: {state}.", version=__version__, where=where, state=state
    )
    missing = lacking(farm.catalog, farm.market.held)
    if missing:
        _log.warn(
            "The catalog lacks artifacts that people hold: {copies}; they are called by their "
            "numbers, and can be traded and given away, but not declared.",
            copies=copies(missing),
        )
