"""What the operating system tells the process by signals."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from threading import current_thread, main_thread
from types import FrameType
from typing import Any, Final

#: Not taken: what cannot be taken, and what a program does wrong, which it would do again.
_NOT_TAKEN: Final = ("SIGKILL", "SIGSTOP", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL")

#: What does not end a process by itself: it is stopped, or goes on, or nothing happens.
_HARMLESS: Final = ("SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCONT", "SIGCHLD", "SIGURG", "SIGWINCH")


def heed(reactor: Any, *, reread: Callable[[], None], hurry: Callable[[], None]) -> None:
    """Take signals, until the process ends.  To be called before the reactor runs.

    Everything that would end a process ends it as SIGTERM does, which is Twisted's; and after that
    nobody waits for slow readers.  What somebody else takes, or ignores, is left to them, but for
    SIGHUP: a shell with ``nohup`` only means the end of the terminal.

    :param reread: called at each SIGHUP, in the reactor.
    :param hurry: called in the reactor at every further signal that ends.
    """
    if current_thread() is not main_thread():
        return  # Then signals are somebody else's.
    signal.signal(signal.SIGHUP, lambda number, frame: reactor.callFromThread(reread))
    for number in sorted(_terminating()):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end_as_sigterm)
    # As soon as Twisted's own handlers are there.
    reactor.callLater(0, _heed_impatience, reactor, hurry)


def _terminating() -> set[int]:
    """The signals that end a process which does nothing about them."""
    others = {getattr(signal, name, None) for name in (*_NOT_TAKEN, *_HARMLESS)}
    return {int(n) for n in signal.valid_signals() if n not in others}


def _end_as_sigterm(number: int, frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _heed_impatience(reactor: Any, hurry: Callable[[], None]) -> None:
    """The first signal is Twisted's.  At another one its handler would stop a second time, which
    logs a traceback."""
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
