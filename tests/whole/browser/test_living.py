"""Living at the page: completion, many lines, links, cards, places, questions and answers."""

from __future__ import annotations

from tests.whole.browser.chromium import PHONE, Visitor
from tests.whole.browser.test_page import PageCase

#: Somebody looks at another window, or looks at the page again.
LOOK = (
    "away => { Object.defineProperty(document, 'hidden', {get: () => away, configurable: true});"
    " document.dispatchEvent(new Event('visibilitychange')); }"
)


class Writing(PageCase):
    def test_commands_names_and_artifacts_are_completed_by_keyboard_alone(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        beto = self.netcat().arrives("Beto", "12")
        ana.sees("Cliente Beto conectado.")
        keys = ana.page.keyboard
        ana.line.focus()
        keys.type(":off")
        ana.page.get_by_role("option", name=":offer").wait_for()
        for typed, stands in (("", ":offer "), ("be", ":offer Beto "), ("an", ":offer Beto 21 ")):
            keys.type(typed)
            keys.press("Tab")
            self.assertEqual(ana.line.input_value(), stands)
        keys.type("disco r")
        keys.press("ArrowDown")
        active = ana.line.get_attribute("aria-activedescendant")
        self.assertEqual(ana.page.locator(f"#{active}").get_attribute("aria-selected"), "true")
        keys.press("Enter")
        self.assertEqual(ana.line.input_value(), ":offer Beto 21 12 ")
        keys.press("Enter")
        beto.sees("Ana quiere intercambiar su Ancla por tu Disco raro")
        keys.press("Tab")
        self.assertNotEqual(ana.page.evaluate("document.activeElement.id"), "line")
        self.assertEqual(ana.complaints, [])

    def test_pasted_lines_are_lines_and_many_are_asked_about(self) -> None:
        ana = self.arrives("Ana")
        gus = self.netcat().arrives("Gus")
        ana.types("uno\r\ndos\n\ntres\n")
        for text in ("uno", "dos", "tres"):
            gus.sees(f"Ana: {text}")
            ana.sees(text)
        ana.types("\n".join(f"línea {n}" for n in range(20)))
        ana.page.get_by_role("alert").get_by_text("Son 20 líneas. ¿Las envío todas?").wait_for()
        ana.button("No").click()
        self.assertIn("línea 19", ana.line.input_value())
        ana.line.press("Enter")
        ana.button("Sí, enviar todas").click()
        gus.sees("Ana: línea 19")
        self.assertEqual(ana.line.input_value(), "")
        ana.page.keyboard.press("Shift+Enter")
        self.assertEqual(ana.line.input_value(), "\n")


class Reading(PageCase):
    def test_addresses_can_be_pressed_and_tell_nobody_where_one_comes_from(self) -> None:
        ana = self.arrives("Ana")
        gus = self.netcat().arrives("Gus")
        gus.types("mira (https://granja.example/a), no javascript:alert(1) ni https://a@b.example/")
        link = ana.log.get_by_role("link")
        link.wait_for()
        self.assertEqual(link.get_attribute("href"), "https://granja.example/a")
        self.assertEqual(link.get_attribute("rel"), "noopener noreferrer")
        self.assertEqual(link.count(), 1)

    def test_a_line_shows_where_one_had_read_to_and_joinings_are_one(self) -> None:
        ana = self.arrives("Ana")
        gus = self.netcat().arrives("Gus")
        gus.types("antes")
        ana.sees("antes")
        ana.page.evaluate(LOOK, True)
        for name in ("Beto", "Caro"):
            self.netcat().arrives(name)
        gus.types("después", "bien después")
        ana.sees("bien después")
        ana.page.evaluate(LOOK, False)
        rows = ana.log.locator(".entry .text").all_inner_texts()
        wanted = ["antes", "Hasta aquí habías leído", "Beto y Caro entraron.", "después"]
        self.assertEqual(rows[-5:-1], wanted)
        self.assertEqual(ana.page.title(), "Granja")

    def test_what_was_said_can_be_looked_for(self) -> None:
        ana = self.arrives("Ana")
        gus = self.netcat().arrives("Gus")
        gus.types("un pingüino", "otra cosa", "PINGUINOS", "nada")
        ana.sees("nada")
        ana.button("Buscar en la charla").click()
        ana.page.keyboard.type("pinguino")
        ana.page.get_by_role("status").get_by_text("2 líneas").wait_for()
        self.assertEqual(ana.log.locator(".entry").count(), 2)
        ana.page.keyboard.press("Escape")
        ana.sees("otra cosa")
        ana.page.locator("#line:focus").wait_for()


class People(PageCase):
    def test_somebody_is_ignored_and_heard_again_from_their_card(self) -> None:
        ana = self.arrives("Ana")
        gus = self.netcat().arrives("Gus")
        self._card(ana, "Gus")
        ana.button("No escuchar más").click()
        ana.sees("Ya no escuchas a Gus.")
        gus.types("no me oyes")
        ana.page.get_by_text("(no le oyes)").wait_for()
        ana.button("Ajustes").click()
        ana.button("Escuchar a Gus").click()
        ana.button("Cerrar").click()
        ana.sees("Escuchas a Gus otra vez.")
        gus.types("¿y ahora?")
        ana.sees("¿y ahora?")
        self.assertEqual(ana.log.get_by_text("no me oyes").count(), 0)
        self.assertEqual(ana.complaints, [])

    def test_who_is_muted_is_heard_and_calls_nobody_back(self) -> None:
        """Also after a reload; the others go on calling."""
        ana = self.arrives("Ana")
        gus, noa = self.netcat().arrives("Gus"), self.netcat().arrives("Noa")
        self._card(ana, "Gus")
        ana.button("No avisarme").click()
        ana.page.reload()
        ana.sees("Volviste a la granja, Ana.")
        ana.page.evaluate(LOOK, True)
        gus.types("Ana, ¿estás?", ":p Ana psst")
        ana.sees("psst")
        self.assertEqual(ana.page.title(), "Granja")
        noa.types(":p Ana hola")
        ana.sees("hola")
        ana.page.wait_for_function("() => document.title === '(1) Susurro · Granja'")
        ana.page.evaluate(LOOK, False)
        self._card(ana, "Gus")
        ana.button("Avisarme otra vez").click()
        ana.page.evaluate(LOOK, True)
        gus.types("¿ahora sí?")
        ana.page.wait_for_function("() => document.title === '(1) Granja'")

    def _card(self, visitor: Visitor, name: str) -> None:
        visitor.page.locator(".person-open", has_text=name).click()


class Places(PageCase):
    def test_back_closes_a_dialog_and_then_leads_to_the_talk(self) -> None:
        ana = self.arrives("Ana", "Ancla", viewport=PHONE, has_touch=True)
        for tab in ("Gente", "Colección"):
            ana.goes_to(tab)
        self.assertTrue(ana.page.url.endswith("#coleccion"))
        ana.page.locator("#collection .niche").first.click()
        dialog = ana.page.locator("dialog[open]")
        dialog.wait_for()
        ana.page.go_back()
        dialog.wait_for(state="hidden")
        self.assertTrue(ana.page.locator("#collection").is_visible())
        ana.page.go_back()
        ana.line.wait_for()
        ana.page.goto(f"{self.url}#ofertas")
        ana.page.locator("#offers").wait_for()

    def test_a_link_to_an_offer_opens_its_form_once_one_is_inside(self) -> None:
        gus = self.netcat().arrives("Gus", "21")
        ana = self.chromium.opens(f"{self.url}?con=gus&pido=21").arrives("Ana", "Disco raro")
        dialog = ana.page.get_by_role("dialog", name="Proponer un intercambio")
        dialog.get_by_role("group", name="¿Qué das?").get_by_role("radio", name="Disco").check()
        dialog.get_by_role("button", name="Enviar oferta").click()
        gus.sees("Ana quiere intercambiar su Disco raro por tu Ancla")
        dialog.wait_for(state="hidden")
        self.assertEqual(ana.page.evaluate("location.search"), "")


class Trading(PageCase):
    def test_another_offer_answers_an_offer_and_what_was_done_is_kept_in_mind(self) -> None:
        ana = self.arrives("Ana", "Ancla", "Trilobites")
        gus = self.netcat().arrives("Gus", "13")
        gus.types(":offer Ana 13 21")
        ana.page.get_by_text("Vence el ").wait_for()
        ana.page.get_by_role("button", name="Proponer otra cosa por la oferta 1 de Gus").click()
        ana.offers("Gus", "Trilobites", "Espada antigua", title="Proponer otra cosa")
        gus.sees("Ana quiere intercambiar su Trilobites por tu Espada antigua")
        gus.sees("Intercambio rechazado")
        gus.types(":accept")
        ana.page.get_by_text("Intercambios hechos (1)").click()
        ana.page.get_by_text("Hoy: le diste Trilobites a Gus y recibiste Espada").wait_for()


class Leaving(PageCase):
    def test_one_is_asked_when_something_would_be_lost(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        gus = self.netcat().arrives("Gus", "13")
        gus.types(":offer Ana 13 21")
        ana.page.get_by_role("button", name="Aceptar la oferta 1 de Gus").wait_for()
        ana.line.fill("a medio escribir")
        ana.button("Salir de la granja").click()
        sentence = "Si sales ahora se pierde: 1 oferta que espera y lo que estabas escribiendo."
        ana.page.get_by_text(sentence).wait_for()
        ana.button("Quedarme").click()
        self.assertEqual(ana.line.input_value(), "a medio escribir")
        ana.button("Salir de la granja").click()
        ana.button("Salir igual").click()
        ana.page.get_by_role("status").get_by_text("¡Adiós y suerte").wait_for()
        gus.sees("Ana desconectado.")


#: What the notifications say that are shown now.
NOTIFIED = (
    "navigator.serviceWorker.getRegistration().then((one) => one.getNotifications())"
    ".then((shown) => shown.map(({ body }) => body))"
)

#: Presses the only one.  A browser brings a page forward for a person's own press alone.
PRESS = """async () => {
  const asked = [];
  WindowClient.prototype.focus = async function () { asked.push(this.url); };
  const [shown] = await registration.getNotifications();
  await pressed(shown);
  return [asked.length, (await registration.getNotifications()).length];
}"""


#: Presses the only one while no page is open; says which page the worker opens.
PRESS_ALONE = """async () => {
  const opened = [];
  clients.openWindow = async (address) => { opened.push(address); };
  const [shown] = await registration.getNotifications();
  await pressed(shown);
  return opened;
}"""

#: A browser that lets nobody keep the page: what the page shows by itself is noted.
NO_WORKER = """
  delete Navigator.prototype.serviceWorker;
  window.shown = [];
  window.Notification = class {
    static permission = "granted";
    static requestPermission = async () => "granted";
    constructor(title, options) {
      window.shown.push(this);
      Object.assign(this, { title, ...options, isClosed: false });
    }
    close() { this.isClosed = true; }
  };
"""


def wants_notifications(visitor: Visitor, *more: str) -> None:
    """Switch them on, and ``more`` of the settings, by their labels."""
    visitor.button("Ajustes").click()
    for label in ("Con una notificación", *more):
        visitor.page.get_by_label(label).check()
    visitor.button("Cerrar").click()


class Called(PageCase):
    def test_who_wants_it_is_notified_and_of_a_whisper_not_what_it_says(self) -> None:
        ana = self.opens()
        ana.page.context.grant_permissions(["notifications"])
        ana.arrives("Ana", "Ancla")
        ana.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        gus = self.netcat().arrives("Gus", "13")
        ana.page.evaluate(LOOK, True)
        gus.types("Ana, hola")
        ana.sees("Ana, hola")
        ana.page.evaluate(LOOK, False)
        wants_notifications(ana, "Con un sonido suave")
        ana.page.evaluate(LOOK, True)
        gus.types("sin nombrar a nadie", ":p Ana un secreto")
        ana.page.wait_for_function(
            f"() => {NOTIFIED}.then((told) => told.join() === 'Gus te susurra.')"
        )
        icon = ana.page.locator("#icon").get_attribute("href") or ""
        self.assertIn("favicon-calls", icon)
        ana.page.evaluate(LOOK, False)
        self.assertNotIn("calls", ana.page.locator("#icon").get_attribute("href") or "")
        self._press(ana)
        ana.page.get_by_text("Susurrando a Gus").wait_for()
        ana.page.locator("#line:focus").wait_for()
        ana.page.evaluate(LOOK, True)
        gus.types(":offer Ana 13 21")
        ana.page.wait_for_function(
            f"() => {NOTIFIED}.then(([told]) => told?.includes('te ofrece'))"
        )
        ana.page.evaluate(LOOK, False)
        self._press(ana)
        ana.page.locator("#offers :focus").wait_for()
        self.assertEqual(ana.complaints, [])

    def test_without_a_worker_the_page_shows_it_and_hears_the_press(self) -> None:
        """Firefox has none in a private window."""
        ana = self.opens_blank()
        ana.page.add_init_script(NO_WORKER)
        ana.page.goto(self.url)
        ana.arrives("Ana", "Ancla")
        wants_notifications(ana)
        gus = self.netcat().arrives("Gus", "13")
        ana.page.evaluate(LOOK, True)
        gus.types(":p Ana un secreto")
        ana.page.wait_for_function("() => shown.length > 0")
        said = "shown.map(({ title, body, tag }) => [title, body, tag])"
        self.assertEqual(ana.page.evaluate(said), [["Granja", "Gus te susurra.", "granja"]])
        ana.page.evaluate(LOOK, False)
        ana.page.evaluate("shown[0].onclick()")
        ana.page.get_by_text("Susurrando a Gus").wait_for()
        ana.page.locator("#line:focus").wait_for()
        self.assertTrue(ana.page.evaluate("shown[0].isClosed"))

    def _press(self, visitor: Visitor) -> None:
        """Press the notification: its page is brought forward, and it goes."""
        (worker,) = visitor.page.context.service_workers
        self.assertEqual(worker.evaluate(PRESS), [1, 0])


class CalledFromAfar(PageCase):
    """A class of its own, behind the others: Chromium may take another's notification away while
    the window of this test closes."""

    def test_a_press_opens_the_page_that_was_closed_at_its_place(self) -> None:
        ana = self.opens()
        ana.page.context.grant_permissions(["notifications"])
        ana.arrives("Ana", "Ancla")
        ana.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        wants_notifications(ana)
        gus = self.netcat().arrives("Gus", "13")
        ana.page.evaluate(LOOK, True)
        gus.types(":offer Ana 13 21")
        ana.page.wait_for_function(f"() => {NOTIFIED}.then((told) => told.length > 0)")
        context = ana.page.context
        (worker,) = context.service_workers
        ana.page.close()
        self.assertEqual(worker.evaluate(PRESS_ALONE), ["/#ofertas"])
        again = Visitor(context.new_page())
        again.page.goto(f"{self.url}#ofertas")
        again.page.locator("#offers :focus").wait_for()
        again.page.get_by_role("button", name="Aceptar la oferta 1 de Gus").wait_for()
