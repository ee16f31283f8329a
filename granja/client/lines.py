"""Cuts a byte stream into lines, with limited memory."""

from __future__ import annotations


class Lines:
    """:param limit: the most bytes of a line; we drop the rest of a longer one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._partial = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their ends (LF or CR LF)."""
        first, *others = data.split(b"\n")
        self._keep(first)
        whole = []
        for part in others:
            whole.append(self._take())
            self._keep(part)
        return whole

    def rest(self) -> list[bytes]:
        """The line without an end, if the stream stopped in one."""
        return [self._take()] if self._partial else []

    def _keep(self, part: bytes) -> None:
        self._partial += part[: self._limit - len(self._partial)]

    def _take(self) -> bytes:
        line = bytes(self._partial)
        self._partial.clear()
        return line.removesuffix(b"\r")
