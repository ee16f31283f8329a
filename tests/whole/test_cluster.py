"""Three nodes of one farm: real servers, on PostgreSQL and NATS."""

from __future__ import annotations

import re
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from tests.support import postgresql
from tests.support.bearer import Farmer
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


class Returning(SynchronousTestCase):
    skip = MISSING or None

    def test_who_comes_back_at_another_node_misses_nothing(self) -> None:
        """The line breaks at one node, and the pass serves at the other."""
        ledger, nats = postgresql.database(self), self.enterContext(NatsServer())
        north, south = (
            self.enterContext(Server("--node", name, "--bus", nats.url, ledger=ledger))
            for name in ("norte", "sur")
        )
        beto = south.dial()
        self.addCleanup(beto.close)
        beto.arrives("Beto", "12")
        ana = Farmer(("127.0.0.1", north.port), "Ana")
        ana.types("Ana", "32", "si")
        ana.hears_until("¡OK!")
        while not ana.secret:
            ana.types(":u")
            ana.hears_until("conectados")
        beto.hears_until("Cliente Ana conectado")
        beto.types("antes")
        ana.hears_until("Beto: antes")
        ana.close()
        beto.types("uno", ":p Ana dos", ":offer Ana 12 32", "tres")
        beto.hears_until("Oferta #1")
        ana.address = ("127.0.0.1", south.port)
        ana.dial()
        self.addCleanup(ana.close)
        # The record and the bus are two ways: the offer may come before "tres", or after it.
        ana.types(f":volver {ana.secret} {ana.number}", ":u")
        heard = ana.hears_until("Usuarios conectados")[:-1]
        offer = (
            "[SERVER] Beto quiere intercambiar su Disco raro por tu Escápula prehistórica "
            "(#1: :accept o :reject)"
        )
        told = heard[heard.index("[SERVER] ¡OK!") + 1 :]
        self.assertEqual(
            sorted(told), sorted(["Beto: uno", "Beto te susurra: dos", offer, "Beto: tres"])
        )
        beto.types(":u")
        self.assertEqual(
            [line for line in beto.hears_until("Usuarios") if "desconectado" in line], []
        )


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
