"""Coercions: how the text of an option becomes its value.

Each function raises ValueError with what the value must be, such as *it must be open or once*.  The
caller adds the name of the option.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from granja.accounts.networks import read_network
from granja.contract.errors import InvalidName
from granja.text.names import parse as parse_name
from granja.web.names import read_host, read_origin
from granja.wire.addresses import Proxies
from granja.wire.rate import Rate

Coercion = Callable[[str], Any]


def number(kind: Callable[[str], float], least: float, what: str) -> Coercion:
    """A coercion for numbers of a kind.  For others it raises ``what`` it must be."""

    def coerce(value: str) -> float:
        try:
            read = kind(value)
        except ValueError:
            raise ValueError(f"it must be {what}") from None
        if not least <= read < float("inf"):
            raise ValueError(f"it must be {what}")
        return read

    return coerce


def choice(*choices: str) -> Coercion:
    """A coercion for one of these words."""

    def coerce(value: str) -> str:
        if value not in choices:
            raise ValueError(f"it must be {' or '.join(choices)}")
        return value

    return coerce


whole = number(int, 1, "a whole number, 1 or more")
count = number(int, 0, "a whole number, 0 or more")
line = number(int, 64, "a whole number of bytes, 64 or more")
seconds_or_none = number(float, 0, "a number of seconds, 0 or more")
days = number(float, 0, "a number of days, 0 or more")
seconds = number(float, 0.001, "a number of seconds above 0")


def anything(value: str) -> str:
    return value


def rate(value: str) -> Rate | None:
    """Read a rate: ``5/20`` is 20 lines at once, then 5 a second; ``off`` is no limit.

    :raises ValueError: for anything else.
    """
    if value == "off":
        return None
    per_second, slash, burst = value.partition("/")
    try:
        parsed = Rate(float(per_second), int(burst))
    except ValueError:
        parsed = Rate(0, 0)
    if not slash or not 0 < parsed.per_second < float("inf") or parsed.burst < 1:
        raise ValueError("it must be LINES-A-SECOND/LINES-AT-ONCE, such as 5/20, or off")
    return parsed


def rate_as_written(value: str) -> str:
    """The text itself, if it is a rate.

    :raises ValueError: if not.
    """
    rate(value)
    return value


def origin(value: str) -> str:
    """The text itself, if it is an origin of web pages.

    :raises ValueError: if not.
    """
    if read_origin(value.rstrip("/")) is None:
        raise ValueError("it must be an origin, such as https://granja.example")
    return value


def host(value: str) -> str:
    """The text itself, if it is a host.

    :raises ValueError: as :class:`granja.web.names.NoHost`.
    """
    read_host(value)
    return value


def proxy(value: str) -> str:
    """The text itself, if it is a network or ``unix``.

    :raises ValueError: as :class:`granja.wire.addresses.NoNetwork`.
    """
    Proxies.named([value])
    return value


def network(value: str) -> Any:
    """A network, or the network of one address.

    :raises ValueError: as :func:`granja.accounts.networks.read_network`.
    """
    return read_network(value)


def farmer(value: str) -> str:
    """A name, as its owner spells it.

    :raises ValueError: if nobody can have it (PROTOCOL §2).
    """
    try:
        return str(parse_name(value))
    except InvalidName as error:
        raise ValueError(f"nobody can have it ({error.why})") from None


def word(value: str) -> str:
    """A word that nobody may use as a name.

    :raises ValueError: if it is empty.
    """
    if not value.strip():
        raise ValueError("it must be a word")
    return value.strip()
