"""Certificates for tests.  They sign themselves, or one signs another."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_NOW = datetime.datetime.now(datetime.UTC)


def ec_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def rsa_key(bits: int = 2048) -> Key:
    return rsa.generate_private_key(65537, bits)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes
    signed: x509.Certificate
    secret: Key

    @property
    def both(self) -> bytes:
        return self.key + self.certificate

    def put(self, path: Path) -> Path:
        path.write_bytes(self.both)
        return path


def make(
    *names: str, key: Key | None = None, issuer: Pair | None = None, ca: bool = False, days: int = 9
) -> Pair:
    """Make a certificate for these hosts, or one that may sign others (``ca``).

    :param names: names or addresses of hosts.
    :param days: until it ends; it has ended already if they are negative.
    """
    secret = key or ec_key()
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.signed.subject if issuer else subject)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOW - datetime.timedelta(days=9))
        .not_valid_after(_NOW + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        hosts = x509.SubjectAlternativeName([_host(name) for name in names])
        builder = builder.add_extension(hosts, critical=False)
    signed = builder.sign(issuer.secret if issuer else secret, hashes.SHA256())
    return Pair(
        signed.public_bytes(serialization.Encoding.PEM),
        secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        signed,
        secret,
    )


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
