"""No state of the page has what axe calls a violation (WCAG and good practice)."""

from __future__ import annotations

from importlib.resources import files
from importlib.util import find_spec

from tests.whole.browser.chromium import PHONE, Visitor
from tests.whole.browser.test_page import PageCase

#: What each violation is, and where.
FOUND = (
    "async () => (await axe.run(document)).violations.map((one) =>"
    " `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`)"
)


def why_not() -> str:
    if find_spec("axe_playwright_python") is None:
        return "axe is not installed (pip install axe-playwright-python)"
    return ""


class Axe(PageCase):
    skip = PageCase.skip or why_not() or None

    def checks(self, visitor: Visitor, where: str) -> None:
        """Nothing is found in the state that the page is in now."""
        if visitor.page.evaluate("typeof axe") == "undefined":
            visitor.page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text())
        visitor.page.wait_for_timeout(250)  # A dialog that still rises is pale.
        self.assertEqual(visitor.page.evaluate(FOUND), [], where)

    def arrives_checked(self, visitor: Visitor) -> None:
        visitor.page.get_by_label("¿Cómo te llamas?").wait_for()
        self.checks(visitor, "name")
        visitor.gives_name("Ana")
        visitor.picks("Ancla", "Ancla")
        self.checks(visitor, "artifacts")
        visitor.goes_on()
        visitor.button("Sí, entrar").wait_for()
        self.checks(visitor, "confirm")
        visitor.button("Sí, entrar").click()
        visitor.sees("Entraste a la granja, Ana.")

    def test_on_a_desk_by_day(self) -> None:
        ana = self.opens()
        self.arrives_checked(ana)
        gus = self.netcat().arrives("Gus", "13")
        for n in range(8):
            self.netcat().arrives(f"Gente{n}")
        gus.types("hola https://granja.example/", ":p Ana psst", ":yo baila", ":offer Ana 13 21")
        ana.page.locator("#offers .offer-card").wait_for()
        self.checks(ana, "inside, with an offer")
        field = ana.page.get_by_label("Buscar a alguien").bounding_box()
        assert field is not None
        self.assertLess(field["height"], 50)
        name = ana.log.locator(".action .who")
        self.assertEqual(name.evaluate("node => getComputedStyle(node).display"), "inline")
        ana.line.fill(":o")
        ana.page.get_by_role("option").first.wait_for()
        self.checks(ana, "completion")
        ana.line.fill("\n".join("x" * 25))
        ana.line.press("Enter")
        self.checks(ana, "many lines")
        ana.button("No").click()
        ana.button("Buscar en la charla").click()
        ana.page.keyboard.type("hola")
        self.checks(ana, "search")
        ana.page.keyboard.press("Escape")
        for opener in ("Ajustes", "Registrar mi nombre", "Salir de la granja", "Gus"):
            ana.page.get_by_role("button", name=opener, exact=True).first.click()
            self.checks(ana, opener)
            ana.page.keyboard.press("Escape")
            ana.page.locator("dialog[open]").wait_for(state="hidden")
        ana.button("Proponer un intercambio a Gus").click()
        self.checks(ana, "offer form")
        ana.page.keyboard.press("Escape")
        ana.page.locator("#collection .niche").first.click()
        self.checks(ana, "artifact")
        ana.page.keyboard.press("Escape")
        ana.page.context.set_offline(True)
        ana.page.get_by_text("Se cortó la conexión con la granja.").wait_for()
        self.checks(ana, "without a line")

    def test_on_small_windows_and_on_the_page_that_the_browser_kept(self) -> None:
        ana = self.arrives("Ana", "Ancla", "Ancla", viewport=PHONE, has_touch=True)
        ana.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        gus = self.netcat().arrives("Gus", "13")
        gus.types("hola", ":p Ana psst", ":offer Ana 13 21")
        ana.log.get_by_text("Gus te ofrece su Espada").wait_for()
        for width, height in ((360, 370), (320, 256)):
            ana.page.set_viewport_size({"width": width, "height": height})
            ana.goes_to("Charla")
            ana.line.fill(":o")
            ana.page.get_by_role("option").first.wait_for()
            self.checks(ana, f"completion at {width}")
            ana.page.locator("#completions").focus()
            ana.page.locator("#line:focus[aria-activedescendant=completion-0]").wait_for()
            ana.line.press("Shift+Tab")
            ana.page.locator("#completions").wait_for(state="hidden")
            self.assertEqual(ana.page.locator("#line:focus, body:focus").count(), 0)
            ana.line.fill("")
            ana.goes_to("Ofertas")
            self.checks(ana, f"offers at {width}")
        ana.button("Dejar un cambio").click()
        ana.page.get_by_role("dialog", name="Dejar un cambio").wait_for()
        self.checks(ana, "swap form")
        ana.page.keyboard.press("Escape")
        self.server.kill()
        ana.page.reload()
        ana.page.get_by_text("No hay línea con la granja.").wait_for()
        ana.button("Aceptar la oferta 1 de Gus").click()
        for tab in ("Ofertas", "Gente", "Charla"):
            ana.goes_to(tab)
            self.checks(ana, f"kept page: {tab}")

    def test_on_a_phone_by_night(self) -> None:
        ana = self.opens(viewport=PHONE, has_touch=True, color_scheme="dark")
        self.arrives_checked(ana)
        gus = self.netcat().arrives("Gus", "13")
        gus.types("hola", ":p Ana psst", ":offer Ana 13 21")
        ana.log.get_by_text("Gus te ofrece su Espada").wait_for()
        self.checks(ana, "talk")
        for tab in ("Colección", "Ofertas", "Gente"):
            ana.goes_to(tab)
            self.checks(ana, tab)
