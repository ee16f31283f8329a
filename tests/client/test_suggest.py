"""What Tab and typing suggest in the terminal client."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.catalog_file import read_catalog
from granja.client.completion import suggest
from granja.client.incoming import Heard
from granja.client.surroundings import Surroundings
from granja.contract import messages
from granja.contract.catalog import Artifact
from granja.contract.commands import FOR_ALL
from granja.contract.ids import ArtifactId

NAMES = {number: artifact.name for number, artifact in read_catalog(None).items()}


def artifact(number: int) -> Artifact:
    return Artifact(ArtifactId(number), NAMES[number])


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.around = Surroundings(NAMES)
        self.learn(
            messages.Ready("Ana"),
            messages.Here(("Ana", "Beto", "Ángela", "Gus")),
            messages.Inventory(tuple(map(artifact, (6, 13, 13)))),
        )

    def learn(self, *told: messages.Message) -> None:
        for message in told:
            self.around.learn(Heard(message.type, message.line(), message.data()))

    def texts(self, before: str, question: str = "", asked: bool = False) -> list[str]:
        """The lines that choosing each suggestion would make."""
        suggestions = suggest(before, self.around, question, asked)
        return [before[: len(before) - s.replaces] + s.text for s in suggestions]


class Commands(Case):
    def test_commands_by_their_beginning(self) -> None:
        self.assertEqual(self.texts(":art"), [":artefactos", ":artefacto "])
        self.assertEqual(self.texts(":OFE"), [":ofertas"])
        self.assertEqual(self.texts(":h"), [":help", ":historial"])
        self.assertEqual(self.texts(":?"), [":help"])

    def test_a_lone_colon_may_be_a_smile(self) -> None:
        self.assertEqual(self.texts(":"), [])
        self.assertEqual(len(self.texts(":", asked=True)), len(FOR_ALL))
        self.assertEqual(self.texts(":)"), [])

    def test_the_menu_says_what_a_command_does(self) -> None:
        (row,) = suggest(":retir", self.around, "", False)
        self.assertEqual((row.label, row.note), (":retirar [n]", "retira una oferta que hiciste"))

    def test_unknown_commands_and_spent_arguments(self) -> None:
        for before in (":nada ", ":q ", ":u x", ":artefacto 12 ", ":p Beto Á", ":registrar b"):
            self.assertEqual(self.texts(before), [], before)


class People(Case):
    def test_whoever_is_here(self) -> None:
        self.assertEqual(self.texts(":p b"), [":p Beto "])
        self.assertEqual(self.texts(":offer ang"), [":offer Ángela "])
        self.assertEqual(self.texts(":p "), [":p Beto ", ":p Ángela ", ":p Gus "])

    def test_nothing_that_is_typed_next_sticks_to_a_name(self) -> None:
        self.assertEqual(self.texts(":regi"), [":registrar "])
        self.assertEqual(self.texts(":ignorar b"), [":ignorar Beto"])
        self.assertEqual(self.texts(":historial 1") + self.texts(":ofertas n"), [])
        self.assertEqual(self.texts(":offer Gus 6 disco raro"), [":offer Gus 6 12"])

    def test_oneself_is_not_suggested(self) -> None:
        self.assertEqual(self.texts(":p an"), [":p Ángela "])

    def test_coming_and_going(self) -> None:
        self.learn(messages.Arrived("Bea"), messages.Departed("Beto"))
        self.assertEqual(self.texts(":p b"), [":p Bea "])
        self.around.forget_others()
        self.assertEqual(self.texts(":p "), [])

    def test_in_talk_only_when_asked(self) -> None:
        """No menu appears while people talk.  Tab brings it."""
        self.assertEqual(self.texts("hola be"), [])
        self.assertEqual(self.texts("hola be", asked=True), ["hola Beto"])


class Artifacts(Case):
    def test_disco_is_12(self) -> None:
        self.assertEqual(self.texts(":artefacto disco"), [":artefacto 12"])
        self.assertEqual(self.texts(":artefacto DISCO RA"), [":artefacto 12"])
        self.assertEqual(self.texts(":agregar anfora"), [":agregar 5"])

    def test_mine_are_those_that_i_have(self) -> None:
        self.assertEqual(self.texts(":offer Gus "), [":offer Gus 6 ", ":offer Gus 13 "])
        self.assertEqual(self.texts(":offer Gus espada antigua"), [":offer Gus 13 "])
        self.assertEqual(self.texts(":offer Gus disco"), [])
        labels = [s.label for s in suggest(":offer Gus ", self.around, "", False)]
        self.assertEqual(labels, ["Punta de flecha", "Espada antigua ×2"])

    def test_theirs_are_all_there_are(self) -> None:
        self.assertEqual(self.texts(":offer Gus 6 disco raro"), [":offer Gus 6 12"])

    def test_numbers_tell_their_names(self) -> None:
        labels = [s.label for s in suggest(":artefacto 12", self.around, "", False)]
        self.assertEqual(labels, ["Disco raro"])

    def test_what_i_have_follows_the_trades(self) -> None:
        self.learn(messages.TradeDone(7, (artifact(12),)))
        self.assertEqual(self.texts(":offer Gus "), [":offer Gus 12 "])

    def test_the_question_for_a_list(self) -> None:
        for before, after in (
            ("disco", "12"),
            ("6, 13, disco r", "6, 13, 12"),
            ("6,13;cuchara", "6,13;14"),
            ("6 13 cuch", "6 13 14"),
        ):
            self.assertEqual(self.texts(before, "artifacts"), [after], before)
        self.assertEqual(self.texts("", "artifacts"), [])
        self.assertEqual(self.texts("6, ", "artifacts"), [])

    def test_other_questions_suggest_nothing(self) -> None:
        for question in ("name", "password", "confirm"):
            self.assertEqual(self.texts("disco", question, asked=True), [])


class Offers(Case):
    def test_pending_offers(self) -> None:
        gives, takes = artifact(21), artifact(12)
        self.learn(
            messages.OfferReceived(7, "Gus", gives, takes),
            messages.OfferSent(8, "Beto", gives, takes),
        )
        self.assertEqual(self.texts(":accept "), [":accept 7", ":accept 8"])
        notes = [s.note for s in suggest(":accept ", self.around, "", False)]
        self.assertEqual(
            notes, ["de Gus: su Ancla por tu Disco raro", "para Beto: tu Ancla por su Disco raro"]
        )
        self.learn(
            messages.OfferEnded(7, "expired", "…", "Ana", "Gus", artifact(21), artifact(12)),
            messages.TradeDone(8, ()),
        )
        self.assertEqual(self.texts(":accept "), [])


class HostileServer(Case):
    def test_fields_of_the_wrong_kind(self) -> None:
        """Any data from a server breaks nothing, and the client learns nothing false."""
        people, catalog = dict(self.around.people), dict(self.around.catalog)
        nonsense: tuple[dict[str, object], ...] = (
            {"names": "x", "artifacts": 3, "number": "7", "name": 5, "artifact": []},
            {"artifact": {"id": True, "name": "x"}, "gives": {"id": 1}, "takes": {"name": "x"}},
            {"artifacts": [1, None, {}], "number": None, "name": None},
        )
        for data in nonsense:
            for kind in ("arrived", "left", "offer", "offer-ended", "ready", "artifact", "nuevo"):
                self.around.learn(Heard(kind, "", data))
        self.around.learn(Heard("here", "", {"names": "x"}))
        self.around.learn(Heard("inventory", "", {"artifacts": 3}))
        self.assertEqual((self.around.people, self.around.catalog), (people, catalog))
        self.assertEqual(self.around.inventory, [6, 13, 13])

    def test_names_are_cleaned(self) -> None:
        """A suggestion can end up in the line, so it must hold no escape sequence."""
        self.around.learn(Heard("here", "", {"names": ["Beto\x1b[2J", 7, "Gus\r\n:q"]}))
        self.assertEqual(list(self.around.people), ["Beto", "Gus:q"])


class Lists(Case):
    """``:cambio``, ``:busco`` and ``:doy`` take several, by name or number."""

    def labels(self, before: str) -> list[str]:
        return [s.label for s in suggest(before, self.around, "", False)]

    def test_what_one_gives(self) -> None:
        self.assertEqual(
            self.labels(":cambio "), ["repetidos", "Punta de flecha", "Espada antigua ×2"]
        )
        self.assertEqual(self.texts(":cambio esp"), [":cambio 13"])
        self.assertEqual(self.texts(":cambio rep"), [":cambio repetidos"])
        self.assertEqual(self.texts(":cambio disc"), [])
        self.assertEqual(self.texts(":cambio 13, pun"), [":cambio 13, 6"])
        self.assertEqual(self.texts(":cambio 13 espada an"), [":cambio 13 13"])

    def test_the_word_between(self) -> None:
        self.assertIn(":cambio 13 por ", self.texts(":cambio 13 "))
        self.assertEqual(self.texts(":cambio 13 po"), [":cambio 13 por "])
        self.assertEqual(self.texts(":cambio repetidos "), [":cambio repetidos por "])
        self.assertNotIn(":cambio por ", self.texts(":cambio "))

    def test_what_one_takes(self) -> None:
        self.assertEqual(self.texts(":cambio 13 por disco"), [":cambio 13 por 12"])
        self.assertEqual(self.texts(":cambio 13 POR fal"), [":cambio 13 POR faltantes"])
        self.assertEqual(self.texts(":cambio 13 por 12, anc"), [":cambio 13 por 12, 21"])
        self.assertEqual(self.texts(":cambio 13 por espada"), [])
        self.assertNotIn("faltantes", self.labels(":cambio 13 por 12 "))

    def test_what_is_sought_and_given(self) -> None:
        self.assertEqual(self.texts(":busco to"), [":busco todo"])
        self.assertEqual(self.texts(":busco nad"), [":busco nada"])
        self.assertEqual(self.texts(":busco 12 anc"), [":busco 12 21"])
        self.assertEqual(self.texts(":doy esp"), [":doy 13"])
        self.assertEqual(self.labels(":doy rep"), ["repetidos"])
        self.assertEqual(self.texts(":doy anc"), [])


class Proposals(Case):
    """A notice says what to type, and one key types it."""

    def tell(self) -> None:
        self.learn(messages.ChanceTold(artifact(13), artifact(12)))

    def test_one_key(self) -> None:
        self.assertNotIn(":cambio 13 por 12", self.texts("", asked=True))
        self.tell()
        self.assertEqual(self.texts("", asked=True), [":cambio 13 por 12"])
        self.assertEqual(self.texts(""), [])
        self.assertEqual(self.texts("h", asked=True), [])
        self.learn(messages.Chances(3))
        self.assertEqual(self.texts("", asked=True), [":trueques"])

    def test_it_is_made_of_numbers(self) -> None:
        for gives in ({"id": ":q", "name": "x"}, {"id": True, "name": "x"}, None, 5):
            told = {"gives": gives, "takes": {"id": 12, "name": "Disco raro"}}
            self.around.learn(Heard("chance-told", "", told))
            self.assertEqual(self.around.proposed, "")

    def test_a_swap_of_ones_own(self) -> None:
        """It ends the proposal, and can be taken back by its number."""
        self.tell()
        self.learn(
            messages.SwapPosted(9, (artifact(13),), (artifact(12), artifact(21)), False, False)
        )
        self.assertEqual(self.around.proposed, "")
        (row,) = suggest(":retirar ", self.around, "", False)
        self.assertEqual(
            (row.label, row.note), ("#9", "cambio: tu Espada antigua por Disco raro o Ancla")
        )
        self.learn(messages.SwapDone(9, artifact(13), "Beto", artifact(12), "Beto", (artifact(6),)))
        self.assertEqual(self.around.inventory, [6])
        self.assertEqual(self.texts(":retirar "), [])
