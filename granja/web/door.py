"""The door of the site: it counts browsers until they are in the chat, or gone.

A proxy that we believe speaks for many browsers.  We learn who they are, and count them, when they
go on to the chat.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.interfaces import IAddress

from granja.contract.messages import Notice
from granja.web.refusal import as_page
from granja.wire.addresses import UNIX, Proxies, address_of


class Doorkeeper(Protocol):
    """Counts the browsers of each network."""

    def page_refusal(self, address: str) -> Notice | None:
        """Why no browser may connect from there; None if it may."""

    def enter_page(self, address: str) -> None:
        """Count a browser that connects."""

    def leave_page(self, address: str) -> None:
        """Stop counting it: it is gone, or in the chat."""


class Farm(Protocol):
    """Has the doorkeeper."""

    @property
    def doorkeeper(self) -> Doorkeeper: ...

    def turn_away(self, address: str, refusal: Notice) -> Any:
        """The protocol for a connection that may not come in."""


class Door:
    """:param proxies: the proxies that we believe."""

    def __init__(self, farm: Farm, proxies: Proxies) -> None:
        self._farm = farm
        self._proxies = proxies

    def turned_away(self, peer: IAddress | None) -> Any:
        """The protocol for a browser that may not connect; None if it may."""
        refusal = self._farm.doorkeeper.page_refusal(self._counted(peer))
        if refusal is None:
            return None
        protocol = self._farm.turn_away(_address_of(peer), refusal)
        protocol.encode = as_page
        return protocol

    def enter(self, peer: IAddress | None) -> str:
        """Count a browser that connects.

        :return: the address that we count it for.  It stays the same if the operator names other
            proxies.
        """
        counted = self._counted(peer)
        self._farm.doorkeeper.enter_page(counted)
        return counted

    def leave(self, counted: str) -> None:
        """Stop counting it: it is gone, or in the chat.

        :param counted: the value of :meth:`enter`.
        """
        self._farm.doorkeeper.leave_page(counted)

    def _counted(self, peer: IAddress | None) -> str:
        """The address that we count for; empty for a proxy."""
        address = _address_of(peer)
        return "" if self._proxies.believes(address) else address


def _address_of(peer: IAddress | None) -> str:
    return UNIX if peer is None else address_of(peer)
