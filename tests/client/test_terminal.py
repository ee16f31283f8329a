"""The terminal client in a real terminal (tmux) with the real server."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.folders import folder_for
from tests.support.server import PATIENCE, Server, environment


class Terminal:
    """A tmux server of its own, with a window for each person."""

    def __init__(self, place: Path) -> None:
        self._socket = str(place / "tmux")
        self._place = place
        # tmux ends with its last window, and would be slow to notice a new one.
        self("new-session", "-d", "-s", "nobody", "exec cat")

    def open(self, name: str, port: int, size: str = "90x24", **settings: str) -> Person:
        """A new window in which ``name`` starts the client."""
        kept = {"XDG_STATE_HOME": str(self._place / name), **settings}
        command = ["env", *(f"{key}={value}" for key, value in kept.items())]
        command += [sys.executable, "-m", "granja", f"127.0.0.1:{port}"]
        columns, rows = size.split("x")
        # The window stays, so that what the client left on it can be seen.
        shell = f"{shlex.join(command)}; printf 'status %s\\n' $?; exec cat"
        self("new-session", "-d", "-s", name, "-x", columns, "-y", rows, shell)
        return Person(self, name)

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, "-f", "/dev/null", *words],
            env={**environment(), "LC_ALL": "C.UTF-8", "SHELL": "/bin/sh"},
            capture_output=True,
            check=False,
        )
        return done.stdout.decode()

    def close(self) -> None:
        self("kill-server")


class Person:
    """Somebody at one of the windows."""

    def __init__(self, terminal: Terminal, name: str) -> None:
        self._terminal = terminal
        self._name = name

    def keys(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self._terminal("send-keys", "-t", self._name, *keys)

    def writes(self, text: str) -> None:
        self._terminal("send-keys", "-t", self._name, "-l", text)

    def types(self, line: str) -> None:
        self.writes(line)
        self.sees(re.escape(line) if ":registrar" not in line else r"\*\*")
        self.keys("Enter")

    def looks(self, *options: str) -> str:
        """What is on the screen, and what has left it at the top."""
        return self._terminal("capture-pane", "-p", "-S", "-", *options, "-t", self._name)

    def sees(self, pattern: str) -> str:
        """Wait until a pattern appears.  Returns the screen at that moment."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            screen = self.looks()
            if re.search(pattern, screen, re.MULTILINE):
                return screen
            time.sleep(0.05)  # between two looks: a terminal does not tell when it changes
        raise AssertionError(f"{self._name} does not see {pattern!r} but:\n{self.looks()}")

    def arrives(self, artifacts: str) -> None:
        for question, answer in (
            ("nombre>", self._name),
            ("artefactos>", artifacts),
            ("sí o no>", "si"),
        ):
            self.sees(rf"{question} *$")
            self.types(answer)
        self.sees(r"Usuarios conectados")

    def bell(self) -> bool:
        flag = self._terminal("display-message", "-p", "-t", self._name, "#{window_bell_flag}")
        return flag.strip() == "1"


class Case(SynchronousTestCase):
    if shutil.which("tmux") is None:
        skip = "tmux is not installed"

    def setUp(self) -> None:
        place = folder_for(self)
        self.terminal = Terminal(place)
        self.addCleanup(self.terminal.close)
        self.place = place
        self.server = Server()
        self.server.start()
        self.addCleanup(self.server.__exit__, None, None, None)

    def person(self, name: str, artifacts: str = "", **settings: str) -> Person:
        person = self.terminal.open(name, self.server.port, **settings)
        if artifacts:
            person.arrives(artifacts)
        return person


class AVisit(Case):
    def test_chat_whisper_and_trade(self) -> None:
        ana, gus = self.person("Ana", "21, 13"), self.person("Gus", "12")
        ana.sees(r"^· \[SERVER\] Cliente Gus conectado\.$")
        gus.types("hola Ana")
        ana.sees(r"^  Gus: hola Ana$")
        ana.types(":p Gus te cambio algo")
        gus.sees(r"^» Ana te susurra: te cambio algo$")
        ana.types(":offer Gus 21 12")
        ana.sees(r"^↔ \[SERVER\] Oferta #1 enviada a Gus\.$")
        gus.sees(r"^↔ \[SERVER\] Ana quiere intercambiar su Ancla por tu Disco raro")
        gus.types(":accept")
        gus.sees(r"^↔ \[SERVER\] Intercambio aceptado, ahora tus artefactos son: Ancla$")
        ana.sees(r"^↔ \[SERVER\] Intercambio realizado")
        ana.types(":nada")
        ana.sees(r"^! \[SERVER\] Error: comando desconocido: :nada\.")
        ana.types(":q")
        ana.sees(r"^status 0$")

    def test_what_is_being_typed_stays_whole(self) -> None:
        """Others talk meanwhile.  Their lines appear above."""
        ana, gus = self.person("Ana", "6"), self.person("Gus", "12")
        ana.writes("estoy escribiendo")
        ana.sees(r"^Ana> estoy escribiendo$")
        for line in ("uno", "dos", "tres"):
            gus.types(line)
        ana.sees(r"Gus: uno\n  Gus: dos\n  Gus: tres\nAna> estoy escribiendo$")
        ana.writes(" todavía")
        ana.sees(r"^Ana> estoy escribiendo todavía$")
        ana.keys("Enter")
        gus.sees("^  Ana: estoy escribiendo todavía$")

    def test_a_signal(self) -> None:
        """A session that ends takes the client along, and the others see it leave."""
        ana, gus = self.person("Ana", "21"), self.person("Gus", "12")
        ana.sees("Cliente Gus")
        self.terminal("kill-session", "-t", "Ana")
        gus.sees("Ana desconectado")

    def test_completion(self) -> None:
        """Typed by name, sent by number."""
        ana, gus = self.person("Ana", "21"), self.person("Gus", "12")
        ana.sees("Cliente Gus")
        for word in (":offe", "G", "anc"):
            ana.writes(word)
            ana.keys("Tab")  # at once: nobody waits for a menu
        ana.writes("disc")
        ana.sees(r"^ +Disco raro +n\.º 12")
        ana.keys("Tab")
        ana.sees(r"^Ana> :offer Gus 21 12")
        ana.keys("Enter")
        gus.sees("Ana quiere intercambiar su Ancla por tu Disco raro")

    def test_the_bell(self) -> None:
        ana, gus = self.person("Ana", "6"), self.person("Gus", "12")
        self.terminal("set-option", "-g", "monitor-bell", "on")
        gus.types("¿dónde está Anastasia?")
        ana.sees("Anastasia")
        self.assertFalse(ana.bell())
        gus.types("¿y ana?")
        ana.sees("y ana")
        self.assertTrue(ana.bell())


class Secrets(Case):
    def test_passwords_are_hidden_and_forgotten(self) -> None:
        ana = self.person("Ana", "6")
        ana.types("hola")
        ana.types(":registrar secreto99")
        ana.sees("tu nombre quedó registrado")
        ana.keys("C-d")
        ana.sees("^status 0$")
        self.assertNotIn("secreto", ana.looks())
        self.terminal("kill-session", "-t", "Ana")

        ana = self.person("Ana")
        ana.sees("nombre> *$")
        ana.types("Ana")
        ana.sees("contraseña> *$")
        ana.writes("secreto99")
        ana.sees(r"^contraseña> \*{9}$")
        ana.keys("Enter")
        ana.sees("¡OK!")
        ana.keys("Up")  # the session before this one
        screen = ana.sees("^Ana> hola$")
        self.assertNotIn("secreto", screen)
        self.assertNotIn("***", screen)
        self.assertEqual((self.place / "Ana/granja/historial").read_text("utf-8"), "hola\n")


class LosingTheLine(Case):
    def test_it_comes_back_and_nothing_typed_is_lost(self) -> None:
        ana = self.person("Ana", "21, 13")
        ana.writes("a medio escr")
        ana.sees("^Ana> a medio escr$")
        self.server.kill()
        ana.sees(r"^— \[granja\] Se cortó la conexión\. Vuelvo a intentarlo en \d segundos?\.$")
        ana.sees(r"^sin conexión> a medio escr$")
        ana.keys("Enter")
        ana.sees("tu línea sigue aquí y no se envió")
        self.server.start()
        ana.sees(r"^— \[granja\] Conexión recuperada; vuelvo a entrar como Ana\.$")
        ana.sees(r"^Ana> a medio escr$")
        gus = self.person("Gus", "12")
        ana.sees("Cliente Gus")
        ana.writes("ibir")
        ana.keys("Enter")
        gus.sees("^  Ana: a medio escribir$")
        ana.types(":artefactos")
        ana.sees(r"Tus artefactos son: Espada antigua, Ancla\n(?s:.*)Tus artefactos son: Espada")

    def test_leaving_without_a_server(self) -> None:
        ana = self.person("Ana", "21")
        self.server.kill()
        ana.sees("^sin conexión>")
        ana.keys("C-c")
        ana.sees("^status 0$")


class Looks(Case):
    COLOUR = re.compile(r"\x1b\[[0-9;]*\b(3|9)[0-7]m")

    def visit(self, **settings: str) -> str:
        ana, gus = self.person("Ana", "21", **settings), self.person("Gus", "12")
        gus.types(":p Ana psst")
        ana.sees("^» Gus te susurra: psst$")
        return ana.looks("-e")

    def test_colours(self) -> None:
        self.assertRegex(self.visit(), self.COLOUR)

    def test_without_colours(self) -> None:
        """https://no-color.org: the marks in the margin are enough."""
        screen = self.visit(NO_COLOR="1")
        self.assertNotRegex(screen, self.COLOUR)
        self.assertIn("» ", screen)

    def test_a_dumb_terminal(self) -> None:
        """There is no cursor to move, so the client is the filter: lines in, lines out."""
        ana = self.terminal.open("Ana", self.server.port, TERM="dumb")
        for question, answer in (("tu nombre:", "Ana"), ("qué artefactos", "6"), ("Sí/No", "si")):
            ana.sees(question)
            ana.types(answer)
        ana.sees(r"^\[SERVER\] ¡OK!$")
        ana.keys("C-d")
        ana.sees("^status 0$")
