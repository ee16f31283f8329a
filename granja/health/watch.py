"""Puts this room together for one farm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.web.server import Site

from granja.health import vitals
from granja.health.probes import Liveness, Readiness
from granja.health.site import WatchSite
from granja.health.stalls import Stalls


class Lane(vitals.Lane, Protocol):
    @property
    def refused(self) -> bool:
        """Whether the last write was refused and nothing has been stored since."""


class Farm(vitals.Farm, Protocol):
    """The farm that we watch."""

    clock: Any
    closing: bool
    draining: bool

    @property
    def lane(self) -> Lane: ...

    def try_to_store(self) -> Deferred[Any]:
        """Store something without consequence, to see whether that works again."""


def watch(
    farm: Farm,
    ports: Sequence[IListeningPort],
    certificates: Sequence[vitals.Certificates] = (),
) -> Site:
    """The factory for a ``--metrics`` endpoint.

    :param ports: the ports for farmers.
    :param certificates: of each endpoint that has some.
    """
    stalls = Stalls(farm.clock, farm.clock.seconds)
    readiness = Readiness(farm.clock, lambda: why_not(farm), farm.try_to_store)
    registry = vitals.Vitals(farm, stalls, certificates).registry()
    alive = Liveness(farm.clock, ports).look
    return WatchSite(registry, alive, readiness.look, [stalls, readiness])


def why_not(farm: Farm) -> str | None:
    """Why nobody should be sent here, in a few words; None when they can."""
    if farm.closing:
        return "stopping"
    if farm.draining:
        return "draining: nobody else comes in"
    if farm.lane.halted:
        return "trading has halted: see the log"
    return "the last write was not stored" if farm.lane.refused else None
