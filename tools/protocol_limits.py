"""Every limit that a person can meet, with the code's value, for ``docs/protocol.md``."""

from __future__ import annotations

from dataclasses import dataclass

from granja import protocol
from granja.accounts import doorkeeper, passwords as accounts, throttle
from granja.board import listener, slow
from granja.market import offers
from granja.people import arriving as conversation, homes
from granja.reactor import header_first
from granja.settings import Settings
from granja.text import names
from granja.text.unicode import extenders
from granja.web import site as server, transport, websocket
from granja.wire import telnet

SETTINGS = Settings()
RATE = SETTINGS.rate


@dataclass(frozen=True)
class Limit:
    """``option`` is an option of ``twistd granja``.  It is empty when no option sets the limit."""

    what: str
    value: str
    option: str = ""


def _seconds(value: float) -> str:
    return f"{value:g} s"


def _bytes(value: int) -> str:
    return f"{value} bytes"


LIMITS = (
    Limit("a line, without its end and without telnet", _bytes(SETTINGS.max_line), "--max-line"),
    Limit("a telnet sub-negotiation that is looked at", _bytes(telnet.MAX_SUBNEGOTIATION)),
    Limit("combining marks on one letter", f"{extenders.MAX_MARKS}"),
    Limit("a name", f"{names.MAX_CHARACTERS} characters in NFC, {_bytes(names.MAX_BYTES)}"),
    Limit("connections of one network", f"{SETTINGS.doors.per_network}", "--max-per-network"),
    Limit(
        "new connections of one network, before more wait for their question",
        f"{doorkeeper.MOST_NEW} in {_seconds(doorkeeper.MINUTE)}",
    ),
    Limit("waiting for the question then", _seconds(doorkeeper.LONGEST_WAIT)),
    Limit(
        "registrations of one network",
        f"{doorkeeper.MOST_REGISTRATIONS} in {_seconds(doorkeeper.HOUR)}",
    ),
    Limit("arriving", _seconds(SETTINGS.arrival_timeout), "--arrival-timeout"),
    Limit("artifacts in a list", f"{SETTINGS.limits.artifacts}", "--max-artifacts"),
    Limit(
        "pending offers of one farmer",
        f"{SETTINGS.limits.offers} out and {SETTINGS.limits.offers} in",
        "--max-offers",
    ),
    Limit("an offer's life", _seconds(SETTINGS.limits.lifetime), "--offer-lifetime"),
    Limit("lines of one connection at once", f"{RATE.burst if RATE else ''}", "--rate"),
    Limit(
        "lines of one connection after that",
        f"{RATE.per_second if RATE else 0:g} a second",
        "--rate",
    ),
    Limit("a password", f"{accounts.SHORTEST} to {accounts.LONGEST} characters in NFC"),
    Limit("wrong passwords on one connection", f"{conversation.MOST_WRONG_PASSWORDS}"),
    Limit(
        "wrong passwords for a name from one network, before answers wait",
        f"{throttle.MOST_BY_PAIR} in {_seconds(throttle.WINDOW)}",
    ),
    Limit(
        "wrong passwords from one network, before answers wait",
        f"{throttle.MOST_BY_NETWORK} in {_seconds(throttle.WINDOW)}",
    ),
    Limit(
        "wrong passwords for a name, before answers wait where it has not come in before",
        f"{throttle.MOST_BY_NAME} in {_seconds(throttle.WINDOW)}",
    ),
    Limit("a network from which a name has come in is remembered", f"{homes.DAYS} days"),
    Limit("news of an absence", f"{offers.MOST_NEWS} lines, and one that counts the rest"),
    Limit("unread replies, before no more commands are read", _bytes(listener.REPLIES_LIMIT)),
    Limit(
        "unread whispers and offers, before more are counted as missed",
        _bytes(listener.HEARD_LIMIT),
    ),
    Limit("unread talk, before it is skipped or others wait", _bytes(slow.FAR_BEHIND)),
    Limit("a PROXY header, to arrive", _seconds(header_first.PATIENCE)),
    Limit("a client that takes not a byte, before it is closed", _seconds(slow.TOO_LONG)),
    Limit("a WebSocket message, before the connection is closed", f"{websocket.HUGE} characters"),
    Limit("silence on a WebSocket, before a ping", _seconds(websocket.KEEPALIVE)),
    Limit(
        "silence in all, before the connection is closed",
        _seconds(websocket.KEEPALIVE * websocket.MOST_SILENCE),
    ),
    Limit("lines of a WebSocket that wait and are read", f"{transport.MOST_WAITING} bytes"),
    Limit("lines that wait when a client has finished sending", _seconds(protocol.LAST_WORDS)),
    Limit("answers to a WebSocket that has said Close", _seconds(websocket.LAST_WORDS)),
    Limit("waiting for the other side's Close", _seconds(websocket.CLOSING_PATIENCE)),
    Limit("an HTTP request, to arrive", _seconds(server.REQUEST_TIME)),
)
