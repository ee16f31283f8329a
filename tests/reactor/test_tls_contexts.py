"""Which certificates are served, which are refused, and what TLS is spoken."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from granja.reactor.certificates import CertificateRefused
from granja.reactor.tls_contexts import Certificates, secured
from tests.support.certificates import Pair, make, rsa_key
from tests.support.folders import folder_for


class TlsCase(SynchronousTestCase):
    """Has a folder, and shakes hands in memory."""

    def setUp(self) -> None:
        self.folder = folder_for(self)

    def file(self, name: str, *content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(b"".join(content))
        return path

    def at_folder(self) -> Certificates:
        found = secured(f"tls:{self.folder}:5556")
        assert found is not None
        return found.certificates

    def at_files(self, key: Path, certificate: Path, more: str = "") -> Certificates:
        found = secured(f"ssl:5556:privateKey={key}:certKey={certificate}{more}")
        assert found is not None
        return found.certificates

    def refusal_at_folder(self) -> str:
        with self.assertRaises(CertificateRefused) as caught:
            self.at_folder()
        return str(caught.exception)

    def refusal_at_files(self, key: Path, certificate: Path) -> str:
        with self.assertRaises(CertificateRefused) as caught:
            self.at_files(key, certificate)
        return str(caught.exception)


def shake_hands(
    certificates: Certificates, host: bytes = b"", context: SSL.Context | None = None
) -> SSL.Connection:
    """A client's end after the handshake.

    :raises SSL.Error: when there is no understanding.
    """
    server = certificates.serverConnectionForTLS(None)
    client = SSL.Connection(context or SSL.Context(SSL.TLS_CLIENT_METHOD))
    if host:
        client.set_tlsext_host_name(host)
    server.set_accept_state()
    client.set_connect_state()
    for here, there in ((client, server), (server, client)) * 4:
        with contextlib.suppress(SSL.WantReadError):
            here.do_handshake()
        with contextlib.suppress(SSL.WantReadError):
            there.bio_write(here.bio_read(2**16))
    return client


def seen(client: SSL.Connection) -> bytes:
    """The certificate that a client was shown, as PEM."""
    chain = client.get_peer_cert_chain(as_cryptography=True)
    assert chain is not None
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)


class ServedTests(TlsCase):
    """The certificates at the places that an operator names."""

    def test_a_key_and_its_certificate(self) -> None:
        """In a file each, or together in one."""
        pair = make("localhost")
        key, certificate = self.file("key.pem", pair.key), self.file("cert.pem", pair.certificate)
        self.assertEqual(seen(shake_hands(self.at_files(key, certificate))), pair.certificate)
        both = self.file("both.pem", pair.both)
        found = secured(f"ssl:port=5556:privateKey={both}")
        assert found is not None
        self.assertEqual(seen(shake_hands(found.certificates)), pair.certificate)

    def test_the_chain_goes_with_it(self) -> None:
        """Clients know only the root.  It may be in the folder, and we do not send it."""
        root = make("root", ca=True)
        middle = make("middle", ca=True, issuer=root)
        leaf = make("localhost", issuer=middle)
        wanted = leaf.certificate + middle.certificate
        key, chain = self.file("key.pem", leaf.key), self.file("chain.pem", middle.certificate)
        certificate = self.file("cert.pem", leaf.certificate)
        more = f":extraCertChain={chain}"
        self.assertEqual(seen(shake_hands(self.at_files(key, certificate, more))), wanted)
        full = self.file("full.pem", leaf.certificate, middle.certificate)
        self.assertEqual(seen(shake_hands(self.at_files(key, full))), wanted)
        self.file("root.pem", root.certificate)
        self.assertEqual(seen(shake_hands(self.at_folder())), wanted)

    def test_a_folder_as_certbot_makes_it(self) -> None:
        """``live/granja.example``: the certificate twice, and links to all of them."""
        middle = make("middle", ca=True)
        leaf = make("granja.example", issuer=middle)
        archive = self.folder / "archive"
        archive.mkdir()
        live = self.folder / "live" / "granja.example"
        live.mkdir(parents=True)
        for name, content in (
            ("cert", leaf.certificate),
            ("chain", middle.certificate),
            ("fullchain", leaf.certificate + middle.certificate),
            ("privkey", leaf.key),
        ):
            (archive / f"{name}1.pem").write_bytes(content)
            (live / f"{name}.pem").symlink_to(archive / f"{name}1.pem")
        self.folder = live
        self.assertTrue(seen(shake_hands(self.at_folder())).startswith(leaf.certificate))

    def test_each_host_has_its_own(self) -> None:
        """This includes a wildcard's hosts.  A client that names no known host gets the first."""
        one, two = make("a.example"), make("b.example", "*.c.example")
        one.put(self.folder / "1.pem")
        two.put(self.folder / "2.pem")
        certificates = self.at_folder()
        for host, pair in (
            (b"a.example", one),
            (b"B.Example", two),
            (b"x.c.example", two),
            (b"x.y.c.example", one),
            (b"elsewhere.example", one),
            (b"", one),
        ):
            self.assertEqual(seen(shake_hands(certificates, host)), pair.certificate, host)

    def test_a_host_that_is_no_ascii_is_like_an_unknown_one(self) -> None:
        """The operator's terminal shows nothing of it."""
        one, two = make("a.example"), make("b.example")
        one.put(self.folder / "1.pem")
        two.put(self.folder / "2.pem")
        shown = seen(shake_hands(self.at_folder(), b"\xff\xfe.example"))
        self.assertEqual(shown, one.certificate)

    def test_of_two_for_one_host_the_newer_is_served(self) -> None:
        """The old one was left in the folder."""
        old, new = make("a.example", days=3), make("a.example", days=90)
        for names in (("1.pem", "2.pem"), ("2.pem", "1.pem")):
            old.put(self.folder / names[0])
            new.put(self.folder / names[1])
            for host in (b"a.example", b""):
                self.assertEqual(seen(shake_hands(self.at_folder(), host)), new.certificate)

    def test_other_things_in_the_files_are_passed_over(self) -> None:
        """``openssl ecparam -genkey`` writes parameters, and people write notes."""
        pair = make("localhost")
        other = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        self.file("a.pem", b"# ours\n", other, pair.both)
        self.file("notes.txt", b"nothing")
        self.assertEqual(seen(shake_hands(self.at_folder())), pair.certificate)


class RefusedTests(TlsCase):
    """One sentence, which says where."""

    def test_a_short_key(self) -> None:
        """OpenSSL takes none of 1024 bits, and with it nobody could shake hands."""
        pair = make("localhost", key=rsa_key(1024))
        path = pair.put(self.folder / "short.pem")
        wanted = f"OpenSSL refuses the certificate in {path}: ee key too small"
        self.assertEqual(self.refusal_at_files(path, path), wanted)
        self.assertEqual(self.refusal_at_folder(), wanted)

    def test_no_key(self) -> None:
        pair = make("localhost")
        path = self.file("cert.pem", pair.certificate)
        self.assertEqual(self.refusal_at_files(path, path), f"there is no private key in {path}")
        wanted = f"the certificate in {path} has no key in {self.folder}"
        self.assertEqual(self.refusal_at_folder(), wanted)

    def test_anothers_key(self) -> None:
        certificate = self.file("cert.pem", make("localhost").certificate)
        key = self.file("key.pem", make("localhost").key)
        wanted = f"the key in {key} is not that of the certificate {certificate}"
        self.assertEqual(self.refusal_at_files(key, certificate), wanted)
        wanted = f"the certificate in {certificate} has no key in {self.folder}"
        self.assertEqual(self.refusal_at_folder(), wanted)

    def test_one_of_several_without_its_key(self) -> None:
        """It is not left out in silence."""
        make("a.example").put(self.folder / "a.pem")
        path = self.file("b.pem", make("b.example").certificate)
        self.assertIn(f"the certificate in {path} has no key", self.refusal_at_folder())

    def test_what_cannot_be_read(self) -> None:
        missing = self.folder / "missing.pem"
        wanted = f"cannot read {missing}: No such file or directory"
        self.assertEqual(self.refusal_at_files(missing, missing), wanted)
        missing.symlink_to(self.folder / "nowhere")
        self.assertEqual(self.refusal_at_folder(), wanted)
        missing.unlink()
        locked = missing
        locked.write_bytes(
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGj\n-----END ENCRYPTED PRIVATE KEY-----\n"
        )
        self.assertIn(f"cannot make sense of {locked}: ", self.refusal_at_folder())
        self.assertNotIn("\n", self.refusal_at_folder())

    def test_garbage(self) -> None:
        pair = make("localhost")
        broken = self.file("broken.pem", pair.key, pair.certificate[:200], pair.certificate[-40:])
        self.assertIn(f"cannot make sense of {broken}: ", self.refusal_at_folder())
        empty = self.file("empty.pem")
        self.assertEqual(self.refusal_at_files(empty, empty), f"there is no certificate in {empty}")

    def test_only_those_that_sign_others(self) -> None:
        self.file("root.pem", make("root", ca=True).certificate)
        wanted = f"there is no certificate with its key in {self.folder}"
        self.assertEqual(self.refusal_at_folder(), wanted)

    def test_those_that_sign_each_other(self) -> None:
        """No start takes for ever."""
        one = make("one", ca=True)
        two = make("two", ca=True, issuer=one)
        again = make("one", ca=True, issuer=two, key=one.secret)
        leaf = make("localhost", issuer=two)
        self.file("all.pem", leaf.both, two.certificate, again.certificate)
        self.assertTrue(seen(shake_hands(self.at_folder())).startswith(leaf.certificate))

    def test_descriptions_that_make_no_sense(self) -> None:
        for description, sentence in (
            ("ssl:", "no port"),
            ("ssl:https", "'https' is not a port"),
            ("ssl:5556:color=red", "no argument 'color'"),
            ("tls:/etc:5556:50:::1:more", "no argument 'more'"),
            ("tls:", "no folder"),
        ):
            with self.assertRaises(ValueError) as caught:
                secured(description)
            self.assertIn(sentence, str(caught.exception), description)

    def test_what_is_not_tls_is_not_ours(self) -> None:
        for description in ("tcp:5555", "unix:/tmp/granja", "haproxy:tcp:5555", "sslx:1"):
            self.assertIsNone(secured(description))

    def test_where_it_listens(self) -> None:
        pair = make("localhost").put(self.folder / "a.pem")
        for description, below in (
            (f"ssl:5556:{pair}", "tcp:5556"),
            (f"ssl:5556:privateKey={pair}:interface=\\:\\:1:backlog=9",
             "tcp:5556:interface=\\:\\:1:backlog=9"),
            (f"tls:{self.folder}", "tcp6:443:interface=\\:\\:"),
            (f"tls:{self.folder}:5556:interface=127.0.0.1", "tcp6:5556:interface=127.0.0.1"),
        ):  # fmt: skip
            found = secured(description)
            assert found is not None
            self.assertEqual(found.below, below)


class ProfileTests(TlsCase):
    """Mozilla's intermediate profile is the floor."""

    OLD = (
        "AES128-SHA AES256-GCM-SHA384 ECDHE-RSA-AES128-SHA ECDHE-RSA-AES256-SHA384 "
        "DHE-RSA-AES128-GCM-SHA256"
    )

    def setUp(self) -> None:
        super().setUp()
        make("localhost", key=rsa_key()).put(self.folder / "a.pem")

    def everywhere(self) -> list[Certificates]:
        """Test both kinds of endpoint."""
        path = self.folder / "a.pem"
        return [self.at_folder(), self.at_files(path, path)]

    def client(self, version: int, suites: bytes = b"ALL:@SECLEVEL=0") -> SSL.Context:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
        context.set_cipher_list(suites)
        return context

    def test_two_versions(self) -> None:
        for certificates in self.everywhere():
            for version, name in ((SSL.TLS1_3_VERSION, "TLSv1.3"), (SSL.TLS1_2_VERSION, "TLSv1.2")):
                client = shake_hands(certificates, context=self.client(version))
                self.assertEqual(client.get_protocol_version_name(), name)
            for version in (SSL.TLS1_1_VERSION, SSL.TLS1_VERSION):
                with self.assertRaises(SSL.Error):
                    shake_hands(certificates, context=self.client(version))

    def test_key_exchanges(self) -> None:
        for certificates in self.everywhere():
            for version in (SSL.TLS1_3_VERSION, SSL.TLS1_2_VERSION):
                for curve, taken in ((SECP256R1, True), (SECP384R1, True), (SECP521R1, False)):
                    context = self.client(version)
                    context.set_tmp_ecdh(curve())
                    if taken:
                        shake_hands(certificates, context=context)
                    else:
                        with self.assertRaises(SSL.Error):
                            shake_hands(certificates, context=context)

    def test_forward_secrecy_and_authenticated_encryption_only(self) -> None:
        for certificates in self.everywhere():
            for suite in self.OLD.split():
                old = self.client(SSL.TLS1_2_VERSION, f"{suite}:@SECLEVEL=0".encode())
                with self.assertRaises(SSL.Error):
                    shake_hands(certificates, context=old)
            good = self.client(SSL.TLS1_2_VERSION, b"ECDHE-RSA-CHACHA20-POLY1305")
            taken = shake_hands(certificates, context=good).get_cipher_name()
            self.assertEqual(taken, "ECDHE-RSA-CHACHA20-POLY1305")


class RenewedTests(TlsCase):
    """Files change while people are connected."""

    def test_what_is_there_now_is_served_from_then_on(self) -> None:
        old, new = make("a.example"), make("a.example")
        path = old.put(self.folder / "a.pem")
        certificates = self.at_folder()
        before = certificates.look()
        self.assertEqual(certificates.look(), before)
        new.put(path)
        os.utime(path, (1, 1))  # some file systems count seconds only
        self.assertNotEqual(certificates.look(), before)
        self.assertEqual(seen(shake_hands(certificates)), old.certificate)
        certificates.serve(certificates.load())
        self.assertEqual(seen(shake_hands(certificates)), new.certificate)

    def test_another_file_is_noticed(self) -> None:
        path = make("a.example").put(self.folder / "a.pem")
        for certificates in (self.at_folder(), self.at_files(path, path)):
            before = certificates.look()
            path.unlink()
            self.assertNotEqual(certificates.look(), before)
            make("a.example").put(path)

    def test_a_bad_one_changes_nothing(self) -> None:
        pair: Pair = make("a.example")
        path = pair.put(self.folder / "a.pem")
        certificates = self.at_files(path, path)
        path.write_bytes(pair.certificate)
        with self.assertRaises(CertificateRefused):
            certificates.load()
        self.assertEqual(seen(shake_hands(certificates)), pair.certificate)
