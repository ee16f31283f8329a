"""The TLS settings and certificates of an ``ssl:`` or ``tls:`` endpoint.

We build and try the contexts before anybody comes.  If OpenSSL refuses a certificate, the operator
reads a sentence at the start, instead of a surprise at the first handshake.  New contexts can
replace old ones while people are connected; each connection keeps the one that it began with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from zope.interface import implementer

from granja.reactor.certificates import (
    CertificateRefused,
    Identity,
    pem_files,
    read_files,
    read_folder,
)

#: Mozilla's intermediate profile (https://wiki.mozilla.org/Security/Server_Side_TLS): every
#: connection has forward secrecy and authenticated encryption.  The level refuses short keys.
SUITES: Final = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    b"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:@SECLEVEL=2"
)
SUITES_OF_1_3: Final = b"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

#: The profile's key exchanges: first with those of OpenSSL 3.5 and newer, then without.
GROUPS: Final = (b"X25519MLKEM768:X25519:P-256:P-384", b"X25519:P-256:P-384")

#: How often we let both ends of a handshake speak.  Three times are enough for it.
_MOST_FLIGHTS = 10

#: When a file was last written, and which file it is: enough to notice a new one.
Stamp = tuple[object, ...]


@dataclass(frozen=True)
class Contexts:
    """``default``: for clients that name no known host.  ``named``: by host, in lower case.

    ``prints``: fingerprints of the certificates.  ``stamp``: the stamp of their files when we read
    them.  ``ends``: when the first of the certificates expires, in Unix seconds.
    """

    default: SSL.Context
    named: dict[bytes, SSL.Context]
    prints: frozenset[bytes]
    stamp: Stamp = ()
    ends: float = 0.0

    def choose(self, connection: SSL.Connection) -> None:
        """Take the context of the host that a client names.  OpenSSL calls this."""
        name = (connection.get_servername() or b"").lower()
        wildcard = b"*." + name.partition(b".")[2]
        context = self.named.get(name) or self.named.get(wildcard)
        if context is not None:
            connection.set_context(context)


@implementer(IOpenSSLServerConnectionCreator)
class Certificates:
    """The certificates of one endpoint.  New connections get the contexts in ``served``.

    :param where: the endpoint's description.
    :param read: reads their files.
    :param look: what :func:`stamp` says of those files.
    :raises CertificateRefused: when they cannot be served.
    """

    def __init__(
        self, where: str, read: Callable[[], Sequence[Identity]], look: Callable[[], Stamp]
    ) -> None:
        self.where = where
        self._read = read
        self.look = look
        self.served = self.load()

    def load(self) -> Contexts:
        """Read the files again.  This does not serve them yet.

        :raises CertificateRefused: when the new files cannot be served.
        """
        stamp = self.look()  # Before reading: the next look notices a change during it.
        try:
            return replace(contexts_of(self._read()), stamp=stamp)
        except MemoryError:
            raise CertificateRefused(
                "this process may not make code at run time, which choosing among several "
                "certificates needs: take MemoryDenyWriteExecute=yes out of its unit"
            ) from None

    def serve(self, contexts: Contexts) -> None:
        """Give these contexts to every new connection."""
        self.served = contexts

    def serverConnectionForTLS(self, protocol: object) -> SSL.Connection:  # noqa: N802
        return SSL.Connection(self.served.default)


def contexts_of(identities: Sequence[Identity]) -> Contexts:
    """The contexts of these identities.  Each context passes a test handshake.

    :raises CertificateRefused: when OpenSSL refuses one.
    """
    built = [(identity, _context(identity)) for identity in identities]
    named: dict[bytes, SSL.Context] = {}
    # If one host has two certificates, the one that lasts longer is newer, and wins.
    for identity, context in sorted(built, key=lambda b: b[0].certificate.not_valid_after_utc):
        named.update((name.encode(), context) for name in identity.names())
    first, default = built[0]
    named_first = named.get(first.names()[0].encode()) if first.names() else None
    prints = frozenset(identity.certificate.fingerprint(SHA256()) for identity in identities)
    ends = min(i.certificate.not_valid_after_utc for i in identities).timestamp()
    contexts = Contexts(named_first or default, named, prints, ends=ends)
    if len(built) > 1:
        contexts.default.set_tlsext_servername_callback(contexts.choose)
    for identity, context in built:
        _try(identity, context)
    return contexts


def _context(identity: Identity) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(SUITES)
    context.set_tls13_ciphersuites(SUITES_OF_1_3)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    # A connection then has its two buffers of 16 KiB only while they hold something.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    _limit_groups(context)
    try:
        context.use_certificate(identity.certificate)
        for certificate in identity.chain:
            context.add_extra_chain_cert(certificate)
        context.use_privatekey(identity.key)
        context.check_privatekey()
    except (SSL.Error, TypeError) as error:
        raise _refusal(identity, error) from None
    return context


def _limit_groups(context: SSL.Context) -> None:
    """Limit the key exchanges.  pyOpenSSL can set only one, so this calls the library below it.

    Without that function the server also accepts X448 and P-521, which is harmless.
    """
    library: Any = getattr(SSL, "_lib", None)
    choose = getattr(library, "SSL_CTX_set1_curves_list", None)
    if choose is None:
        return
    for groups in GROUPS:
        if choose(context._context, groups) == 1:
            return
        library.ERR_clear_error()


def _try(identity: Identity, context: SSL.Context) -> None:
    """Try a handshake with ourselves.

    :raises CertificateRefused: when it fails.
    """
    server, client = SSL.Connection(context), SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD))
    server.set_accept_state()
    client.set_connect_state()
    for _ in range(_MOST_FLIGHTS):
        for here, there in ((client, server), (server, client)):
            try:
                here.do_handshake()
            except SSL.WantReadError:
                pass
            except SSL.Error as error:
                raise _refusal(identity, error) from None
            _carry(here, there)


def _carry(here: SSL.Connection, there: SSL.Connection) -> None:
    try:
        there.bio_write(here.bio_read(2**16))
    except SSL.WantReadError:
        return  # This end has nothing to send now.


def _refusal(identity: Identity, error: Exception) -> CertificateRefused:
    """The refusal, with the first of the errors that OpenSSL lists."""
    reasons = error.args[0] if error.args else ()
    why = reasons[0][-1] if isinstance(reasons, list) and reasons else str(error)
    return CertificateRefused(f"OpenSSL refuses the certificate in {identity.source}: {why}")


# -- endpoints' descriptions -------------------------------------------------------------------


@dataclass(frozen=True)
class Secured:
    """``below``: the description of the TCP endpoint below TLS."""

    below: str
    certificates: Certificates


#: The arguments of a description, in the order that they have without their names.
_OF_SSL: Final = (
    *("port", "privateKey", "certKey", "sslmethod", "interface", "backlog", "extraCertChain"),
    "dhParameters",
)
_OF_TLS: Final = ("path", "port", "backlog", "interface")


def secured(description: str) -> Secured | None:
    """The parts of an ``ssl:`` or ``tls:`` endpoint; None for other endpoints.

    The arguments mean the same as with Twisted.  Twisted's own endpoints look at certificates only
    when somebody comes, and accept everything that OpenSSL accepts.  ``sslmethod`` and
    ``dhParameters`` change nothing: there is one profile, and none of its key exchanges has
    parameters.

    :raises CertificateRefused: when the certificates cannot be served.
    :raises ValueError: when the description makes no sense.
    """
    kind, *words = re.split(r"(?<!\\):", description)
    if kind == "ssl":
        given = _arguments(words, _OF_SSL)
        return Secured(_below("tcp", given), _of_files(description, given))
    if kind == "tls":
        given = {"port": "443", "interface": "::", **_arguments(words, _OF_TLS)}
        return Secured(_below("tcp6", given), _of_folder(description, given))
    return None


def _arguments(words: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for number, word in enumerate(words):
        name, named, value = re.match(r"(?:(\w+)(=))?(.*)", word, re.DOTALL).groups()  # type: ignore[union-attr]
        if not named:
            name = known[number] if number < len(known) else "more"
        if name not in known:
            raise ValueError(f"there is no argument {name!r}")
        given[name] = re.sub(r"\\(.)", r"\1", value)
    return given


def _below(kind: str, given: dict[str, str]) -> str:
    """The description of the TCP endpoint.

    :raises ValueError: when there is no port.
    """
    port = given["port"] if given.get("port") else ""
    if not port.isdecimal():
        raise ValueError(f"{port!r} is not a port" if port else "it has no port")
    words = [kind, port]
    words += (
        f"{name}={_escaped(given[name])}" for name in ("interface", "backlog") if name in given
    )
    return ":".join(words)


def _escaped(value: str) -> str:
    return re.sub(r"([\\:=])", r"\\\1", value)


def _of_files(where: str, given: dict[str, str]) -> Certificates:
    # Absolute paths: twistd changes to its --rundir before we read the files again.
    key = Path(given.get("privateKey", "server.pem")).absolute()
    certificate = Path(given["certKey"]).absolute() if "certKey" in given else key
    chain = Path(given["extraCertChain"]).absolute() if "extraCertChain" in given else None
    files = [path for path in (key, certificate, chain) if path is not None]
    return Certificates(where, partial(read_files, key, certificate, chain), lambda: stamp(files))


def _of_folder(where: str, given: dict[str, str]) -> Certificates:
    """The certificates of a folder.

    :raises ValueError: when the description names no folder.
    """
    if not given.get("path"):
        raise ValueError("it names no folder of certificates")
    folder = Path(given["path"]).absolute()
    return Certificates(where, partial(read_folder, folder), lambda: stamp(pem_files(folder)))


def stamp(files: Sequence[Path]) -> Stamp:
    """A value that changes when one of the files changes, comes or goes."""
    return tuple((path, *_stamp(path)) for path in files)


def _stamp(path: Path) -> tuple[Any, ...]:
    try:
        found = path.stat()
    except OSError as error:
        return (error.errno,)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
