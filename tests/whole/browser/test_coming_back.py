"""Coming back to the page on another day."""

from __future__ import annotations

from tests.whole.browser.test_page import PageCase


class ComingBack(PageCase):
    """Long after: no pass serves any more."""

    options = ("--rate", "off", "--linger", "0")

    def test_a_visitor_finds_picked_what_they_held_last(self) -> None:
        ana = self.arrives("Ana", "Ancla", "Trilobites")
        gus = self.netcat().arrives("Gus", "13")
        gus.types(":offer Ana 13 21")
        ana.button("Aceptar la oferta 1 de Gus").click()
        gus.sees("Intercambio realizado")
        ana.button("Salir de la granja").click()
        self.assertEqual(ana.page.get_by_label("¿Cómo te llamas?").input_value(), "Ana")
        ana.button("Entrar a la granja").click()
        picked = ana.page.locator(".picking .niche.lit .niche-name")
        picked.first.wait_for()
        self.assertEqual(picked.all_inner_texts(), ["Espada antigua", "Trilobites"])

    def test_it_is_so_after_the_page_was_closed_too(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        ana.page.reload()
        ana.button("Entrar a la granja").click()
        picked = ana.page.locator(".picking .niche.lit .niche-name")
        picked.first.wait_for()
        self.assertEqual(picked.all_inner_texts(), ["Ancla"])

    def test_another_name_begins_with_an_empty_shelf(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        ana.button("Salir de la granja").click()
        ana.gives_name("Eva")
        ana.page.locator(".picking .niche").first.wait_for()
        self.assertEqual(ana.page.locator(".picking .niche.lit").count(), 0)
