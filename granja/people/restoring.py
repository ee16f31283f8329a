"""After a start: farmers who were inside or lingered, and have a pass, linger (PROTOCOL §5b)."""

from __future__ import annotations

from collections.abc import Container

from granja.board.receipts import Receipts
from granja.contract.ids import FarmerId
from granja.people.farm import Farm
from granja.people.lingering import ELSEWHERE, Lingering
from granja.people.passes import Passes, Visit
from granja.people.roster import Farmer, Roster
from granja.text.names import recall


def restore(
    factory: Farm, passes: Passes, lingering: Lingering, elsewhere: Container[FarmerId] = ()
) -> None:
    """Let the farmers of the last run linger if their pass still works, in their old order.

    We forget those who cannot come back.

    :param elsewhere: the farmers who are at other nodes.
    """
    for visit in sorted(passes.visits.values(), key=lambda visit: visit.number):
        if visit.farmer not in elsewhere and not let_linger(factory, lingering, visit):
            passes.forget_visit(visit.farmer)


def let_linger(
    factory: Farm, lingering: Lingering, visit: Visit, receipts: Receipts | None = None
) -> bool:
    """Let a farmer linger who was here, or at a node that is gone.

    :param receipts: of that visit at the other node, as far as they are known.
    :return: False if they cannot come back.
    """
    farmer = _who(factory, visit) if lingering.seconds > 0 else None
    if farmer is None:
        return False
    farmer.visit = visit.number
    farmer.receipts = receipts or Receipts(factory.board.counters)
    farmer.receipts.partial = farmer.registered
    factory.order.welcome(farmer)
    factory.roster.enter(farmer)
    factory.hints.came_in(farmer)
    lingering.begin(farmer, ELSEWHERE, bounded=False)
    return True


def _who(factory: Farm, visit: Visit) -> Farmer | None:
    """The farmer of a visit; None if they are here again, or cannot come back."""
    registered, roster = factory.market.registered, factory.roster
    present = roster.present(visit.farmer)
    if present is not None:
        return present if present.elsewhere is not None else None
    if visit.farmer in registered:
        return roster.owner(registered[visit.farmer])
    return _visitor(roster, visit)


def _visitor(roster: Roster, visit: Visit) -> Farmer | None:
    """A visitor from before the start; None if somebody else has the name now."""
    visitor = Farmer(visit.farmer, recall(visit.name))
    try:
        roster.hold(visitor)
    except ValueError:
        return None
    return visitor
