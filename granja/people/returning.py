"""What a returning farmer has missed, and how a new connection takes over from the old one."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from math import inf
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
from granja.people.roster import Connection, Farmer, Retelling

#: How an offer or a swap ended.  The record has these as news too.
_NEWS: Final = (OfferEnded, TradeAccepted, TradeDone, SwapDone, SwapEnded)

#: A line never has so high a number.
MOST_LINES: Final = 10**9


@dataclass(frozen=True)
class Unread:
    """A line to tell again.  ``place``: where in the talk that is."""

    message: Message
    place: int
    privates: tuple[Private, ...] = ()


def unread(board: Board, receipts: Receipts, number: int, but: Container[FarmerId]) -> list[Unread]:
    """What was said after line ``number``, in order.  First comes the count of what is lost.

    :param but: leave out the lines of these farmers.
    """
    place = receipts.place_after(number)
    said = board.history.since(place, but)
    kept, lost = receipts.after(number)
    # What was private at the same place came before the talk.
    found = [((at, inf), Unread(message, at + 1)) for at, message in said]
    for private in kept:
        known = receipts.partial and isinstance(private.message, _NEWS)
        if private.by not in but and not known:
            told = Unread(private.message, private.place, (private,))
            found.append(((private.place, private.order), told))
    found.sort(key=lambda item: item[0])
    lines = [line for _, line in found]
    whispers = [private for private in lost if private.by not in but]
    count = board.history.lost(place, but) + len(whispers)
    if not count:
        return lines
    first = next((at for at, _ in said), board.counters.lines)
    return [Unread(Missed(count), min(first, board.counters.lines), (*lost,)), *lines]


def take_up(board: Board, farmer: Farmer, connection: Connection) -> None:
    """Make a new connection count on from the old one."""
    before, receipts = farmer.connection, farmer.receipts
    mine = connection.listener.receipts
    if receipts is None:
        farmer.receipts = mine
        if mine is not None:
            mine.begin()
        return
    if before is not None:
        board.flush()  # Lines that wait get their numbers first.
        part(farmer, before)
    if mine is not None:
        receipts.skip_to(mine.count)
        connection.listener.receipts = receipts


def retell(
    retelling: Retelling, farmer: Farmer, connection: Connection, *, only_whispers: bool = False
) -> None:
    """Tell what somebody had not read at another node.

    :param only_whispers: leave out all else, as for whoever comes with the password.
    """
    receipts = farmer.receipts
    for message, by in retelling.lines:
        if by is not None or not only_whispers:
            kept = () if receipts is None else (receipts.keep(message, by),)
            connection.listener.tell_numbered(message, kept)


def part(farmer: Farmer, connection: Connection) -> None:
    """Leave a connection behind.  What was sent to it and is not yet written is no receipt."""
    listener, receipts = connection.listener, farmer.receipts
    if receipts is not None and listener.receipts is receipts:
        receipts.sent = listener.last_sent()
        listener.receipts = receipts.part()
