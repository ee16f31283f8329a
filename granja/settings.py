"""Settings: what an operator can set, with the default values."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from granja.accounts.doorkeeper import DoorLimits
from granja.market.market import Limits
from granja.wire.addresses import Proxies
from granja.wire.rate import Rate


@dataclass(slots=True)
class Settings:
    """``max_line``: bytes of a line without its end.  ``arrival_timeout``: seconds in all from
    connecting to being in the chat.  ``rate``: None for no limit.  ``motd``: clean lines that we
    tell after every ``¡OK!`` of an arrival.  ``declare_once``: see PROTOCOL §5, ``once``.
    ``linger``: seconds that somebody with a pass stays after the connection is lost.
    ``remember``: seconds that a registered farmer's pass works after its last use.
    ``keep_visitors``: seconds after which we forget the name of a visitor who left.
    ``history``: lines of talk that we keep for ``:historial``.
    ``proxies``: the proxies that we believe.
    ``moderators``: the names of the farmers who look after the farm.
    ``reserved``: words that nobody may use as a name, besides those that are always reserved.
    ``doors``: how many may come from where.

    A farm has its own settings, which may :meth:`become` others while it runs.  So read them when
    you need them."""

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
        """A copy with the same values, which changes by itself."""
        return replace(self, proxies=replace(self.proxies))

    def become(self, other: Settings) -> None:
        """Take the values of another one.  Objects that keep ``proxies`` see them too."""
        proxies = self.proxies
        for each in fields(self):
            setattr(self, each.name, getattr(other, each.name))
        proxies.become(other.proxies)
        self.proxies = proxies
