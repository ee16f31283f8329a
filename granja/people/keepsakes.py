"""Keepsakes: what farmers set for themselves, kept for a registered name, else for a visit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred

from granja.ledger.interface import Kept
from granja.ledger.lane import Lane
from granja.people.roster import Farmer


def keep(
    lane: Lane, me: Farmer, items: Sequence[Kept], done: Callable[[], None]
) -> Deferred[None] | None:
    """Call ``done`` as soon as ``items`` are durable.  For a visitor we keep nothing: call it now.

    :returns: the next line of ``me`` waits for it; it fails with NotStored or Halted.
    """
    if not me.registered or not items:
        done()
        return None
    return lane.submit([me.id], list, kept=items).addCallback(lambda _: done())
