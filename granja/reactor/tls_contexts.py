"""What OpenSSL serves at an ``ssl:`` or ``tls:`` endpoint.

Contexts are built, and tried, before anybody comes: a certificate that OpenSSL refuses is a
sentence at the start, not a surprise at the first handshake.  Those in use can be replaced while
people are connected; each connection keeps the one that it began with.
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

#: Mozilla's intermediate profile (https://wiki.mozilla.org/Security/Server_Side_TLS): forward
#: secrecy and authenticated encryption, or no connection.  The level refuses short keys.
SUITES: Final = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    b"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:@SECLEVEL=2"
)
SUITES_OF_1_3: Final = b"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

#: Key exchanges of the profile, with those that OpenSSL 3.5 and newer know, and without.
GROUPS: Final = (b"X25519MLKEM768:X25519:P-256:P-384", b"X25519:P-256:P-384")

#: Times that the two ends of a handshake are let speak; it takes three.
_MOST_FLIGHTS = 10

#: When a file was last written to, and which file it is: enough to notice another one.
Stamp = tuple[object, ...]


@dataclass(frozen=True)
class Contexts:
    """``default`` is for whoever names no host that is known; ``named`` has hosts in lower case.

    ``prints`` tell the certificates from others; ``stamp`` is that of their files when they were
    read.  ``ends``: when the first of them expires, in Unix seconds.
    """

    default: SSL.Context
    named: dict[bytes, SSL.Context]
    prints: frozenset[bytes]
    stamp: Stamp = ()
    ends: float = 0.0

    def choose(self, connection: SSL.Connection) -> None:
        """OpenSSL calls this when a client says which host it wants."""
        name = (connection.get_servername() or b"").lower()
        wildcard = b"*." + name.partition(b".")[2]
        context = self.named.get(name) or self.named.get(wildcard)
        if context is not None:
            connection.set_context(context)


@implementer(IOpenSSLServerConnectionCreator)
class Certificates:
    """The certificates of one endpoint; ``served`` are those that whoever comes now gets.

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
        """Read the files anew, and serve as before.

        :raises CertificateRefused: when what is there now cannot be served.
        """
        stamp = self.look()  # Before reading: what is written meanwhile is seen at the next look.
        try:
            return replace(contexts_of(self._read()), stamp=stamp)
        except MemoryError:
            raise CertificateRefused(
                "this process may not make code at run time, which choosing among several "
                "certificates needs: take MemoryDenyWriteExecute=yes out of its unit"
            ) from None

    def serve(self, contexts: Contexts) -> None:
        """Whoever comes from here on gets these."""
        self.served = contexts

    def serverConnectionForTLS(self, protocol: object) -> SSL.Connection:  # noqa: N802
        return SSL.Connection(self.served.default)


def contexts_of(identities: Sequence[Identity]) -> Contexts:
    """The contexts of these, each tried with a handshake.

    :raises CertificateRefused: when OpenSSL refuses one.
    """
    built = [(identity, _context(identity)) for identity in identities]
    named: dict[bytes, SSL.Context] = {}
    # Of two for the same host the one that lasts longer is the newer one.
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
    # Two buffers of 16 KiB for each connection are there only while there is something in them.
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
    """pyOpenSSL has a name for one key exchange, and none for several: this asks what is below it.

    Where that is not there, X448 and P-521 are taken as well, which harms nobody.
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
    """Shake hands with ourselves.

    :raises CertificateRefused: when that fails.
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
        return  # It has nothing to say at the moment.


def _refusal(identity: Identity, error: Exception) -> CertificateRefused:
    """OpenSSL gives a list of what went wrong in it, the first thing first."""
    reasons = error.args[0] if error.args else ()
    why = reasons[0][-1] if isinstance(reasons, list) and reasons else str(error)
    return CertificateRefused(f"OpenSSL refuses the certificate in {identity.source}: {why}")


# -- endpoints' descriptions -------------------------------------------------------------------


@dataclass(frozen=True)
class Secured:
    """``below``: the description of the TCP endpoint that TLS is spoken over."""

    below: str
    certificates: Certificates


#: What may stand in a description, in the order in which it may stand there without its name.
_OF_SSL: Final = (
    *("port", "privateKey", "certKey", "sslmethod", "interface", "backlog", "extraCertChain"),
    "dhParameters",
)
_OF_TLS: Final = ("path", "port", "backlog", "interface")


def secured(description: str) -> Secured | None:
    """What an ``ssl:`` or ``tls:`` endpoint consists of; None for other endpoints.

    They mean what they mean to Twisted, whose own endpoints look at certificates when somebody
    comes, and take what OpenSSL takes.  ``sslmethod`` and ``dhParameters`` change nothing: there
    is one profile, and no key exchange in it that has parameters.

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
    """:raises ValueError: when there is no port."""
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
    # Absolute, because twistd goes to its --rundir before they are read again.
    key = Path(given.get("privateKey", "server.pem")).absolute()
    certificate = Path(given["certKey"]).absolute() if "certKey" in given else key
    chain = Path(given["extraCertChain"]).absolute() if "extraCertChain" in given else None
    files = [path for path in (key, certificate, chain) if path is not None]
    return Certificates(where, partial(read_files, key, certificate, chain), lambda: stamp(files))


def _of_folder(where: str, given: dict[str, str]) -> Certificates:
    """:raises ValueError: when no folder is named."""
    if not given.get("path"):
        raise ValueError("it names no folder of certificates")
    folder = Path(given["path"]).absolute()
    return Certificates(where, partial(read_folder, folder), lambda: stamp(pem_files(folder)))


def stamp(files: Sequence[Path]) -> Stamp:
    """Changes when one of the files does, or there is another one."""
    return tuple((path, *_stamp(path)) for path in files)


def _stamp(path: Path) -> tuple[Any, ...]:
    try:
        found = path.stat()
    except OSError as error:
        return (error.errno,)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
