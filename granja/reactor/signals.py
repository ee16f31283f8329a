"""Signals: what the operating system tells the process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from threading import current_thread, main_thread
from types import FrameType
from typing import Any, Final

#: Signals that we leave alone: nobody can take them, or they report an error of the program.
_NOT_TAKEN: Final = ("SIGKILL", "SIGSTOP", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL")

#: Signals that do not end a process: it stops, goes on, or nothing happens.
_HARMLESS: Final = ("SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCONT", "SIGCHLD", "SIGURG", "SIGWINCH")


def heed(reactor: Any, *, reread: Callable[[], None], hurry: Callable[[], None]) -> None:
    """Take signals, until the process ends.  Call this before the reactor runs.

    Every signal that would end a process does what Twisted does at SIGTERM.  At the next such
    signal the server stops waiting for slow readers.  A signal that somebody else takes or ignores
    stays theirs.  SIGHUP is the exception: with ``nohup`` a shell ignores it only because of the
    end of the terminal.

    :param reread: the reactor calls it at each SIGHUP.
    :param hurry: the reactor calls it at every further signal that ends.
    """
    if current_thread() is not main_thread():
        return  # Only the main thread may take signals.
    signal.signal(signal.SIGHUP, lambda number, frame: reactor.callFromThread(reread))
    for number in sorted(_terminating()):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end_as_sigterm)
    # Twisted's own handlers are there by then.
    reactor.callLater(0, _heed_impatience, reactor, hurry)


def _terminating() -> set[int]:
    """The signals that end a process which does not take them."""
    others = {getattr(signal, name, None) for name in (*_NOT_TAKEN, *_HARMLESS)}
    return {int(n) for n in signal.valid_signals() if n not in others}


def _end_as_sigterm(number: int, frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _heed_impatience(reactor: Any, hurry: Callable[[], None]) -> None:
    """Give Twisted only the first signal.  Its handler stops the reactor, and a second stop would
    log a traceback."""
    twisteds = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    heard: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        first = twisteds[signal.Signals(number)]
        heard.append(number)
        if len(heard) > 1:
            reactor.callFromThread(hurry)
        elif callable(first):
            first(number, frame)

    for number, handler in twisteds.items():
        if callable(handler):
            signal.signal(number, handle)
