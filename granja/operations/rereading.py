"""Rereading: what an operator changes while the server runs is taken as a whole, or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from twisted.logger import Logger

from granja.contract.catalog import Catalog
from granja.contract.errors import ConfigurationError
from granja.contract.ids import ArtifactId, FarmerId
from granja.reactor.certificates import CertificateRefused
from granja.reactor.tls_contexts import Certificates, Contexts

_log = Logger()

#: The most artifacts that a sentence names one by one.
_MOST_NAMED = 10

Inventories = Mapping[FarmerId, Counter[ArtifactId]]


class Market(Protocol):
    """Who holds what."""

    @property
    def held(self) -> Inventories: ...


class Anew(Protocol):
    """What the operator wants now.  ``changed``: options, with their new and old values."""

    @property
    def catalog(self) -> Catalog: ...
    @property
    def changed(self) -> Sequence[str]: ...
    @property
    def settings(self) -> Any: ...


A = TypeVar("A", bound=Anew)


class Standing(Protocol[A]):
    """The options that hold now (:class:`granja.options.anew.Standing`)."""

    def read(self) -> A:
        """Read the options again.

        :raises ConfigurationError: when something is wrong, or when an option differs that cannot
            change.
        """

    def take(self, anew: A) -> None:
        """Let these options hold from now on."""


class Farm(Protocol):
    """The parts of a farm that may change."""

    @property
    def catalog(self) -> Catalog: ...
    @property
    def market(self) -> Market: ...

    def adopt(self, settings: Any) -> Iterator[str]:
        """Let these settings hold from now on.

        :return: what has changed and is no option.
        """


class Rereading:
    """Reads everything again, and takes all of it or nothing.

    :param certificates: of all endpoints that have some.
    """

    def __init__(self, standing: Standing[Any], certificates: Sequence[Certificates]) -> None:
        self._standing = standing
        self._certificates = certificates

    def reread(self, farm: Farm) -> list[str]:
        """Reread.

        :returns: what has changed.
        :raises ConfigurationError: with the reason why nothing was taken.
        """
        try:
            anew = self._standing.read()
            contexts = [certificates.load() for certificates in self._certificates]
            _refuse_to_lose(anew.catalog, farm)
        except (ConfigurationError, CertificateRefused) as error:
            _log.error("Nothing was read anew: {why}", why=str(error))
            raise ConfigurationError(str(error)) from None
        changed = [
            *anew.changed,
            *_take_catalog(anew.catalog, farm.catalog),
            *farm.adopt(anew.settings),
            *_take_certificates(contexts, self._certificates),
        ]
        self._standing.take(anew)
        _log.info("Read anew; {what}.", what="; ".join(changed) or "nothing has changed")
        return changed


def lacking(catalog: Catalog, held: Inventories) -> Counter[ArtifactId]:
    """How many copies people hold of artifacts that the catalog does not know."""
    missing: Counter[ArtifactId] = Counter()
    for inventory in held.values():
        missing.update({a: n for a, n in inventory.items() if n > 0 and a not in catalog})
    return missing


def copies(counted: Counter[ArtifactId]) -> str:
    """A list such as ``5 (2 copies), 7 (1 copy)``."""
    first = sorted(counted.items())[:_MOST_NAMED]
    named = ", ".join(f"{a} ({n} {'copy' if n == 1 else 'copies'})" for a, n in first)
    return named if len(counted) <= _MOST_NAMED else f"{named} and {len(counted) - len(first)} more"


def _refuse_to_lose(catalog: Catalog, farm: Farm) -> None:
    """Refuse a catalog without artifacts that people hold.

    We allow those that the present catalog lacks too: they were logged at the start.

    :raises ConfigurationError: when such an artifact would vanish from the catalog.
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


def _take_certificates(
    loaded: Sequence[Contexts], certificates: Sequence[Certificates]
) -> Iterator[str]:
    for new, endpoint in zip(loaded, certificates, strict=True):
        changed = new.prints != endpoint.served.prints
        endpoint.serve(new)
        if changed:
            yield f"the certificates of {endpoint.where}"
