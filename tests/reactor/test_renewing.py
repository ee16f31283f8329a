"""Renewed certificates are served by themselves."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.task import Clock

from granja.reactor.renewing import PERIOD, Renewal
from granja.reactor.tls_contexts import Certificates
from tests.reactor.test_tls_contexts import TlsCase, seen, shake_hands
from tests.support.certificates import Pair, make
from tests.support.logs import sentences


class RenewalTests(TlsCase):
    """A minute is enough, and nobody need do anything."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.said = sentences(self)
        self._time = 1_000

    def put(self, pair: Pair, name: str = "a.pem") -> Path:
        path = pair.put(self.folder / name)
        self._touch(path)
        return path

    def _touch(self, path: Path) -> None:
        self._time += 1
        os.utime(path, (self._time, self._time))

    def watch(self, certificates: Certificates) -> Certificates:
        renewal = Renewal([certificates], self.clock)
        renewal.start()
        self.addCleanup(renewal.stop)
        return certificates

    def pass_a_minute(self) -> None:
        self.clock.pump([PERIOD] * int(60 // PERIOD))

    def test_in_a_folder(self) -> None:
        self.put(make("a.example"))
        self.renewed(self.at_folder())

    def test_in_files(self) -> None:
        path = self.put(make("a.example"))
        self.renewed(self.at_files(path, path))

    def renewed(self, certificates: Certificates) -> None:
        self.watch(certificates)
        before = seen(shake_hands(certificates))
        self.pass_a_minute()
        self.assertEqual(seen(shake_hands(certificates)), before)
        new = make("a.example")
        self.put(new)
        self.pass_a_minute()
        self.assertEqual(seen(shake_hands(certificates)), new.certificate)
        self.assertEqual(self.said, [f"{certificates.where} serves renewed certificates."])

    def test_what_comes_in_two_pieces_is_no_trouble(self) -> None:
        """Certbot writes the certificate, and a moment later the key."""
        old, new = make("a.example"), make("a.example")
        certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        certificate.write_bytes(old.certificate)
        key.write_bytes(old.key)
        certificates = self.watch(self.at_files(key, certificate))
        certificate.write_bytes(new.certificate)
        self._touch(certificate)
        self.clock.advance(PERIOD)
        key.write_bytes(new.key)
        self._touch(key)
        self.pass_a_minute()
        self.assertEqual(seen(shake_hands(certificates)), new.certificate)
        self.assertEqual(len(self.said), 1)

    def test_a_bad_one_is_one_line(self) -> None:
        """We go on with the old one, and the next good one is served again."""
        old, new = make("a.example"), make("a.example")
        path = self.put(old)
        certificates = self.watch(self.at_folder())
        path.write_bytes(new.certificate)
        self._touch(path)
        for _ in range(5):
            self.pass_a_minute()
        self.assertEqual(seen(shake_hands(certificates)), old.certificate)
        wanted = f"the certificate in {path} has no key in {self.folder}"
        self.assertEqual(self.said, [f"{certificates.where} keeps its certificates: {wanted}"])
        self.put(new)
        self.pass_a_minute()
        self.assertEqual(seen(shake_hands(certificates)), new.certificate)

    def test_an_emptied_folder_changes_nothing(self) -> None:
        pair = make("a.example")
        self.put(pair)
        certificates = self.watch(self.at_folder())
        (self.folder / "a.pem").unlink()
        self.pass_a_minute()
        self.assertEqual(seen(shake_hands(certificates)), pair.certificate)
        self.assertEqual(len(self.said), 1)

    def test_a_file_that_was_only_touched_is_no_event(self) -> None:
        path = self.put(make("a.example"))
        self.watch(self.at_folder())
        self._touch(path)
        self.pass_a_minute()
        self.assertEqual(self.said, [])
