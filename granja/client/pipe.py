"""The client as a filter: standard input goes to the granja, the granja to standard output.

It is for scripts, and for terminals that cannot move their cursor.  Exit status: 0 when everything
was sent and every answer was written, or after a goodbye; 1 when the connection broke first.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import termios
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import ParamSpec

from granja.client import rows, sentences as notes
from granja.client.lines import Lines
from granja.client.wire import CHUNK, Wire
from granja.contract.messages import ASK_NEW_PASSWORD, ASK_PASSWORD, GOODBYE
from granja.text.clean import clean
from granja.wire.telnet import Telnet, escape

MOST = 4 * 1024 * 1024
"""The most bytes of a line."""
COLUMNS = 80
"""The width of a terminal that does not tell it."""
THREAD = "granja input"
P = ParamSpec("P")


@dataclass
class Streams:
    """The file descriptors to read and to write, and a function for complaints."""

    source: int
    sink: int
    complain: Callable[[str], None]


class SinkFailed(Exception):
    """The output cannot be written.  Its cause is the OSError."""


async def run(wire: Wire, streams: Streams) -> int:
    """Pass everything both ways until the server closes, and return the exit status."""
    sender, listener = Sender(wire, streams, asyncio.get_running_loop()), Listener(streams)
    sender.start()
    try:
        await listener.listen(wire)
    except SinkFailed as failure:
        return _output_failed(failure, streams)
    except OSError:
        streams.complain(notes.BROKEN)
        return 1
    finally:
        sender.give_up()
        listener.show_typing(True)
        await wire.close()
    if not listener.heard:
        streams.complain(notes.NO_GRANJA)
        return 1
    if not sender.finished and not listener.said_goodbye:
        streams.complain(notes.BROKEN)
        return 1
    return 0


def _output_failed(failure: SinkFailed, streams: Streams) -> int:
    if isinstance(failure.__cause__, BrokenPipeError):
        return 0  # The reader of our output, such as `head`, has read enough.
    streams.complain(notes.no_output(failure.__cause__))
    return 1


class Gone(Exception):
    """The visit is over, so nothing can be sent."""


class Sender:
    """Reads the source in a thread, because we cannot wait for a plain file in another way."""

    def __init__(self, wire: Wire, streams: Streams, loop: asyncio.AbstractEventLoop) -> None:
        self._wire = wire
        self._streams = streams
        self._loop = loop
        self._lock = threading.Lock()
        self._over = False
        self._sending: concurrent.futures.Future[None] | None = None
        self.finished = False

    def start(self) -> None:
        # A daemon thread: the process may end while nobody types.
        threading.Thread(target=self._send_all, name=THREAD, daemon=True).start()

    def give_up(self) -> None:
        """Send nothing more.  A thread that waits for the loop must not wait for ever."""
        with self._lock:
            self._over = True
            if self._sending is not None:
                self._sending.cancel()

    def _send_all(self) -> None:
        with suppress(OSError, Gone):  # The listener hears of it too, and tells.
            last = b"\n"
            while data := self._read():
                last = data[-1:]
                self._in_loop(self._wire.write, escape(data))
            if last not in b"\r\n":
                self._streams.complain(notes.UNFINISHED)
            self.finished = True
            self._in_loop(self._wire.finish)

    def _read(self) -> bytes:
        try:
            return os.read(self._streams.source, CHUNK)
        except OSError:  # It is closed, or the terminal hung up: nothing more will come.
            return b""

    def _in_loop(
        self,
        function: Callable[P, Coroutine[None, None, None]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Run a coroutine function in the loop, and wait for its end."""
        with self._lock:
            if self._over:
                raise Gone
            sending = asyncio.run_coroutine_threadsafe(function(*args, **kwargs), self._loop)
            self._sending = sending
        try:
            sending.result()
        except concurrent.futures.CancelledError:
            raise Gone from None


class Listener:
    """Writes what the server says to the sink."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._telnet = Telnet()  # It negotiates nothing and ignores every offer.
        self._lines = Lines(MOST)
        self.heard = False
        self.said_goodbye = False

    async def listen(self, wire: Wire) -> None:
        while data := await wire.read():
            self._write(self._lines.feed(self._telnet.feed(data)))
        self._write(self._lines.rest())

    def show_typing(self, shown: bool) -> None:
        """Show or hide what somebody types at a terminal."""
        if not os.isatty(self._streams.source):
            return
        modes = termios.tcgetattr(self._streams.source)
        modes[3] = modes[3] | termios.ECHO if shown else modes[3] & ~termios.ECHO
        termios.tcsetattr(self._streams.source, termios.TCSADRAIN, modes)

    def _write(self, raw: list[bytes]) -> None:
        if not raw:
            return
        lines = [clean(line.decode(errors="replace")) for line in raw]
        self.heard = True
        self.said_goodbye = lines[-1] == GOODBYE.line()
        self.show_typing(lines[-1] not in (ASK_PASSWORD.line(), ASK_NEW_PASSWORD.line()))
        data = "".join(f"{row}\n" for row in self._folded(lines)).encode()
        try:
            while data:
                data = data[os.write(self._streams.sink, data) :]
        except OSError as error:
            raise SinkFailed from error

    def _folded(self, lines: list[str]) -> list[str]:
        """The lines as they are, or folded to the width of a terminal."""
        if not os.isatty(self._streams.sink):
            return lines
        columns = os.get_terminal_size(self._streams.sink).columns
        return [rows.fold(line, columns or COLUMNS) for line in lines]
