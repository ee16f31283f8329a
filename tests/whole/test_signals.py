"""What signals tell a running server."""

from __future__ import annotations

import io
import signal
import socket
import ssl
import sys

from twisted.trial.unittest import SynchronousTestCase

from granja.__main__ import main
from tests.support.certificates import make
from tests.support.folders import folder_for
from tests.support.ports import free_port
from tests.support.server import PATIENCE, Line, Server

GOODBYE = "[SERVER] El servidor se apaga. ¡Hasta pronto!"


class EndTests(SynchronousTestCase):
    """With every signal that would end a process, the server says goodbye."""

    def ends_like_sigterm(self, how: signal.Signals, command: str = "twistd") -> None:
        with Server(command=command) as server:
            ana = server.dial().arrives("Ana", "6")
            status = server.stop(how)
            self.assertEqual(ana.hears_to_the_end(), [GOODBYE], how)
            self.assertIn(status, (0, -signal.SIGTERM), how)
            self.assertNotIn("Traceback", server.read_log())
            ana.close()

    def test_quit(self) -> None:
        self.ends_like_sigterm(signal.SIGQUIT)

    def test_user_defined(self) -> None:
        self.ends_like_sigterm(signal.SIGUSR1)
        self.ends_like_sigterm(signal.SIGUSR2, "twist")

    def test_the_others(self) -> None:
        """The test tries all signals of Linux."""
        for how in (signal.SIGALRM, signal.SIGABRT, signal.SIGXCPU, signal.SIGPWR):
            self.ends_like_sigterm(how)

    def test_the_last_of_those_without_a_name(self) -> None:
        self.ends_like_sigterm(signal.SIGRTMAX)

    def test_what_does_not_end_a_process_does_not_end_this_one(self) -> None:
        with Server() as server:
            assert server.process is not None
            ana = server.dial().arrives("Ana", "6")
            for how in (signal.SIGWINCH, signal.SIGCHLD, signal.SIGURG, signal.SIGPIPE):
                server.process.send_signal(how)
            for how in (signal.SIGTSTP, signal.SIGCONT):
                server.process.send_signal(how)
            ana.types(":u")
            self.assertEqual(ana.hears(), "[SERVER] Usuarios conectados: Ana")
            ana.close()


class HangUpTests(SynchronousTestCase):
    """SIGHUP: the server reads everything again, and nobody notices."""

    def setUp(self) -> None:
        self.folder = folder_for(self)
        self.catalog = self.folder / "catalog.json"
        self.motd = self.folder / "motd.txt"
        self.catalog.write_text('{"5": "Cuchara", "7": "Piedra"}')
        self.motd.write_text("Hola\n")
        self.pems = self.folder / "pem"
        self.pems.mkdir()
        self.old = make("localhost")
        self.old.put(self.pems / "a.pem")
        self.tls_port = free_port()

    def server(self) -> Server:
        tls = f"tls:{self.pems}:{self.tls_port}:interface=127.0.0.1"
        files = ("--artifacts", str(self.catalog), "--motd", str(self.motd))
        return Server(*files, "--listen", tls, folder=str(self.folder))

    def tell(self, server: Server, words: str) -> str:
        """Send the signal, and return the line of the log that comes of it."""
        assert server.process is not None
        known = len(server.read_log())
        server.process.send_signal(signal.SIGHUP)
        lines = [line for line in server.logs(words, known).splitlines() if words in line]
        self.assertEqual(len(lines), 1)
        return lines[0]

    def dial_tls(self) -> Line:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", self.tls_port), PATIENCE)
        return Line(context.wrap_socket(plain, server_hostname="localhost"))

    def shown(self, line: Line) -> str:
        assert isinstance(line.socket, ssl.SSLSocket)
        der = line.socket.getpeercert(binary_form=True)
        assert der is not None
        return ssl.DER_cert_to_PEM_cert(der)

    def test_everything_is_read_anew_and_nobody_is_disconnected(self) -> None:
        with self.server() as server:
            ana, gus = server.dial().arrives("Ana", "5"), self.dial_tls().arrives("Gus", "7")
            self.catalog.write_text('{"5": "Cucharón", "7": "Piedra", "8": "Luna"}')
            self.motd.write_text("Hoy hay feria\n")
            new = make("localhost")
            new.put(self.pems / "a.pem")
            line = self.tell(server, "anew")
            self.assertIn("Read anew; the catalog: 1 added, 1 renamed, 0 gone;", line)
            self.assertIn("the message of the day: 1 line; the certificates of tls:", line)
            gus.types("sigo aquí")
            ana.hears_until("Gus: sigo aquí")
            ana.types(":artefactos", ":artefacto 8")
            ana.hears_until("Cucharón")
            ana.hears_until("Luna")
            beto = self.dial_tls()
            self.assertEqual(self.shown(beto), new.certificate.decode())
            beto.types("Beto", "8", "si")
            beto.hears_until("Hoy hay feria")
            for someone in (ana, gus, beto):
                someone.close()
            server.stop()
            self.assertNotIn("Traceback", server.read_log())

    def test_the_configuration(self) -> None:
        """The console can do this too, and says the same.  If something can't change, nothing
        changes."""
        config = self.folder / "granja.toml"
        config.write_text('motd = "motd.txt"\nhistory = 9\nadmin = "console"\n')
        folder = str(self.folder)
        with Server("--config", "granja.toml", "--rate", "off", folder=folder) as server:
            config.write_text('motd = "motd.txt"\nhistory = 8\nadmin = "console"\nrate = "1/1"\n')
            self.motd.write_text("Hoy hay feria\n")
            said = "Read anew; history: 8 (was 9); the message of the day: 1 line."
            self.assertIn(said, self.tell(server, "anew"))
            config.write_text('motd = "motd.txt"\nhistory = 7\nadmin = "other"\n')
            console = ["admin", "--admin", str(self.folder / "console"), "reload"]
            out, err = io.StringIO(), io.StringIO()
            self.patch(sys, "stdout", out)
            self.patch(sys, "stderr", err)
            self.assertEqual(main(console), 1)
            why = "nothing was read anew: admin cannot change while the server runs"
            self.assertEqual(err.getvalue(), f"granja: {why}\n")
            config.write_text('motd = "motd.txt"\nhistory = 7\nadmin = "console"\n')
            self.assertEqual(main(console), 0)
            self.assertEqual(out.getvalue(), "read anew; history: 7 (was 8).\n")
            gus = server.dial()
            gus.types("Gus", "5", "si")
            gus.hears_until("^.SERVER. Hoy hay feria$")
            gus.close()
            server.stop()
            self.assertNotIn("Traceback", server.read_log())

    def test_paths_mean_what_they_meant_at_the_start(self) -> None:
        """``--rundir`` is another folder, and the paths are relative to where twistd was called."""
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        files = ("--artifacts", "catalog.json", "--motd", "motd.txt")
        tls = f"tls:pem:{self.tls_port}:interface=127.0.0.1"
        with Server(*files, "--listen", tls, folder=str(self.folder), rundir="elsewhere") as server:
            self.motd.write_text("Hoy hay feria\n")
            self.assertIn("of the day: 1 line.", self.tell(server, "anew"))

    def test_what_cannot_be_read_changes_nothing(self) -> None:
        with self.server() as server:
            ana = server.dial().arrives("Ana", "5")
            self.motd.write_text("Hoy hay feria\n")
            self.catalog.write_text('{"7": "Piedra"}')
            wanted = "Nothing was read anew: the new catalog lacks what people hold: 5 (1 copy)"
            self.assertIn(wanted, self.tell(server, "anew"))
            self.catalog.write_text("{")
            self.assertIn("is not a catalog", self.tell(server, "anew"))
            gus = server.dial()
            gus.types("Gus", "5", "si")
            gus.hears_until("^.SERVER. Hola$")
            ana.close()
            gus.close()
            server.stop()
            self.assertNotIn("Traceback", server.read_log())
