"""What somebody who comes back has missed, and how their new connection takes up the old one."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from granja.board.board import Board
from granja.board.receipts import Private, Receipts
from granja.contract.ids import FarmerId
from granja.contract.messages import (
    Message,
    Missed,
    OfferEnded,
    SwapDone,
    SwapEnded,
    TradeAccepted,
    TradeDone,
)
from granja.people.roster import Connection, Farmer

#: How an offer or a swap ended: what the record has as news too.
_NEWS: Final = (OfferEnded, TradeAccepted, TradeDone, SwapDone, SwapEnded)

#: No line has such a number.
MOST_LINES: Final = 10**9


@dataclass(frozen=True)
class Unread:
    """A line to be told again; ``place``: where in the talk that is."""

    message: Message
    place: int
    privates: tuple[Private, ...] = ()


def unread(board: Board, receipts: Receipts, number: int, but: Container[FarmerId]) -> list[Unread]:
    """What was said after line ``number``, in its order, and before it how much is lost.

    :param but: whose lines are left out.
    """
    place = receipts.place_after(number)
    said = board.history.since(place, but)
    kept, lost = receipts.after(number)
    found = [((at, 1, 0), Unread(message, at + 1)) for at, message in said]
    for private in kept:
        known = receipts.partial and isinstance(private.message, _NEWS)
        if private.by not in but and not known:
            told = Unread(private.message, private.place, (private,))
            found.append(((private.place, 0, private.order), told))
    found.sort(key=lambda item: item[0])
    lines = [line for _, line in found]
    whispers = [private for private in lost if private.by not in but]
    count = board.history.lost(place, but) + len(whispers)
    if not count:
        return lines
    first = next((at for at, _ in said), board.counters.lines)
    return [Unread(Missed(count), min(first, board.counters.lines), (*lost,)), *lines]


def take_up(board: Board, farmer: Farmer, connection: Connection) -> int:
    """Have a new connection go on counting where the old one was.

    :returns: the last line that was sent to the old one.
    """
    before, receipts = farmer.connection, farmer.receipts
    mine = connection.listener.receipts
    if receipts is None:
        farmer.receipts = mine
        if mine is not None:
            mine.begin()
        return 0
    if before is not None:
        board.flush()  # What is on its way is numbered first.
        part(farmer, before)
    if mine is not None:
        receipts.skip_to(mine.count)
        connection.listener.receipts = receipts
    return receipts.sent


def part(farmer: Farmer, connection: Connection) -> None:
    """A connection is left behind: what was sent to it, and is not yet written, is no receipt."""
    listener, receipts = connection.listener, farmer.receipts
    if receipts is not None and listener.receipts is receipts:
        receipts.sent = listener.last_sent()
        listener.receipts = receipts.part()
