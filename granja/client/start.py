"""The start of the client: reads the command line and puts the pieces together."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import ssl
import sys
from collections.abc import Callable, Coroutine

from granja import __version__
from granja.catalog_file import read_catalog
from granja.client import pipe, sentences as notes
from granja.client.arguments import Arguments, UsageMistake, parse
from granja.client.connect import open_wire
from granja.client.conversation import Conversation
from granja.client.interactive import Interactive
from granja.client.pauses import Pauses
from granja.client.wire import Wire

USAGE = 2
INTERRUPTED = 130


def main(argv: list[str]) -> int:
    """Run the client with the words of the command line, and return the exit status:
    0 well, 1 no connection or a broken one, 2 a wrong command line, 130 interrupted."""
    try:
        arguments = parse(argv)
    except UsageMistake as mistake:
        _complain(str(mistake))
        return USAGE
    if arguments.action != "talk":
        _print(notes.HELP if arguments.action == "help" else f"granja {__version__}\n")
        return 0
    return _talk(arguments)


def _talk(arguments: Arguments) -> int:
    try:
        context = _tls_context(arguments)
    except OSError as error:
        _complain(notes.unreadable(arguments.cafile, error))
        return USAGE
    try:
        return asyncio.run(_mode()(arguments, context))
    except KeyboardInterrupt:
        return INTERRUPTED
    except (OSError, UnicodeError) as error:
        _complain(notes.explain(error, arguments.address))
        return 1


def _tls_context(arguments: Arguments) -> ssl.SSLContext | None:
    if not arguments.tls:
        return None
    return ssl.create_default_context(cafile=arguments.cafile or None)


Mode = Callable[[Arguments, ssl.SSLContext | None], Coroutine[None, None, int]]


def _mode() -> Mode:
    """A filter, unless both ends are a terminal that can move its cursor."""
    capable = os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")
    return _at_a_terminal if capable and os.isatty(0) and os.isatty(1) else _as_a_filter


async def _as_a_filter(arguments: Arguments, context: ssl.SSLContext | None) -> int:
    wire = await open_wire(arguments.address, context)
    return await pipe.run(wire, pipe.Streams(0, 1, _complain))


async def _at_a_terminal(arguments: Arguments, context: ssl.SSLContext | None) -> int:
    # Imported here: a filter does not have to wait for prompt_toolkit to load.
    from prompt_toolkit.patch_stdout import patch_stdout

    from granja.client.history import LineHistory, history_path
    from granja.client.keepsake import Keepsake
    from granja.client.screen import Keyboard, Screen

    path = history_path(os.environ)
    secure = context is not None
    talk = Conversation(
        _bundled_catalog(),
        secure=secure,
        memory=Keepsake(path.parent, arguments.address, secure=secure),
        history=arguments.history,
    )
    history = LineHistory(
        path, talk.may_be_kept, lambda error: _complain(notes.no_history(str(path), error))
    )
    screen = Screen(talk, history, Keyboard(sys.stdin))

    async def connect() -> Wire:
        return await open_wire(arguments.address, context)

    def explain(error: Exception) -> str:
        return notes.explain(error, arguments.address)

    client = Interactive(talk, screen, Pauses(random.random), connect, explain)
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, client.leave)
    with patch_stdout():
        return await client.run()


def _bundled_catalog() -> dict[int, str]:
    return {number: artifact.name for number, artifact in read_catalog(None).items()}


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _complain(sentence: str) -> None:
    sys.stderr.write(f"granja: {sentence}\n")
    sys.stderr.flush()
