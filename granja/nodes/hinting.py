"""Hinting: people at whatever node hear of a swap that they could close, node after node."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from twisted.internet.interfaces import IReactorTime

from granja.contract.ids import OfferId
from granja.nodes.answers import once_followed
from granja.nodes.hearing import Hearing
from granja.nodes.outbox import Outbox
from granja.nodes.tick import Entry
from granja.nodes.watching import Farm


class Hinting:
    """:param farm: the rooms of this node.  Its hints come here with what is left to tell."""

    def __init__(self, clock: IReactorTime, outbox: Outbox, hearing: Hearing, farm: Farm) -> None:
        self._clock = clock
        self._outbox = outbox
        self._hearing = hearing
        self._farm = farm
        farm.hints.elsewhere = self._begin

    def _begin(self, number: OfferId, most: int) -> None:
        """Let people at other nodes hear of a swap.

        :param most: how many.
        """
        mine = self._outbox.writer
        nodes = sorted(self._hearing.nodes, key=lambda writer: (writer < mine, writer))
        self._hand_on(self._farm.lane.sequence, number, nodes, most)

    def _hand_on(self, sequence: int, number: OfferId, nodes: Sequence[int], most: int) -> None:
        if most and nodes:
            self._outbox.add(("hint", sequence, number, most, *nodes), 0)

    def take(self, hint: Entry) -> None:
        """Tell people here of another node's swap if it is our turn, then hand it on."""
        match hint:
            case ["hint", int(sequence), int(offer), int(most), int(turn), *rest] if (
                turn == self._outbox.writer
            ):
                number = OfferId(offer)
                hand_on = partial(self._hand_on, sequence, number, rest)
                tell = partial(self._farm.hints.tell, number, most, hand_on)
                once_followed(self._clock, self._farm.lane, sequence, tell)
