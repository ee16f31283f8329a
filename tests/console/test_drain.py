"""Nobody else comes in, and the process ends when nobody is left."""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent

from granja.health.watch import why_not
from tests.console.test_errands import PASSWORD, ConsoleCase
from tests.support.guests import guest, returns

NOT_NOW = ["[SERVER] Ahora no se puede entrar; inténtalo en un momento."]
ASK_NAME = "[SERVER] Ingresa tu nombre:"


class Draining(ConsoleCase):
    def test_it_ends_when_nobody_is_left(self) -> None:
        ana, beto = self.farm.arrives("Ana"), self.farm.arrives("Beto")
        answer = self.asks("drain")
        self.assertEqual(answer, {"done": "nobody else comes in; 2 people are left", "left": 2})
        self.assertTrue(self.asks("status")["draining"])
        ana.types(":q")
        ana.drops()
        self.farm.clock.pump([1.0] * 5)
        self.assertEqual(self.ended, [])
        beto.types(":q")
        beto.drops()
        self.farm.clock.advance(1.0)
        self.assertEqual(self.ended, [True])

    def test_nobody_comes_in(self) -> None:
        """People who read the question again may try again.  Nothing holds the name meanwhile."""
        self.farm.arrives("Ana")
        self.asks("drain")
        for name in ("Beto", "beto", "Gus"):
            late = self.farm.person()
            late.hears()
            late.types(name)
            self.assertEqual(late.hears(), [*NOT_NOW, ASK_NAME])
        late.types("Ana")
        self.assertEqual(late.hears()[0], "[SERVER] Nombre ya en uso.")
        self.assertEqual(self.asks("drain", off=True), {"done": "people may come in again"})
        late.types("Beto", "", "si")
        self.assertIn("¡OK!", late.hears()[-1])
        self.farm.clock.advance(60)
        self.assertEqual(self.ended, [])

    def test_a_drain_that_was_called_off_ends_nothing(self) -> None:
        """Also if nobody is there.  The log says each once."""
        said: list[str] = []
        for arguments in ({}, {}, {"off": True}, {"off": True}):
            with capturedLogs() as logs:
                self.asks("drain", **arguments)
            said.append(" ".join(map(formatEvent, logs)))
        begun = "Nobody else comes in; the server ends when nobody is left."
        self.assertEqual(said, [begun, "", "People may come in again.", ""])
        self.farm.clock.pump([1.0] * 3)
        self.assertEqual(self.ended, [])

    def test_a_pass_comes_back(self) -> None:
        """The drain also waits for people who linger."""
        ana = guest(self.farm, "Ana")
        self.asks("drain")
        ana.drops()
        self.farm.clock.pump([1.0] * 10)
        self.assertEqual(self.ended, [])
        again = returns(self.farm, ana.secret, ana.n)
        self.assertIn("[SERVER] Hola de nuevo, Ana.", again.hears())
        again.drops()
        self.farm.clock.pump([1.0] * 130)
        self.assertEqual(self.ended[:1], [True])

    def test_who_is_inside_may_change_the_line(self) -> None:
        """A registered farmer who is away may not come in, even with the password."""
        marta, zoe = self.moderator("Marta"), self.moderator("Zoe")
        zoe.types(":q")
        zoe.drops()
        self.asks("drain")
        second = self.farm.person()
        second.hears()
        second.types("Zoe")
        self.assertEqual(second.hears(), [*NOT_NOW, ASK_NAME])
        second.types("Marta", PASSWORD)
        self.assertIn("[SERVER] ¡OK!", second.hears())
        self.assertTrue(marta.is_closed)

    def test_it_is_not_ready_meanwhile(self) -> None:
        self.assertEqual(why_not(self.farm.factory), None)
        self.asks("drain")
        self.assertEqual(why_not(self.farm.factory), "draining: nobody else comes in")
        self.asks("drain", off=True)
        self.assertEqual(why_not(self.farm.factory), None)
        self.assertEqual(self.refused("drain", off=True), "the farm is not drained")
