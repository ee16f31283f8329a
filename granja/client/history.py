"""The history of typed lines, kept across sessions, without passwords and answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prompt_toolkit.history import History

KEPT = 2000
"""Lines that we remember.  The file may grow to twice that number before we shorten it."""


def history_path(environment: Mapping[str, str]) -> Path:
    """The path of the history: ``$XDG_STATE_HOME/granja/historial``.

    The XDG Base Directory Specification says to ignore a relative ``XDG_STATE_HOME``.
    """
    state = Path(environment.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():
        state = Path(environment.get("HOME") or os.path.expanduser("~"), ".local", "state")
    return state / "granja" / "historial"


class LineHistory(History):
    """A file with each typed line; only its owner may read it.

    :param keep: says, while a line is being entered, whether we may keep it.
    :param complain: takes the error, once, when the file cannot be written.
    """

    def __init__(
        self, path: Path, keep: Callable[[str], bool], complain: Callable[[OSError], None]
    ) -> None:
        super().__init__()
        self._path = path
        self._keep = keep
        self._complain = complain
        self._works = True

    def load_history_strings(self) -> Iterable[str]:
        try:
            lines = self._path.read_text("utf-8", "replace").split("\n")[:-1]
            if len(lines) > 2 * KEPT:
                self._cut_back(lines[-KEPT:])
        except FileNotFoundError:
            return []
        except OSError as error:
            self._give_up(error)
            return []
        return reversed(lines[-KEPT:])

    def append_string(self, string: str) -> None:
        if self._keep(string):
            super().append_string(string)

    def store_string(self, string: str) -> None:
        if not self._works:
            return
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            descriptor = os.open(self._path, flags, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(" ".join(string.splitlines()).encode(errors="replace") + b"\n")
        except OSError as error:
            self._give_up(error)

    def _cut_back(self, lines: list[str]) -> None:
        shorter = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        descriptor = os.open(shorter, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        shorter.replace(self._path)

    def _give_up(self, error: OSError) -> None:
        if self._works:
            self._works = False
            self._complain(error)
