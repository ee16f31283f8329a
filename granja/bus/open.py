"""The bus that an operator means."""

from __future__ import annotations

from typing import Any

from granja.bus.interface import Bus
from granja.bus.memory import Exchange
from granja.bus.nats import NatsBus
from granja.bus.url import read_bus


def open_bus(url: str | None, reactor: Any, name: str, inbox: str) -> Bus:
    """The bus of that URL; nothing is reached for before its :meth:`~Bus.open`.

    :param url: None for one that nobody else is on.
    :param name: what the servers show of this node.
    :param inbox: what nobody else knows or has.
    :raises ConfigurationError: when the URL is none.
    """
    if url is None:
        return Exchange(reactor).bus()
    return NatsBus(reactor, read_bus(url), name, inbox)
