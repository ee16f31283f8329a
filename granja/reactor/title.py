"""The title of this process: the words that it was started with, as ``ps`` shows them."""

from __future__ import annotations

import ctypes
from pathlib import Path
from urllib.parse import quote

#: The fields of ``/proc/self/stat`` with the place of the words: ``arg_start`` and ``arg_end`` of
#: proc(5).  We count from the field after the program's name.
_START, _END = 45, 46


def hide(secret: str | None) -> None:
    """Write ``x`` over a secret in the words that ``ps`` shows, if the system allows it.

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
        return  # This system has no such file.  There ``ps`` shows the secret.
    if not 0 < start < end:
        return
    words = ctypes.string_at(start, end - start)
    at = words.find(secret)
    while at >= 0:
        ctypes.memset(start + at, ord("x"), len(secret))
        at = words.find(secret, at + len(secret))
