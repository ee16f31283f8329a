"""Talking at the page: to whom, what stays in sight, and what nobody else hears."""

from __future__ import annotations

from tests.whole.browser.chromium import Visitor
from tests.whole.browser.test_page import HISTORY, PageCase

#: A key as an input method gives it, while it composes.
COMPOSING = (
    "(field, key) => field.dispatchEvent(new KeyboardEvent('keydown',"
    " {key, isComposing: true, bubbles: true, cancelable: true}))"
)


class Whispering(PageCase):
    def whispers_to_gus(self) -> Visitor:
        ana = self.arrives("Ana")
        self.gus = self.netcat().arrives("Gus")
        ana.button("Susurrar a Gus").click()
        ana.page.get_by_text("Susurrando a Gus").wait_for()
        return ana

    def test_escape_that_an_input_method_takes_ends_no_whisper(self) -> None:
        ana = self.whispers_to_gus()
        beto = self.netcat().arrives("Beto")
        ana.line.fill("un secreto")
        ana.line.evaluate(COMPOSING, "Escape")
        ana.line.press("Enter")
        self.gus.sees("Ana te susurra: un secreto")
        ana.line.press("Escape")
        ana.types("hola a todxs")
        beto.sees("Ana: hola a todxs")

    def test_what_was_for_one_who_left_goes_to_nobody(self) -> None:
        ana = self.whispers_to_gus()
        beto = self.netcat().arrives("Beto")
        ana.line.fill("un secreto")
        self.gus.close()
        ana.page.get_by_text("Gus ya no está. Lo que escribas no le llega a nadie.").wait_for()
        stranger = self.netcat().arrives("Gus")
        ana.sees("Cliente Gus conectado.")
        ana.line.press("Enter")
        ana.page.get_by_text("Elige de nuevo a quién le escribes.").wait_for()
        ana.page.get_by_role("button", name="Sonríe").click()
        self.assertEqual(ana.line.input_value(), "un secreto")
        ana.button("Escribir a todxs").click()
        ana.types("hola")
        for somebody in (stranger, beto):
            somebody.sees("Ana: hola")
        ana.button("Susurrar a Gus").click()
        ana.types("¿eres tú?")
        stranger.sees("Ana te susurra: ¿eres tú?")
        self.assertEqual(ana.log.get_by_text("un secreto").count(), 0)
        self.assertEqual(ana.complaints, [])


class LongTalk(PageCase):
    def test_a_line_moves_one_node_however_many_there_are(self) -> None:
        ana = self.arrives("Ana")
        gus = self.netcat().arrives("Gus")
        gus.types(*(f"línea {n}" for n in range(HISTORY + 10)))
        ana.sees(f"línea {HISTORY + 9}")
        ana.log.evaluate(
            "log => { window.moved = 0; new MutationObserver((records) => records.forEach("
            "(one) => { moved += one.addedNodes.length; })).observe(log, {childList: true}); }"
        )
        gus.types("una más")
        ana.sees("una más")
        self.assertEqual(ana.page.evaluate("moved"), 1)
        self.assertEqual(ana.log.locator("> *").count(), HISTORY)
