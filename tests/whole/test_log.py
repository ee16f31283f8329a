"""What the server tells its operator.  Nobody in the chat waits for that."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from granja import __version__
from tests.support.folders import folder_for
from tests.support.ports import free_port
from tests.support.server import (
    PATIENCE,
    Line,
    Process,
    Server,
    environment,
    run_to_the_end,
    spawn,
    wait_for_words,
)

GOODBYE = "[SERVER] El servidor se apaga. ¡Hasta pronto!"


class IntoAPipe(Server):
    """Its output goes into a pipe of 4 KB, which is full from the start."""

    def __init__(self, *options: str, command: str = "twistd") -> None:
        super().__init__(*options, command=command)
        self.reader, self._writer = os.pipe()
        fcntl.fcntl(self._writer, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(self._writer, False)
        os.write(self._writer, b"x" * 4096)
        os.set_blocking(self._writer, True)

    def _spawn(self, command: list[str]) -> Process:
        listen = f"tcp:{self.port}:interface=127.0.0.1"
        words = [*command, "granja", "--listen", listen, "--ledger", "memory:"]
        with open(self._writer, "wb", closefd=False) as output:
            return spawn(words, self.folder, output)

    def read(self, words: bytes) -> bytes:
        """The output of the pipe, up to these words."""
        heard = b""
        while words not in heard:
            heard += os.read(self.reader, 65536)
        return heard

    def close(self) -> None:
        os.close(self.reader)
        os.close(self._writer)


class JsonTests(SynchronousTestCase):
    def test_each_line_is_an_object(self) -> None:
        """This holds from the first line to the last, and no line has a secret."""
        with tempfile.TemporaryDirectory() as folder:
            with Server("--log-format", "json", folder=folder) as server:
                ana = server.dial().arrives("Ana")
                ana.types(":registrar girasoles al sol")
                ana.hears_until("registrado")
                server.stop()
                ana.close()
            events = [json.loads(line) for line in server.read_log().splitlines()]
        (registered,) = [each for each in events if each.get("event") == "registered"]
        self.assertEqual((registered["farmer"], registered["level"]), ("Ana", "info"))
        self.assertEqual([each for each in events if "girasoles" in json.dumps(each)], [])


class UnreadTests(SynchronousTestCase):
    """Ctrl-S at the terminal, or a pager that nobody turns over."""

    def unread(self, command: str) -> IntoAPipe:
        server = IntoAPipe(command=command)
        self.addCleanup(server.close)
        return server

    def test_the_chat_goes_on(self) -> None:
        for command in ("twistd", "twist"):
            server = self.unread(command)
            with server:
                ana, gus = server.dial().arrives("Ana"), server.dial().arrives("Gus")
                gus.types("¿hay alguien?")
                ana.hears_until("Gus: ¿hay alguien?")
                heard = server.read(b"Ana arrived")
                self.assertTrue(heard.startswith(b"x" * 4096))
                ana.close()
                gus.close()

    def test_it_ends_all_the_same(self) -> None:
        for command in ("twistd", "twist"):
            server = self.unread(command)
            with server:
                ana = server.dial().arrives("Ana")
                server.stop()
                self.assertEqual(ana.hears_to_the_end(), [GOODBYE])
                ana.close()


#: A system's log that takes nothing: it says so, and waits for ever.
STUCK = (
    "import syslog, threading; from pathlib import Path; "
    "syslog.syslog = lambda *line: (Path('stuck').write_text(line[1]), threading.Event().wait()); "
)


class ToTheSystem(Server):
    """With ``--syslog``."""

    def _spawn(self, command: list[str]) -> Process:
        return super()._spawn([*command, "--syslog"])


class StuckTests(SynchronousTestCase):
    """``twistd --syslog`` where the system takes no lines any more."""

    def test_the_chat_goes_on_and_it_ends(self) -> None:
        with ToTheSystem(prelude=STUCK) as server:
            ana, gus = server.dial().arrives("Ana"), server.dial().arrives("Gus")
            gus.types("¿hay alguien?")
            ana.hears_until("Gus: ¿hay alguien?")
            wait_for_words(server.folder / "stuck", "starting up")
            gus.close()
            server.stop()
            self.assertEqual(ana.hears_to_the_end()[-1], GOODBYE)
            ana.close()


class ReadTests(SynchronousTestCase):
    def test_the_last_lines_are_there(self) -> None:
        """This includes the lines that Twisted writes at the very end."""
        for how in (signal.SIGTERM, signal.SIGINT):
            with Server() as server:
                server.stop(how)
                self.assertIn("Server Shut Down.", server.read_log())


class FileTests(SynchronousTestCase):
    """In the background."""

    def setUp(self) -> None:
        self.folder = folder_for(self)

    def start(self, port: int) -> int:
        program = (
            "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
        )
        command = [sys.executable, "-c", program, "granja", "--ledger", "memory:"]
        command += ["--listen", f"tcp:{port}:interface=127.0.0.1"]
        subprocess.run(command, cwd=self.folder, env=environment(), timeout=30, check=True)
        pid = int((self.folder / "twistd.pid").read_text())
        self.addCleanup(subprocess.run, ["kill", "-9", str(pid)], check=False, capture_output=True)
        return pid

    def test_the_log_of_a_daemon_is_private_and_whole(self) -> None:
        """Other users of the machine cannot read who was there, and from where."""
        log = self.folder / "twistd.log"
        log.touch(0o644)
        port = free_port()
        pid = self.start(port)
        line = Line(socket.create_connection(("127.0.0.1", port), PATIENCE))
        line.arrives("Ana").close()
        wait_for_words(log, "Ana left")  # While a server ends, nobody's leaving is in the log.
        os.kill(pid, signal.SIGQUIT)
        wait_for_words(log, "Server Shut Down.")
        self.assertEqual(stat.S_IMODE(log.stat().st_mode), 0o640)
        for words in ("twistd", "Ana arrived from 127.0.0.1", "Ana left"):
            self.assertEqual(log.read_text().count(f" {words}"), 1, log.read_text())

    def test_an_empty_note_of_the_process(self) -> None:
        """After a power cut: docs/operating.md has the words that twistd says then."""
        (self.folder / "twistd.pid").touch()
        status, printed = run_to_the_end("--ledger", "memory:", folder=str(self.folder))
        self.assertEqual(status, 1, printed)
        self.assertRegex(printed, r"\APidfile \S+ contains non-numeric value\n\Z")
        operating = Path(__file__).parents[2] / "docs" / "operating.md"
        self.assertIn("`Pidfile … contains non-numeric value`", operating.read_text())

    def test_a_log_that_cannot_be_written_is_a_sentence(self) -> None:
        (self.folder / "twistd.log").mkdir()
        program = (
            "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, "granja", "--ledger", "memory:"],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            timeout=30,
            check=False,
        )
        self.assertNotEqual(done.returncode, 0)
        printed = (done.stdout + done.stderr).decode()
        self.assertIn("cannot write the log twistd.log: Is a directory", printed)
        self.assertNotIn("Traceback", printed)


class StartTests(SynchronousTestCase):
    """The first lines tell an operator whether this is the farm that was meant."""

    def test_which_version_which_ledger_and_where(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            ledger = Path(folder) / "farm.db"
            with Server(folder=folder, ledger="sqlite:farm.db") as server:
                server.dial().arrives("Ana", "6").close()
                server.stop()
                new = server.read_log()
            with Server(folder=folder, ledger="sqlite:farm.db") as server:
                server.stop()
                old = server.read_log()[len(new) :]
                self.assertIn(f"Granja {__version__}; ledger {ledger}: new, no entries.", new)
                self.assertIn(f"Granja {__version__}; ledger {ledger}: 2 entries.", old)
                listen = f"tcp:{server.port}:interface=127.0.0.1"
                where = f"Listening on {listen} (address 127.0.0.1, port {server.port})."
                self.assertIn(where, old)

    def test_a_port_that_the_system_chooses(self) -> None:
        with Server("--listen", "tcp:0:interface=127.0.0.1") as server:
            server.stop()
            said = r"Listening on tcp:0:.* \(address 127.0.0.1, port [1-9]\d+\)"
            self.assertRegex(server.read_log(), said)
            self.assertIn("ledger in memory", server.read_log())

    def test_a_catalog_that_lacks_what_people_hold(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            catalog = Path(folder) / "catalog.json"
            catalog.write_text('{"1": "Rollo", "7": "Nabo"}')
            with Server(folder=folder, ledger="sqlite:farm.db") as server:
                ana = server.dial().arrives("Ana", "7, 7, 12")
                ana.types(":registrar girasoles al sol")
                ana.hears()
                ana.close()
                server.stop()
                self.assertNotIn("lacks", server.read_log())
            with Server(
                "--artifacts", str(catalog), folder=folder, ledger="sqlite:farm.db"
            ) as server:
                server.logs("The catalog lacks artifacts that people hold: 12 (1 copy);")
