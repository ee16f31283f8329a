"""Certificates with their keys, from the PEM files of an operator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)

#: The most certificates between a server's and the root.  Two may each name the other.
_LONGEST_CHAIN = 10

#: The kinds of key that browsers know, and two more.
Key = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey | Ed448PrivateKey


class CertificateRefused(Exception):
    """A certificate cannot be served.  The text is the sentence for the operator."""


@dataclass(frozen=True)
class Identity:
    """A certificate, its key, and the certificates between it and the root.

    ``source`` is the file that the certificate is in.
    """

    source: Path
    certificate: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...]

    def names(self) -> list[str]:
        """The hosts that it is for, such as ``granja.example`` or ``*.granja.example``."""
        try:
            found = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except (x509.ExtensionNotFound, ValueError):
            return []
        return [name.lower() for name in found.value.get_values_for_type(x509.DNSName)]


class _Found(NamedTuple):
    source: Path
    certificate: x509.Certificate


def read_files(key: Path, certificate: Path, chain: Path | None) -> list[Identity]:
    """Read the files of an ``ssl:`` endpoint.

    The certificates that follow the first one in its file are its chain.

    :raises CertificateRefused: when a file cannot be read, or key and certificate are no pair.
    """
    certificates, _ = _read(certificate)
    _, keys = _read(key)
    if not certificates:
        raise CertificateRefused(f"there is no certificate in {certificate}")
    if not keys:
        raise CertificateRefused(f"there is no private key in {key}")
    first, *others = certificates
    if chain is not None:
        further, _ = _read(chain)
        if not further:
            raise CertificateRefused(f"there is no certificate in {chain}")
        others += further
    fitting = [found for found in keys if _print_of(found) == _print_of(first)]
    if not fitting:
        raise CertificateRefused(f"the key in {key} is not that of the certificate {certificate}")
    return [Identity(certificate, first, fitting[0], tuple(others))]


def read_folder(folder: Path) -> list[Identity]:
    """Read the ``*.pem`` files in the folder of a ``tls:`` endpoint, and in the folders in it.

    :raises CertificateRefused: when the folder has no certificate, when a file cannot be read, or
        when a certificate has no key there.
    """
    found: list[_Found] = []
    keys: dict[bytes, Key] = {}
    for path in pem_files(folder):
        certificates, private = _read(path)
        found += (_Found(path, certificate) for certificate in certificates)
        keys.update((_print_of(key), key) for key in private)
    if not found:
        raise CertificateRefused(f"there is no certificate (*.pem) in {folder}")
    issuers = {f.certificate.subject: f.certificate for f in found if _may_sign(f.certificate)}
    with_key = {f.certificate: f for f in reversed(found) if _print_of(f.certificate) in keys}
    for path, certificate in found:
        if certificate not in with_key and not _may_sign(certificate):
            raise CertificateRefused(f"the certificate in {path} has no key in {folder}")
    if not with_key:
        raise CertificateRefused(f"there is no certificate with its key in {folder}")
    return [
        Identity(f.source, f.certificate, keys[_print_of(f.certificate)], _chain(f, issuers))
        for f in sorted(with_key.values(), key=lambda f: f.source)
    ]


def pem_files(folder: Path) -> list[Path]:
    """The ``*.pem`` files in a folder and in the folders in it, sorted.

    The list is empty if one of the folders vanishes while we look.
    """
    try:
        return sorted(path for path in folder.rglob("*.pem") if not path.is_dir())
    except OSError:
        return []


def _chain(
    found: _Found, issuers: dict[x509.Name, x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """The certificates up to the root.  Clients have the root itself."""
    chain: list[x509.Certificate] = []
    last = found.certificate
    while last.issuer != last.subject and len(chain) < _LONGEST_CHAIN:
        issuer = issuers.get(last.issuer)
        if issuer is None or issuer.issuer == issuer.subject:
            break
        chain.append(issuer)
        last = issuer
    return tuple(chain)


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return found.value.ca


def _print_of(owner: x509.Certificate | Key) -> bytes:
    """The public key.  It shows whether a certificate and a private key are a pair."""
    return owner.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _read(path: Path) -> tuple[list[x509.Certificate], list[Key]]:
    """The certificates and private keys in a file.  It ignores everything else there."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CertificateRefused(f"cannot read {path}: {error.strerror}") from None
    try:
        return list(_certificates(_blocks(content))), list(_keys(_blocks(content)))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CertificateRefused(f"cannot make sense of {path}: {why}") from None


def _blocks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    return ((found[1], found[0] + b"\n") for found in _BLOCK.finditer(content))


def _certificates(blocks: Iterable[tuple[bytes, bytes]]) -> Iterator[x509.Certificate]:
    for kind, block in blocks:
        if kind in (b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE"):
            certificate = x509.load_pem_x509_certificate(block)
            certificate.public_key()  # Raises for an unknown kind of key.
            yield certificate


def _keys(blocks: Iterable[tuple[bytes, bytes]]) -> Iterator[Key]:
    for kind, block in blocks:
        if kind.endswith(b"PRIVATE KEY"):
            key = load_pem_private_key(block, password=None)
            if not isinstance(key, Key):
                raise ValueError("that kind of key is for no certificate")
            yield key
