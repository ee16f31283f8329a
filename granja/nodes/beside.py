"""What other nodes change beside the chain: each room follows its own subject."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from twisted.logger import Logger

from granja.ledger.interface import Kept
from granja.moderation import acts, bans, order
from granja.moderation.acts import Acts
from granja.moderation.order import Order
from granja.people import homes, ignoring, passes
from granja.people.homes import Homes
from granja.people.ignoring import Ignoring
from granja.people.passes import Passes


class Follower(Protocol):
    """Another room that keeps something beside the chain."""

    def follow(self, item: Kept) -> None:
        """Follow another node, which has changed this."""


class Beside:
    """:param others: followers of further subjects."""

    log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        ignored: Ignoring,
        acted: Acts,
        ordered: Order,
        passed: Passes,
        at_home: Homes,
        others: dict[str, Follower],
    ) -> None:
        self._follow: dict[str, Callable[[Kept], None]] = {
            ignoring.SUBJECT: ignored.follow,
            acts.SUBJECT: acted.follow,
            order.MUTES: ordered.follow_mute,
            bans.NAMES: ordered.follow_ban,
            bans.NETWORKS: ordered.follow_ban,
            passes.PASSES: passed.follow,
            passes.VISITS: passed.follow,
            homes.HOMES: at_home.follow,
            **{subject: follower.follow for subject, follower in others.items()},
        }

    def follow(self, items: Sequence[Kept]) -> None:
        """Follow changes by other nodes, in their order.  Unknown subjects have no effect."""
        for item in items:
            follow = self._follow.get(item.subject)
            if follow is None:
                continue
            try:
                follow(item)
            except Exception:  # A damaged item must not stop the others.
                self.log.failure("{subject} of another node", subject=item.subject)
