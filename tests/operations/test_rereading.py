"""What SIGHUP reads again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from granja.catalog_file import is_lasting
from granja.contract.catalog import Catalog
from granja.contract.errors import ConfigurationError
from granja.contract.ids import ArtifactId, FarmerId
from granja.operations.rereading import Rereading, copies, lacking
from granja.reactor.certificates import CertificateRefused
from granja.reactor.tls_contexts import Contexts
from tests.support.logs import sentences

GUS, ANA = FarmerId(1), FarmerId(2)
SPOON, STONE = ArtifactId(5), ArtifactId(7)


class Farm:
    """Holds two spoons and a stone.  Its settings are a word."""

    def __init__(self) -> None:
        self.catalog = Catalog({5: "Cuchara", 7: "Piedra", 9: "Nada"})
        self.market = self
        self.settings = "these"
        self.held = {GUS: Counter({SPOON: 1, STONE: 1}), ANA: Counter({SPOON: 1})}

    def adopt(self, settings: str) -> Iterator[str]:
        if settings != self.settings:
            self.settings = settings
            yield "the settings"


class Standing:
    """The new catalog and settings, or a reason against them."""

    def __init__(self) -> None:
        self.catalog = Catalog({5: "Cuchara", 7: "Piedra", 9: "Nada"})
        self.settings = "these"
        self.changed: list[str] = []
        self.refusal = ""
        self.taken: list[object] = []

    def read(self) -> Standing:
        if self.refusal:
            raise ConfigurationError(self.refusal)
        return self

    def take(self, anew: object) -> None:
        self.taken.append(anew)


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
        self.said = sentences(self)
        self.farm, self.endpoint, self.standing = Farm(), Endpoint(), Standing()

    def reread(self) -> str:
        self.said.clear()
        endpoint: Any = self.endpoint
        farm: Any = self.farm
        try:
            Rereading(self.standing, [endpoint]).reread(farm)
        except ConfigurationError as refusal:
            self.assertEqual(self.said, [f"Nothing was read anew: {refusal}"])
        (line,) = self.said
        return line

    def test_nothing_has_changed(self) -> None:
        self.assertEqual(self.reread(), "Read anew; nothing has changed.")

    def test_everything_has_changed(self) -> None:
        shared = self.farm.catalog
        self.standing.catalog = Catalog({5: "Cucharón", 7: "Piedra", 10: "Luna", 11: "Sol"})
        self.standing.settings = "those"
        self.standing.changed = ["rate: off (was 5/20)"]
        self.endpoint.next = contexts(b"new")
        self.assertEqual(
            self.reread(),
            "Read anew; rate: off (was 5/20); the catalog: 2 added, 1 renamed, 1 gone; "
            "the settings; the certificates of tls:somewhere.",
        )
        self.assertEqual(shared[5].name, "Cucharón")
        self.assertEqual((shared.first, shared.last, shared.edition), (5, 11, 1))
        self.assertEqual(self.farm.settings, "those")
        self.assertEqual(self.standing.taken, [self.standing])
        self.assertIs(self.endpoint.served, self.endpoint.next)

    def test_one_that_cannot_be_read_keeps_everything(self) -> None:
        """Whichever it is."""
        for spoil in (self.spoil_options, self.spoil_certificates, self.spoil_catalog):
            self.setUp()
            self.standing.catalog = Catalog({5: "Cucharón", 7: "Piedra"})
            self.standing.settings = "those"
            self.endpoint.next = contexts(b"new")
            sentence = spoil()
            self.assertEqual(self.reread(), f"Nothing was read anew: {sentence}")
            self.assertEqual(self.farm.catalog[5].name, "Cuchara")
            self.assertEqual((self.farm.settings, self.standing.taken), ("these", []))
            self.assertIsNot(self.endpoint.served, self.endpoint.next)

    def spoil_options(self) -> str:
        self.standing.refusal = "listen cannot change while the server runs"
        return self.standing.refusal

    def spoil_certificates(self) -> str:
        refused = CertificateRefused("there is no private key in key.pem")
        self.endpoint.next = refused
        return str(refused)

    def spoil_catalog(self) -> str:
        self.standing.catalog = Catalog({9: "Nada"})
        return "the new catalog lacks what people hold: 5 (2 copies), 7 (1 copy)"

    def test_what_was_lacking_before_is_no_reason(self) -> None:
        """Otherwise nobody could reread anything before the old catalog is found again."""
        self.farm.catalog = Catalog({7: "Piedra"})
        self.standing.catalog = Catalog({7: "Piedrita"})
        self.assertIn("1 renamed", self.reread())

    def test_what_nobody_holds_any_more_may_go(self) -> None:
        self.farm.held[GUS][STONE] = 0
        self.standing.catalog = Catalog({5: "Cuchara"})
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
