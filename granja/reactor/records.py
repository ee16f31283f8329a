"""TLS records of one connection: bytes go in, and the bytes to send come out.

pyOpenSSL's own ``send``, ``bio_read`` and ``recv`` are slow for a short line.  Each copies into new
memory, and looks at three callbacks that nobody uses.  So this module calls the functions of
OpenSSL below them, with two buffers for all connections.  pyOpenSSL does not promise those
functions.  Where they are missing, this module uses pyOpenSSL's own methods.

OpenSSL's two buffers of a connection (its BIOs) keep the memory of the largest thing that was ever
in them: the handshake, or a block of talk.  So we give a connection new ones after that.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from OpenSSL import SSL

#: Bytes that are sealed or opened at a time: 64 KiB, and the rest of a message.
MOST: Final = (1 << 16) + (1 << 14)
#: Room for the records: each record of 16 KiB grows by some 22 bytes, and a key update may precede.
_ROOM: Final = 2 * MOST
#: A connection may keep buffers that once held so many bytes.  New ones cost about 1 µs.
_SMALL: Final = 1 << 11

_lib: Any = getattr(SSL, "_lib", None)
_ffi: Any = getattr(SSL, "_ffi", None)
_NEEDED: Final = (
    *("SSL_write", "SSL_read", "SSL_get_error", "SSL_set_bio", "SSL_ERROR_WANT_READ"),
    *("BIO_new", "BIO_read", "BIO_s_mem", "BIO_write", "ERR_clear_error"),
)


class Records(Protocol):
    """What a connection needs besides its handshake.

    ``ready``: whether bytes may be sealed now: the handshake has ended, nothing that was written
    before waits, and nobody closes.  The connection sets it.
    """

    ready: bool

    def put(self, data: bytes) -> None:
        """Take bytes that the peer has sent."""

    def seal(self, data: bytes | memoryview) -> bytes | memoryview:
        """The records for ``data``, after the records that OpenSSL itself wants to send.

        :param data: at most :data:`MOST` bytes.
        :return: send or copy this before you seal anything else.  It is empty if OpenSSL takes
            nothing.
        """

    def open(self) -> bytes:
        """The next bytes of the peer; empty if more must come first.

        :raises SSL.Error: as ``recv`` does, when nothing more will come.
        """

    def own(self) -> bytes:
        """The records that OpenSSL itself wants to send, or those of pyOpenSSL's ``send``."""

    def shrink(self) -> None:
        """Give back the memory of the handshake.  Call this when it has ended."""


def records(connection: SSL.Connection) -> Records:
    """The fastest :class:`Records` that this pyOpenSSL allows.

    :param connection: has memory on its other side, not a socket.
    """
    names = "_ssl", "_into_ssl", "_from_ssl", "_raise_ssl_error"
    parts = [(connection, name) for name in names]
    below = [(_lib, name) for name in _NEEDED]
    if _ffi is not None and all(hasattr(thing, name) for thing, name in (*parts, *below)):
        return _Direct(connection)
    return Slow(connection)


class Slow:
    """Uses pyOpenSSL's own methods."""

    __slots__ = ("_connection", "ready")

    def __init__(self, connection: SSL.Connection) -> None:
        self._connection = connection
        self.ready = False

    def put(self, data: bytes) -> None:
        self._connection.bio_write(data)

    def seal(self, data: bytes | memoryview) -> bytes | memoryview:
        at = 0
        while at < len(data):
            try:
                at += self._connection.send(data[at:])
            except SSL.Error:
                if at:  # The first part is sealed already, so nobody else can send the rest.
                    raise
                return b""
        return self._connection.bio_read(_ROOM)

    def open(self) -> bytes:
        try:
            return self._connection.recv(MOST)
        except SSL.WantReadError:
            return b""

    def own(self) -> bytes:
        try:
            return self._connection.bio_read(_ROOM)
        except SSL.WantReadError:
            return b""

    def shrink(self) -> None:
        """Do nothing: pyOpenSSL has no method for this."""


if _ffi is not None:
    _sealed = _ffi.new("char[]", _ROOM)
    _opened = _ffi.new("char[]", MOST)
    _sealed_view = memoryview(_ffi.buffer(_sealed))
    _opened_view = memoryview(_ffi.buffer(_opened))


class _Direct:
    """Uses OpenSSL's functions.

    ``_large``: whether the buffer of what the peer sends may have become large.
    """

    __slots__ = ("_connection", "_end", "_from", "_into", "_large", "_ssl", "ready")

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._ssl = connection._ssl
        self._into = connection._into_ssl
        self._from = connection._from_ssl
        self._large = False
        self._end: SSL.Error | None = None
        self.ready = False

    def put(self, data: bytes) -> None:
        size = len(data)
        if size > _SMALL:
            self._large = True
        if _lib.BIO_write(self._into, data, size) != size:
            raise MemoryError("OpenSSL takes no more bytes")

    def seal(self, data: bytes | memoryview) -> memoryview:
        size = len(data)
        start = data if data.__class__ is bytes else _ffi.from_buffer(data)
        said = _lib.SSL_write(self._ssl, start, size)
        sealed = _lib.BIO_read(self._from, _sealed, _ROOM) if said > 0 else 0
        if said != size:
            sealed = self._seal_more(data, said, sealed)
        if size > _SMALL:
            self._renew_from()
        return _sealed_view[:sealed]

    def _seal_more(self, data: bytes | memoryview, said: int, sealed: int) -> int:
        """Go on when OpenSSL has taken only one record.

        We read each record at once, so that OpenSSL's buffer holds no more than one.
        """
        at, size, start = 0, len(data), _ffi.from_buffer(data)
        while said > 0:
            at += said
            if at == size:
                return sealed
            said = _lib.SSL_write(self._ssl, start + at, size - at)
            if said > 0:
                sealed += _lib.BIO_read(self._from, _sealed + sealed, _ROOM - sealed)
        if at:  # The first part is sealed already, so nobody else can send the rest.
            self._connection._raise_ssl_error(self._ssl, said)
        _lib.ERR_clear_error()  # Nobody needs this error: the slow way finds it too.
        return 0

    def open(self) -> bytes:
        if self._end is not None:
            raise self._end
        size = _lib.SSL_read(self._ssl, _opened, MOST)
        if size <= 0:
            self._may_go_on(size)
            if self._large:
                self._renew_into()
            return b""
        while size < MOST:
            more = _lib.SSL_read(self._ssl, _opened + size, MOST - size)
            if more <= 0:
                self._look_for_the_end(more)
                break
            size += more
        return bytes(_opened_view[:size])

    def own(self) -> bytes:
        size = _lib.BIO_read(self._from, _sealed, _ROOM)
        if size <= 0:
            return b""
        if size > _SMALL:
            self._renew_from()
        return bytes(_sealed_view[:size])

    def shrink(self) -> None:
        self._large = True  # What comes with the end of the handshake must be opened first.
        self._renew_from()

    def _renew_into(self) -> None:
        """Take a new buffer for what the peer sends.  The old one must be empty."""
        self._large = False
        self._into = self._connection._into_ssl = _lib.BIO_new(_lib.BIO_s_mem())
        _lib.SSL_set_bio(self._ssl, self._into, self._from)

    def _renew_from(self) -> None:
        """Take a new buffer for what we send.  The old one must be empty."""
        self._from = self._connection._from_ssl = _lib.BIO_new(_lib.BIO_s_mem())
        _lib.SSL_set_bio(self._ssl, self._into, self._from)

    def _may_go_on(self, outcome: int) -> None:
        """Return if OpenSSL only waits for more bytes.

        :raises SSL.Error: if not.
        """
        if _lib.SSL_get_error(self._ssl, outcome) != _lib.SSL_ERROR_WANT_READ:
            self._connection._raise_ssl_error(self._ssl, outcome)

    def _look_for_the_end(self, outcome: int) -> None:
        """Keep the error for the next call of :meth:`open`: the bytes before it come first.

        This also empties OpenSSL's error queue.  The next connection would find the error there.
        """
        try:
            self._may_go_on(outcome)
        except SSL.Error as error:
            self._end = error
