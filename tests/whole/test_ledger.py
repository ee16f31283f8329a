"""A whole server on a disk that is full, and on a ledger that it cannot have."""

from __future__ import annotations

import resource
from contextlib import closing

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import OfferId
from granja.ledger.sqlite import database
from granja.market.facts import Fact, Registered, Traded, Withdrawn
from tests.support.folders import folder_for
from tests.support.ledgers import BETO, GUS, SPADE, STORY, forge, tamper
from tests.support.server import Line, Server, run_to_the_end


class FullDiskTests(SynchronousTestCase):
    """The kernel refuses to let the ledger grow (a file size limit, set from outside)."""

    def test_trading_waits_for_room_and_the_chat_does_not(self) -> None:
        """Both hear that nothing changed.  People go on talking.  With room again, trading
        resumes."""
        folder = folder_for(self)
        with Server("--rate", "off", folder=str(folder), ledger="sqlite:granja.db") as server:
            ana = server.dial().arrives("Ana", "13")
            beto = server.dial().arrives("Beto", "14")
            self.addCleanup(ana.close)
            self.addCleanup(beto.close)
            offer = self.offer(ana, beto)
            self.limit(server, (folder / "granja.db-wal").stat().st_size)
            beto.types(f":accept {offer}", "sigo aquí")
            refused = "[SERVER] Error de Intercambio: no se pudo guardar; nada cambió."
            self.assertEqual(beto.hears(), refused)
            self.assertEqual(ana.hears_until("sigo aquí")[-1], "Beto: sigo aquí")
            beto.types(":artefactos")
            self.assertEqual(beto.hears(), "[SERVER] Tus artefactos son: Cuchara oxidada")
            self.limit(server, resource.RLIM_INFINITY)
            beto.types(f":accept {offer}")
            self.assertEqual(
                beto.hears(),
                "[SERVER] Intercambio aceptado, ahora tus artefactos son: Espada antigua",
            )
            server.logs("SQLITE_IOERR_WRITE")

    def offer(self, ana: Line, beto: Line) -> str:
        ana.types(":offer Beto 13 14")
        return beto.hears_until(":accept o :reject")[-1].split("#")[1].split(":")[0]

    def limit(self, server: Server, size: int) -> None:
        assert server.process is not None
        _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, hard))


class RefusedLedgerTests(SynchronousTestCase):
    """The operator reads one sentence, and the exit status says that it did not work."""

    def refused(self, folder: str) -> str:
        options = ("--listen", "tcp:0:interface=127.0.0.1", "--ledger", "sqlite:granja.db")
        status, said = run_to_the_end(*options, folder=folder)
        self.assertNotEqual(status, 0)
        self.assertNotIn("Traceback", said)
        return said

    def test_a_second_server_on_the_same_ledger(self) -> None:
        """It does not start, and the first one does not notice."""
        folder = folder_for(self)
        with Server(folder=str(folder), ledger="sqlite:granja.db") as server:
            (folder / "twistd.pid").unlink()  # which would keep the second one out by itself
            self.assertIn("in use by another server", self.refused(str(folder)))
            server.dial().arrives("Ana", "13").close()

    def test_damage_in_the_middle(self) -> None:
        """It does not start, and names the entry."""
        folder = folder_for(self)
        path = folder / "granja.db"
        with closing(database.open_to_write(path)):
            forge(path, STORY)
        tamper(path, "UPDATE entries SET time = 0 WHERE sequence = 5")
        self.assertIn("entry 5 is damaged", self.refused(str(folder)))

    def test_a_deed_that_cannot_have_happened(self) -> None:
        """Its hash fits, but the market cannot follow.  The refusal names it all the same."""
        impossible: dict[Fact, str] = {
            Traded(OfferId(99)): "entry 9 is damaged: it cannot have happened",
            Withdrawn(GUS, (SPADE,)): "entry 9 is damaged: it cannot have happened",
            Registered(BETO, "ANA"): "the name ANA is registered twice",
        }
        for fact, sentence in impossible.items():
            folder = folder_for(self)
            path = folder / "granja.db"
            with closing(database.open_to_write(path)):
                forge(path, [*STORY, fact])
            self.assertIn(sentence, self.refused(str(folder)))
