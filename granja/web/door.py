"""Who may connect to the site: browsers are counted until they are in the chat, or gone.

A proxy that is believed speaks for many; whom it speaks for is known, and counted, when they come
on to the chat.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.interfaces import IAddress

from granja.contract.messages import Notice
from granja.web.refusal import as_page
from granja.wire.addresses import UNIX, Proxies, address_of


class Doorkeeper(Protocol):
    """Who counts the browsers of each network."""

    def page_refusal(self, address: str) -> Notice | None:
        """Why no more may connect from there; None if they may."""

    def enter_page(self, address: str) -> None:
        """A browser connects."""

    def leave_page(self, address: str) -> None:
        """Count it no more: it is gone, or in the chat."""


class Farm(Protocol):
    """Where the doorkeeper is."""

    @property
    def doorkeeper(self) -> Doorkeeper: ...

    def turn_away(self, address: str, refusal: Notice) -> Any:
        """What answers to a connection from there that may not come in."""


class Door:
    """:param proxies: whose word is believed on who is behind them."""

    def __init__(self, farm: Farm, proxies: Proxies) -> None:
        self._farm = farm
        self._proxies = proxies

    def turned_away(self, peer: IAddress | None) -> Any:
        """What answers to a browser that may not connect; None if it may."""
        refusal = self._farm.doorkeeper.page_refusal(self._counted(peer))
        if refusal is None:
            return None
        protocol = self._farm.turn_away(_address_of(peer), refusal)
        protocol.encode = as_page
        return protocol

    def enter(self, peer: IAddress | None) -> str:
        """A browser connects.

        :return: as whom it is counted, also if the operator names other proxies meanwhile.
        """
        counted = self._counted(peer)
        self._farm.doorkeeper.enter_page(counted)
        return counted

    def leave(self, counted: str) -> None:
        """It is gone, or in the chat.

        :param counted: what :meth:`enter` gave.
        """
        self._farm.doorkeeper.leave_page(counted)

    def _counted(self, peer: IAddress | None) -> str:
        """In no network, if it is a proxy."""
        address = _address_of(peer)
        return "" if self._proxies.believes(address) else address


def _address_of(peer: IAddress | None) -> str:
    return UNIX if peer is None else address_of(peer)
