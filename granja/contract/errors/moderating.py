"""What moderators may not do, and what those hear whom they limit (PROTOCOL §7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from granja.contract.errors.refusal import GranjaError


@dataclass(eq=False)
class Limited(GranjaError):
    """Something is refused for a time.

    ``until``: as a moment is said; ``why``: a moderator's reason, which may be empty.
    """

    until: str
    why: str

    def explain(self, name_of: Callable[[int], str] = str) -> str:
        reason = f" ({self.why})" if self.why else ""
        return self.prefix + self.sentence.format(until=self.until, reason=reason)


class Muted(Limited):
    sentence = "no puedes hablar hasta las {until}{reason}."


class Banned(Limited):
    """The connection is closed after it."""

    prefix = ""
    sentence = "No puedes entrar hasta las {until}{reason}."


@dataclass(eq=False)
class LooksAfterTheFarm(GranjaError):
    """Moderators are not expelled, muted or banned by moderators."""

    name: str
    sentence = "{name} también cuida la granja."


class OwnNetwork(GranjaError):
    sentence = "esa red es también la tuya."


class NetworkOfProxy(GranjaError):
    """Everybody who comes through that proxy would be banned with it."""

    sentence = "esa red es de un proxy."


class NoSuchBan(GranjaError):
    sentence = "no hay ningún veto así."
