"""docs/protocol.md is true: a test acts its examples, and the code makes its tables."""

from __future__ import annotations

import ast
import io
import json
import re
import sys
from dataclasses import dataclass, replace

from twisted.trial.unittest import SynchronousTestCase

from granja.contract import commands, errors, messages
from granja.contract.errors import GranjaError, InvalidName
from granja.contract.messages import Message
from granja.settings import Settings
from granja.tap import Options
from granja.text.names import parse
from granja.wire import encodings as carriers
from tests.support.farm import Farm, Person
from tests.support.folders import folder_for
from tests.support.play import Mistake, act
from tools import document_protocol, protocol_samples
from tools.document_protocol import (
    BLOCKS,
    PAGE,
    Undocumented,
    field_types,
    main,
    package,
    rewrite,
)

GRANJA = PAGE.parents[1] / "granja"

WILL_GMCP, DO_GMCP, DONT_GMCP = b"\xff\xfb\xc9", b"\xff\xfd\xc9", b"\xff\xfe\xc9"
HIDE, SHOW = b"\xff\xfb\x01", b"\xff\xfc\x01"
NOP = b"\xff\xf1"
QUESTION = "[SERVER] Contraseña:\r\n".encode()


def fenced(language: str, page: str) -> list[str]:
    """The contents of the page's fenced blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def by_hand(page: str) -> str:
    """The page without what was generated."""
    return re.sub(r"<!-- generated: .*?<!-- end -->", "", page, flags=re.DOTALL)


class ThePage(SynchronousTestCase):
    def setUp(self) -> None:
        self.page = PAGE.read_text("utf-8")

    def test_it_is_up_to_date(self) -> None:
        """After a change of a command, a sentence or a limit, the page has to be made again."""
        told = io.StringIO()
        self.patch(sys, "stderr", told)
        self.assertEqual(main(["--check"]), 0, told.getvalue())

    def test_the_examples_happen(self) -> None:
        """Each conversation on the page goes like that with the real server."""
        plays = fenced("play", self.page)
        self.assertGreater(len(plays), 4)
        for number, play in enumerate(plays, 1):
            try:
                act(play)
            except Mistake as mistake:
                self.fail(f"example {number}, {mistake}")
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_every_command_is_explained(self) -> None:
        """Besides its row in the table, somewhere in the text."""
        text = by_hand(self.page)
        for row in commands.TABLE:
            self.assertRegex(text, rf"`{row.word}\b", row.word)

    def test_data_is_json_with_its_line(self) -> None:
        """Every line that is shown is shown as data too, in the same order."""
        told, types = [], set()
        for block in fenced("json", self.page):
            for example in block.splitlines():
                data = json.loads(example)
                told += [data["line"]] if "line" in data else []
                types.add(data["type"])
        shown = "".join(fenced("text", self.page)).splitlines()
        self.assertEqual([line for line in shown if not line.startswith("IAC ")], told)
        kinds = {kind for kind in vars(messages).values() if _is_message(kind)}
        self.assertEqual(types, {kind.type for kind in kinds})

    def test_every_type_has_a_package_that_the_client_can_name(self) -> None:
        """No two messages travel under one name."""
        samples = [sample.messages[0] for sample in protocol_samples.MESSAGES]
        names = [package(message) for message in samples]
        self.assertEqual(len(set(names)), len(names))
        for message, name in zip(samples, names, strict=True):
            self.assertIn(f"| `{message.type}` | `{name}` |", self.page)

    def test_fields_are_what_the_page_says(self) -> None:
        """The types in the overview are those of the values in the examples."""
        shapes = {
            "text": lambda value: isinstance(value, str),
            "number": lambda value: isinstance(value, int),
            "true or false": lambda value: isinstance(value, bool),
            "artifact": lambda value: value.keys() == {"id", "name"},
            "list of text": lambda value: all(isinstance(part, str) for part in value),
            "list of artifacts": lambda value: all(part.keys() == {"id", "name"} for part in value),
            "object: the refusal's own fields": lambda value: isinstance(value, dict),
            "list of artifacts, or null": lambda value: value is None or isinstance(value, list),
            "object: `givers` and `seekers`, numbers": lambda value: (
                value.keys() == {"givers", "seekers"}
            ),
        }
        for sample in protocol_samples.MESSAGES:
            for message in sample.messages:
                types = dict(field_types(type(message)))
                data = message.data()
                line = set() if message.silent else {"line"}
                self.assertEqual(set(data), {"type", *line, *types})
                for name, kind in types.items():
                    self.assertTrue(shapes[kind](data[name]), (message, name))

    def test_reasons_against_a_name(self) -> None:
        """A person whose name is refused finds the reason on the page."""
        names = ["", "admin", "a" * 21, "🌽", "ñandú con sal", "a\u200bb", "\U00020000" * 17, "_a"]
        names += [
            "10.0.0.1",
            "an\u0430",
            "ana\u0663",
            "a.\u0301b",
            "a" + "\u0332\u0323\u0331\u0330\u032d",
        ]
        reasons = set()
        for name in names:
            with self.assertRaises(InvalidName, msg=ascii(name)) as caught:
                parse(name)
            reasons.add(caught.exception.why)
        self.assertEqual(len(reasons), len(names))
        section = self.page[self.page.index("After `InvalidName` comes the reason") :]
        listed = set(re.findall(r"`(.+?)`", section[: section.index("\n\n")])) - {"InvalidName"}
        self.assertEqual(listed, reasons)

    def test_links_lead_somewhere(self) -> None:
        """Within the page, and to other files of the project."""
        headings = re.findall(r"^#+ (.*)$", self.page, re.MULTILINE)
        anchors = {
            re.sub(r"[^\w -]", "", text).strip().lower().replace(" ", "-") for text in headings
        }
        for target in re.findall(r"\]\(([^)]+)\)", self.page):
            file, _, anchor = target.partition("#")
            self.assertTrue((PAGE.parent / file).exists(), target)
            self.assertIn(anchor, anchors | {""}, target)

    def test_the_options_that_it_names(self) -> None:
        """Each is one that twistd takes, and its default is the one on the page."""
        options = Options()
        options.parseOptions([])
        for name in re.findall(r"`--([a-z-]+)", self.page):
            if name != "check":
                self.assertIn(name, [*options, "web", "web-origin"])
        self.assertEqual(options.settings(), Settings())


def _is_message(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Message) and value is not Message


@dataclass(frozen=True, slots=True)
class Sneezed(Message):
    """A message that nobody has told the page of."""

    type = "sneezed"
    template = "{name}: ¡achís!"
    name: str


class TooTired(GranjaError):
    sentence = "hay que dormir."


class TheGenerator(SynchronousTestCase):
    """It can't be made without everything that travels."""

    def setUp(self) -> None:
        self.page = PAGE.read_text("utf-8")
        self.copy = folder_for(self) / "protocol.md"

    def check(self, page: str) -> str:
        """The complaints of ``--check``."""
        self.copy.write_text(page, "utf-8")
        told = io.StringIO()
        self.patch(sys, "stderr", told)
        self.assertEqual(main(["--check"], self.copy), 1 if told.getvalue() else 0)
        self.assertEqual(self.copy.read_text("utf-8"), page)
        return told.getvalue()

    def test_a_message_without_a_sample(self) -> None:
        """A developer who adds one reads where to show it."""
        self.patch(Sneezed, "__module__", "granja.contract.messages")
        messages.Sneezed = Sneezed  # type: ignore[attr-defined]
        self.addCleanup(delattr, messages, "Sneezed")
        with self.assertRaisesRegex(Undocumented, r"protocol_samples\.py for: Sneezed"):
            rewrite(self.page)

    def test_an_error_without_a_sample(self) -> None:
        self.patch(TooTired, "__module__", "granja.contract.errors")
        errors.TooTired = TooTired  # type: ignore[attr-defined]
        self.addCleanup(delattr, errors, "TooTired")
        with self.assertRaisesRegex(Undocumented, r"protocol_samples\.py for: TooTired"):
            rewrite(self.page)

    def test_a_sample_that_is_missing(self) -> None:
        """Each one is needed."""
        for sample in protocol_samples.MESSAGES:
            fewer = [other for other in protocol_samples.MESSAGES if other is not sample]
            self.patch(document_protocol, "MESSAGES", fewer)
            name = type(sample.messages[0]).__name__
            with self.assertRaisesRegex(Undocumented, rf"for: {name}$"):
                rewrite(self.page)

    def test_samples_of_a_kind_stand_together(self) -> None:
        for sample in protocol_samples.MESSAGES:
            self.assertEqual(len({type(message) for message in sample.messages}), 1)

    def test_nothing_is_defined_where_it_is_not_looked_for(self) -> None:
        """A new error or message in another module would be missed, so there is none."""
        defined: dict[str, tuple[str, list[str]]] = {}
        for path in GRANJA.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef):
                    bases = [ast.unparse(base).split(".")[-1] for base in node.bases]
                    place = path.relative_to(GRANJA).as_posix()
                    defined[f"{place}:{node.name}"] = (node.name, bases)
        below = {"Message", "GranjaError"}
        for _ in defined:
            below |= {name for name, bases in defined.values() if below.intersection(bases)}
        found = {where.split(":")[0] for where, (_, bases) in defined.items() if below & {*bases}}
        # Another node's message, retold, has no text of its own.
        looked_for = ("contract/errors", "contract/messages/", "nodes/retelling.py")
        self.assertEqual([place for place in sorted(found) if not place.startswith(looked_for)], [])

    def test_a_stale_block(self) -> None:
        """The check names it and changes nothing.  Making the page repairs that block only."""
        stale = self.page.replace("susurra un mensaje", "grita un mensaje")
        self.assertEqual(
            self.check(stale).splitlines(),
            [
                f"{self.copy.name}: {block} is stale; python -m tools.document_protocol"
                for block in ("commands", "examples")
            ],
        )
        self.assertEqual(main([], self.copy), 0)
        self.assertEqual(self.copy.read_text("utf-8"), self.page)

    def test_what_is_written_by_hand_stays(self) -> None:
        edited = self.page.replace("# The wire", "# El cable").replace("## GMCP", "## Another")
        self.assertEqual(self.check(edited), "")
        self.assertEqual(rewrite(edited), edited)

    def test_blocks_that_are_missing_or_unknown(self) -> None:
        """A misspelt mark would leave a table to grow old."""
        mark = "<!-- generated: errors -->"
        for changed in ("<!-- generated: mistakes -->", "<!-- made: errors -->"):
            with self.assertRaisesRegex(Undocumented, ", ".join(sorted(BLOCKS))):
                rewrite(self.page.replace(mark, changed, 1))
        with self.assertRaises(Undocumented):
            rewrite(self.page + self.page)

    def test_bytes_that_are_not_what_the_page_says(self) -> None:
        """If we ever send GMCP in another way, we must write that section again."""
        self.patch(carriers, "GMCP", carriers.PLAIN)
        with self.assertRaisesRegex(Undocumented, "GMCP"):
            rewrite(self.page)


class Telnet(SynchronousTestCase):
    """The promises of the sections on telnet and GMCP, byte by byte."""

    def setUp(self) -> None:
        self.farm = Farm(Settings(rate=None))

    def newcomer(self) -> Person:
        person = self.farm.person("Ana")
        self.assertEqual(person.hears(), ["[SERVER] Ingresa tu nombre:"])
        return person

    def registered(self) -> None:
        """Ana has a password and is away."""
        ana = self.farm.arrives("Ana")
        ana.types(":registrar girasoles", ":q")
        ana.drops()

    def test_everything_but_gmcp_is_refused(self) -> None:
        """The answer to DO is WONT, and to WILL it is DONT.  There is no answer for an option that
        is off."""
        ana = self.newcomer()
        for verb in (251, 252, 253, 254):
            for option in range(256):
                if (verb, option) != (253, 201):
                    ana.sends(bytes((255, verb, option)))
                    refusal = {251: 254, 253: 252}.get(verb)
                    expected = bytes((255, refusal, option)) if refusal else b""
                    self.assertEqual(ana.hears_bytes(), expected)
        ana.sends(b"".join(bytes((255, command)) for command in range(241, 250) if command != 246))
        self.assertEqual(ana.hears_bytes(), b"")

    def test_no_cut_moves_an_answer(self) -> None:
        """A cut does not move the line where data begin or end, either."""
        stream = b"Ana\n\xff\xfb\x18" + DO_GMCP + b"6\nsi\n:u\n\xff\xfe\xc9\xff\xfd\x01:u\n:q\n"
        heard = set()
        for at in range(len(stream)):
            ana = self.newcomer()
            ana.sends(stream[:at])
            ana.sends(stream[at:])
            heard.add(re.sub(rb'"pass":"[^"]*"', b"", ana.hears_bytes()))
        self.assertEqual(len(heard), 1)
        before, after = heard.pop().split(b"\xff\xfc\xc9\xff\xfc\x01")
        self.assertIn(b"\xff\xfe\x18\xff\xfb\xc9\xff\xfa\xc9Granja.Inventory", before)
        self.assertNotIn(b"\xff", after)

    def test_answers_keep_their_place(self) -> None:
        """They wait behind the lines that came before them."""
        ana = self.farm.arrives("Ana")
        ana.sends(b":u\r\nho\xff\xfd\x06la\xff\xf6\r\n:q\r\n")
        here = "[SERVER] Usuarios conectados: Ana\r\n"
        answers = here.encode() + b"\xff\xfc\x06" + "[SERVER] Aquí estoy.\r\n".encode()
        self.assertTrue(ana.hears_bytes().startswith(answers + b"[SERVER]"))

    def test_a_telnet_erases_with_its_own_keys(self) -> None:
        ana, beto = self.farm.arrives("Ana"), self.farm.arrives("Beto")
        ana.hears()
        ana.sends(b"mal\xff\xf8holx\xff\xf7a\r\n")
        self.assertEqual(beto.hears(), ["Ana: hola"])

    def test_a_password_is_hidden_for_those_who_negotiate(self) -> None:
        """After the question the client learns to show nothing, and before ¡OK! to show again."""
        self.registered()
        ana = self.newcomer()
        ana.sends(b"\xff\xfd\x03" + b"Ana\n")
        self.assertEqual(ana.hears_bytes(), b"\xff\xfc\x03" + QUESTION + HIDE)
        ana.sends(b"\xff\xfd\x01" + b"margaritas\n")
        wrong = "[SERVER] Error: contraseña incorrecta.\r\n[SERVER] Contraseña:\r\n"
        self.assertEqual(ana.hears_bytes(), wrong.encode())
        ana.sends(b"girasoles\n")
        welcome, ok = ana.hears_bytes().split(SHOW)
        self.assertTrue(welcome.startswith("¡Bienvenid@".encode()))
        self.assertEqual(ok, "[SERVER] ¡OK!\r\n".encode())

    def test_netcat_sees_no_telnet(self) -> None:
        self.registered()
        ana = self.newcomer()
        ana.sends(NOP + b"Ana\ngirasoles\n")
        self.assertNotIn(b"\xff", ana.hears_bytes())

    def test_gmcp(self) -> None:
        """They agree during the arrival.  Then each line comes after its package, as on the
        page."""
        ana, beto = self.newcomer(), self.farm.arrives("Beto")
        ana.sends(DO_GMCP)
        self.assertEqual(ana.hears_bytes(), WILL_GMCP)
        ana.sends(DO_GMCP)
        self.assertEqual(ana.hears_bytes(), b"")
        ana.sends(b"Ana\n\nsi\n")
        heard = ana.hears_bytes()
        data = b'{"type":"welcome","line":"%b","n":1         }'
        welcome = b"\xff\xfa\xc9Granja.Welcome " + data + b"\xff\xf0%b\r\n"
        line = "¡Bienvenid@ al chat de Granjerxs!".encode()
        self.assertTrue(heard.startswith(welcome % (line, line)), heard)
        beto.types("hola")
        (example,) = fenced("text", document_protocol.gmcp_example())
        example = example.replace("Ana", "Beto").replace('"n":12}', '"n":6         }')
        self.assertEqual(ana.hears_bytes(), _as_bytes(example))

    def test_what_a_gmcp_client_sends_means_nothing(self) -> None:
        ana = self.newcomer()
        ana.sends(DO_GMCP + b'\xff\xfa\xc9Core.Hello {"client":"Mudlet"}\xff\xf0')
        self.assertEqual(ana.hears_bytes(), WILL_GMCP)

    def test_gmcp_comes_too_late_in_the_chat(self) -> None:
        """Talk may be on its way as lines already."""
        ana, beto = self.farm.arrives("Ana"), self.farm.arrives("Beto")
        ana.sends(DO_GMCP)
        beto.types("hola")
        self.assertEqual(ana.hears_bytes(), b"\xff\xfc\xc9Beto: hola\r\n")

    def test_gmcp_ends_when_the_client_wants_no_more(self) -> None:
        """This works in the chat too.  From then on only lines come."""
        ana, beto = self.newcomer(), self.farm.arrives("Beto")
        ana.sends(DO_GMCP + b"Ana\n\nsi\n")
        beto.types("hola")
        self.assertIn(b"Granja.Said", ana.hears_bytes())
        ana.sends(DONT_GMCP)
        beto.types("hola otra vez")
        ana.sends(DONT_GMCP + b":u\n")
        said = "Beto: hola otra vez\r\n[SERVER] Usuarios conectados: Beto, Ana\r\n"
        self.assertEqual(ana.hears_bytes(), b"\xff\xfc\xc9" + said.encode())

    def test_a_subnegotiation_swallows_lines_up_to_its_end(self) -> None:
        beto = self.farm.arrives("Beto")
        ana = self.farm.arrives("Ana")
        beto.hears()
        ana.sends(b"ho\xff\xfa\x18:q\nhola\n" + b"x" * 5000 + b"\xff\xff\xff\xf0la\n")
        ana.sends(b"y \xff\xfa\x18:q\n" + NOP + b"ya\n")
        self.assertEqual(beto.hears(), ["Ana: hola", "Ana: y ya"])
        self.assertEqual(ana.hears(), [])


def _as_bytes(example: str) -> bytes:
    """The page's way of writing a message with telnet around it, as it travels."""
    words = {"IAC SB 201 ": b"\xff\xfa\xc9", " IAC SE ": b"\xff\xf0", " CR LF\n": b"\r\n"}
    data = example.encode()
    for word, meaning in words.items():
        data = data.replace(word.encode(), meaning)
    return data


class Manners(SynchronousTestCase):
    """Promises of the other sections that no example shows."""

    def test_the_motd_comes_between_ok_and_the_news(self) -> None:
        farm = Farm(replace(Settings(rate=None), motd=("Hoy hay feria.",)))
        gus, ana = farm.arrives("Gus", "12"), farm.arrives("Ana", "21")
        ana.types(":registrar girasoles", ":offer Gus 21 12", ":q")
        ana.drops()
        gus.types(":accept")
        ana = farm.person()
        ana.types("ana", "girasoles")
        self.assertEqual(
            ana.hears()[-3:],
            [
                "[SERVER] ¡OK!",
                "[SERVER] Hoy hay feria.",
                "[SERVER] Mientras no estabas: Gus aceptó la oferta #1: "
                "tu Ancla por su Disco raro.",
            ],
        )

    def test_a_password_is_cleaned_like_any_line(self) -> None:
        """A tab in it is a space, composed or not is the same, and the ends do not count."""
        farm = Farm()
        farm.arrives("Ana").types(":registrar   una\tcan\u0303a verde  ", ":q")
        ana = farm.person()
        ana.types("Ana", " una ca\u00f1a verde")
        self.assertIn("[SERVER] ¡OK!", ana.hears())

    def test_a_registered_name_keeps_its_spelling(self) -> None:
        farm = Farm()
        farm.arrives("Ana").types(":registrar girasoles", ":q")
        ana = farm.person()
        ana.types("ANA", "girasoles", ":u")
        self.assertEqual(ana.hears()[-1], "[SERVER] Usuarios conectados: Ana")

    def test_what_is_typed_while_the_list_is_asked_once_is_an_answer(self) -> None:
        """With ``--declarations once`` the farmer hears the chat meanwhile."""
        farm = Farm(replace(Settings(rate=None), declare_once=True))
        ana = farm.person()
        ana.types("Ana", ":registrar girasoles")
        ana.hears()
        beto = farm.person()
        beto.types("Beto", "hola")
        ana.types("hola")
        self.assertEqual(
            ana.hears(),
            [
                "[SERVER] Cliente Beto conectado.",
                "Beto: hola",
                "[SERVER] Error: no entendí la lista. Escribe los números separados por comas, "
                "por ejemplo: 6, 13, 14",
                "[SERVER] Cuéntame, ¿qué artefactos tienes?",
            ],
        )
        self.assertEqual(beto.hears()[-1], "[SERVER] ¡OK!")
