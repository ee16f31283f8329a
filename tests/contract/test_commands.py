"""What is a command, what is talk, and which arguments a command gets (PROTOCOL §3)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from granja.contract.commands import (
    COMMANDS,
    FOR_ALL,
    MODERATORS_COMMANDS,
    TABLE,
    Argument,
    Command,
    Farm,
    help_entries,
    is_blank,
    load,
    parse,
    returning,
)
from granja.contract.errors import UnknownCommand, WrongArguments

ME = object()


def is_command(text: str) -> bool:
    """Whether the server obeys or refuses a line, so that nobody hears it."""
    try:
        return parse(text) is not None
    except (UnknownCommand, WrongArguments):
        return True


def dispatch(farm: Any, me: object, text: str) -> object:
    """Obey a line as the chat does."""
    parsed = parse(text)
    assert parsed is not None
    command, values = parsed
    return command.run(farm, me, *values)


#: The typed line, and what it asks of the farm.
OBEYED: list[tuple[str, tuple[Any, ...]]] = [
    (":q", ("leave",)),
    (":p Ana hola", ("whisper", "Ana", "hola")),
    (":u", ("list_users",)),
    (":smile", ("say", ":)")),
    (":angry", ("say", ">:(")),
    (":combito", ("say", "Q(’- ’Q)")),
    (":larva", ("say", "¡Larva! (:o)OOOooo")),
    (":yo baila", ("act", "baila")),
    (":volver abc", ("come_back",)),
    (":ignorar", ("ignore", None)),
    (":ignorar Beto", ("ignore", "Beto")),
    (":escuchar Beto", ("hear_again", "Beto")),
    (":historial", ("show_history", None)),
    (":historial 3", ("show_history", 3)),
    (":artefactos", ("show_inventory",)),
    (":artefacto 22", ("show_artifact", 22)),
    (":offer Gus 32 12", ("offer", "Gus", 32, 12)),
    (":accept", ("accept", None)),
    (":accept 7", ("accept", 7)),
    (":reject", ("reject", None)),
    (":reject 7", ("reject", 7)),
    (":retirar", ("retract", None)),
    (":retirar 7", ("retract", 7)),
    (":ofertas", ("list_offers", None)),
    (":ofertas no", ("list_offers", False)),
    (":ofertas SÍ", ("list_offers", True)),
    (":ofertas si\u0301", ("list_offers", True)),
    (":ofertas si", ("list_offers", True)),
    (":catalogo", ("show_catalog",)),
    (":help", ("show_help",)),
    (":h", ("show_help",)),
    (":?", ("show_help",)),
    (":registrar girasoles", ("register", "girasoles")),
    (":clave tulipanes", ("change_password", "tulipanes")),
    (":olvidar", ("forget_passes",)),
    (":falta", ("show_missing",)),
    (":quien 12", ("show_who", 12)),
    (":ver Beto", ("show_person", "Beto")),
    (":busco", ("seek", None)),
    (":busco 12, 13", ("seek", "12, 13")),
    (":doy", ("give", None)),
    (":doy repetidos", ("give", "repetidos")),
    (":trueques", ("show_chances",)),
    (":cambio 21 12", ("post", ("21", "12"))),
    (":cambio 21, 32 por 12", ("post", ("21, 32", "12"))),
    (":cambio repetidos POR faltantes", ("post", ("repetidos", "faltantes"))),
    (":agregar 21", ("add", 21)),
    (":quitar 21", ("remove", 21)),
]

#: What somebody may well say, and what must not be obeyed by mistake.
TALK = (
    *(":)", ":(", ":D", ":P", ":3", ":v", ":c", ":o", ":Q", ":U", ":H", ":x", ":ñ", ":ツ"),
    *(":", "::", ": hola", ": q", ":q!", ":q:", ":u.", ":p,", ":h2", ":-)", ":'(", ":/", ":*"),
    *("::q", ":smile:", ":accept7", ":accept#7", ":artefactos?", ":p_q", ":larva!", ":qué?"),
    *("hola", "hola :q", "a:q", "q", "¿:q?", "(:q)", "12:30", "http://granja.example", "\u2236q"),
    *("", " ", "   ", "\u3000", "："),
)

#: Arguments that are missing, too many, or not what they should be.
MISUSED = [
    *(":q ahora", ":u Ana", ":help p", ":h :p", ":? x", ":smile x", ":artefactos 6", ":ofertas 1"),
    *(":catalogo 1", ":angry yo", ":combito 2", ":larva larva"),
    *(":p", ":p Ana", ":p Ana ", ":p   "),
    *(":artefacto", ":artefacto ancla", ":artefacto 6 7", ":artefacto -6", ":artefacto #6"),
    *(":offer", ":offer Gus", ":offer Gus 32", ":offer Gus 32 x", ":offer Gus x 12"),
    *(":offer Gus 32 12 1", ":offer 32 12", ":offer Gus 32,12", ":offer Gus -1 12"),
    *(":accept x", ":accept 7 8", ":accept #", ":accept ##7", ":accept # 7", ":accept -7"),
    *(":reject x", ":reject 7 8", ":retirar x", ":retirar 7 8", ":accept 7.0", ":accept ²"),
    *(
        ":registrar",
        ":registrar  ",
        ":clave",
        ":clave ",
        ":volver",
        ":yo",
        ":yo  ",
        ":historial x",
        ":historial 0",
        ":ignorar Beto Caro",
        ":escuchar",
        ":escuchar a b",
        ":ofertas nunca",
        ":ofertas s",
        ":ofertas no no",
    ),
    *(":historial 1 2", ":historial -1", ":olvidar todo"),
    *(":falta 1", ":quien", ":quien ancla", ":quien 1 2", ":ver", ":ver Ana Beto", ":trueques 1"),
    *(":cambio", ":cambio por", ":cambio 21", ":cambio 21 por", ":cambio por 21"),
    *(":cambio 21 12 13", ":cambio 21 por 12 por 13", ":cambio por por por"),
    *(":agregar", ":agregar ancla", ":agregar 6 7", ":quitar", ":quitar x", ":quitar 6 6"),
]


#: The rooms that the rows of the table ask.
ROOMS = frozenset(name for name in vars(Farm) if isinstance(vars(Farm)[name], property))


class Ear:
    """A farm that only remembers what was asked of it."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return self if name in ROOMS else self._hears(name)

    def _hears(self, name: str) -> Callable[..., object]:
        def hear(me: object, *values: object) -> object:
            assert me is ME
            self.heard.append((name, *values))
            return self

        return hear


class CommandCase(SynchronousTestCase):
    def obeyed(self, text: str) -> tuple[Any, ...]:
        """The one thing that a line asks of the farm."""
        self.assertTrue(is_command(text), ascii(text))
        ear: Any = Ear()
        # Whatever is to be waited for comes back, so the next line waits for it.
        self.assertIs(dispatch(ear, ME, text), ear)
        heard: list[tuple[Any, ...]] = ear.heard
        self.assertEqual(len(heard), 1)
        return heard[0]

    def usage_for(self, text: str) -> str:
        """The usage that a farmer with wrong arguments reads.  The line must do nothing."""
        self.assertTrue(is_command(text), ascii(text))
        ear: Any = Ear()
        with self.assertRaises(WrongArguments, msg=text) as caught:
            dispatch(ear, ME, text)
        self.assertEqual(ear.heard, [])
        return str(caught.exception)


class Obeying(CommandCase):
    def test_every_command(self) -> None:
        for text, asked in OBEYED:
            self.assertEqual(self.obeyed(text), asked, text)

    def test_the_list_above_has_every_word(self) -> None:
        """A command that nobody tries here could do anything."""
        self.assertEqual({text.split()[0] for text, _ in OBEYED}, set(COMMANDS))

    def test_any_run_of_spaces(self) -> None:
        """Between the words, before the first and after the last, and of any width."""
        for space in ("  ", "     ", "\u00a0", " \u3000 ", "\u2003"):
            for text, asked in OBEYED:
                if asked[0] in ("register", "change_password", "whisper", "act"):
                    continue  # the end of their line is part of what is said
                spaced = space + text.replace(" ", space) + space
                self.assertEqual(self.obeyed(spaced), asked, ascii(spaced))

    def test_blanks_that_are_no_spaces(self) -> None:
        """A Braille blank looks like a space: before ``:p`` it makes no whisper public."""
        blank = "\u2800"
        self.assertEqual(self.obeyed(f"{blank} :p{blank}Ana hola"), ("whisper", "Ana", "hola"))
        self.assertEqual(self.obeyed(f":offer Gus{blank}32 12"), ("offer", "Gus", 32, 12))
        self.assertEqual(
            self.obeyed(f":yo{blank} gira{blank} y ríe"), ("act", f"gira{blank} y ríe")
        )
        self.assertRaises(WrongArguments, parse, f":yo {blank}")
        for text in ("", " ", blank, f" {blank}\u3000"):
            self.assertTrue(is_blank(text))
        self.assertFalse(is_blank(f"{blank}.{blank}"))

    def test_no_secret_is_said_by_a_slip(self) -> None:
        for slip in (
            ":clave: girasol",
            ":registrar=girasol",
            "::volver",
            ".clave x",
            ":CLAVE, x",
            "  .clave x",
            "_clave",
        ):
            self.assertRaises(WrongArguments, parse, slip)
        for talk in ("clave de sol", ":) clave", "registrar cuesta", "¡claveles!", ":clavel: x"):
            self.assertIsNone(parse(talk), talk)
        self.assertIsNone(parse("¿ .clave girasol"), "only the first word is looked at")

    def test_who_comes_back_with_a_pass(self) -> None:
        """Where the name is asked, ``:volver`` is no name."""
        for typed in (":volver abc", ":VOLVER abc", "  :volver  abc  "):
            self.assertEqual(returning(typed), ("abc", None), typed)
        for typed in (":volver abc 12", "  :Volver  abc   012"):
            self.assertEqual(returning(typed), ("abc", 12), typed)
        for rest in ("abc def", "abc 1 2", "abc -1", "abc 1.5"):
            self.assertEqual(returning(f":volver {rest}"), (rest, None), "no pass has spaces")
        for typed in (
            "Ana",
            "volver",
            ":q",
            ":q :volver abc",
            ":quiero :volver abc",
            "hola:volver",
        ):
            self.assertIsNone(returning(typed), typed)
        self.assertRaises(WrongArguments, returning, ":volver")
        self.assertRaises(WrongArguments, returning, ":volver2")  # a slip of the same

    def test_the_rest_of_a_line_stays_as_typed(self) -> None:
        """The spaces in a whisper belong to its author.  Only the spaces before it separate."""
        self.assertEqual(
            self.obeyed(":p   Ana   tengo   dos: una y otra "),
            ("whisper", "Ana", "tengo   dos: una y otra "),
        )
        self.assertEqual(self.obeyed(":p Ana :q"), ("whisper", "Ana", ":q"))
        self.assertEqual(
            self.obeyed(":registrar  correct horse  battery "),
            ("register", "correct horse  battery "),
        )

    def test_any_case(self) -> None:
        """``:ARTEFACTOS`` is the command.  For words of one character the case counts."""
        for text, asked in OBEYED:
            word, *rest = text.split(" ", 1)
            if len(word) == 2:
                continue
            for other in (word.upper(), word.title(), word.swapcase()):
                self.assertEqual(self.obeyed(" ".join([other, *rest])), asked, other)

    def test_offers_by_their_sign(self) -> None:
        """``#7`` is how the server writes it, so it may be typed like this too."""
        for word, asked in ((":accept", "accept"), (":reject", "reject"), (":retirar", "retract")):
            for typed in ("#7", "007", "#007", "٧"):
                self.assertEqual(self.obeyed(f"{word} {typed}"), (asked, 7))


class Talking(CommandCase):
    def test_talk_is_no_command(self) -> None:
        for text in TALK:
            self.assertFalse(is_command(text), ascii(text))

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.text(max_size=12))
    def test_only_a_colon_first_makes_a_command(self, text: str) -> None:
        """Every other text is talk, and no line makes the parser fail."""
        first = (text.split() or [""])[0]
        if not first.startswith(":"):
            self.assertFalse(is_command(text))

    def test_a_sign_after_the_word_makes_it_talk(self) -> None:
        """Any sign, symbol or digit of Unicode."""
        chars = map(chr, range(0x20000))
        signs = [char for char in chars if unicodedata.category(char)[0] in "PSN"]
        signs.remove("\u2800")  # a blank, which separates words
        self.assertGreater(len(signs), 5000)
        for sign in signs:
            for word in (":q", ":help"):
                self.assertFalse(is_command(word + sign), ascii(sign))


class Unknown(CommandCase):
    def told(self, text: str) -> str:
        self.assertTrue(is_command(text), ascii(text))
        ear: Any = Ear()
        with self.assertRaises(UnknownCommand) as caught:
            dispatch(ear, ME, text)
        self.assertEqual(ear.heard, [])
        return str(caught.exception)

    def test_a_word_that_no_command_has(self) -> None:
        """Nobody else hears it, because a mistyped ``:registrar`` holds a password."""
        for word in (":quiero", ":qq", ":artefact", ":Registar", ":ñandú", ":привет"):
            self.assertEqual(
                self.told(f"{word} girasoles"),
                f"Error: comando desconocido: {word}. Escribe :help para ver los comandos.",
            )

    def test_decomposed_accents_are_letters(self) -> None:
        """macOS types them like this.  Nobody else hears a command with one accent too many."""
        for word in (":catálogo", ":qué", ":retirár"):
            typed = unicodedata.normalize("NFD", word)
            self.assertNotEqual(typed, word)
            self.assertIn(f": {word}.", self.told(typed))

    def test_decomposed_words_of_the_table(self) -> None:
        """A row with an accent would be found however it is typed."""
        typed = unicodedata.normalize("NFD", ":ñandú")
        row = Command(":ñandú", (), "corre", lambda farm, me: farm.run(me))
        COMMANDS.update(load([row]))
        self.addCleanup(COMMANDS.pop, ":ñandú")
        self.assertEqual(self.obeyed(typed), ("run",))
        self.assertEqual(self.obeyed(typed.upper()), ("run",))


class OfModerators(CommandCase):
    """Rows with a role: for anybody else they do not exist."""

    OBEYED: tuple[tuple[str, tuple[Any, ...]], ...] = (
        (":gente", ("list_people",)),
        (":expulsar Ana", ("expel", "Ana", None)),
        (":EXPULSAR Ana  spam y  más", ("expel", "Ana", "spam y  más")),
        (":callar Ana 0", ("mute", "Ana", 0, None)),
        (":callar Ana 10m spam", ("mute", "Ana", 600, "spam")),
        (":vetar Ana 2H", ("ban", "Ana", 7200, None)),
        (":vetar 203.0.113.0/24 7d spam", ("ban", "203.0.113.0/24", 604800, "spam")),
        (":vetos", ("list_bans",)),
        (":perdonar Ana", ("pardon", "Ana")),
        (":anunciar hay feria", ("announce", "hay feria")),
        (":congelar", ("freeze",)),
        (":descongelar", ("thaw",)),
    )

    def test_each_is_obeyed(self) -> None:
        for text, asked in self.OBEYED:
            parsed = parse(text, MODERATORS_COMMANDS)
            assert parsed is not None
            ear: Any = Ear()
            command, arguments = parsed
            command.run(ear, ME, *arguments)
            self.assertEqual(ear.heard, [asked], text)

    def test_the_list_above_has_every_word(self) -> None:
        words = {text.split()[0].casefold() for text, _ in self.OBEYED}
        self.assertEqual(words, set(MODERATORS_COMMANDS) - set(COMMANDS))

    def test_for_anybody_else_they_do_not_exist(self) -> None:
        """Neither the usage nor the help shows them."""
        for text, _ in self.OBEYED:
            word = text.split()[0]
            for line in (text, word, f"{word} x y z"):
                with self.assertRaises(UnknownCommand, msg=line) as caught:
                    parse(line)
                self.assertIn(f": {word}.", str(caught.exception))

    def test_wrong_arguments(self) -> None:
        for line in (
            *(":gente Ana", ":expulsar", ":callar Ana", ":callar Ana 5", ":callar Ana 0s x"),
            *(":vetar Ana", ":vetar Ana 0", ":vetar Ana siempre", ":vetos x", ":perdonar"),
            *(":perdonar Ana Beto", ":anunciar", ":congelar x", ":descongelar x"),
        ):
            with self.assertRaises(WrongArguments, msg=line):
                parse(line, MODERATORS_COMMANDS)


class Misusing(CommandCase):
    def test_wrong_arguments(self) -> None:
        """The farmer reads how the command is used, and nothing happens."""
        for text in MISUSED:
            word = text.split()[0]
            self.assertEqual(self.usage_for(text), f"Uso: {COMMANDS[word].usage}", text)

    def test_the_contracts_examples(self) -> None:
        self.assertEqual(self.usage_for(":p Ana"), "Uso: :p <nombre> <mensaje>")
        self.assertEqual(self.usage_for(":accept x"), "Uso: :accept [n]")

    def test_every_command_can_be_misused(self) -> None:
        """The list above tries each row of the table but those that take whatever is typed."""
        misused = {COMMANDS[text.split()[0]].word for text in MISUSED}
        self.assertEqual(misused | {":busco", ":doy"}, {row.word for row in FOR_ALL})

    def test_usage_names_the_word_and_not_the_alias(self) -> None:
        self.assertEqual(self.usage_for(":? x"), "Uso: :help")

    def test_a_number_without_end(self) -> None:
        """More digits than Python reads are a wrong argument, not a fault."""
        self.assertEqual(self.usage_for(f":accept {'9' * 5000}"), "Uso: :accept [n]")


class TheTable(SynchronousTestCase):
    """The table refuses what would surprise a farmer, when the server starts."""

    def row(self, *words: str, summary: str = "ayuda") -> Command:
        return Command(words[0], (), summary, lambda farm, me: None, words[1:])

    def assertUnfit(self, why: str, *rows: Command) -> None:  # noqa: N802
        with self.assertRaises(ValueError) as caught:
            load(rows)
        self.assertEqual(str(caught.exception), why)

    def test_rows_by_their_words(self) -> None:
        row = self.row(":uno", ":u", ":?")
        self.assertEqual(load([row]), {":uno": row, ":u": row, ":?": row})

    def test_a_row_without_help(self) -> None:
        for summary in ("", "  "):
            self.assertUnfit(":uno has no help", self.row(":uno", summary=summary))

    def test_a_word_that_stands_twice(self) -> None:
        why = ":uno stands twice in the table"
        self.assertUnfit(why, self.row(":uno"), self.row(":uno"))
        self.assertUnfit(why, self.row(":uno"), self.row(":dos", ":uno"))
        self.assertUnfit(why, self.row(":uno", ":uno"))

    def test_a_word_that_cannot_be_typed(self) -> None:
        for word in ("uno", "", ":", ":uno2", ":a b", ":un-o", ":un\u0303o", ":Uno", ": "):
            self.assertUnfit(f"{word} cannot be typed as a command", self.row(word))

    def test_every_word_of_ours_is_a_command_when_typed(self) -> None:
        for word in COMMANDS:
            self.assertTrue(is_command(word))

    def test_help_has_a_line_for_each_row(self) -> None:
        """In the order of the table, with the usage and what the command does."""
        lines = [entry.line() for entry in help_entries()]
        self.assertEqual(len(lines), len(FOR_ALL))
        self.assertIn(
            "[SERVER] :p <nombre> <mensaje> — susurra un mensaje a una sola persona", lines
        )
        self.assertEqual(lines, [f"[SERVER] {row.usage} — {row.summary}" for row in FOR_ALL])

    def test_help_tells_of_aliases(self) -> None:
        """Without this nobody would find ``:?``."""
        for row in TABLE:
            for alias in row.aliases:
                self.assertIn(alias, row.summary)

    def test_a_new_row_is_enough(self) -> None:
        """Reading arguments needs nothing but the row."""
        arguments = (Argument("<cuántas>", int), Argument("[a quién]", optional=True))
        row = Command(":regar", arguments, "riega", lambda farm, me, n, who: (n, who))
        self.assertEqual(row.usage, ":regar <cuántas> [a quién]")
        self.assertEqual(row.read("3"), [3, None])
        self.assertEqual(row.read("3 Ana"), [3, "Ana"])
        for rest in ("", "x", "3 Ana Gus"):
            with self.assertRaises(WrongArguments):
                row.read(rest)
