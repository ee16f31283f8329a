"""Swaps on a real ledger, and ``kill -9`` where it hurts most."""

from __future__ import annotations

from contextlib import closing

from twisted.trial.unittest import SynchronousTestCase

from granja.ledger import open_archive
from granja.operations.audit import Audit
from tests.support.folders import folder_for
from tests.support.server import Line, Server

PASSWORD = "cuchara oxidada"

#: The swap that closes a ring is on the disk, and the ring is not yet decided.
KILLED_BETWEEN = (
    "import os; from twisted.internet.defer import succeed; from granja.trade import settling; "
    "settling.Settling.settle = lambda self, n: succeed(0) if n < 3 else os.kill(os.getpid(), 9); "
)


class KilledBetween(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = folder_for(self)

    def server(self, prelude: str = "") -> Server:
        path = str(self.folder)
        return Server("--rate", "off", folder=path, ledger="sqlite:granja.db", prelude=prelude)

    def come_back(self, server: Server, name: str) -> list[str]:
        """What a registered farmer hears from ``¡OK!`` on, before the list of what they hold."""
        line = server.dial()
        line.types(name, PASSWORD, ":artefactos")
        line.hears_until("¡OK!")
        heard = line.hears_until("artefactos son: ")
        line.close()
        return heard

    def test_the_next_start_settles_the_ring_and_tells_it_once(self) -> None:
        """Both are away by then.  The server is killed again after they heard it."""
        with self.server(KILLED_BETWEEN) as server:
            for name, mine in (("Ana", "1"), ("Beto", "2"), ("Caro", "3")):
                farmer = server.dial().arrives(name, mine)
                farmer.types(f":registrar {PASSWORD}")
                farmer.hears_until("quedó registrado")
                self.addCleanup(farmer.close)
                self.post(farmer, int(mine))
            assert server.process is not None
            self.assertEqual(server.process.wait(30), -9)
        (self.folder / "twistd.pid").unlink()
        self.assertEqual(self.kinds()["settled"], 0)
        told = {
            "Ana": "#1: diste Rollo enano I a Caro y recibiste Rollo enano II de Beto.",
            "Beto": "#2: diste Rollo enano II a Ana y recibiste Rollo enano III de Caro.",
            "Caro": "#3: diste Rollo enano III a Beto y recibiste Rollo enano I de Ana.",
        }
        for again in (False, True):
            with self.server() as server:
                for name, sentence in told.items():
                    *news, _ = self.come_back(server, name)
                    line = f"[SERVER] Mientras no estabas: cambio {sentence}"
                    self.assertEqual(news, [] if again else [line])
                server.kill()
        self.assertEqual(self.kinds()["settled"], 1)

    def post(self, farmer: Line, mine: int) -> None:
        """Each asks for what the next one of three has.  The one who closes the ring hears nothing
        more."""
        farmer.types(f":cambio {mine} por {mine % 3 + 1}")
        if mine < 3:
            self.assertIn("puesto", farmer.hears())

    def kinds(self) -> dict[str, int]:
        """How many of each are on record, after an audit of all."""
        audit = Audit()
        with closing(open_archive(f"sqlite:{self.folder / 'granja.db'}")) as archive:
            for _ in audit.run(archive):
                pass
        return audit.kinds
