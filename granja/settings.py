"""What an operator can set, with the values that hold otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from granja.accounts.doorkeeper import DoorLimits
from granja.market.market import Limits
from granja.wire.addresses import Proxies
from granja.wire.rate import Rate


@dataclass(slots=True)
class Settings:
    """``max_line``: bytes of a line without its end.  ``arrival_timeout``: seconds in all from
    connecting to being in the chat.  ``rate``: None for no limit.  ``motd``: clean lines that
    are told after every ``¡OK!`` of an arrival.  ``declare_once``: PROTOCOL §5, ``once``.
    ``linger``: seconds that somebody with a pass stays after the line was lost.  ``remember``:
    seconds that a registered farmer's pass serves since it last did.
    ``keep_visitors``: seconds after which the name of a visitor who left is forgotten.
    ``history``: lines of talk that are kept for ``:historial``.
    ``proxies``: whose word is believed on who is behind them.
    ``moderators``: the names of those who look after the farm.
    ``reserved``: words that nobody may have as a name, besides those that nobody ever may.
    ``doors``: how many may come from where.

    A farm has its own, which may :meth:`become` others while it runs: read them when they count."""

    max_line: int = 4096
    arrival_timeout: float = 60.0
    rate: Rate | None = field(default_factory=Rate)
    motd: tuple[str, ...] = ()
    declare_once: bool = False
    linger: float = 120.0
    remember: float = 30 * 86400.0
    keep_visitors: float = 30 * 86400.0
    history: int = 200
    limits: Limits = field(default_factory=Limits)
    proxies: Proxies = field(default_factory=Proxies)
    moderators: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    doors: DoorLimits = field(default_factory=DoorLimits)

    def copy(self) -> Settings:
        """The same values, which change by themselves."""
        return replace(self, proxies=replace(self.proxies))

    def become(self, other: Settings) -> None:
        """Have the values of another from here on, also where the proxies are known."""
        proxies = self.proxies
        for each in fields(self):
            setattr(self, each.name, getattr(other, each.name))
        proxies.become(other.proxies)
        self.proxies = proxies
