"""The terminal client in a script: with its input or output redirected it is a plain filter."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import subprocess
import sys
import termios
import threading

from twisted.trial.unittest import SynchronousTestCase

from granja.client import sentences as notes
from granja.client.arguments import Address
from granja.client.connect import open_wire
from granja.client.memory import MemoryWire
from granja.client.pipe import THREAD, Streams, run
from granja.contract.messages import ASK_PASSWORD, GOODBYE
from tests.support.certificates import make
from tests.support.folders import folder_for
from tests.support.ports import free_port
from tests.support.server import Server, environment


def granja(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run the client as a script would."""
    return subprocess.run(
        [sys.executable, "-m", "granja", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
    )


class WithTheRealServer(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = Server("--rate", "off")
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)

    def test_every_reply_arrives(self) -> None:
        """``printf … | granja`` half-closes, and prints all that comes back."""
        typed = "Ana\n6, 13\nsi\n:artefacto 22\n" + ":larva\n" * 300 + ":u\n"
        result = granja(f"127.0.0.1:{self.server.port}", typed=typed)
        self.assertEqual(
            result.stdout.splitlines(),
            [
                "[SERVER] Ingresa tu nombre:",
                "¡Bienvenid@ al chat de Granjerxs!",
                "[SERVER] Cuéntame, ¿qué artefactos tienes?",
                "[SERVER] Tus artefactos son: Punta de flecha, Espada antigua",
                "[SERVER] ¿Está Bien? (Sí/No)",
                "[SERVER] ¡OK!",
                "[SERVER] El artefacto es: Trocitos de cristal",
                "[SERVER] Usuarios conectados: Ana",
            ],
        )
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_a_line_without_an_end(self) -> None:
        """The contract discards it.  The author of the script hears so."""
        result = granja(f"127.0.0.1:{self.server.port}", typed="Eva\n6\nsi\n:u")
        self.assertNotIn("conectados", result.stdout)
        self.assertIn(notes.UNFINISHED, result.stderr)


class Complaints(SynchronousTestCase):
    """A clear sentence and a status, never a traceback."""

    def check(self, status: int, sentence: str, *arguments: str) -> None:
        result = granja(*arguments)
        self.assertEqual((result.returncode, result.stdout), (status, ""))
        self.assertRegex(result.stderr, rf"\Agranja: .*{re.escape(sentence)}.*\n\Z")

    def test_nobody_there(self) -> None:
        self.check(1, "No hay ninguna granja en 127.0.0.1:1.", "127.0.0.1:1")

    def test_an_unknown_host(self) -> None:
        self.check(1, "No encuentro el servidor granja.invalid.", "granja.invalid")

    def test_a_mistyped_option(self) -> None:
        self.check(2, "No conozco la opción --tsl.", "--tsl")

    def test_no_such_cafile(self) -> None:
        self.check(2, "No puedo leer /no/hay.pem: no existe.", "--cafile", "/no/hay.pem")

    def test_a_cafile_without_certificates(self) -> None:
        empty = folder_for(self) / "vacío.pem"
        empty.write_text("hola", "utf-8")
        self.check(2, "no tiene certificados en formato PEM.", "--cafile", str(empty))

    def test_help(self) -> None:
        result = granja("--help")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, notes.HELP, ""))


class InMemory(SynchronousTestCase):
    """The filter between two pipes and a wire that the test holds."""

    def setUp(self) -> None:
        self.wire = MemoryWire()
        self.complaints: list[str] = []
        self.typed, self.typing = os.pipe()
        self.read, self.sink = os.pipe()
        self.open = {self.typed, self.typing, self.read, self.sink}
        self.typists = {self.typing}
        self.addCleanup(self.close_all)

    def close(self, descriptor: int) -> None:
        self.open.remove(descriptor)
        os.close(descriptor)

    def close_all(self) -> None:
        # Ends of input first, and the threads that wait for them: a thread that comes late must
        # not read what the next test types under the same number.
        for descriptor in self.typists & self.open:
            self.close(descriptor)
        for thread in threading.enumerate():
            if thread.name == THREAD:
                thread.join(10)
        for descriptor in self.open:
            os.close(descriptor)

    def types(self, data: bytes) -> None:
        os.write(self.typing, data)
        self.close(self.typing)

    def run_filter(self, *answers: bytes) -> int:
        """:param answers: what the server says once the filter has sent all that was typed."""
        streams = Streams(self.typed, self.sink, self.complaints.append)

        async def both() -> int:
            async with asyncio.timeout(10):
                running = asyncio.create_task(run(self.wire, streams))
                while answers and not self.wire.finished:
                    await asyncio.sleep(0.001)
                self.wire.says(*answers)
                return await running

        return asyncio.run(both())

    def printed(self) -> bytes:
        self.close(self.sink)
        with os.fdopen(os.dup(self.read), "rb") as printed:
            return printed.read()

    def test_what_the_server_says_is_cleaned(self) -> None:
        self.types(b"")
        said = (b"Ana: \x1b[2Jho", b"la\xff\xfb\x01\r\nmedia l", "ínea".encode(), b"")
        self.assertEqual(self.run_filter(*said), 0)
        self.assertEqual(self.printed().decode(), "Ana: hola\nmedia línea\n")
        self.assertTrue(self.wire.closed)

    def test_bytes_that_telnet_would_take(self) -> None:
        """A byte FF in the input goes out as data, and the server can refuse it."""
        self.types(b"a\xffb\n")

        self.assertEqual(self.run_filter(b"\r\n", b""), 0)
        self.assertEqual(bytes(self.wire.sent), b"a\xff\xffb\n")

    def test_the_server_goes_first(self) -> None:
        """A script must learn that what it still had to say was not heard."""
        self.wire.says(b"[SERVER] Tiempo agotado.\r\n", b"")
        self.assertEqual(self.run_filter(), 1)
        self.assertEqual(self.complaints, [notes.BROKEN])

    def test_a_goodbye_is_a_good_end(self) -> None:
        self.wire.says(GOODBYE.line().encode() + b"\r\n", b"")
        self.assertEqual(self.run_filter(), 0)
        self.assertEqual(self.complaints, [])

    def test_not_a_word(self) -> None:
        """A TLS port does this to a client without ``--tls``."""
        self.types(b"Ana\n")
        self.assertEqual(self.run_filter(b""), 1)
        self.assertEqual(self.complaints, [notes.NO_GRANJA])

    def test_a_broken_line(self) -> None:
        self.types(b"")
        self.wire.breaks()
        self.assertEqual(self.run_filter(), 1)
        self.assertEqual(self.complaints, [notes.BROKEN])

    def test_whoever_reads_has_had_enough(self) -> None:
        """``granja | head -1`` ends without a word."""
        self.close(self.read)
        self.wire.says(b"una\r\n")
        self.assertEqual(self.run_filter(), 0)
        self.assertEqual(self.complaints, [])

    def test_an_output_that_cannot_be_written(self) -> None:
        self.close(self.sink)
        self.sink = os.open("/dev/full", os.O_WRONLY)
        self.open.add(self.sink)
        self.wire.says(b"una\r\n")
        self.assertEqual(self.run_filter(), 1)
        self.assertIn("No puedo escribir la salida", self.complaints[0])

    def test_a_password_at_a_dumb_terminal(self) -> None:
        """Where somebody types at a terminal that only scrolls, passwords are hidden too."""
        keyboard, terminal = pty.openpty()
        self.close(self.typed)
        self.typed = terminal
        self.open |= {keyboard, terminal}
        self.typists.add(keyboard)

        def shown() -> bool:
            return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)

        async def scene() -> int:
            running = asyncio.create_task(run(self.wire, Streams(terminal, self.sink, print)))
            self.wire.says(ASK_PASSWORD.line().encode() + b"\r\n")
            while shown():
                await asyncio.sleep(0.001)
            self.wire.says("[SERVER] ¡OK!\r\n".encode())
            while not shown():
                await asyncio.sleep(0.001)
            self.wire.says(ASK_PASSWORD.line().encode() + b"\r\n")
            self.wire.breaks()
            return await running

        self.assertEqual(asyncio.run(scene()), 1)
        self.assertTrue(shown())

    def test_a_terminal_has_nothing_to_wrap(self) -> None:
        """On a terminal that only scrolls, a row is indented too.  A file gets the lines
        unchanged."""
        screen, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (24, 40))
        self.close(self.sink)
        self.sink = terminal
        self.open |= {screen, terminal}
        self.wire.says(b"Beto: " + b"espacio " * 4 + b"[SERVER] falso\r\n")
        self.wire.ends()
        self.run_filter()
        shown = os.read(screen, 4096).decode()
        self.assertIn("espacio \r\n    [SERVER] falso\r\n", shown)


class Opening(SynchronousTestCase):
    def test_a_host_name_that_cannot_be_one(self) -> None:
        async def connect() -> None:
            await open_wire(Address("a" * 64 + ".cl"), None)

        with self.assertRaises(UnicodeError) as caught:
            asyncio.run(connect())
        self.assertIn("No encuentro", notes.explain(caught.exception, Address("x")))


class OverTLS(SynchronousTestCase):
    def setUp(self) -> None:
        self.pem = make("127.0.0.1").put(folder_for(self) / "granja.pem")
        port = free_port()
        self.place = f"127.0.0.1:{port}"
        listen = f"ssl:{port}:interface=127.0.0.1:privateKey={self.pem}:certKey={self.pem}"
        server = Server("--rate", "off", "--listen", listen)
        server.__enter__()
        self.addCleanup(server.__exit__, None, None, None)

    def test_a_visit(self) -> None:
        visiting = subprocess.Popen(
            [sys.executable, "-m", "granja", "--cafile", str(self.pem), self.place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        with visiting:
            assert visiting.stdin is not None
            assert visiting.stdout is not None
            visiting.stdin.write("Ana\n6, 13\nsi\n:u\n:q\n")
            visiting.stdin.flush()  # and it stays open: the goodbye comes from :q alone
            lines = visiting.stdout.read().splitlines()
        self.assertEqual(visiting.returncode, 0)
        self.assertEqual(
            lines[-2:],
            [
                "[SERVER] Usuarios conectados: Ana",
                "[SERVER] ¡Adiós y suerte completando tu colección!",
            ],
        )

    def test_every_reply_arrives(self) -> None:
        """TLS has a half-close of its own; a script's last replies are not lost over it."""
        typed = "Gus\n6, 13\nsi\n:registrar secreto99\n" + ":catalogo\n" * 200 + ":u\n"
        result = granja("--cafile", str(self.pem), self.place, typed=typed)
        lines = result.stdout.splitlines()
        self.assertEqual(lines[-1], "[SERVER] Usuarios conectados: Gus")
        self.assertEqual(len(lines), 8 + 200 * 42)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_an_unknown_certificate(self) -> None:
        result = granja("--tls", self.place)
        self.assertIn("No confío en el certificado", result.stderr)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
