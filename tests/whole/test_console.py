"""``granja admin`` and a real server: through a socket that only the operator can open."""

from __future__ import annotations

import io
import json
import os
import stat
import sys

from twisted.trial.unittest import SynchronousTestCase

from granja.__main__ import main
from tests.support.server import PATIENCE, Server


class Admin(SynchronousTestCase):
    def granja(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command.  Returns its exit status, its output and its stderr."""
        out, err = io.StringIO(), io.StringIO()
        self.patch(sys, "stdout", out)
        self.patch(sys, "stderr", err)
        return main(["admin", *arguments]), out.getvalue(), err.getvalue()

    def test_an_operators_evening(self) -> None:
        """Looking, putting somebody out, and what a restart remembers."""
        with Server(ledger="sqlite:granja.db") as server:
            path = str(server.folder / "granja.db.admin")
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            farmer = server.dial()
            self.addCleanup(farmer.socket.close)
            farmer.arrives("Ana", "6")
            status, out, _ = self.granja("--admin", path, "who")
            self.assertEqual(status, 0)
            self.assertRegex(out, r"(?m)^Ana +visitor +127\.0\.0\.1 +0 min$")
            status, out, _ = self.granja("--admin", path, "ban", "Ana", "2h", "muchas", "ofertas")
            self.assertRegex(out, r"^Ana is banned until \d{4}-\d\d-\d\d \d\d:\d\d\.\n$")
            self.assertEqual(farmer.hears_to_the_end(), ["[SERVER] Te expulsaron: muchas ofertas."])
            self.assertEqual(
                self.granja("--admin", path, "freeze")[:2], (0, "trading has stopped.\n")
            )
            server.stop()
            server.start()
            status, out, _ = self.granja("--admin", path, "bans", "--json")
            (ban,) = json.loads(out)["bans"]
            self.assertEqual((ban["whom"], ban["why"]), ("Ana", "muchas ofertas"))
            self.assertRegex(self.granja("--admin", path, "status")[1], r"(?m)^frozen +yes$")
            self.assertRegex(self.granja("--admin", path, "bans")[1], r"(?m)^Ana .*muchas ofertas$")
            status, out, err = self.granja("--admin", path, "unban", "Beto")
            why = "Beto is not banned; see `granja admin bans`"
            self.assertEqual((status, out, err), (1, "", f"granja: {why}\n"))
            status, out, _ = self.granja("--admin", path, "unban", "Beto", "--json")
            self.assertEqual((status, json.loads(out)), (1, {"refused": why}))
            server.kill()  # What it leaves of its socket stops no next start.
            server.start()
            self.assertEqual(self.granja("--admin", path, "status")[0], 0)

    def test_the_last_to_leave_ends_it(self) -> None:
        """Drained, the process ends by itself and in good order."""
        with Server("--moderator", "Marta", ledger="sqlite:granja.db") as server:
            path = str(server.folder / "granja.db.admin")
            status, out, _ = self.granja("--admin", path, "password", "Marta", "--json")
            self.assertEqual(status, 0)
            marta = server.dial()
            self.addCleanup(marta.socket.close)
            marta.types("Marta", json.loads(out)["password"], "girasoles al sol")
            marta.hears_until("¡OK!")
            status, out, _ = self.granja("--admin", path, "drain")
            self.assertEqual((status, out), (0, "nobody else comes in; one person is left.\n"))
            self.assertEqual(self.granja("--admin", path, "drain", "--off")[0], 0)
            status, _, err = self.granja("--admin", path, "drain", "--off")
            self.assertEqual((status, err), (1, "granja: the farm is not drained\n"))
            self.granja("--admin", path, "drain")
            marta.types(":q")
            marta.hears_to_the_end()
            assert server.process is not None
            self.assertEqual(server.process.wait(PATIENCE), 0)
            self.assertNotIn("Traceback", server.read_log())
            self.assertNotIn("girasoles", server.read_log())

    def test_a_ledger_in_memory_has_a_console_if_it_is_asked_for(self) -> None:
        with Server("--admin", "here") as server:
            self.assertEqual(self.granja("--admin", str(server.folder / "here"), "who")[0], 0)
        with Server("--admin", "off", ledger="sqlite:granja.db") as server:
            self.assertEqual(list(server.folder.glob("*.admin*")), [])
        with Server() as server:
            self.assertEqual(list(server.folder.glob("*admin*")), [])

    def test_nobody_there(self) -> None:
        status, _, err = self.granja("--admin", "/nowhere/at.all", "status")
        said = "granja: no server answers at /nowhere/at.all: No such file or directory\n"
        self.assertEqual((status, err), (1, said))

    def test_wrong_arguments(self) -> None:
        for arguments in (
            (),
            ("drop",),
            ("ban", "Ana"),
            ("ban", "Ana", "siempre"),
            ("ban", "Ana", "0"),
            ("mute", "Ana"),
            ("announce",),
            ("freeze", "now"),
            ("passes", "Ana"),
        ):
            status, out, err = self.granja(*arguments)
            self.assertEqual((status, out), (2, ""), arguments)
            self.assertIn("usage: granja admin", err)
