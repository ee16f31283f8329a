"""Swaps at the web page: found, posted, closed, and a collection that is whole."""

from __future__ import annotations

from tests.whole.browser.chromium import PHONE
from tests.whole.browser.test_page import PageCase


class Swaps(PageCase):
    def test_an_artifact_finds_who_lacks_it(self) -> None:
        """The card says who gives it.  One press leaves a swap, which closes as a picture."""
        ana = self.arrives("Ana", "Ancla", "Ancla")
        beto = self.netcat().arrives("Beto", "12 12")
        ana.page.locator("#collection-body").get_by_role("button", name="Disco raro").click()
        card = ana.page.locator(".artifact-dialog")
        card.get_by_role("button", name="Pedírselo a Beto").wait_for()
        card.get_by_role("button", name="Pedirlo por uno de mis repetidos").click()
        ana.page.locator("#swap-1").wait_for()
        beto.types(":cambio 12 por 21")
        ana.page.locator(".ring figcaption").get_by_text("¡Trueque hecho!").wait_for()
        self.assertEqual(ana.page.locator("#swap-1").count(), 0)
        self.assertEqual(ana.complaints, [])

    def test_what_one_can_get_is_a_press_away(self) -> None:
        """This works on a phone.  The person picks several on either side."""
        beto = self.netcat().arrives("Beto", "12")
        beto.types(":cambio 12 por 21")
        beto.sees("puesto")
        ana = self.arrives("Ana", "Ancla", "Ancla", viewport=PHONE, has_touch=True)
        ana.goes_to("Ofertas")
        ana.button("Buscar trueques").click()
        ana.button("Hacer el trueque: tu Ancla por Disco raro").click()
        ana.page.locator(".ring").wait_for()
        ana.button("Dejar un cambio").click()
        dialog = ana.page.locator(".swap-dialog")
        dialog.get_by_role("button", name="Todos mis repetidos").wait_for()
        for name in ("Ancla", "Disco raro", "Tambor antiguo", "Yelmo enano"):
            dialog.locator("label", has_text=name).click()
        dialog.get_by_text("Tu Disco raro o Ancla por").wait_for()
        dialog.get_by_role("button", name="Dejar el cambio").click()
        ana.page.locator("#swap-3").get_by_text("Disco raro o Ancla").wait_for()
        self.assertEqual(ana.complaints, [])

    def test_the_first_and_the_last(self) -> None:
        """A person without artifacts reads how it goes.  The page celebrates the last place."""
        ana = self.arrives("Ana")
        ana.page.get_by_text("Todavía no tienes artefactos", exact=True).wait_for()
        for number in range(1, 43):
            ana.types(f":agregar {number}")
        ana.page.get_by_role("heading", name="¡42 de 42!").wait_for()
        ana.button("¡Viva!").click()
        self.assertEqual(ana.complaints, [])
