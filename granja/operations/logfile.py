"""The writing of the log: a thread does it, so that nobody in the chat waits for it.

Without the thread, a reader of the server's output who stops reading (a pager, Ctrl-S at the
terminal, a full disk on another host) would stop the server.
"""

from __future__ import annotations

import atexit
import os
import re
import select
import stat
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread, current_thread
from typing import Any, ClassVar, Final, TypeVar

from twisted.logger import Logger, formatEventAsClassicLogText

from granja.contract.errors import ConfigurationError
from granja.operations.journal import to_journal
from granja.operations.log_forms import Form, as_json, from_level
from granja.operations.system_log import in_lines, to_system_log

#: The most characters that may wait.  We drop later ones and count them.
MOST_WAITING: Final = 2**20

#: Characters that we write at a time.
_CHUNK: Final = 2**16

#: Seconds that the end of the process waits for the log, and then for each more line.
PATIENCE: Final = 1.0
_LAST_LINES: Final = 0.2

#: The most bytes of a log file before we begin a new one; and how many old ones we keep.
LARGEST: Final = 1_000_000
MOST_KEPT: Final = 20

#: The owner writes the file and a group may read it: it has addresses and names.
MODE: Final = 0o640

_NUMBER: Final = re.compile(r"\.[1-9][0-9]{0,8}", re.ASCII)

Put = Callable[[bytes], None]


class Later:
    """A text file that takes everything at once and writes it later.

    Before :meth:`begin` it writes at once: when a process becomes a daemon, its threads are gone.

    :param put: writes bytes, and may be slow.
    :param encoding: of the text; we escape characters that it does not have.
    :param most: characters that may wait.
    :param form: gives an event as whole lines; None when it says nothing.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        put: Put,
        encoding: str = "utf-8",
        most: int = MOST_WAITING,
        form: Form = formatEventAsClassicLogText,
    ) -> None:
        self.encoding = encoding
        self.form = form
        self._put = put
        self._most = most
        self._waiting: deque[str] = deque()
        self._size = 0
        self._dropped = 0
        self._changed = Condition()
        self._thread: Thread | None = None
        self._ending = False

    def write(self, text: str) -> int:
        """Take a line, or count it as dropped."""
        if self._thread is None:
            self._put_text(text)
            return len(text)
        with self._changed:
            if self._size + len(text) > self._most:
                self._dropped += text.count("\n")
                return len(text)
            self._waiting.append(text)
            self._size += len(text)
            self._changed.notify_all()
        if self._ending and current_thread() is not self._thread:
            self._ending = self._wait(_LAST_LINES)
        return len(text)

    def flush(self) -> None:
        """Do nothing: the thread does it."""

    def begin(self) -> None:
        """Let a thread write from now on."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name="log", daemon=True)
            self._thread.start()
            atexit.register(self.finish)

    def finish(self) -> None:
        """Wait for a short time until all is written.  Lines may still come."""
        if self._thread is not None and not self._ending:
            self._ending = self._wait(PATIENCE)

    def _wait(self, seconds: float) -> bool:
        """Wait until all is written.

        :return: whether that happened within ``seconds``.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self._size, seconds)

    # -- in the thread -------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            text = self._next()
            written = self._put_text(text)
            with self._changed:
                self._size -= len(text)
                dropped = self._dropped if written and not self._size else 0
                self._dropped -= dropped
                self._changed.notify_all()
            if dropped:
                self.log.warn("{n} lines of the log were dropped: they came too fast.", n=dropped)

    def _next(self) -> str:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            taken = [self._waiting.popleft()]
            size = len(taken[0])
            while self._waiting and size + len(self._waiting[0]) <= _CHUNK:
                taken.append(self._waiting.popleft())
                size += len(taken[-1])
        return "".join(taken)

    def _put_text(self, text: str) -> bool:
        """Write a text.  On failure count its lines, because nobody could read a complaint.

        :return: whether it was written.
        """
        try:
            self._put(text.encode(self.encoding, "backslashreplace"))
        except OSError:
            with self._changed:
                self._dropped += text.count("\n")
            return False
        return True


def to_descriptor(descriptor: int) -> Put:
    """A function that writes to a terminal or a pipe, even if somebody made it non-blocking."""

    def put(data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(descriptor, left) :]
            except BlockingIOError:
                ready = select.poll()
                ready.register(descriptor, select.POLLOUT)
                ready.poll()

    return put


class LogFile:
    """A private file that does not grow for ever.

    A file that is too large becomes ``<path>.1``, the older ``<path>.1`` becomes ``<path>.2``, and
    so on.  If somebody else moves the file away (logrotate), we begin a new one.

    :raises OSError: when it cannot be opened.
    """

    def __init__(self, path: Path, largest: int = LARGEST, most_kept: int = MOST_KEPT) -> None:
        self._path = path.absolute()
        self._largest = largest
        self._most_kept = most_kept
        self._descriptor = self._open()
        for old in self._old():
            with suppress(OSError):
                old.chmod(MODE)

    def put(self, data: bytes) -> None:
        """Write bytes.

        :raises OSError: when they cannot be written.
        """
        self._follow()
        if self._is_file and self._size and self._size + len(data) > self._largest:
            self._rotate()
        self._size += len(data)
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def _open(self) -> int:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, MODE)
        found = os.fstat(descriptor)
        self._is_file = stat.S_ISREG(found.st_mode)
        self._size = found.st_size if self._is_file else 0
        if self._is_file:
            with suppress(PermissionError):  # Somebody else owns it, and lets us write.
                os.fchmod(descriptor, MODE)
        return descriptor

    def _reopen(self) -> None:
        old, self._descriptor = self._descriptor, self._open()
        os.close(old)

    def _follow(self) -> None:
        if not self._is_file:
            return
        try:
            there = os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            there = False
        if not there:
            with suppress(OSError):  # Its folder is gone, or not ours: we keep the old file.
                self._reopen()

    def _rotate(self) -> None:
        """Rotate.  If that fails, the file grows by as much again before the next attempt."""
        self._size = 0
        with suppress(OSError):
            for old in reversed(self._old()):
                number = int(old.suffix[1:])
                if number >= self._most_kept:
                    old.unlink()
                else:
                    old.rename(self._numbered(number + 1))
            self._path.rename(self._numbered(1))
            self._reopen()

    def _old(self) -> list[Path]:
        found = self._path.parent.glob(f"{self._path.name}.*")
        old = [path for path in found if _NUMBER.fullmatch(path.suffix)]
        return sorted(old, key=lambda path: int(path.suffix[1:]))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def take_over(options: Any, log_format: str = "text", level: str = "debug") -> Later | None:
    """Write the log in a thread, to the place that the runner's options name.

    :param options: of ``twistd``, or of ``twist``; this changes them.
    :param log_format: ``text``, ``json`` or ``journal``; ``twist`` has its own.
    :param level: the least urgent level that we write.
    :returns: None when the place is not ours to choose (``--logger``), or there is no runner.
    :raises ConfigurationError: when the file cannot be written.
    """
    if options is None or options.get("logger"):
        return None
    if "logFile" in options:
        later = _later_of_twist(options["logFile"])
        options["logFile"] = later or options["logFile"]
        return later
    if "nodaemon" not in options:
        return None
    journal = log_format == "journal"
    later = _later_of_twistd(options) if not journal else _later_of_journal(options)
    if later is not None:
        in_json = log_format != "text" and (journal or not options.get("syslog"))
        later.form = from_level(level, as_json if in_json else later.form)
    return later


def _later_of_journal(options: Any) -> Later:
    later = Later(to_journal())
    return _begun(later) if options["nodaemon"] else later


def _later_of_twist(stream: Any) -> Later | None:
    name = getattr(stream, "name", None)
    if isinstance(name, str) and Path(name).is_file():
        return _begun(_later_file(name))
    return _begun(_later_stream(stream))


def _later_of_twistd(options: Any) -> Later | None:
    if options.get("syslog"):
        later = Later(to_system_log(options.get("prefix") or "twisted"), form=in_lines)
        return _begun(later) if options["nodaemon"] else later
    name = options.get("logfile")
    if name == "-" or (options["nodaemon"] and not name):
        return _begun(_later_stream(sys.stdout)) if options["nodaemon"] else None
    later = _later_file(name or "twistd.log")
    return _begun(later) if options["nodaemon"] else later


L = TypeVar("L", Later, Later | None)


def _begun(later: L) -> L:
    if later is not None:
        later.begin()
    return later


def _later_stream(stream: Any) -> Later | None:
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None
    return Later(to_descriptor(descriptor), getattr(stream, "encoding", None) or "utf-8")


def _later_file(name: str) -> Later:
    """A log file with a thread.

    :raises ConfigurationError: when it cannot be written.
    """
    try:
        return Later(LogFile(Path(name)).put)
    except OSError as error:
        raise ConfigurationError(f"cannot write the log {name}: {error.strerror}") from None
