"""What is visible at the page, what stays in its place, and what people can tell apart."""

from __future__ import annotations

from tests.whole.browser.chromium import Visitor
from tests.whole.browser.test_page import PageCase

#: How a thing looks that may be chosen.
LOOK = (
    "it => { const s = getComputedStyle(it); return [s.outlineStyle, s.outlineWidth].join(' '); }"
)


#: What can't be read or pressed: beside the window, or under something else.
CUT = """() => {
  const top = document.querySelector("dialog[open]") ?? document.body;
  const panels = [document.scrollingElement, ...document.querySelectorAll(".panel, dialog")];
  const isWide = (it) => it.scrollWidth > it.clientWidth;
  const wrong = panels.filter(isWide).map((it) => `wide: ${it.id}`);
  const note = (what, it) => wrong.push(`${what}: ${it.title || it.innerText || it.id}`);
  for (const it of top.querySelectorAll("button, input, textarea, h2, h3, p, legend, summary")) {
    const { width, height } = it.getBoundingClientRect();
    if (!it.checkVisibility() || it.closest(".hidden") || width * height === 0) continue;
    it.scrollIntoView({ block: "center", inline: "nearest" });
    const { left, right, top: y, bottom } = it.getBoundingClientRect();
    if (left < -1 || right > innerWidth + 1) note("beside", it);
    const found = document.elementFromPoint((left + right) / 2, (y + bottom) / 2);
    const isThere = found !== null && (it.contains(found) || found.contains(it));
    if (it.matches("button, input, textarea, summary") && !isThere) note("covered", it);
  }
  return wrong;
}"""


def top_of(visitor: Visitor, name: str) -> float:
    box = visitor.page.get_by_role("button", name=name).bounding_box()
    assert box is not None
    return box["y"]


class Offers(PageCase):
    def test_nothing_moves_under_the_finger_when_an_offer_goes_or_somebody_comes(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        gus = self.netcat().arrives("Gus", "13")
        beto = self.netcat().arrives("Beto", "12")
        gus.types(":offer Ana 13 21")
        ana.page.get_by_role("button", name="Aceptar la oferta 1 de Gus").wait_for()
        beto.types(":offer Ana 12 21")
        accept = "Aceptar la oferta 2 de Beto"
        ana.page.get_by_role("button", name=accept).wait_for()
        before = top_of(ana, accept)
        crowd = [self.netcat().arrives(f"Gente{n}", "14") for n in range(6)]
        crowd[0].types(":offer Ana 14 21")
        ana.page.get_by_role("button", name="Aceptar la oferta 3 de Gente0").wait_for()
        self.assertEqual(top_of(ana, accept), before)
        gus.types(":retirar 1")
        ana.page.get_by_text("Esta oferta terminó.").wait_for()
        self.assertEqual(top_of(ana, accept), before)
        ana.page.get_by_text("Esta oferta terminó.").wait_for(state="hidden")
        self.assertLess(top_of(ana, accept), before)

    def test_an_offer_can_be_accepted_without_scrolling(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        gus = self.netcat().arrives("Gus", "13")
        gus.types(":offer Ana 13 21")
        accept = ana.page.locator(".offer-card button.primary")
        accept.wait_for()
        for width, height in ((1280, 800), (1024, 700), (960, 540)):
            ana.page.set_viewport_size({"width": width, "height": height})
            box, panel = accept.bounding_box(), ana.page.locator("#offers").bounding_box()
            assert box is not None
            assert panel is not None
            self.assertLessEqual(box["y"] + box["height"], panel["y"] + panel["height"], width)
            self.assertLessEqual(box["y"] + box["height"], height)

    def test_wide_names_break_no_form_and_can_be_read_in_full(self) -> None:
        wide = "W" * 20
        self.netcat().arrives(wide, "13")
        ana = self.arrives("Ana", "Ancla")
        for width in (390, 1280):
            ana.page.set_viewport_size({"width": width, "height": 800})
            if width < 760:
                ana.goes_to("Gente")
            ana.button(f"Proponer un intercambio a {wide}").click()
            dialog = ana.page.get_by_role("dialog", name="Proponer un intercambio")
            for part in (".offer-steps", ".people-choices"):
                over = dialog.locator(part).evaluate("it => it.scrollWidth - it.clientWidth")
                self.assertLessEqual(over, 0, part)
            title = dialog.locator(".person-name", has_text=wide).get_attribute("title")
            self.assertEqual(title, wide)
            ana.page.keyboard.press("Escape")
            dialog.wait_for(state="hidden")


class LowScreens(PageCase):
    def test_talk_has_its_share_of_a_small_window(self) -> None:
        ana = self.arrives("María_José", viewport={"width": 360, "height": 640}, has_touch=True)
        fits = "node => node.scrollWidth <= node.clientWidth"
        self.assertTrue(ana.page.locator("#whoami span").last.evaluate(fits), "one's name is cut")
        ana.line.focus()
        for width, height, share in ((320, 256, 1 / 4), (360, 370, 1 / 2), (640, 300, 1 / 3)):
            viewport = {"width": width, "height": height}
            ana.page.set_viewport_size({"width": width, "height": height})
            talk = ana.log.bounding_box()
            assert talk is not None
            self.assertGreaterEqual(talk["height"], height * share, viewport)
            line = ana.line.bounding_box()
            assert line is not None
            self.assertLessEqual(line["y"] + line["height"], height)


class Zoom(PageCase):
    """WCAG 1.4.10: a window of 1280 by 1024 at 400 % is one of 320 by 256."""

    def test_all_can_be_read_and_pressed_at_400_percent(self) -> None:
        ana = self.opens(viewport={"width": 320, "height": 256})
        ana.page.get_by_label("¿Cómo te llamas?").wait_for()
        self._whole(ana, "name")
        name = "W" * 20
        ana.gives_name(name)
        ana.picks("Ancla")
        self._whole(ana, "artifacts")
        ana.goes_on()
        ana.button("Sí, entrar").wait_for()
        self._whole(ana, "confirm")
        ana.button("Sí, entrar").click()
        gus = self.netcat().arrives("Gus", "13")
        gus.types("hola a todo el mundo", f":offer {name} 13 21")
        ana.log.get_by_text("Gus te ofrece su Espada").wait_for()
        self._whole(ana, "talk")
        for tab in ("Colección", "Ofertas", "Gente"):
            ana.goes_to(tab)
            self._whole(ana, tab)
        for opener in ("Proponer un intercambio a Gus", "Ajustes", "Salir de la granja"):
            ana.button(opener).click()
            ana.page.locator("dialog[open]").wait_for()
            self._whole(ana, opener)
            ana.page.keyboard.press("Escape")
            ana.page.locator("dialog[open]").wait_for(state="hidden")

    def _whole(self, visitor: Visitor, where: str) -> None:
        self.assertEqual(visitor.page.evaluate(CUT), [], where)


class ForcedColours(PageCase):
    def test_what_is_chosen_has_a_line(self) -> None:
        ana = self.arrives("Ana", "Ancla", forced_colors="active")
        lit = ana.page.locator("#collection .niche.lit").first.evaluate(LOOK)
        unlit = ana.page.locator("#collection .niche:not(.lit)").first.evaluate(LOOK)
        self.assertNotEqual(lit, unlit)
        pressed = ana.page.locator(".filters [aria-pressed=true]").evaluate(LOOK)
        self.assertNotEqual(
            pressed, ana.page.locator(".filters [aria-pressed=false]").first.evaluate(LOOK)
        )
        ana.button("Proponer un intercambio").click()
        choices = ana.page.get_by_role("group", name="¿Qué pides?").locator(".choice")
        choices.first.get_by_role("radio").check()
        chosen, other = choices.first.evaluate(LOOK), choices.nth(1).evaluate(LOOK)
        self.assertNotEqual(chosen, other)


class Broken(PageCase):
    def test_a_module_that_does_not_load_is_a_sentence_and_a_button(self) -> None:
        ana = self.chromium.opens("about:blank")
        ana.page.route("**/main.*.js", lambda route: route.abort())
        ana.page.goto(self.url)
        ana.page.get_by_text("No se pudo cargar la granja.").wait_for()
        ana.page.unroute("**/main.*.js")
        ana.button("Cargar de nuevo").click()
        ana.page.get_by_label("¿Cómo te llamas?").wait_for()

    def test_what_is_behind_the_door_that_does_not_load_is_too(self) -> None:
        ana = self.chromium.opens("about:blank")
        ana.page.route("**/inside.*.js", lambda route: route.abort())
        ana.page.goto(self.url)
        ana.page.get_by_text("No se pudo cargar la granja.").wait_for()


class Called(PageCase):
    def test_the_title_tells_talk_whispers_and_trades_apart(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        gus = self.netcat().arrives("Gus", "13")
        ana.page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
        for line, title in (
            ("hola", "(1) Granja"),
            (":p Ana psst", "(2) Susurro · Granja"),
            (":offer Ana 13 21", "(3) Intercambio · Granja"),
        ):
            gus.types(line)
            ana.page.wait_for_function("title => document.title === title", arg=title)

    def test_few_keys_lead_past_a_hundred_people_to_the_line(self) -> None:
        """From the beginning of the page, and from the midst of the list."""
        ana = self.arrives("Ana")
        for n in range(99):
            crowd = self.server.dial().arrives(f"Gente{n}")
            self.addCleanup(crowd.close)
        last = ana.page.get_by_role("button", name="Susurrar a Gente98")
        last.focus()
        ana.page.keyboard.press("Escape")
        ana.page.locator("#line:focus").wait_for()
        ana.page.evaluate("() => { document.body.tabIndex = -1; document.body.focus(); }")
        ana.page.keyboard.press("Tab")
        self.assertEqual(ana.page.evaluate("document.activeElement.textContent"), "Ir a escribir")
        ana.page.keyboard.press("Enter")
        ana.page.locator("#line:focus").wait_for()

    def test_a_draft_and_its_addressee_outlive_a_reload_and_not_a_goodbye(self) -> None:
        ana = self.arrives("Ana")
        self.netcat().arrives("Gus")
        ana.button("Susurrar a Gus").click()
        ana.line.fill("a medio escribir")
        ana.page.reload()
        ana.sees("Volviste a la granja, Ana.")
        self.assertEqual(ana.line.input_value(), "a medio escribir")
        ana.page.get_by_text("Susurrando a Gus").wait_for()
        ana.button("Salir de la granja").click()
        ana.button("Salir igual").click()
        ana.arrives("Ana")
        self.assertEqual(ana.line.input_value(), "")
        self.assertEqual(ana.page.evaluate("sessionStorage.length"), 0)
