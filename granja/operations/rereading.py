"""What an operator may change while the server runs: all of it is read anew, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.logger import Logger

from granja.contract.catalog import Catalog
from granja.contract.errors import ConfigurationError
from granja.contract.ids import ArtifactId, FarmerId
from granja.reactor.certificates import CertificateRefused
from granja.reactor.tls_contexts import Certificates, Contexts

_log = Logger()

#: Artifacts that a sentence names one by one.
_MOST_NAMED = 10

Inventories = Mapping[FarmerId, Counter[ArtifactId]]


class Market(Protocol):
    """Who holds what."""

    @property
    def held(self) -> Inventories: ...


class Presence(Protocol):
    """``motd``: the lines that everybody is shown on arriving."""

    motd: Sequence[str]


class Farm(Protocol):
    """What is changed of a farm."""

    @property
    def catalog(self) -> Catalog: ...
    @property
    def market(self) -> Market: ...
    @property
    def presence(self) -> Presence: ...


@dataclass(frozen=True)
class Sources:
    """Where what can be read anew comes from.  Both callables raise ConfigurationError."""

    catalog: Callable[[], Catalog]
    motd: Callable[[], Sequence[str]]
    certificates: Sequence[Certificates]


def reread(sources: Sources, farm: Farm) -> None:
    """Read everything anew, and say in one line of the log what has changed, or why nothing has."""
    try:
        catalog, motd = sources.catalog(), sources.motd()
        contexts = [certificates.load() for certificates in sources.certificates]
        _refuse_to_lose(catalog, farm)
    except (ConfigurationError, CertificateRefused) as error:
        _log.error("Nothing was read anew: {why}", why=str(error))
        return
    changed = [
        *_take_catalog(catalog, farm.catalog),
        *_take_motd(motd, farm.presence),
        *_take_certificates(contexts, sources.certificates),
    ]
    _log.info("Read anew; {what}.", what="; ".join(changed) or "nothing has changed")


def lacking(catalog: Catalog, held: Inventories) -> Counter[ArtifactId]:
    """How many copies people hold of what the catalog does not know."""
    missing: Counter[ArtifactId] = Counter()
    for inventory in held.values():
        missing.update({a: n for a, n in inventory.items() if n > 0 and a not in catalog})
    return missing


def copies(counted: Counter[ArtifactId]) -> str:
    """``5 (2 copies), 7 (1 copy)``."""
    first = sorted(counted.items())[:_MOST_NAMED]
    named = ", ".join(f"{a} ({n} {'copy' if n == 1 else 'copies'})" for a, n in first)
    return named if len(counted) <= _MOST_NAMED else f"{named} and {len(counted) - len(first)} more"


def _refuse_to_lose(catalog: Catalog, farm: Farm) -> None:
    """What the catalog in use lacks as well was known at the start.

    :raises ConfigurationError: when people hold what would vanish from the catalog.
    """
    held = lacking(catalog, farm.market.held)
    lost = Counter({artifact: n for artifact, n in held.items() if artifact in farm.catalog})
    if lost:
        raise ConfigurationError(f"the new catalog lacks what people hold: {copies(lost)}")


def _take_catalog(new: Catalog, current: Catalog) -> Iterator[str]:
    added, gone = len(new.keys() - current.keys()), len(current.keys() - new.keys())
    renamed = sum(1 for n in new.keys() & current.keys() if new[n].name != current[n].name)
    current.become(new)
    if added or gone or renamed:
        yield f"the catalog: {added} added, {renamed} renamed, {gone} gone"


def _take_motd(new: Sequence[str], presence: Presence) -> Iterator[str]:
    if tuple(new) != tuple(presence.motd):
        presence.motd = new
        yield f"the message of the day: {len(new)} {'line' if len(new) == 1 else 'lines'}"


def _take_certificates(
    loaded: Sequence[Contexts], certificates: Sequence[Certificates]
) -> Iterator[str]:
    for new, endpoint in zip(loaded, certificates, strict=True):
        changed = new.prints != endpoint.served.prints
        endpoint.serve(new)
        if changed:
            yield f"the certificates of {endpoint.where}"
