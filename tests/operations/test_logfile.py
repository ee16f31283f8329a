"""The log: nobody waits for it, and it does not grow for ever."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import stat
import syslog
from pathlib import Path
from threading import Event
from typing import Any

from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.errors import ConfigurationError
from granja.operations.logfile import Later, LogFile, take_over, to_descriptor
from tests.support.folders import folder_for

PATIENCE = 30


class Terminal:
    """Takes nothing as long as somebody has pressed Ctrl-S."""

    def __init__(self) -> None:
        self.stopped = False
        self.asked, self.resumed = Event(), Event()
        self.written: list[bytes] = []

    def put(self, data: bytes) -> None:
        if self.stopped:
            self.asked.set()
            assert self.resumed.wait(PATIENCE)
        self.written.append(data)

    @property
    def shown(self) -> str:
        return b"".join(self.written).decode()


class LaterTests(SynchronousTestCase):
    """A stopped terminal stops nobody."""

    def setUp(self) -> None:
        self.terminal = Terminal()
        self.later = Later(self.terminal.put, most=1000)

    def stop(self) -> None:
        """Begin, and let the thread wait for the terminal."""
        self.terminal.stopped = True
        self.later.begin()
        self.later.write("first\n")
        self.assertTrue(self.terminal.asked.wait(PATIENCE))

    def go_on(self) -> None:
        self.terminal.stopped = False
        self.terminal.resumed.set()

    def note_drops(self) -> Event:
        """Write the log's own events, as the real log does."""
        noted = Event()

        def hear(event: LogEvent) -> None:
            if event["log_namespace"].startswith("granja.operations.logfile"):
                self.later.write(formatEvent(event) + "\n")
                noted.set()

        observer: Any = hear
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        return noted

    def test_before_it_begins_all_is_written_at_once(self) -> None:
        """A thread would not come along when the process becomes a daemon."""
        self.later.write("hello\n")
        self.assertEqual(self.terminal.shown, "hello\n")

    def test_what_is_written_arrives_in_order(self) -> None:
        self.later.begin()
        lines = [f"line {n}\n" for n in range(20)]
        for line in lines:
            self.later.write(line)
        self.later.finish()
        self.assertEqual(self.terminal.shown, "".join(lines))

    def test_a_stopped_terminal_keeps_nobody_waiting(self) -> None:
        """Waiting lines are written when it goes on, and lost lines are counted."""
        noted = self.note_drops()
        self.stop()
        for n in range(300):
            self.later.write(f"{n:09}\n")
        self.go_on()
        self.assertTrue(noted.wait(PATIENCE))
        self.later.finish()
        lines = self.terminal.shown.splitlines()
        kept = [line for line in lines if line.isdigit()]
        self.assertEqual(kept, [f"{n:09}" for n in range(len(kept))])
        self.assertEqual(len(kept), 99)  # "first" waits, too
        self.assertEqual(lines[-1], "201 lines of the log were dropped: they came too fast.")

    def test_the_end_of_the_process_does_not_wait_for_ever(self) -> None:
        """Each of the last lines does not wait, either."""
        self.stop()
        self.patch(self.later, "_wait", lambda seconds: False)
        self.later.finish()
        for _ in range(10):
            self.later.write("Server Shut Down.\n")
        self.go_on()

    def test_the_last_lines_are_written(self) -> None:
        self.later.begin()
        self.later.finish()
        self.later.write("Server Shut Down.\n")
        self.assertEqual(self.terminal.shown, "Server Shut Down.\n")

    def test_who_cannot_write_counts(self) -> None:
        """The disk is full: there is no use in saying so there, as long as that is so."""
        noted = self.note_drops()
        full = [True]

        def put(data: bytes) -> None:
            if full[0]:
                raise OSError(errno.ENOSPC, "disk full")
            self.terminal.put(data)

        self.later = Later(put)
        self.later.begin()
        self.later.write("one\ntwo\n")
        self.later.finish()
        self.assertFalse(noted.is_set())
        full[0] = False
        self.later.write("three\n")
        self.assertTrue(noted.wait(PATIENCE))
        self.later.finish()
        self.assertEqual(
            self.terminal.shown,
            "three\n2 lines of the log were dropped: they came too fast.\n",
        )

    def test_letters_that_the_terminal_does_not_know(self) -> None:
        """A file name that is not UTF-8 is no reason to lose a line, either."""
        Later(self.terminal.put, "latin-1").write("¡Ñandú \N{OCTOPUS}!\n")
        Later(self.terminal.put).write("\udcff\n")
        self.assertEqual(
            b"".join(self.terminal.written), "¡Ñandú \\U0001f419!\n\\udcff\n".encode("latin-1")
        )


class SystemLogTests(SynchronousTestCase):
    """``twistd --syslog``: the thread hands each line over, with its priority."""

    def setUp(self) -> None:
        self.opened: list[str] = []
        self.sent: list[tuple[int, str]] = []
        self.patch(syslog, "openlog", self.opened.append)
        self.patch(syslog, "syslog", lambda priority, line: self.sent.append((priority, line)))
        later = take_over({"nodaemon": False, "syslog": True, "prefix": "farm", "logfile": None})
        assert later is not None
        self.later = later

    def log(self, level: Any, words: str, **fields: object) -> None:
        event = {"log_namespace": "granja", "log_level": level, "log_format": words, **fields}
        text = self.later.form(event)
        if text:
            self.later.write(text)

    def test_the_name_of_the_program(self) -> None:
        self.assertEqual(self.opened, ["farm"])

    def test_each_line_has_its_priority(self) -> None:
        self.log(LogLevel.debug, "looking")
        self.log(LogLevel.info, "Ñandú came\nby train")
        self.log(LogLevel.warn, "late")
        self.log(LogLevel.error, "broken")
        self.log(LogLevel.critical, "lost <7> at sea")
        self.log(LogLevel.info, "")
        expected = [
            (syslog.LOG_DEBUG, "[granja#debug] looking"),
            (syslog.LOG_INFO, "[granja#info] Ñandú came"),
            (syslog.LOG_INFO, "\tby train"),
            (syslog.LOG_WARNING, "[granja#warn] late"),
            (syslog.LOG_ERR, "[granja#error] broken"),
            (syslog.LOG_CRIT, "[granja#critical] lost <7> at sea"),
        ]
        self.assertEqual(self.sent, expected)

    def test_a_failure_has_its_traceback(self) -> None:
        self.log(LogLevel.critical, "no", log_failure=Failure(KeyError("x")))
        self.assertIn((syslog.LOG_CRIT, "\tFailure: builtins.KeyError: 'x'"), self.sent)

    def test_what_the_system_does_not_take(self) -> None:
        """A null byte would end the thread, and a file's name may be no UTF-8."""
        self.log(LogLevel.info, "a\0b\udcffc")
        self.assertEqual(self.sent, [(syslog.LOG_INFO, "[granja#info] a\\0b\\udcffc")])


class DescriptorTests(SynchronousTestCase):
    def test_a_pipe_that_is_full_and_does_not_block(self) -> None:
        """ssh and others leave the terminal so."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.set_blocking(writer, False)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        later = Later(to_descriptor(writer))
        later.begin()
        later.write("x" * 10_000)
        heard = b""
        while len(heard) < 10_000:
            heard += os.read(reader, 65536)
        later.finish()
        os.close(writer)
        self.assertEqual(heard, b"x" * 10_000)


class FileCase(SynchronousTestCase):
    """Has a folder for the log."""

    def setUp(self) -> None:
        self.folder = folder_for(self)
        self.path = self.folder / "twistd.log"

    def modes(self) -> set[int]:
        return {stat.S_IMODE(path.stat().st_mode) for path in self.folder.iterdir()}

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


class FileTests(FileCase):
    """``twistd.log``, and those that it becomes."""

    def test_only_the_owner_and_a_group_may_read_it(self) -> None:
        """This includes files that an older version left."""
        self.path.touch(0o644)
        (self.folder / "twistd.log.1").touch(0o644)
        old = os.umask(0)
        self.addCleanup(os.umask, old)
        file = LogFile(self.path, largest=10)
        for _ in range(5):
            file.put(b"12345678\n")
        self.assertEqual(self.modes(), {0o640})

    def test_so_many_are_kept(self) -> None:
        """The newest files stay, in order, even if an older version left more."""
        for n in range(1, 10):
            (self.folder / f"twistd.log.{n}").write_text(f"old {n}\n")
        (self.folder / "twistd.log.txt").touch()
        file = LogFile(self.path, largest=10, most_kept=3)
        for n in range(1, 3):
            file.put(f"line {n}\n".encode())
        kept = ["twistd.log", "twistd.log.1", "twistd.log.2", "twistd.log.3", "twistd.log.txt"]
        self.assertEqual(self.names(), kept)
        contents = [(self.folder / name).read_text() for name in kept[:4]]
        self.assertEqual(contents, ["line 2\n", "line 1\n", "old 1\n", "old 2\n"])

    def test_it_goes_on_where_it_was(self) -> None:
        self.path.write_text("yesterday\n")
        LogFile(self.path).put(b"today\n")
        self.assertEqual(self.path.read_text(), "yesterday\ntoday\n")

    def test_logrotate_may_move_it(self) -> None:
        """No signal is needed: the log begins a new file."""
        file = LogFile(self.path)
        file.put(b"one\n")
        self.path.rename(self.folder / "moved")
        file.put(b"two\n")
        self.assertEqual(self.path.read_text(), "two\n")
        self.path.unlink()
        file.put(b"three\n")
        self.assertEqual(self.path.read_text(), "three\n")
        self.assertEqual(self.modes(), {0o640})

    def test_where_nothing_can_be_rotated_it_grows(self) -> None:
        """Nothing is lost."""
        file = LogFile(self.path, largest=10)
        self.patch(Path, "rename", _refuse)
        for _ in range(5):
            file.put(b"12345678\n")
        self.assertEqual(self.path.read_bytes(), b"12345678\n" * 5)

    def test_what_is_no_file_is_left_as_it_is(self) -> None:
        """A pipe to another program, or ``/dev/null``: it has neither a size nor a mode of ours."""
        os.mkfifo(self.path, 0o600)
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        file = LogFile(self.path, largest=10)
        for _ in range(5):
            file.put(b"12345678\n")
        self.assertEqual(os.read(reader, 100), b"12345678\n" * 5)
        self.assertEqual(self.names(), ["twistd.log"])
        self.assertEqual(self.modes(), {0o600})


def _refuse(*arguments: object) -> None:
    raise PermissionError(errno.EACCES, "not yours")


class RunnerTests(FileCase):
    """What the options of ``twistd`` and ``twist`` say."""

    def test_what_is_not_ours(self) -> None:
        for options in (
            None,
            {"nodaemon": True, "logger": print},
            {"nodaemon": False, "logfile": "-"},  # which twistd refuses
            {"something": "else"},
        ):
            self.assertIsNone(take_over(options))

    def test_a_daemon_writes_into_a_file(self) -> None:
        later = take_over({"nodaemon": False, "logfile": str(self.path)})
        assert later is not None
        later.write("hello\n")
        self.assertEqual(self.path.read_text(), "hello\n")

    def test_so_does_twist_if_it_is_told_to(self) -> None:
        with self.path.open("a") as file:
            options = {"logFile": file}
            later = take_over(options)
        assert later is not None
        self.assertIs(options["logFile"], later)
        later.write("hello\n")
        later.finish()
        self.assertEqual(self.path.read_text(), "hello\n")
        self.assertEqual(self.modes(), {0o640})

    def test_a_stream_that_is_none_of_the_systems_is_left_alone(self) -> None:
        options = {"logFile": io.StringIO()}
        self.assertIsNone(take_over(options))
        self.assertIsInstance(options["logFile"], io.StringIO)

    def test_a_file_that_cannot_be_written(self) -> None:
        path = self.folder / "nowhere" / "twistd.log"
        with self.assertRaises(ConfigurationError) as caught:
            take_over({"nodaemon": True, "logfile": str(path)})
        self.assertEqual(
            str(caught.exception), f"cannot write the log {path}: No such file or directory"
        )
