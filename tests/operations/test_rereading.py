"""What SIGHUP reads anew."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from granja.catalog_file import is_lasting
from granja.contract.catalog import Catalog
from granja.contract.errors import ConfigurationError
from granja.contract.ids import ArtifactId, FarmerId
from granja.operations.rereading import Sources, copies, lacking, reread
from granja.reactor.certificates import CertificateRefused
from granja.reactor.tls_contexts import Contexts

GUS, ANA = FarmerId(1), FarmerId(2)
SPOON, STONE = ArtifactId(5), ArtifactId(7)


class Presence:
    motd: Any = ("Hola",)


class Farm:
    """Holds two spoons and a stone."""

    def __init__(self) -> None:
        self.catalog = Catalog({5: "Cuchara", 7: "Piedra", 9: "Nada"})
        self.market = self
        self.presence = Presence()
        self.held = {GUS: Counter({SPOON: 1, STONE: 1}), ANA: Counter({SPOON: 1})}


class Endpoint:
    """Has certificates, or a reason why not."""

    where = "tls:somewhere"

    def __init__(self) -> None:
        self.next: Contexts | CertificateRefused = contexts(b"old")
        self.served = self.next

    def load(self) -> Contexts:
        if isinstance(self.next, CertificateRefused):
            raise self.next
        return self.next

    def serve(self, served: Contexts) -> None:
        self.served = served


def contexts(print: bytes) -> Any:
    nothing: Any = None
    return Contexts(nothing, {}, frozenset([print]))


class RereadingTests(SynchronousTestCase):
    """All of it, or nothing, and one line about it."""

    def setUp(self) -> None:
        self.said: list[str] = []
        observer: Any = self._hear
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.farm, self.endpoint = Farm(), Endpoint()
        self.catalog = Catalog({5: "Cuchara", 7: "Piedra", 9: "Nada"})
        self.motd: Any = ("Hola",)

    def _hear(self, event: LogEvent) -> None:
        if event["log_namespace"].startswith("granja"):
            self.said.append(formatEvent(event))

    def reread(self) -> str:
        self.said.clear()
        endpoint: Any = self.endpoint
        farm: Any = self.farm
        reread(Sources(lambda: self.catalog, self._motd, [endpoint]), farm)
        (line,) = self.said
        return line

    def _motd(self) -> tuple[str, ...]:
        if isinstance(self.motd, ConfigurationError):
            raise self.motd
        return tuple(self.motd)

    def test_nothing_has_changed(self) -> None:
        self.assertEqual(self.reread(), "Read anew; nothing has changed.")

    def test_everything_has_changed(self) -> None:
        shared = self.farm.catalog
        self.catalog = Catalog({5: "Cucharón", 7: "Piedra", 10: "Luna", 11: "Sol"})
        self.motd = ("Hoy hay feria", "¡Vengan!")
        self.endpoint.next = contexts(b"new")
        self.assertEqual(
            self.reread(),
            "Read anew; the catalog: 2 added, 1 renamed, 1 gone; the message of the day: 2 lines; "
            "the certificates of tls:somewhere.",
        )
        self.assertEqual(shared[5].name, "Cucharón")
        self.assertEqual((shared.first, shared.last, shared.edition), (5, 11, 1))
        self.assertEqual(self.farm.presence.motd, self.motd)
        self.assertIs(self.endpoint.served, self.endpoint.next)

    def test_one_that_cannot_be_read_keeps_everything(self) -> None:
        """Whichever it is."""
        for spoil in (self.spoil_motd, self.spoil_certificates, self.spoil_catalog):
            self.setUp()
            self.catalog = Catalog({5: "Cucharón", 7: "Piedra"})
            self.motd = ("Hoy hay feria",)
            self.endpoint.next = contexts(b"new")
            sentence = spoil()
            self.assertEqual(self.reread(), f"Nothing was read anew: {sentence}")
            self.assertEqual(self.farm.catalog[5].name, "Cuchara")
            self.assertEqual(self.farm.presence.motd, ("Hola",))
            self.assertIsNot(self.endpoint.served, self.endpoint.next)

    def spoil_motd(self) -> str:
        self.motd = ConfigurationError("cannot read motd.txt: it is not UTF-8 text")
        return str(self.motd)

    def spoil_certificates(self) -> str:
        refused = CertificateRefused("there is no private key in key.pem")
        self.endpoint.next = refused
        return str(refused)

    def spoil_catalog(self) -> str:
        self.catalog = Catalog({9: "Nada"})
        return "the new catalog lacks what people hold: 5 (2 copies), 7 (1 copy)"

    def test_what_was_lacking_before_is_no_reason(self) -> None:
        """Or nothing could be read anew until the old catalog is found again."""
        self.farm.catalog = Catalog({7: "Piedra"})
        self.catalog = Catalog({7: "Piedrita"})
        self.assertIn("1 renamed", self.reread())

    def test_what_nobody_holds_any_more_may_go(self) -> None:
        self.farm.held[GUS][STONE] = 0
        self.catalog = Catalog({5: "Cuchara"})
        self.assertIn("2 gone", self.reread())

    def test_a_sentence_names_a_few(self) -> None:
        held = {GUS: Counter({ArtifactId(n): 1 for n in range(20, 40)})}
        sentence = copies(lacking(Catalog({5: "Cuchara"}), held))
        self.assertTrue(sentence.startswith("20 (1 copy), 21 (1 copy)"))
        self.assertTrue(sentence.endswith("29 (1 copy) and 10 more"))

    def test_a_pipe_is_not_read_twice(self) -> None:
        self.assertFalse(is_lasting("/dev/null"))
        for path in (None, "/nonexistent", str(Path(__file__))):
            self.assertTrue(is_lasting(path))
