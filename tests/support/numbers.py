"""Lines of data with their numbers, as a carrier writes them to one connection."""

from __future__ import annotations

import re

from granja.wire.encodings import MARK, numbered

_NUMBER = re.compile(rb'(?<="n":)(\d{1,10}) *(?=})')


def with_numbers(data: bytes, first: int = 1) -> bytes:
    """Encoded messages, with numbers that count up from ``first``."""
    return numbered(data.split(MARK), first)


def without_numbers(data: bytes) -> bytes:
    """Encoded messages without their numbers."""
    return _NUMBER.sub(lambda match: MARK, data)


def numbers(data: bytes) -> list[int]:
    """The numbers in the data that a connection received, in order."""
    return [int(match[1]) for match in _NUMBER.finditer(data)]
