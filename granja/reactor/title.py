"""What the system shows of this process: the words it was started with."""

from __future__ import annotations

import ctypes
from pathlib import Path
from urllib.parse import quote

#: Which fields of ``/proc/self/stat``, counted from the one after the program's name, say where the
#: words begin and end (``arg_start`` and ``arg_end`` of proc(5)).
_START, _END = 45, 46


def hide(secret: str | None) -> None:
    """Put ``x`` for a secret among the words that ``ps`` shows, where the system lets us.

    :param secret: as it is, or as a URL writes it; None or empty hides nothing.
    """
    for form in {secret or "", quote(secret or ""), quote(secret or "", safe="")}:
        if form:
            _overwrite(form.encode())


def _overwrite(secret: bytes) -> None:
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = int(fields[_START]), int(fields[_END])
    except (OSError, ValueError, IndexError):
        return  # Another system, where ps shows what it shows.
    if not 0 < start < end:
        return
    words = ctypes.string_at(start, end - start)
    at = words.find(secret)
    while at >= 0:
        ctypes.memset(start + at, ord("x"), len(secret))
        at = words.find(secret, at + len(secret))
