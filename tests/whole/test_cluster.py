"""Three nodes of one farm: real servers, on PostgreSQL and NATS."""

from __future__ import annotations

import re
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from tests.support import postgresql
from tests.support.nats import MISSING, NatsServer
from tests.support.server import Line, Server, run_to_the_end


class Cluster(SynchronousTestCase):
    skip = MISSING or None

    def setUp(self) -> None:
        self.ledger = postgresql.database(self)
        self.nats = self.enterContext(NatsServer())
        self.nodes = [self.node(name) for name in ("norte", "sur", "este")]

    def node(self, name: str) -> Server:
        options = ("--node", name, "--bus", self.nats.url, "--rate", "off", "--linger", "0")
        server = Server(*options, ledger=self.ledger)
        self.enterContext(server)
        return server

    def comes(self, node: Server, name: str, artifacts: str = "") -> Line:
        line = node.dial()
        self.addCleanup(line.socket.close)
        line.types(name, artifacts, "si")
        self.until(line, "[SERVER] ¡OK!")
        return line

    def until(self, line: Line, said: str) -> None:
        line.hears_until(f"^{re.escape(said)}$")

    def test_three_nodes(self) -> None:
        """There is talk, whispers, a trade, a killed node and a bus that is away."""
        north, south, east = self.nodes
        ana = self.comes(north, "Ana", "32")
        beto = self.comes(south, "Beto", "12")
        self.until(ana, "[SERVER] Cliente Beto conectado.")
        caro = self.comes(east, "Caro")
        self.until(beto, "[SERVER] Cliente Caro conectado.")
        for line in (ana, beto, caro):
            line.types(":u")
            self.until(line, "[SERVER] Usuarios conectados: Ana, Beto, Caro")
        ana.types("¡Hola!", ":p Beto psst")
        self.until(beto, "Ana: ¡Hola!")
        self.assertEqual(beto.hears(), "Ana te susurra: psst")
        self.until(caro, "Ana: ¡Hola!")
        ana.types(":offer Beto 32 12")
        self.until(beto, "[SERVER] Ana quiere intercambiar su Escápula prehistórica por tu Disco "
                         "raro (#1: :accept o :reject)")  # fmt: skip
        beto.types(":accept")
        self.until(ana, "[SERVER] Intercambio realizado, tus artefactos ahora son: Disco raro")
        south.kill()
        self.until(ana, "[SERVER] Beto desconectado.")
        self.until(caro, "[SERVER] Beto desconectado.")
        self.nats.kill()
        caro.types("¿me oyen?", ":p Ana ¿y tú?")
        self.until(caro, "[SERVER] Error: no se pudo entregar a Ana; inténtalo en un momento.")
        self.nats.start()
        self.until(ana, "[SERVER] Te perdiste 1 línea.")
        caro.types("¿y ahora?")
        self.until(ana, "Caro: ¿y ahora?")


class Refusals(SynchronousTestCase):
    def test_what_is_no_bus_for_a_farm(self) -> None:
        """One sentence for the operator, which says no secret again."""
        for options, sentence in (
            (("--bus", "nats://s3creta@bus"), "a bus is for nodes that share a ledger"),
            (("--bus", "redis://s3creta@bus"), "the bus must be like nats://HOST:4222"),
            (("--bus", "nats://s3creta@bus:x"), "the bus must be like nats://HOST:4222"),
        ):
            with TemporaryDirectory() as folder:
                status, said = run_to_the_end("--ledger", "memory:", *options, folder=folder)
            self.assertEqual(status, 1)
            self.assertIn(sentence, said)
            self.assertNotIn("s3creta", said)
            self.assertNotIn("Traceback", said)
