"""TLS records of one connection: what is said goes in, and comes out as what is sent.

pyOpenSSL's own ``send``, ``bio_read`` and ``recv`` take as long again as OpenSSL with a short line:
each copies into memory that it asks for anew, and looks at three callbacks that nobody has set.  So
the functions of OpenSSL that they call are called here, with two buffers for all connections.
pyOpenSSL promises them to nobody; where they are missing, its own ways are taken.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from OpenSSL import SSL

#: Bytes that are sealed, or opened, at a time: 64 KiB, and the rest of a message.
MOST: Final = (1 << 16) + (1 << 14)
#: The same sealed: each record of 16 KiB grows by some 22 bytes, and a key update may be before it.
_ROOM: Final = 2 * MOST

_lib: Any = getattr(SSL, "_lib", None)
_ffi: Any = getattr(SSL, "_ffi", None)
_NEEDED: Final = (
    *("SSL_write", "SSL_read", "SSL_get_error", "BIO_read"),
    *("ERR_clear_error", "SSL_ERROR_WANT_READ"),
)


class Records(Protocol):
    """What a connection needs after its handshake."""

    def seal(self, data: bytes | memoryview) -> bytes | memoryview:
        """The records that say ``data``, behind whatever OpenSSL has to say by itself.

        :param data: :data:`MOST` bytes at the most.
        :return: to be sent, or copied, before anything else is sealed; nothing, if OpenSSL does
            not take it.
        """

    def open(self) -> bytes:
        """What the peer has said; nothing, if more must come first.

        :raises SSL.Error: as ``recv`` does, when there will be nothing more.
        """


def records(connection: SSL.Connection) -> Records:
    """The fastest way that there is.

    :param connection: has memory, and not a socket, on its other side.
    """
    parts = (connection, "_ssl"), (connection, "_from_ssl"), (connection, "_raise_ssl_error")
    below = [(_lib, name) for name in _NEEDED]
    if _ffi is not None and all(hasattr(thing, name) for thing, name in (*parts, *below)):
        return _Direct(connection)
    return Slow(connection)


class Slow:
    """pyOpenSSL's own ways."""

    __slots__ = ("_connection",)

    def __init__(self, connection: SSL.Connection) -> None:
        self._connection = connection

    def seal(self, data: bytes | memoryview) -> bytes | memoryview:
        at = 0
        while at < len(data):
            try:
                at += self._connection.send(data[at:])
            except SSL.Error:
                if at:  # Half of it is said already: no other way can say the rest.
                    raise
                return b""
        return self._connection.bio_read(_ROOM)

    def open(self) -> bytes:
        try:
            return self._connection.recv(MOST)
        except SSL.WantReadError:
            return b""


if _ffi is not None:
    _sealed = _ffi.new("char[]", _ROOM)
    _opened = _ffi.new("char[]", MOST)
    _sealed_view = memoryview(_ffi.buffer(_sealed))
    _opened_view = memoryview(_ffi.buffer(_opened))


class _Direct:
    """OpenSSL's functions."""

    __slots__ = ("_bio", "_connection", "_end", "_ssl")

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._ssl = connection._ssl
        self._bio = connection._from_ssl
        self._end: SSL.Error | None = None

    def seal(self, data: bytes | memoryview) -> memoryview:
        size = len(data)
        said = _lib.SSL_write(self._ssl, _ffi.from_buffer(data), size)
        sealed = _lib.BIO_read(self._bio, _sealed, _ROOM) if said > 0 else 0
        if said != size:
            sealed = self._seal_more(data, said, sealed)
        return _sealed_view[:sealed]

    def _seal_more(self, data: bytes | memoryview, said: int, sealed: int) -> int:
        """OpenSSL takes a record at a time.  Each is read at once: the memory of the other side
        grows with what is in it, and never shrinks.
        """
        at, size, start = 0, len(data), _ffi.from_buffer(data)
        while said > 0:
            at += said
            if at == size:
                return sealed
            said = _lib.SSL_write(self._ssl, start + at, size - at)
            if said > 0:
                sealed += _lib.BIO_read(self._bio, _sealed + sealed, _ROOM - sealed)
        if at:  # As above.
            self._connection._raise_ssl_error(self._ssl, said)
        _lib.ERR_clear_error()  # The error is of nobody's interest: the other way finds it, too.
        return 0

    def open(self) -> bytes:
        if self._end is not None:
            raise self._end
        size = _lib.SSL_read(self._ssl, _opened, MOST)
        if size <= 0:
            self._may_go_on(size)
            return b""
        while size < MOST:
            more = _lib.SSL_read(self._ssl, _opened + size, MOST - size)
            if more <= 0:
                self._look_for_the_end(more)
                break
            size += more
        return bytes(_opened_view[:size])

    def _may_go_on(self, outcome: int) -> None:
        """:raises SSL.Error: if not."""
        if _lib.SSL_get_error(self._ssl, outcome) != _lib.SSL_ERROR_WANT_READ:
            self._connection._raise_ssl_error(self._ssl, outcome)

    def _look_for_the_end(self, outcome: int) -> None:
        """What was said before it is handed on first.  OpenSSL's errors are not left in its queue,
        where the next connection would find them.
        """
        try:
            self._may_go_on(outcome)
        except SSL.Error as error:
            self._end = error
