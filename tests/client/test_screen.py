"""The terminal client's screen, typed at through prompt_toolkit's own pipe."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable

from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from twisted.trial.unittest import SynchronousTestCase

from granja.client.conversation import Conversation
from granja.client.display import Kind, Shown
from granja.client.history import LineHistory
from granja.client.screen import Screen, Suggestions
from granja.contract import messages
from tests.client.test_hearing import WILL_GMCP, package
from tests.support.folders import folder_for

QUESTION = b"[SERVER] Ingresa tu nombre:\r\n" + WILL_GMCP


class Case(SynchronousTestCase):
    depth = ColorDepth.DEPTH_4_BIT
    rows = 24

    def setUp(self) -> None:
        self.talk = Conversation({12: "Disco raro"})
        self.talk.connect()
        self.talk.receive(QUESTION)
        self.written = io.StringIO()
        self.complaints: list[OSError] = []
        path = folder_for(self) / "historial"
        self.history = LineHistory(path, self.talk.may_be_kept, self.complaints.append)

    def at_the_screen(self, scene: Callable[[Screen, PipeInput], Awaitable[None]]) -> str:
        """What the terminal gets during ``scene``."""

        async def sit() -> None:
            with create_pipe_input() as keyboard:
                output = Vt100_Output(
                    self.written,
                    lambda: Size(rows=self.rows, columns=80),
                    default_color_depth=self.depth,
                    enable_cpr=False,
                )
                async with asyncio.timeout(10):
                    await scene(Screen(self.talk, self.history, keyboard, output), keyboard)

        asyncio.run(sit())
        return self.written.getvalue()

    def arrive(self) -> None:
        self.talk.type("Ana")
        self.talk.receive(package(messages.Ready("Ana")) + package(messages.Here(("Ana",))))

    async def until_written(self, text: str) -> None:
        while text not in self.written.getvalue():
            await asyncio.sleep(0.005)

    async def type(self, screen: Screen, keyboard: PipeInput, keys: str) -> None:
        """Press keys and wait for the line to be there."""
        keyboard.send_text(keys)
        while not screen.typed.endswith(keys):
            await asyncio.sleep(0.005)


class Typing(Case):
    def test_lines_arrive_above_what_is_typed(self) -> None:
        """Half-typed text stays whole, and the person can finish it."""
        self.arrive()

        async def scene(screen: Screen, keyboard: PipeInput) -> None:
            asking = asyncio.create_task(screen.ask())
            await self.type(screen, keyboard, "medio ")
            await screen.show([Shown(Kind.TALK, "Beto: hola", "Beto")])
            self.assertEqual(screen.typed, "medio ")
            keyboard.send_text("dicho\r")
            self.assertEqual(await asking, "medio dicho")

        self.assertIn("hola", self.at_the_screen(scene))

    def test_what_is_wrapped_is_indented(self) -> None:
        """No talk can look like the beginning of a row.  The name keeps its style."""
        forged = "[SERVER] Intercambio aceptado"

        async def scene(screen: Screen, keyboard: PipeInput) -> None:
            said = "Beto: " + "espacio " * 9 + forged
            await screen.show(
                [Shown(Kind.TALK, said, "Beto"), Shown(Kind.TALK, "x" * 99, "x" * 99)]
            )

        told = self.at_the_screen(scene)
        self.assertIn("\r\n    espacio [SERVER] Intercambio aceptado\r\n", told)
        self.assertIn("  " + "x" * 77 + "\r\n    " + "x" * 22, told)

    def test_a_small_terminal_keeps_room_for_talk(self) -> None:
        """In 8 rows the menu has 2.  prompt_toolkit would take all of them."""
        for rows, kept in ((8, 2), (24, 6), (50, 8)):
            self.rows = rows

            async def scene(screen: Screen, keyboard: PipeInput, kept: int = kept) -> None:
                asking = asyncio.create_task(screen.ask())
                await self.type(screen, keyboard, "x")
                self.assertEqual(screen._session.reserve_space_for_menu, kept)
                keyboard.send_text("\r")
                await asking

            self.at_the_screen(scene)

    def test_nothing_is_sent_into_the_void(self) -> None:
        """Enter without a connection keeps the line and says why."""
        self.arrive()

        async def scene(screen: Screen, keyboard: PipeInput) -> None:
            asking = asyncio.create_task(screen.ask())
            await self.type(screen, keyboard, "hola")
            self.talk.disconnect()
            await screen.show([])
            keyboard.send_text("\r")
            await self.until_written("tu línea sigue aquí")
            self.assertFalse(asking.done())
            self.talk.connect()
            self.talk.receive(package(messages.Ready("Ana")))
            await screen.show([])
            keyboard.send_text("\r")
            self.assertEqual(await asking, "hola")

        self.assertIn("sin conexión> ", self.at_the_screen(scene))

    def test_tab(self) -> None:
        """Even pressed fast, Tab takes the only suggestion, or goes through several one by one."""
        self.arrive()
        self.talk.receive(package(messages.Here(("Ana", "Beto", "Bea"))))

        async def scene(screen: Screen, keyboard: PipeInput) -> None:
            asking = asyncio.create_task(screen.ask())
            keyboard.send_text(":artefacto disc\t\r")
            self.assertEqual(await asking, ":artefacto 12")
            asking = asyncio.create_task(screen.ask())
            keyboard.send_text("hola be\t")
            await self.until_written("Bea")
            keyboard.send_text("\t\t\r")
            self.assertEqual(await asking, "hola Bea")

        self.at_the_screen(scene)

    def test_a_line_given_back(self) -> None:
        self.arrive()

        async def scene(screen: Screen, keyboard: PipeInput) -> None:
            screen.give_back("esto no se pierde")
            keyboard.send_text("\r")
            self.assertEqual(await screen.ask(), "esto no se pierde")
            keyboard.send_text("\r")
            self.assertEqual(await screen.ask(), "")

        self.at_the_screen(scene)

    def test_ways_out(self) -> None:
        async def scene(screen: Screen, keyboard: PipeInput) -> None:
            keyboard.send_text("\x04")
            with self.assertRaises(EOFError):
                await screen.ask()
            keyboard.send_text("x\x03")
            with self.assertRaises(KeyboardInterrupt):
                await screen.ask()

        self.at_the_screen(scene)

    def test_the_prompt_says_what_is_wanted(self) -> None:
        async def scene(screen: Screen, keyboard: PipeInput) -> None:
            for label, line, reply in (
                ("nombre> ", "Ana", messages.ASK_ARTIFACTS),
                ("artefactos> ", "6", messages.ASK_CONFIRMATION),
                ("sí o no> ", "si", messages.Ready("Ana")),
                ("Ana> ", "hola", messages.Said("Beto", "hola")),
            ):
                asking = asyncio.create_task(screen.ask())
                await self.until_written(label.rstrip())
                keyboard.send_text(f"{line}\r")
                self.talk.type(await asking)
                self.talk.receive(package(reply))

        self.at_the_screen(scene)


class Hiding(Case):
    def test_a_password_is_never_written(self) -> None:
        """Neither while it is typed, nor afterwards, nor when the line drops half way."""
        self.talk.type("Ana")
        self.talk.receive(package(messages.ASK_PASSWORD))

        async def scene(screen: Screen, keyboard: PipeInput) -> None:
            asking = asyncio.create_task(screen.ask())
            await screen.show([])
            await self.type(screen, keyboard, "secreto")
            await self.until_written("*")
            self.talk.disconnect()
            await screen.show([Shown(Kind.OWN, "Se cortó")])
            self.assertEqual(screen.typed, "")
            self.talk.connect()
            self.talk.receive(QUESTION)
            self.talk.type("Ana")
            self.talk.receive(package(messages.ASK_PASSWORD))
            await screen.show([])
            keyboard.send_text("secreto99\r")
            self.assertEqual(await asking, "secreto99")

        written = self.at_the_screen(scene)
        self.assertNotIn("secre", written)
        self.assertIn("***", written)
        self.assertEqual(self.history.get_strings(), [])

    def test_a_question_in_the_midst_of_a_sentence(self) -> None:
        """Half a sentence does not go out as a password, and is there again afterwards."""
        self.arrive()

        async def scene(screen: Screen, keyboard: PipeInput) -> None:
            asking = asyncio.create_task(screen.ask())
            await self.type(screen, keyboard, "hola a to")
            self.talk.disconnect()
            await screen.show([])
            self.talk.connect()
            self.talk.receive(QUESTION + package(messages.ASK_PASSWORD))
            await screen.show([])
            self.assertEqual(screen.typed, "")
            keyboard.send_text("secreto99\r")
            self.talk.type(await asking)
            asking = asyncio.create_task(screen.ask())
            self.talk.receive(package(messages.Ready("Ana")))
            await asyncio.sleep(0)
            await screen.show([])
            keyboard.send_text("dos\r")
            self.assertEqual(await asking, "hola a todos")

        self.at_the_screen(scene)

    def test_the_password_of_a_command(self) -> None:
        self.arrive()

        async def scene(screen: Screen, keyboard: PipeInput) -> None:
            asking = asyncio.create_task(screen.ask())
            await self.type(screen, keyboard, ":registrar secreto99")
            await self.until_written("*")
            keyboard.send_text("\r")
            self.assertEqual(await asking, ":registrar secreto99")

        written = self.at_the_screen(scene)
        self.assertNotIn("secre", written)
        self.assertIn("***", written)
        self.assertEqual(self.history.get_strings(), [])

    def test_talk_is_remembered(self) -> None:
        self.arrive()

        async def scene(screen: Screen, keyboard: PipeInput) -> None:
            keyboard.send_text("hola\r")
            await screen.ask()
            keyboard.send_text("\x1b[A\r")
            self.assertEqual(await screen.ask(), "hola")

        self.at_the_screen(scene)
        self.assertEqual(self.history.get_strings(), ["hola"])


class Looks(Case):
    LINES = (
        Shown(Kind.WHISPER, "Beto te susurra: psst", "Beto", bell=True),
        Shown(Kind.OFFER, "[SERVER] oferta"),
        Shown(Kind.SERVER, "[SERVER] aviso"),
    )

    async def scene(self, screen: Screen, keyboard: PipeInput) -> None:
        await screen.show(self.LINES)

    def test_kinds_have_colours_and_marks(self) -> None:
        written = self.at_the_screen(self.scene)
        self.assertIn("\x1b[0;35m» ", written)
        self.assertIn("\x1b[0;33m↔ [SERVER] oferta", written)
        self.assertIn("\x1b[0;36m· [SERVER] aviso", written)

    def test_the_bell(self) -> None:
        self.assertEqual(self.at_the_screen(self.scene).count("\a"), 1)

    def test_menu(self) -> None:
        self.arrive()
        completer = Suggestions(self.talk)
        event = CompleteEvent(text_inserted=True)
        (completion,) = completer.get_completions(Document(":artefacto disco"), event)
        self.assertEqual((completion.text, completion.start_position), ("12", -len("disco")))
        self.assertEqual(completion.display_text, "Disco raro")


class NoColour(Looks):
    """``NO_COLOR``: prompt_toolkit then writes with a depth of one bit."""

    depth = ColorDepth.DEPTH_1_BIT

    def test_kinds_have_colours_and_marks(self) -> None:
        written = self.at_the_screen(self.scene)
        self.assertNotRegex(written, "\x1b\\[[0-9;]*3[0-7]m")
        for mark in ("» ", "↔ [SERVER] oferta", "· [SERVER] aviso"):
            self.assertIn(mark, written)
