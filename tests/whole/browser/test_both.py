"""The most important steps, in Chromium and in Firefox."""

from __future__ import annotations

from tests.support.netcat import Netcat
from tests.whole.browser import firefox
from tests.whole.browser.chromium import Chromium, Visitor
from tests.whole.browser.test_page import PageCase


class Evening(PageCase):
    def test_one_arrives_talks_whispers_reloads_trades_and_leaves(self) -> None:
        ana = self.arrives("Ana", "Ancla", "Trilobites")
        gus = self.netcat().arrives("Gus", "12 13")
        self._talks(ana, gus)
        self._whispers(ana, gus)
        self._pastes(ana, gus)
        self._completes(ana, gus)
        self._comes_back(ana, gus)
        self._accepts(ana, gus)
        self._leaves(ana, gus)
        self.assertEqual(ana.complaints, [])

    def _talks(self, ana: Visitor, gus: Netcat) -> None:
        gus.types("hola 🌾 mira https://granja.example/a")
        link = ana.log.get_by_role("link")
        link.wait_for()
        self.assertEqual(link.get_attribute("href"), "https://granja.example/a")
        self.assertEqual(link.get_attribute("rel"), "noopener noreferrer")
        ana.types("¿qué tal? 🌻")
        gus.sees("Ana: ¿qué tal? 🌻")

    def _whispers(self, ana: Visitor, gus: Netcat) -> None:
        gus.types(":p Ana te cambio mi espada")
        ana.log.get_by_role("button", name="Responder").click()
        ana.types("por mi ancla")
        gus.sees("Ana te susurra: por mi ancla")
        ana.button("Dejar de susurrar").click()

    def _pastes(self, ana: Visitor, gus: Netcat) -> None:
        ana.types("uno\r\ndos\n\ntres\n")
        for text in ("uno", "dos", "tres"):
            gus.sees(f"Ana: {text}")

    def _completes(self, ana: Visitor, gus: Netcat) -> None:
        keys = ana.page.keyboard
        ana.line.focus()
        for typed, stands in (
            (":off", ":offer "),
            ("gu", ":offer Gus "),
            ("tri", ":offer Gus 42 "),
            ("disco r", ":offer Gus 42 12 "),
        ):
            keys.type(typed)
            ana.page.get_by_role("option").first.wait_for()
            keys.press("Tab")
            self.assertEqual(ana.line.input_value(), stands)
        keys.press("Enter")
        gus.sees("Ana quiere intercambiar su Trilobites por tu Disco raro")
        gus.types(":accept")
        ana.page.locator("#collection .niche.lit", has_text="Disco raro").wait_for()

    def _comes_back(self, ana: Visitor, gus: Netcat) -> None:
        ana.line.fill("a medio escribir")
        ana.page.goto("about:blank")
        gus.types("¿dónde estás?", ":offer Ana 13 21", ":u")
        gus.sees("Usuarios conectados: Ana, Gus")
        ana.page.goto(self.url)
        ana.sees("Volviste a la granja, Ana.")
        self.assertEqual(ana.log.get_by_text("¿dónde estás?", exact=True).count(), 1)
        self.assertEqual(ana.line.input_value(), "a medio escribir")
        ana.line.fill("")

    def _accepts(self, ana: Visitor, gus: Netcat) -> None:
        ana.page.get_by_role("button", name="Aceptar la oferta 2 de Gus").click()
        gus.sees("Intercambio realizado")
        ana.page.locator("#collection .niche.lit", has_text="Espada antigua").wait_for()
        self.assertEqual(ana.holdings(), {"Disco raro", "Espada antigua"})

    def _leaves(self, ana: Visitor, gus: Netcat) -> None:
        ana.button("Salir de la granja").click()
        ana.page.get_by_role("status").get_by_text("¡Adiós y suerte").wait_for()
        gus.sees("Ana desconectado.")
        self.assertNotIn("espada", ana.page.evaluate("JSON.stringify({...localStorage})"))


class EveningInFirefox(Evening):
    skip = firefox.why_not() or None

    def browser(self) -> Chromium:
        return firefox.shared()
