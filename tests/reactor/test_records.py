"""Bytes go into records and come out whole, with OpenSSL's functions or without."""

from __future__ import annotations

import contextlib
import ctypes
import tempfile
from pathlib import Path
from typing import ClassVar
from unittest import skipUnless

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from granja.reactor.records import MOST, Slow, records
from tests.support.certificates import make

SIZES = (1, 300, 16_383, 16_384, 16_385, 40_000, MOST - 1, MOST)


def server_context() -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    with tempfile.TemporaryDirectory() as folder:
        path = str(make("localhost").put(Path(folder, "c.pem")))
        context.use_privatekey_file(path)
        context.use_certificate_file(path)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    return context


CONTEXT = server_context()


def carry(here: SSL.Connection, there: SSL.Connection) -> None:
    try:
        there.bio_write(here.bio_read(1 << 18))
    except SSL.WantReadError:
        return


def shaken() -> tuple[SSL.Connection, SSL.Connection]:
    """A server's and a client's end after the handshake."""
    server, client = SSL.Connection(CONTEXT), SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD))
    server.set_accept_state()
    client.set_connect_state()
    for _ in range(3):
        for here, there in ((client, server), (server, client)):
            with contextlib.suppress(SSL.WantReadError):
                here.do_handshake()
            carry(here, there)
    return server, client


def heard(client: SSL.Connection) -> bytes:
    parts = []
    while True:
        try:
            parts.append(client.recv(1 << 16))
        except SSL.WantReadError:
            return b"".join(parts)


class DirectTests(SynchronousTestCase):
    """With OpenSSL's functions, which are there."""

    slow = False

    def setUp(self) -> None:
        self.server, self.client = shaken()
        self.records = Slow(self.server) if self.slow else records(self.server)

    def test_it_is_this_way(self) -> None:
        self.assertEqual(isinstance(self.records, Slow), self.slow)

    def test_what_is_sealed_is_heard(self) -> None:
        """This holds for any length.  OpenSSL takes 16 KiB at a time, and simply takes no more."""
        said = [bytes((65 + number,)) * size for number, size in enumerate(SIZES)]
        for number, text in enumerate(said):
            sealed = self.records.seal(memoryview(text) if number % 2 else text)
            self.client.bio_write(bytes(sealed))
        self.assertEqual(heard(self.client), b"".join(said))
        self.assertEqual(self.records.own(), b"")

    def test_what_goes_another_way_is_not_lost(self) -> None:
        """Twisted writes by pyOpenSSL, before and after what we seal."""
        self.server.send(b"1" * 5_000)
        self.client.bio_write(self.records.own())
        self.client.bio_write(bytes(self.records.seal(b"2" * 5_000)))
        self.server.send(b"3")
        self.client.bio_write(self.records.own())
        self.assertEqual(heard(self.client), b"1" * 5_000 + b"2" * 5_000 + b"3")

    def test_what_was_said_is_opened(self) -> None:
        said = b"".join(bytes((65 + n,)) * size for n, size in enumerate(SIZES))
        at = 0
        while at < len(said):
            at += self.client.send(said[at:])
            carry(self.client, self.server)
        opened = bytearray()
        while data := self.records.open():
            opened += data
        self.assertEqual(bytes(opened), said)

    def test_half_a_record_is_waited_for(self) -> None:
        self.client.send(b"hola")
        record = self.client.bio_read(1 << 16)
        self.records.put(record[:7])
        self.assertEqual(self.records.open(), b"")
        self.records.put(record[7:])
        self.assertEqual(self.records.open(), b"hola")

    def test_half_a_large_record_is_waited_for(self) -> None:
        """The buffer that held the first half is given back in the meantime."""
        self.client.send(b"hola" * 4_000)
        record = self.client.bio_read(1 << 16)
        for piece in (record[:9_000], record[9_000:9_001], record[9_001:15_000]):
            self.records.put(piece)
            self.assertEqual(self.records.open(), b"")
        self.records.put(record[15_000:])
        self.assertEqual(self.records.open(), b"hola" * 4_000)

    def test_what_comes_with_the_end_of_the_handshake_is_not_lost(self) -> None:
        self.client.send(b"hola")
        self.records.put(self.client.bio_read(1 << 16))
        self.records.shrink()
        self.assertEqual(self.records.open(), b"hola")
        self.assertEqual(self.records.open(), b"")
        self.client.send(b"adios")
        self.records.put(self.client.bio_read(1 << 16))
        self.assertEqual(self.records.open(), b"adios")

    def test_what_was_said_before_the_end_comes_first(self) -> None:
        self.client.send(b"hola")
        self.client.shutdown()
        carry(self.client, self.server)
        self.assertEqual(self.records.open(), b"hola")
        self.assertRaises(SSL.ZeroReturnError, self.records.open)

    def test_and_before_what_is_no_record(self) -> None:
        """No other connection hears of it."""
        other, talker = shaken()
        self.client.send(b"hola")
        carry(self.client, self.server)
        self.server.bio_write(b"\x17\x03\x03\x00\x20" + bytes(32))
        self.assertEqual(self.records.open(), b"hola")
        others = records(other)
        self.assertEqual(others.open(), b"")
        talker.send(b"adios")
        carry(talker, other)
        self.assertEqual(others.open(), b"adios")
        with self.assertRaises(SSL.Error) as caught:
            self.records.open()
        self.assertNotIsInstance(caught.exception, SSL.WantReadError)

    def test_after_the_end_nothing_is_sealed(self) -> None:
        """The next connection is not affected."""
        self.server.shutdown()
        self.assertEqual(bytes(self.records.seal(b"hola")), b"")
        other, _ = shaken()
        self.assertEqual(records(other).open(), b"")


class _Account(ctypes.Structure):
    """What ``mallinfo2`` of glibc says."""

    _fields_: ClassVar = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks"),
            *("uordblks", "fordblks", "keepcost"),
        )
    ]


@skipUnless(hasattr(ctypes.CDLL(None), "mallinfo2"), "only glibc counts its memory")
class MemoryTests(SynchronousTestCase):
    """A connection keeps no memory for what has come and gone."""

    def used(self) -> int:
        account = ctypes.CDLL(None).mallinfo2
        account.restype = _Account
        said = account()
        return int(said.uordblks + said.hblkhd)

    def test_large_blocks_leave_nothing(self) -> None:
        pairs = [shaken() for _ in range(20)]
        served = []
        for server, client in pairs:
            client.send(bytes(16_000))
            served.append((records(server), client.bio_read(1 << 16)))
        before = self.used()
        for one, come in served:
            one.shrink()
            one.seal(bytes(MOST))
            one.put(come)
            self.assertEqual(one.open(), bytes(16_000))
            self.assertEqual(one.open(), b"")
        self.assertLess(self.used() - before, len(pairs) << 10)


class SlowTests(DirectTests):
    """With pyOpenSSL's own ways, as where the functions are missing."""

    slow = True
