"""Packing: makes a large answer small enough for the bus, which takes a megabyte at the most.

The list of ten thousand people is that large.
"""

from __future__ import annotations

import zlib
from typing import Final

#: We pack answers of more bytes.
LARGE: Final = 1 << 18

#: How a packed answer begins.  No other one does.
_PACKED: Final = b"x\x9c"


def packed(answer: bytes) -> bytes:
    return zlib.compress(answer) if len(answer) > LARGE else answer


def unpacked(answer: bytes) -> bytes:
    return zlib.decompress(answer) if answer.startswith(_PACKED) else answer
