"""The client at a terminal: one task listens and comes back, another takes what is typed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from granja.client import sentences as notes
from granja.client.conversation import Conversation
from granja.client.display import Shown, own
from granja.client.pauses import Pauses
from granja.client.wire import Wire
from granja.contract.answers import is_yes

SILENCE = 5.0
"""Seconds to wait for a server's first words before we say what may be wrong."""
MANY_LINES = 20
"""Before we send this many pasted lines, we ask the person (PROTOCOL §6)."""
FAREWELL = 3.0
"""Seconds to wait for the server's goodbye."""


class Sight(Protocol):
    """What the client needs from a screen (:class:`granja.client.screen.Screen`)."""

    async def ask(self) -> str: ...
    def give_back(self, line: str) -> None: ...
    async def show(self, lines: Sequence[Shown]) -> None: ...


class Interactive:
    """:param connect: makes a new connection, or raises OSError or UnicodeError.
    :param explain: gives a Spanish sentence for what ``connect`` raised.
    :param sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        conversation: Conversation,
        screen: Sight,
        pauses: Pauses,
        connect: Callable[[], Awaitable[Wire]],
        explain: Callable[[Exception], str],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._talk = conversation
        self._screen = screen
        self._pauses = pauses
        self._connect = connect
        self._explain = explain
        self._sleep = sleep
        self._leaving = False
        self._told_to_leave = asyncio.Event()
        self._wire: Wire

    def leave(self) -> None:
        """End: somebody outside wants it, perhaps with a signal."""
        self._told_to_leave.set()

    async def run(self) -> int:
        """Talk until one side leaves, and return the exit status.

        :raises OSError: when the first connection cannot be made; also UnicodeError.
        """
        self._wire = await self._connect()
        listening = asyncio.create_task(self._stay_connected())
        typing = asyncio.create_task(self._take_lines())
        told = asyncio.create_task(self._told_to_leave.wait())
        tasks: tuple[asyncio.Task[Any], ...] = (listening, typing, told)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not listening.done():
                await self._part(listening)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            await self._wire.close()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        return 0 if self._leaving or self._talk.said_goodbye else 1

    # -- listening ---------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            await self._listen()
            self._pauses.stayed(clock() - began)
            if self._leaving or self._talk.over:
                return
            if not self._talk.met:
                await self._screen.show([own(notes.ENDED)])
                return
            await self._come_back()

    async def _listen(self) -> None:
        """Listen until the connection ends.  To the person, all kinds of end are the same."""
        self._talk.connect()
        try:
            await self._flush()
            data = await self._first_words()
            while data:
                lines = self._talk.receive(data)
                await self._flush()
                await self._screen.show(lines)
                data = await self._wire.read()
        except OSError:
            pass
        last_words = self._talk.disconnect()
        await self._screen.show(last_words)
        await self._wire.close()

    async def _first_words(self) -> bytes:
        """The first bytes.  A granja speaks first, at once; after some silence we say what may be
        wrong."""
        try:
            async with asyncio.timeout(SILENCE):
                return await self._wire.read()
        except TimeoutError:
            await self._screen.show([own(notes.SILENT)])
            return await self._wire.read()

    async def _come_back(self) -> None:
        pause = self._pauses.next()
        await self._screen.show([own(notes.dropped(pause))])
        while True:
            await self._sleep(pause)
            try:
                self._wire = await self._connect()
            except (OSError, UnicodeError) as error:
                pause = self._pauses.next()
                why = self._explain(error)
                await self._screen.show([own(notes.still_away(why, pause))])
            else:
                await self._screen.show([own(notes.back(self._talk.name))])
                return

    # -- typing ------------------------------------------------------------------------------

    async def _take_lines(self) -> None:
        """Take lines until the person wants to leave."""
        while True:
            try:
                line = await self._screen.ask()
            except (EOFError, KeyboardInterrupt):
                return
            try:
                if await self._is_meant(line):
                    await self._send(line)
            except (EOFError, KeyboardInterrupt):
                return

    async def _is_meant(self, typed: str) -> bool:
        """Whether to send the text.  Before many pasted lines, we ask the person."""
        lines = len(typed.splitlines())
        if lines < MANY_LINES:
            return True
        await self._screen.show([own(notes.many_lines(lines))])
        if is_yes(await self._screen.ask()):
            return True
        await self._screen.show([own(notes.NONE_SENT)])
        return False

    async def _send(self, line: str) -> None:
        keep = self._talk.arrived
        self._talk.type(line)
        try:
            await self._flush()
        except OSError:  # The listener notices it too, and tells.
            if keep:
                self._screen.give_back(line)

    async def _flush(self) -> None:
        data = self._talk.take_outgoing()
        if data:
            await self._wire.write(data)

    async def _part(self, listening: asyncio.Task[None]) -> None:
        """Say goodbye, but do not wait long for a server that does not answer."""
        self._leaving = True
        if not self._talk.connected:
            return
        self._talk.leave()
        try:
            await self._flush()
            if not self._talk.arrived:
                await self._wire.finish()
        except OSError:
            return
        await asyncio.wait({listening}, timeout=FAREWELL)
