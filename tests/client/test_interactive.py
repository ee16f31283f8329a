"""The terminal client's life: connecting, typing, losing the line, coming back, leaving."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from twisted.trial.unittest import SynchronousTestCase

from granja.client import interactive
from granja.client.conversation import Conversation
from granja.client.interactive import Interactive
from granja.client.memory import MemoryScreen, MemoryWire
from granja.client.pauses import Pauses
from granja.contract import messages
from granja.contract.catalog import Artifact
from granja.contract.ids import ArtifactId
from tests.client.test_hearing import WILL_GMCP, package

ANCLA = Artifact(ArtifactId(21), "Ancla")
QUESTION = b"[SERVER] Ingresa tu nombre:\r\n" + WILL_GMCP


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.talk = Conversation({21: "Ancla"})
        self.screen = MemoryScreen()
        self.wires: list[MemoryWire] = []
        self.refusals: list[Exception] = []
        self.pauses: list[float] = []
        self.client = Interactive(
            self.talk,
            self.screen,
            Pauses(lambda: 1.0),
            self.connect,
            lambda error: "No hay nadie.",
            self.sleep,
        )

    async def connect(self) -> MemoryWire:
        if self.refusals:
            raise self.refusals.pop(0)
        self.wires.append(MemoryWire())
        self.wires[-1].says(QUESTION)
        return self.wires[-1]

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    def act(self, scene: Coroutine[None, None, None]) -> int:
        """Run the client during ``scene``.  Returns its exit status."""

        async def both() -> int:
            async with asyncio.timeout(10), asyncio.TaskGroup() as group:
                running = group.create_task(self.client.run())
                group.create_task(scene)
            return running.result()

        return asyncio.run(both())

    async def until(self, line: str, times: int = 1) -> None:
        """Wait for the screen to show a line that has ``line`` in it."""
        while sum(line in shown for shown in self.screen.lines) < times:
            await asyncio.sleep(0)

    async def until_sent(self, data: bytes) -> None:
        while data not in self.wires[-1].sent:
            await asyncio.sleep(0)

    async def arrive(self) -> MemoryWire:
        await self.until("Ingresa tu nombre")
        self.screen.types("Ana")
        wire = self.wires[-1]
        await self.until_sent(b"Ana\r\n")
        wire.says(package(messages.Inventory((ANCLA,))), package(messages.Ready("Ana")))
        wire.says(package(messages.Here(("Ana",))))
        await self.until("Usuarios conectados")
        return wire


class Talking(Case):
    def test_a_visit(self) -> None:
        async def scene() -> None:
            wire = await self.arrive()
            self.screen.types("hola")
            await self.until_sent(b"hola\r\n")
            wire.says(package(messages.Said("Beto", "¡hola!")))
            await self.until("Beto: ¡hola!")
            self.screen.leaves()
            await self.until_sent(b":q\r\n")
            wire.says(package(messages.GOODBYE))
            wire.ends()

        self.assertEqual(self.act(scene()), 0)
        self.assertIn("suerte", self.screen.lines[-1])
        self.assertTrue(self.wires[0].closed)
        self.assertEqual(self.pauses, [])

    def test_a_long_paste_is_asked_about(self) -> None:
        paste = "\n".join(f"línea {n}" for n in range(20))

        async def scene() -> None:
            wire = await self.arrive()
            self.screen.types(paste)
            await self.until("Pegaste 20 líneas")
            self.screen.types("no")
            await self.until("No se envió nada")
            self.assertNotIn("línea 0".encode(), wire.sent)
            self.screen.types(paste)
            await self.until("Pegaste 20 líneas", 2)
            self.screen.types("sí")
            await self.until_sent("línea 19\r\n".encode())
            wire.ends()
            self.screen.leaves()

        self.act(scene())

    def test_nineteen_lines_are_not(self) -> None:
        async def scene() -> None:
            await self.arrive()
            self.screen.types("\n".join(f"línea {n}" for n in range(19)))
            await self.until_sent("línea 18\r\n".encode())
            self.wires[-1].ends()
            self.screen.leaves()

        self.act(scene())

    def test_leaving_by_command(self) -> None:
        async def scene() -> None:
            wire = await self.arrive()
            self.screen.types(":q")
            await self.until_sent(b":q\r\n")
            wire.says(package(messages.GOODBYE))
            wire.ends()

        self.assertEqual(self.act(scene()), 0)
        self.assertEqual(len(self.wires), 1)

    def test_leaving_at_a_question(self) -> None:
        """There ``:q`` would count as a name.  The client only says that it is done."""

        async def scene() -> None:
            await self.until("Ingresa tu nombre")
            self.screen.leaves()
            while not self.wires[-1].finished:
                await asyncio.sleep(0)
            self.wires[-1].ends()

        self.assertEqual(self.act(scene()), 0)
        self.assertNotIn(b":q", self.wires[0].sent)

    def test_told_from_outside(self) -> None:
        """A signal ends the visit as politely as Ctrl-D does."""

        async def scene() -> None:
            wire = await self.arrive()
            self.client.leave()
            await self.until_sent(b":q\r\n")
            wire.says(package(messages.GOODBYE))
            wire.ends()

        self.assertEqual(self.act(scene()), 0)

    def test_a_server_that_does_not_let_go(self) -> None:
        self.patch(interactive, "FAREWELL", 0.01)

        async def scene() -> None:
            await self.arrive()
            self.screen.leaves()

        self.assertEqual(self.act(scene()), 0)
        self.assertTrue(self.wires[0].closed)

    def test_nobody_there_at_the_start(self) -> None:
        """The first attempt is the only one.  A person who mistyped a port wants to know it now."""
        self.refusals = [ConnectionRefusedError()]
        with self.assertRaises(ConnectionRefusedError):
            asyncio.run(self.client.run())


class LosingTheLine(Case):
    def test_it_comes_back_with_growing_pauses(self) -> None:
        async def scene() -> None:
            wire = await self.arrive()
            self.refusals = [ConnectionRefusedError(), TimeoutError(), OSError(), UnicodeError()]
            wire.breaks()
            await self.until("Conexión recuperada; vuelvo a entrar como Ana.")
            wire = self.wires[-1]
            await self.until_sent(b"Ana\r\n")
            wire.says(package(messages.ASK_ARTIFACTS), package(messages.ASK_CONFIRMATION))
            wire.says(package(messages.Ready("Ana")), package(messages.Here(("Ana",))))
            await self.until("Usuarios conectados", 2)
            self.screen.types("sigo aquí")
            await self.until_sent("sigo aquí\r\n".encode())
            self.screen.leaves()
            await self.until_sent(b":q\r\n")
            wire.ends()

        self.assertEqual(self.act(scene()), 0)
        self.assertEqual(self.pauses, [1, 2, 4, 8, 16])
        self.assertIn(b"Ana\r\n21\r\ns\xc3\xad\r\n", self.wires[-1].sent)
        for sentence in (
            "[granja] Se cortó la conexión. Vuelvo a intentarlo en 1 segundo.",
            "[granja] No hay nadie. Vuelvo a intentarlo en 2 segundos.",
        ):
            self.assertIn(sentence, self.screen.lines)
        self.assertTrue(self.wires[0].closed)

    def test_leaving_meanwhile(self) -> None:
        """Nobody waits for a pause to end in order to go home."""

        async def never(seconds: float) -> None:
            self.screen.leaves()
            await asyncio.Event().wait()

        self.client._sleep = never

        async def scene() -> None:
            (await self.arrive()).ends()

        self.assertEqual(self.act(scene()), 0)

    def test_a_line_that_could_not_be_sent_is_given_back(self) -> None:
        async def scene() -> None:
            wire = await self.arrive()
            wire.closed = True  # it breaks in the instant in which the line is entered
            self.screen.types("esto no se pierde")
            while not self.screen.given_back:
                await asyncio.sleep(0)
            self.screen.leaves()

        self.patch(interactive, "FAREWELL", 0.01)
        self.assertEqual(self.act(scene()), 0)
        self.assertEqual(self.screen.given_back, ["esto no se pierde"])

    def test_answers_are_not_given_back(self) -> None:
        """Half of them are passwords."""

        async def scene() -> None:
            await self.until("Ingresa tu nombre")
            self.wires[-1].closed = True
            self.screen.types("secreto99")
            self.screen.leaves()

        self.patch(interactive, "FAREWELL", 0.01)
        self.act(scene())
        self.assertEqual(self.screen.given_back, [])

    def test_one_is_elsewhere_now(self) -> None:
        """Two terminals with one name must not throw each other out for ever."""

        async def scene() -> None:
            wire = await self.arrive()
            wire.says(package(messages.REPLACED))
            wire.ends()

        self.assertEqual(self.act(scene()), 1)
        self.assertEqual(len(self.wires), 1)

    def test_a_server_that_says_nothing(self) -> None:
        """A TLS port does this to a client without ``--tls``."""
        self.patch(interactive, "SILENCE", 0.01)

        async def connect() -> MemoryWire:
            self.wires.append(MemoryWire())
            return self.wires[-1]

        self.client._connect = connect

        async def scene() -> None:
            await self.until("se entra con --tls")
            self.wires[-1].says(QUESTION)
            await self.until("Ingresa tu nombre")
            self.screen.leaves()
            self.wires[-1].ends()

        self.assertEqual(self.act(scene()), 0)

    def test_a_port_where_something_else_lives(self) -> None:
        async def connect() -> MemoryWire:
            self.wires.append(MemoryWire())
            self.wires[-1].says(b"SSH-2.0-OpenSSH_9.6\r\n", b"")
            return self.wires[-1]

        self.client._connect = connect
        self.assertEqual(self.act(asyncio.sleep(0)), 1)
        self.assertEqual(self.screen.lines[-1], "[granja] El servidor cerró la conexión.")
        self.assertEqual(len(self.wires), 1)
