"""Memory goes back to the system after many connections, and not after each."""

from __future__ import annotations

import ctypes
from pathlib import Path
from unittest import skipUnless

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from granja.reactor.heap import MANY, PAUSE, Heap, trim


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class HeapTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.trims = 0
        self.heap = Heap(self.clock, self.trim)

    def trim(self) -> None:
        self.trims += 1

    def change(self, times: int) -> None:
        for _ in range(times):
            self.heap.changed()

    def test_few_changes_are_no_reason(self) -> None:
        self.change(MANY - 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_many_changes_are_one_reason(self) -> None:
        self.change(10 * MANY)
        self.clock.advance(PAUSE - 0.1)
        self.assertEqual(self.trims, 0)
        self.clock.advance(0.1)
        self.assertEqual(self.trims, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_next_many_are_the_next_reason(self) -> None:
        self.change(MANY)
        self.clock.advance(PAUSE)
        self.change(MANY - 1)
        self.clock.advance(10 * PAUSE)
        self.assertEqual(self.trims, 1)
        self.change(1)
        self.clock.advance(PAUSE)
        self.assertEqual(self.trims, 2)

    def test_nothing_happens_after_the_stop(self) -> None:
        self.change(MANY)
        self.heap.stop()
        self.clock.advance(PAUSE)
        self.change(MANY)  # Everybody's connections end.
        self.clock.advance(PAUSE)
        self.assertEqual(self.trims, 0)

    @skipUnless(hasattr(ctypes.CDLL(None), "malloc_trim"), "only glibc can give memory back")
    def test_memory_between_what_stays_goes_back(self) -> None:
        """The C library itself keeps it: what stays lies above."""
        library = ctypes.CDLL(None)
        library.malloc.restype = ctypes.c_void_p
        library.free.argtypes = [ctypes.c_void_p]
        pieces = [library.malloc(40_000) for _ in range(1_000)]
        for piece in pieces[::2]:
            ctypes.memset(piece, 1, 40_000)
            library.free(piece)
        before = resident()
        trim()
        self.assertLess(resident(), before - (10 << 20))
        for piece in pieces[1::2]:
            library.free(piece)
