"""Whole servers on a ledger in PostgreSQL, and what farmers hear when it is away (PROTOCOL §8)."""

from __future__ import annotations

import re
import time
from pathlib import Path
from signal import SIGTERM
from urllib.parse import quote

from twisted.trial.unittest import SynchronousTestCase

from granja.operations import cli
from tests.support.folders import folder_for
from tests.support.links import Wire
from tests.support.postgresql import PASSWORD, database, server
from tests.support.server import Line, Server, run_to_the_end

CANNOT = "[SERVER] Ahora no se puede entrar; inténtalo en un momento."
NOTHING = "[SERVER] Error de Intercambio: no se pudo guardar; nada cambió."


class OnADatabase(SynchronousTestCase):
    """One node, called ``norte``, whose way to the database can be cut."""

    def setUp(self) -> None:
        self.direct = database(self)
        self.wire = Wire(server().port)
        self.addCleanup(self.wire.close)
        self.url = self.direct.replace(f":{server().port}/", f":{self.wire.port}/")

    def begin(self, *options: str) -> Server:
        # Fresh, as a forked process has the command line of the one that it was forked from.
        options = ("--rate", "off", "--node", "norte", *options)
        node = Server(*options, ledger=self.url, fresh=True)
        node.__enter__()
        self.addCleanup(node.__exit__, None, None, None)
        return node

    def dial(self, node: Server) -> Line:
        line = node.dial()
        self.addCleanup(line.close)
        return line

    def until(self, line: Line, typed: str, wanted: str) -> None:
        """Type it again and again, as a person would, until that is answered."""
        for _ in range(200):
            line.types(typed)
            if re.search(wanted, line.hears_until(rf"{wanted}|guardar|no se puede")[-1]):
                return
            time.sleep(0.05)  # Between two tries; there is nothing to be told by.
        raise AssertionError(f"{wanted!r} never came")

    def test_away_and_back(self) -> None:
        """Talk goes on, nobody new comes in, and trades are refused.  Then everything resumes."""
        node = self.begin()
        ana, beto = (self.dial(node).arrives(*who) for who in (("Ana", "13"), ("Beto", "14")))
        ana.types(":registrar contraseña-larga")
        ana.hears_until("Listo|registrado")
        new, owner = self.dial(node), self.dial(node)
        owner.types("Ana")
        owner.hears_until("Contraseña")
        new.hears_until("nombre")
        self.wire.closed = True
        self.wire.cut()
        self.refused(beto)
        beto.types("sigo aquí", ":agregar 1", ":clave otra-contraseña")
        self.assertEqual(ana.hears_until("sigo")[-1], "Beto: sigo aquí")
        self.assertEqual(beto.hears_until("Error:")[-1],
                         "[SERVER] Error: no se pudo guardar; nada cambió.")  # fmt: skip
        new.types("Nuevo")
        self.assertEqual(new.hears_until("no se puede")[-1], CANNOT)
        self.assertEqual(new.hears(), "[SERVER] Ingresa tu nombre:")
        owner.types("contraseña-larga")
        self.assertEqual(owner.hears_until("no se puede")[-1], CANNOT)
        self.assertEqual(owner.hears(), "[SERVER] Contraseña:")
        self.wire.closed = False
        self.until(beto, ":offer Ana 14 13", r"enviada a Ana|Oferta #\d+")
        self.until(new, "Nuevo", "Bienvenid|artefactos")
        owner.types("contraseña-larga")
        owner.hears_until("¡OK!")
        assert node.process is not None
        words = Path(f"/proc/{node.process.pid}/cmdline").read_bytes()
        self.assertEqual(node.stop(), -SIGTERM)
        self.check_secrets(words, node.read_log())
        self.assertEqual(cli.main(["audit", "--ledger", self.direct]), 0)

    def refused(self, line: Line) -> None:
        """A closed connection sends nothing: people who trade hear so at once."""
        line.types(":offer Ana 14 13")
        self.assertEqual(line.hears_until("guardar")[-1], NOTHING)

    def check_secrets(self, words: bytes, log: str) -> None:
        """The password is in no log, and not among the words that ps shows."""
        for form in (PASSWORD, quote(PASSWORD), "s3creta"):
            self.assertNotIn(form, log)
            self.assertNotIn(form.encode(), words)
        self.assertIn(b"--ledger", words)
        self.assertIn("ledger postgresql://granja@127.0.0.1", log)

    def test_a_node_that_was_killed_starts_again_and_two_of_a_name_do_not(self) -> None:
        """The trades are there.  The visitor of before has left."""
        node = self.begin()
        self.dial(node).arrives("Ana", "13")
        status, said = run_to_the_end(
            "--listen", "tcp:0:interface=127.0.0.1", "--node", "norte", "--ledger", self.url,
            folder=str(folder_for(self)),
        )  # fmt: skip
        self.assertNotEqual(status, 0)
        self.assertIn("granja: a node called norte is running already", said)
        self.assertNotIn("Traceback", said)
        self.assertNotIn("s3creta", said)
        node.kill()
        node.start()
        beto = self.dial(node).arrives("Beto", "14")
        beto.types(":u")
        self.assertEqual(beto.hears_until("Beto$")[-1].split()[-1], "Beto")
        self.assertEqual(node.stop(), -SIGTERM)
        self.assertEqual(cli.main(["audit", "--ledger", self.direct]), 0)

    def test_a_server_ends_while_the_database_hangs(self) -> None:
        """It does not end at once, but it ends."""
        node = self.begin()
        self.dial(node).arrives("Ana", "13")
        self.wire.swallowing = self.wire.holding = True
        self.assertEqual(node.stop(), -SIGTERM)
