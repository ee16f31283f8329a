"""What moderators may not do, and what muted and banned people read (PROTOCOL §7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from granja.contract.errors.refusal import GranjaError


@dataclass(eq=False)
class Limited(GranjaError):
    """Something is forbidden for a time.

    ``until``: a moment, as we show it.  ``why``: a moderator's reason; it may be empty.
    """

    until: str
    why: str

    def explain(self, name_of: Callable[[int], str] = str) -> str:
        reason = f" ({self.why})" if self.why else ""
        return self.prefix + self.sentence.format(until=self.until, reason=reason)


class Muted(Limited):
    sentence = "no puedes hablar hasta las {until}{reason}."


class Banned(Limited):
    """After this line the connection is closed."""

    prefix = ""
    sentence = "No puedes entrar hasta las {until}{reason}."


@dataclass(eq=False)
class LooksAfterTheFarm(GranjaError):
    """Moderators cannot expel, mute or ban a moderator."""

    name: str
    sentence = "{name} también cuida la granja."


class OwnNetwork(GranjaError):
    sentence = "esa red es también la tuya."


class NetworkOfProxy(GranjaError):
    """The ban would also hit everybody else behind that proxy."""

    sentence = "esa red es de un proxy."


class NoSuchBan(GranjaError):
    sentence = "no hay ningún veto así."
