"""The web site of a farm: the page, ``/ws`` and ``/healthz``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sized
from typing import Any, Protocol

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.web.server import Site

from granja.contract.catalog import Catalog
from granja.web import door
from granja.web.door import Door
from granja.web.handshake import FarmerFactory, WebSocketResource
from granja.web.http import WebChannel, WebRequest
from granja.web.language import Settings
from granja.web.names import Names
from granja.web.pages import Health, page_tree
from granja.web.websocket import KEEPALIVE
from granja.wire.addresses import Proxies


class Lane(Protocol):
    """``halted``: the ledger can record nothing more."""

    @property
    def halted(self) -> bool: ...


class Farm(FarmerFactory, door.Farm, Protocol):
    """What the site shows of a farm."""

    @property
    def catalog(self) -> Catalog: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> IReactorTime: ...
    @property
    def lane(self) -> Lane: ...
    @property
    def roster(self) -> Sized: ...


LOOPBACK = Proxies()

#: Seconds that a request may take to arrive.
REQUEST_TIME = 30


class FarmSite(Site):
    """Speaks HTTP through :class:`WebChannel`.  It keeps no access log."""

    protocol = WebChannel  # type: ignore[assignment]  # It is declared as what Site has.
    names: Names
    complain: Callable[[str], None]
    door: Door
    let_in: Callable[[WebChannel, bytes], bool]

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802
        turned_away = self.door.turned_away(addr)
        if turned_away is not None:
            return turned_away
        return super().buildProtocol(addr)  # type: ignore[no-untyped-call]

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802
        """What we offer in TLS (ALPN): never HTTP/2, even if the library for it is installed."""
        return [b"http/1.1"]

    def log(self, request: object) -> None:
        """Log nothing: the farm logs who arrives, and the page's files are not interesting."""


def health_of(farm: Farm) -> dict[str, Any]:
    """``{"status": "ok" or "halted", "farmers": how many are in the chat}``."""
    return {"status": "halted" if farm.lane.halted else "ok", "farmers": len(farm.roster)}


def web_site(
    farm: Farm,
    *,
    origins: Collection[str] = (),
    hosts: Collection[str] | None = None,
    proxies: Proxies = LOOPBACK,
    keepalive: float = KEEPALIVE,
    health: Callable[[], dict[str, Any]] | None = None,
) -> FarmSite:
    """The factory to listen with.

    :param farm: the same factory that TCP connections have.
    :param origins: pages that may open a WebSocket, besides this site's own
        (``https://granja.example``, without a path).
    :param hosts: the names of this site besides its addresses and ``localhost``; None for any name.
    :param proxies: the proxies that we believe (``X-Forwarded-For``).
    :param keepalive: seconds of silence before a ping, and again until the peer counts as dead.
    :param health: gives the content of ``/healthz``; by default :func:`health_of` the farm.
    """
    root, names = page_tree(farm.catalog, farm.settings), Names(hosts, origins)
    sockets = WebSocketResource(farm, farm.clock, names, proxies, keepalive)
    root.putChild(b"ws", sockets)
    root.putChild(b"healthz", Health(health or (lambda: health_of(farm))))
    site = FarmSite(root, requestFactory=WebRequest, timeout=REQUEST_TIME, reactor=farm.clock)  # type: ignore[no-untyped-call]
    site.names, site.complain, site.door = names, farm.complaints.note, Door(farm, proxies)
    site.let_in = sockets.let_in
    return site
