"""The real thing: a process, started through the plugin, and real sockets."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from granja import __version__, service
from tests.support.certificates import make
from tests.support.folders import folder_for
from tests.support.ports import free_port
from tests.support.server import (
    PATIENCE,
    Line,
    Server,
    environment,
    run_to_the_end,
)


class OnLoopback(SynchronousTestCase):
    """People on real connections."""

    def test_two_farmers_talk_and_trade(self) -> None:
        """The session that the README shows, with both runners of Twisted."""
        for command in ("twistd", "twist"):
            self.talk_and_trade(Server(command=command))

    def test_with_other_reactors(self) -> None:
        for reactor in ("select", "poll", "asyncio"):
            self.talk_and_trade(Server(reactor=reactor))

    def talk_and_trade(self, stopped: Server) -> None:
        with stopped as server:
            gus = server.dial().arrives("Gus", "12")
            ana = server.dial().arrives("Ana", "32")
            self.assertEqual(gus.hears(), "[SERVER] Cliente Ana conectado.")
            ana.types("¡hola!", ":offer gus 32 12")
            self.assertEqual(gus.hears(), "Ana: ¡hola!")
            self.assertIn("(#1: :accept o :reject)", gus.hears())
            gus.types(":accept")
            self.assertEqual(
                gus.hears(),
                "[SERVER] Intercambio aceptado, ahora tus artefactos son: Escápula prehistórica",
            )
            self.assertEqual(ana.hears(), "[SERVER] Oferta #1 enviada a Gus.")
            self.assertEqual(
                ana.hears(),
                "[SERVER] Intercambio realizado, tus artefactos ahora son: Disco raro",
            )
            gus.close()
            ana.close()
            server.stop()
            self.assertNotIn("Traceback", server.read_log())

    def test_a_half_closed_connection_hears_everything(self) -> None:
        with Server() as server:
            ana = server.dial()
            ana.types("Ana", "6", "si", ":u")
            ana.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(ana.hears_to_the_end()[-1], "[SERVER] Usuarios conectados: Ana")
            ana.close()

    def test_a_clock_that_is_set_back_stops_nothing(self) -> None:
        """By the wall clock, everything that waits now would wait an hour more."""
        prelude = (
            "import signal, time\n"
            "real, wrong = time.time, []\n"
            "time.time = lambda: real() - sum(wrong)\n"
            "signal.signal(signal.SIGUSR1, lambda *_: wrong.append(3600))\n"
        )
        with Server("--arrival-timeout", "1", prelude=prelude) as server:
            assert server.process is not None
            arriving = server.dial()
            arriving.hears()
            server.process.send_signal(signal.SIGUSR1)
            self.assertEqual(len(arriving.hears_to_the_end()), 1, "that the time is up")
            arriving.close()

    def test_everybody_hears_the_goodbye(self) -> None:
        for how in (signal.SIGTERM, signal.SIGINT):
            with Server() as server:
                ana = server.dial().arrives("Ana", "6")
                arriving = server.dial()
                arriving.hears()
                status = server.stop(how)
                self.assertEqual(
                    ana.hears_to_the_end(), ["[SERVER] El servidor se apaga. ¡Hasta pronto!"]
                )
                self.assertEqual(
                    arriving.hears_to_the_end(), ["[SERVER] El servidor se apaga. ¡Hasta pronto!"]
                )
                self.assertIn(status, (0, -how), "as Twisted's runner ends it")
                self.assertNotIn("Traceback", server.read_log())
                ana.close()
                arriving.close()

    def test_an_impatient_operator_waits_for_nobody_who_does_not_read(self) -> None:
        """Even if all signals come at once, people who read hear the goodbye."""
        with Server("--rate", "off") as server:
            assert server.process is not None
            stuck = server.dial()
            stuck.types("Gus", "", "si", *[":help"] * 3000)
            ana = server.dial().arrives("Ana", "6")
            began = time.monotonic()
            for how in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
                server.process.send_signal(how)
            status = server.process.wait(PATIENCE)
            self.assertLess(time.monotonic() - began, service.PATIENCE)
            goodbye = "[SERVER] El servidor se apaga. ¡Hasta pronto!"
            self.assertEqual(ana.hears_to_the_end()[-1], goodbye)
            self.assertIn(status, (0, -signal.SIGINT, -signal.SIGTERM))
            self.assertNotIn("Traceback", server.read_log())
            ana.close()
            stuck.close()

    def test_a_restart_keeps_what_is_registered(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with Server(folder=folder, ledger="sqlite:farm.db") as server:
                ana = server.dial().arrives("Ana", "21")
                ana.types(":registrar girasoles al sol")
                self.assertEqual(ana.hears(), "[SERVER] Ana, tu nombre quedó registrado.")
                ana.close()
                server.stop()
            with Server(folder=folder, ledger="sqlite:farm.db") as server:
                ana = server.dial()
                ana.types("Ana", "girasoles al sol")
                self.assertEqual(
                    ana.hears_until("OK"),
                    [
                        "[SERVER] Ingresa tu nombre:",
                        "[SERVER] Contraseña:",
                        "¡Bienvenid@ al chat de Granjerxs!",
                        "[SERVER] Tus artefactos son: Ancla",
                        "[SERVER] ¡OK!",
                    ],
                )
                ana.close()
                server.stop()
                self.assertNotIn("girasoles", server.read_log())

    def test_without_file_descriptors_those_inside_stay_inside(self) -> None:
        """Arrivals resume when there are descriptors again."""
        limit = 40
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        with Server() as server:
            assert server.process is not None
            resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (limit, hard))
            ana = server.dial().arrives("Ana")
            crowd = [server.dial() for _ in range(limit)]
            ana.types(":u")
            self.assertEqual(ana.hears(), "[SERVER] Usuarios conectados: Ana")
            for line in crowd:
                line.close()
            beto = self._arrives_when_there_is_room(server, "Beto")
            self.assertEqual(ana.hears(), "[SERVER] Cliente Beto conectado.")
            beto.close()
            ana.close()
            server.stop()
            self.assertNotIn("Traceback", server.read_log())

    def _arrives_when_there_is_room(self, server: Server, name: str) -> Line:
        """A person who comes before the last descriptor is free is turned away, and tries again."""
        deadline = time.monotonic() + PATIENCE
        while True:
            line = server.dial()
            try:
                return line.arrives(name)
            except (ConnectionError, EOFError):
                line.close()
                if time.monotonic() > deadline:
                    raise

    def test_a_reset_connection_does_not_stay_for_its_lines(self) -> None:
        """If a client pastes an hour's worth of lines and vanishes, it is gone, not a ghost."""
        with Server() as server:
            gus = server.dial().arrives("Gus")
            ana = server.dial().arrives("Ana")
            gus.hears()
            ana.types(*["hola"] * 2000)
            self.assertEqual(gus.hears(), "Ana: hola")
            ana.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            ana.close()
            heard = gus.hears_until("desconectado")
            self.assertLess(len(heard), 100)
            gus.close()
            server.stop()
            self.assertNotIn("Traceback", server.read_log())

    def test_whoever_resets_leaves_at_once_by_every_door(self) -> None:
        """PROTOCOL §6.  The next line would be looked at in a quarter of an hour."""
        pair = make("localhost").put(folder_for(self) / "both.pem")
        context = ssl.create_default_context(cafile=str(pair))
        secure, web = free_port(), free_port()
        doors = ["--listen", f"ssl:{secure}:interface=127.0.0.1:privateKey={pair}"]
        doors += ["--web", f"tcp:{web}:interface=127.0.0.1"]
        lines = [b"", b"si", *[b"hola"] * 40]
        with Server("--rate", "0.001/9", *doors) as server:
            gus = server.dial().arrives("Gus")
            for name, port in ((b"Ana", server.port), (b"Beto", secure), (b"Caro", web)):
                wire = socket.create_connection(("127.0.0.1", port), PATIENCE)
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if port == secure:
                    wire = context.wrap_socket(wire, server_hostname="localhost")
                if port == web:
                    wire.sendall(GREETING)
                    wire.sendall(b"".join(map(frame, [name, *lines])))
                else:
                    wire.sendall(b"\n".join([name, *lines, b""]))
                heard = [gus.hears() for _ in range(7)]  # Then no more of theirs is read.
                wire.close()  # It resets, for what was sent to it has not been read.
                self.assertIn(f"Cliente {name.decode()} conectado.", heard[0])
                self.assertIn(f"{name.decode()} desconectado", gus.hears_until("descon")[-1])
            gus.close()


#: How a browser asks for a WebSocket.
GREETING = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def frame(line: bytes) -> bytes:
    """A text message of a browser (RFC 6455 §5.2).  The mask is zero."""
    return bytes((0x81, 0x80 | len(line))) + bytes(4) + line


class CommandLine(SynchronousTestCase):
    """A bad value is one clear sentence and a status that is not zero, never a traceback."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def refused(self, *options: str) -> str:
        status, printed = run_to_the_end(*options, folder=self.folder.name)
        self.assertNotEqual(status, 0, printed)
        self.assertNotIn("Traceback", printed)
        return printed

    def file(self, name: str, content: bytes) -> str:
        path = Path(self.folder.name) / name
        path.write_bytes(content)
        return str(path)

    def test_bad_values(self) -> None:
        for option, value, sentence in (
            ("--max-line", "many", "--max-line many: it must be a whole number of bytes"),
            ("--max-artifacts", "0", "whole number, 1 or more"),
            ("--max-offers", "-1", "whole number, 1 or more"),
            ("--offer-lifetime", "nan", "number of seconds"),
            ("--arrival-timeout", "0", "number of seconds"),
            ("--rate", "fast", "such as 5/20"),
            ("--rate", "5", "--rate 5: it must be LINES-A-SECOND/LINES-AT-ONCE, such as 5/20"),
            ("--config", "/nonexistent", "cannot read /nonexistent"),
            ("--reserved-name", " ", "it must be a word"),
            ("--declarations", "twice", "open or once"),
            ("--listen", "carrier:pigeon", "cannot listen on carrier:pigeon"),
            ("--listen", "tcp:many", "cannot listen on tcp:many"),
            ("--listen", "tls:/nonexistent:5556", "no certificate (*.pem) in /nonexistent"),
            ("--listen", "tls:port=5556:path=/nonexistent", "(*.pem) in /nonexistent"),
            ("--web-origin", "granja.example", "it must be an origin, such as https://"),
            ("--web-origin", "https://granja.example/chat", "it must be an origin"),
            ("--web-origin", "https://[granja", "it must be an origin"),
            ("--proxy", "granja.example", "it must be a network, such as 10.0.0.0/8"),
            ("--trusted-network", "10.0.0.1/8", "it must be a network, such as 10.0.0.0/8"),
            ("--max-per-network", "0", "it must be a whole number, 1 or more"),
            ("--listen", "haproxy:carrier:pigeon", "cannot listen on haproxy:carrier:pigeon"),
            ("--motd", "/nonexistent", "cannot read /nonexistent"),
            ("--artifacts", "/nonexistent", "cannot read /nonexistent"),
            ("--ledger", "pigeon:loft", "must be memory: or sqlite:PATH, not 'pigeon:loft'"),
            ("--ledger", "sqlite:~nobodyhere/x.db", "nobody knows the folder ~nobodyhere"),
        ):
            self.assertIn(sentence, self.refused(option, value), (option, value))

    def test_bad_catalogs(self) -> None:
        for content, sentence in (
            (b"{", "is not a catalog"),
            (b"[]", "non-empty object"),
            (b"{}", "non-empty object"),
            (b'{"0": "Nada"}', "'0' is not a whole number"),
            (b'{"x": "Nada"}', "'x' is not a whole number"),
            (b'{"1": ""}', "artifact 1 must have a name"),
            (b'{"1": "a\\u001b[31m"}', "artifact 1 must have a name"),
            (b'{"1": "a", "1": "b"}', "twice"),
            (b"\xff", "not UTF-8"),
        ):
            path = self.file("catalog.json", content)
            self.assertIn(sentence, self.refused("--artifacts", path), content)

    def test_a_busy_port(self) -> None:
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            port = busy.getsockname()[1]
            printed = self.refused(
                "--listen", f"tcp:{port}:interface=127.0.0.1", "--ledger", "memory:"
            )
        self.assertIn(f"cannot listen on tcp:{port}", printed)
        self.assertIn("Address already in use", printed)

    def test_a_busy_console(self) -> None:
        """Its lock names a process that lives; here that is the test's own parent."""
        path = f"{self.folder.name}/console"
        os.symlink(str(os.getppid()), f"{path}.lock")
        with socket.socket(socket.AF_UNIX) as busy:
            busy.bind(path)
            busy.listen()
            printed = self.refused("--admin", path, "--ledger", "memory:")
        self.assertIn(f"cannot listen on the console {path}: another server listens", printed)

    def test_version_and_help(self) -> None:
        status, printed = run_to_the_end("--version", folder=self.folder.name)
        self.assertEqual((status, printed.strip()), (0, f"granja {__version__}"))
        status, printed = run_to_the_end("--help", folder=self.folder.name)
        self.assertEqual(status, 0)
        for option in ("--listen", "--ledger", "--motd", "--rate", "--declarations"):
            self.assertIn(option, printed)

    def test_a_catalog_of_ones_own(self) -> None:
        path = self.file("catalog.json", b'{"7": "Nabo", "9": "Papa"}')
        with Server("--artifacts", path) as server:
            ana = server.dial()
            ana.types("Ana", "7, 8", "9")
            lines = ana.hears_until("Está Bien")
            self.assertIn(
                "[SERVER] Error: el artefacto 8 no existe. Elige números del 7 al 9.", lines
            )
            self.assertIn("[SERVER] Tus artefactos son: Papa", lines)
            ana.close()

    def test_a_message_of_the_day(self) -> None:
        path = self.file("motd.txt", "Hoy hay \x1b[31mferia.\n¡Vengan!\n".encode())
        with Server("--motd", path) as server:
            ana = server.dial().arrives("Ana")
            self.assertEqual(ana.hears(), "[SERVER] Hoy hay feria.")
            self.assertEqual(ana.hears(), "[SERVER] ¡Vengan!")
            ana.close()

    def test_in_the_background(self) -> None:
        """``twistd granja`` without ``-n``: it says whether it started, and writes its log."""
        port = free_port()
        program = (
            "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
        )
        command = [sys.executable, "-c", program, "granja", "--ledger", "memory:"]
        command += ["--listen", f"tcp:{port}:interface=127.0.0.1"]
        folder = self.folder.name
        started = subprocess.run(command, cwd=folder, env=environment(), timeout=30, check=False)
        self.assertEqual(started.returncode, 0)
        pid = int((Path(folder) / "twistd.pid").read_text())
        self.addCleanup(subprocess.run, ["kill", "-9", str(pid)], check=False, capture_output=True)
        again = subprocess.run(
            [*command[:3], "--pidfile", "other.pid", *command[3:]],
            cwd=folder,
            env=environment(),
            capture_output=True,
            timeout=30,
            check=False,
        )
        self.assertNotEqual(again.returncode, 0, "the port is busy")
        self.assertNotIn(b"Traceback", again.stderr)
        with socket.create_connection(("127.0.0.1", port), 30) as connection:
            self.assertIn("Ingresa tu nombre", connection.recv(4096).decode())
            subprocess.run(["kill", str(pid)], check=True)
            heard = b""
            while data := connection.recv(4096):
                heard += data
        self.assertIn("El servidor se apaga", heard.decode())
        log = (Path(folder) / "twistd.log").read_text()
        self.assertIsNone(re.search("Traceback", log), log)
