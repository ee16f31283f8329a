"""A password that the operator gives serves once, and asks for a new one."""

from __future__ import annotations

from granja.people.one_use import LETTERS, LIFE
from tests.console.test_errands import PASSWORD, ConsoleCase
from tests.support.farm import DAWN, Farm, Person
from tests.support.guests import guest, returns

ASK_PASSWORD, ASK_NEW = "[SERVER] Contraseña:", "[SERVER] Elige una contraseña nueva:"
NEW = "espantapájaros de paja"


class OneUseCase(ConsoleCase):
    def setUp(self) -> None:
        super().setUp()
        self.ana = guest(self.farm, "Ana", "6")
        self.ana.types(f":registrar {PASSWORD}")
        self.ana.hears()

    def given(self, name: str = "Ana") -> str:
        return str(self.asks("password", whom=name)["password"])

    def says(self, *lines: str) -> list[str]:
        """The last line that a person hears after typing these lines."""
        person = self.farm.person()
        person.types(*lines)
        return person.hears()


class Giving(OneUseCase):
    def test_what_is_said(self) -> None:
        answer = self.asks("password", whom="ANA")
        self.assertRegex(answer["password"], rf"\A([{LETTERS}]{{4}}-){{3}}[{LETTERS}]{{4}}\Z")
        done = f"Ana may come in once with the password {answer['password']}"
        self.assertEqual((answer["done"], answer["until"]), (done, DAWN + LIFE))
        self.assertNotEqual(self.given(), answer["password"])

    def test_only_a_hash_of_it_is_kept(self) -> None:
        """The act is kept too, without the password."""
        secret = self.given()
        self.assertNotIn(secret, repr(self.memory.kept))
        self.assertNotIn(secret.replace("-", ""), repr(self.memory.kept))
        did = [act["did"] for act in self.memory.kept["acts"].values() if isinstance(act, dict)]
        self.assertEqual(did, ["gave a password to"])

    def test_refused(self) -> None:
        self.farm.arrives("Beto")
        self.assertEqual(self.refused("password", whom="Zoe"), "nobody has registered the name Zoe")
        held = "nobody has registered the name Beto; a visitor has it"
        self.assertEqual(self.refused("password", whom="Beto"), held)
        alike = self.refused("password", whom="Аna")  # A Cyrillic А.
        self.assertEqual(alike, "nobody has registered the name Аna; Ana has")
        self.ledger.fill()
        self.assertIn("could not be stored", self.refused("password", whom="Ana"))


class Using(OneUseCase):
    def test_it_asks_for_a_new_one(self) -> None:
        """It works in any way a phone types it.  After a bad choice the question comes again."""
        secret = self.given()
        phone = f" {secret.replace('-', ' ').capitalize()} "
        person = self.farm.person()
        person.types("Ana", phone)
        self.assertEqual(person.hears()[-2:], [ASK_PASSWORD, ASK_NEW])
        person.types("corta")
        short = "[SERVER] Error: la contraseña debe tener entre 8 y 128 caracteres."
        self.assertEqual(person.hears(), [short, ASK_NEW])
        person.types(NEW)
        said = person.hears()
        self.assertEqual(said[0], "[SERVER] Contraseña cambiada.")
        self.assertTrue(any(line.startswith("[SERVER] Tus artefactos son: ") for line in said))
        self.assertIn("[SERVER] ¡OK!", said)
        self.assertIn("[SERVER] Entraste desde otro lugar.", self.ana.hears())

    def test_from_then_on_there_is_the_new_one(self) -> None:
        secret = self.given()
        self.says("Ana", secret, NEW)
        wrong = "[SERVER] Error: contraseña incorrecta."
        for old in (PASSWORD, secret):
            self.assertIn(wrong, self.says("Ana", old))
        self.assertIn("[SERVER] ¡OK!", self.says("Ana", NEW))

    def test_the_old_one_serves_until_then(self) -> None:
        """The old one works even if somebody used the new one and hung up at the question."""
        secret = self.given()
        self.assertIn("[SERVER] ¡OK!", self.says("Ana", PASSWORD))
        asked = self.farm.person()
        asked.types("Ana", secret)
        asked.drops()
        self.assertIn("[SERVER] Error: contraseña incorrecta.", self.says("Ana", secret))
        self.assertIn("[SERVER] ¡OK!", self.says("Ana", PASSWORD))

    def test_it_serves_for_a_day(self) -> None:
        early, late = self.given(), ""
        self.farm.clock.advance(LIFE - 1)
        self.assertIn(ASK_NEW, self.says("Ana", early))
        late = self.given()
        self.farm.clock.advance(LIFE)
        self.assertIn("[SERVER] Error: contraseña incorrecta.", self.says("Ana", late))

    def test_it_ends_all_passes(self) -> None:
        """This happens at its first use."""
        asked = self.farm.person()
        asked.types("Ana", self.given())
        bad = "[SERVER] Error: ese pase ya no sirve."
        self.assertIn(bad, returns(self.farm, self.ana.secret, self.ana.n).hears())

    def test_it_is_of_one_farmer(self) -> None:
        secret = self.given()
        self.moderator("Marta")
        self.assertIn("[SERVER] Error: contraseña incorrecta.", self.says("Marta", secret))

    def test_two_at_once(self) -> None:
        """Two connections read the question, and one of them gets the name."""
        secret, both = self.given(), [self.farm.person(), self.farm.person()]
        for person in both:
            person.protocol.dataReceived(f"Ana\r\n{secret}\r\n".encode())
        self.farm.settle()
        heard = sorted(person.hears()[-1] for person in both)
        self.assertEqual(heard, sorted([ASK_NEW, ASK_PASSWORD]))

    def test_a_full_disk(self) -> None:
        """The password still works then."""
        secret = self.given()
        self.ledger.fill()
        self.assertEqual(self.says("Ana", secret)[-1], ASK_PASSWORD)
        self.ledger.empty()
        self.assertEqual(self.says("Ana", secret)[-1], ASK_NEW)

    def test_it_outlives_a_restart(self) -> None:
        secret = self.given()
        farm = Farm(ledger=self.memory)
        person = Person(farm)
        person.types("Ana", secret)
        self.assertEqual(person.hears()[-1], ASK_NEW)

    def test_nobody_sees_what_is_typed(self) -> None:
        """A telnet that hides the password hides the new one as well."""
        person = self.farm.person()
        person.sends(b"\xff\xfd\x01")
        person.hears_bytes()
        secret = self.given()
        person.types("Ana")
        self.assertIn(b"\xff\xfb\x01", person.hears_bytes())
        person.types(secret)
        self.assertNotRegex(person.hears_bytes(), rb"\xff\xfc\x01\Z")
        person.types(NEW)
        self.assertIn(b"\xff\xfc\x01", person.hears_bytes())


class AModeratorsName(OneUseCase):
    def setUp(self) -> None:
        super().setUp()
        self.farm.factory.moderators.appoint(["Zoé", "Ana"])

    def test_it_is_registered(self) -> None:
        """The name is as the operator wrote it.  Nobody knows its password except for this one
        use."""
        answer = self.asks("password", whom="ZOÉ")
        self.assertRegex(answer["done"], r"^Zoé may come in once with the password ")
        person = self.farm.person()
        person.types("Zoé", answer["password"], NEW, ":vetos")
        self.assertEqual(person.hears()[-1], "[SERVER] No hay vetos.")

    def test_the_record_is_in_order(self) -> None:
        """It is a farmer like others, and away."""
        self.given("Zoé")
        market = self.farm.factory.market
        (zoe,) = [id for id, name in market.registered.items() if name == "Zoé"]
        self.assertIn(zoe, market.away)
        ana = self.farm.arrives("Beto", "12")
        ana.types(":offer Zoé 12 6")
        self.assertFalse(any("Traceback" in line for line in ana.hears()))

    def test_who_holds_it_is_in_the_way(self) -> None:
        self.farm.arrives("Beto")
        self.farm.factory.moderators.appoint(["Beto"])
        why = "nobody has registered the name Beto; a visitor has it"
        self.assertEqual(self.refused("password", whom="Beto"), why)

    def test_a_full_disk(self) -> None:
        self.ledger.fill()
        self.assertIn("could not be stored", self.refused("password", whom="Zoé"))
        self.assertEqual(self.farm.factory.roster.holder("Zoé"), None)
