"""Opens the bus that the operator's URL names."""

from __future__ import annotations

from typing import Any

from granja.bus.interface import Bus
from granja.bus.memory import Exchange
from granja.bus.nats import NatsBus
from granja.bus.url import read_bus


def open_bus(url: str | None, reactor: Any, name: str, inbox: str) -> Bus:
    """The bus of a URL.  It connects only in its :meth:`~Bus.open`.

    :param url: None for a bus without anybody else.
    :param name: the servers show it for this node.
    :param inbox: a subject that nobody else knows or has.
    :raises ConfigurationError: when the URL is none.
    """
    if url is None:
        return Exchange(reactor).bus()
    return NatsBus(reactor, read_bus(url), name, inbox)
