"""What a person finds at the web page, with a real server and a real browser."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.support.certificates import make
from tests.support.netcat import NETCAT, Netcat
from tests.support.ports import free_port
from tests.support.server import Server
from tests.whole.browser.chromium import DESK, PHONE, Chromium, Visitor, shared, why_not

#: As much of the conversation as the page keeps (static/js/model/state.js).
HISTORY = 400


#: Whether the page has noted that this line was surely read, and all that was said before.
PROVED = (
    "(text) => { const { log, unproved } = JSON.parse(localStorage.getItem('granja.visit'));"
    " return unproved.length === 0 && log.some((entry) => entry.text === text); }"
)


class PageCase(SynchronousTestCase):
    """``options`` are those of the server, ``ledger`` is its own."""

    skip = why_not() or None
    options: tuple[str, ...] = ("--rate", "off")
    ledger = ""

    def setUp(self) -> None:
        self.web = free_port()
        self.url = f"http://127.0.0.1:{self.web}/"
        web = ("--web", f"tcp:{self.web}:interface=127.0.0.1")
        self.server = Server(*self.options, *web, ledger=self.ledger)
        self.enterContext(self.server)
        self.chromium = self.browser()
        self.addCleanup(self.chromium.rest)

    def browser(self) -> Chromium:
        return shared()

    def opens(self, **options: Any) -> Visitor:
        return self.chromium.opens(self.url, **options)

    def opens_blank(self) -> Visitor:
        """A browser without the page as yet."""
        return self.chromium.opens("about:blank")

    def arrives(self, name: str, *artifacts: str, **options: Any) -> Visitor:
        return self.opens(**options).arrives(name, *artifacts)

    def netcat(self) -> Netcat:
        if NETCAT is None:
            raise SkipTest("there is no netcat (apt-get install netcat-openbsd)")
        netcat = Netcat(self.server.port)
        self.addCleanup(netcat.close)
        return netcat


class Together(PageCase):
    def test_two_browsers_and_one_netcat_arrive_chat_whisper_and_trade(self) -> None:
        ana = self.arrives("Ana", "Ancla", "Ancla", "Disco raro")
        gus = self.netcat().arrives("Gus", "13")
        beto = self.arrives("Beto", "Tambor antiguo", viewport=PHONE, has_touch=True)
        self._chat(ana, beto, gus)
        self._whisper(ana, beto, gus)
        self._trade(ana, beto, gus)
        self.assertEqual(ana.complaints + beto.complaints, [])

    def _chat(self, ana: Visitor, beto: Visitor, gus: Netcat) -> None:
        gus.types("hola a todxs")
        ana.sees("hola a todxs")
        beto.sees("hola a todxs")
        beto.types("¿qué tal? 🌾")
        gus.sees("Beto: ¿qué tal? 🌾")
        ana.sees("¿qué tal? 🌾")
        ana.page.get_by_role("button", name="(:o)OOOooo Suelta una larva").click()
        gus.sees("Ana: ¡Larva! (:o)OOOooo")
        people = ana.page.locator("#people-list .person-name").all_inner_texts()
        self.assertEqual(people, ["Ana (tú)", "Gus", "Beto"])

    def _whisper(self, ana: Visitor, beto: Visitor, gus: Netcat) -> None:
        gus.types(":p Ana te cambio mi espada")
        ana.sees("te cambio mi espada")
        ana.log.get_by_role("button", name="Responder").click()
        ana.types("por mi ancla")
        gus.sees("Ana te susurra: por mi ancla")
        ana.types(":) y no le digas a nadie")
        gus.sees("Ana te susurra: :) y no le digas a nadie")
        ana.page.get_by_role("button", name="Sonríe").click()
        gus.sees("Ana te susurra: :)")
        ana.button("Dejar de susurrar").click()
        ana.types("perdón, estaba susurrando")
        beto.sees("perdón, estaba susurrando")
        self.assertNotRegex(beto.log.inner_text(), "por mi ancla|a nadie|te susurra")

    def _trade(self, ana: Visitor, beto: Visitor, gus: Netcat) -> None:
        gus.types(":offer Ana 13 21")
        card = ana.page.get_by_role("listitem").filter(has_text="Gus te ofrece")
        card.get_by_role("button", name="Aceptar").click()
        gus.sees("Intercambio realizado, tus artefactos ahora son: Ancla")
        ana.page.locator("#collection .niche.lit", has_text="Espada antigua").wait_for()
        self.assertEqual(ana.holdings(), {"Ancla", "Disco raro", "Espada antigua"})

        ana.button("Proponer un intercambio a Beto").click()
        ana.offers("Beto", "Disco raro", "Tambor antiguo")
        beto.button("Ver la oferta").click()
        beto.page.get_by_role("button", name="Aceptar la oferta 2 de Ana").click()
        ana.page.locator("#collection .niche.lit", has_text="Tambor antiguo").wait_for()
        beto.goes_to("Colección")
        self.assertEqual(beto.holdings(), {"Disco raro"})
        self.assertEqual(beto.page.locator(".offer-card:not(.gone)").count(), 0)


class Trading(PageCase):
    def test_a_refused_offer_says_why_in_the_form_and_can_be_mended(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        gus = self.netcat().arrives("Gus", "12")
        ana.button("Proponer un intercambio a Gus").click()
        ana.offers("Gus", "Ancla", "Trilobites")
        dialog = ana.page.get_by_role("dialog")
        alert = dialog.get_by_role("alert").filter(has_text="Gus no tiene Trilobites.")
        alert.wait_for()
        ana.offers("Gus", "Ancla", "Disco raro")
        gus.sees("Ana quiere intercambiar su Ancla por tu Disco raro (#1: :accept o :reject)")
        dialog.wait_for(state="hidden")

    def test_an_offer_is_taken_back_with_a_button(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        gus = self.netcat().arrives("Gus", "12")
        ana.types(":offer Gus 21 12")
        ana.page.get_by_role("button", name="Retirar la oferta 1 a Gus").click()
        gus.sees("La oferta #1 ya no es válida: Ana la retiró.")
        ana.page.get_by_text("No hay ofertas pendientes").wait_for()

    def test_an_offer_is_rejected_with_a_button(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        gus = self.netcat().arrives("Gus", "12")
        gus.types(":offer Ana 12 21")
        ana.page.get_by_role("button", name="Rechazar la oferta 1 de Gus").click()
        gus.sees("Intercambio rechazado")

    def test_an_artifact_on_the_shelf_begins_an_offer(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        gus = self.netcat().arrives("Gus", "12")
        ana.page.locator("#collection .niche", has_text="Disco raro").click()
        ana.button("Pedirlo en un intercambio").click()
        dialog = ana.page.get_by_role("dialog", name="Proponer un intercambio")
        wanted = dialog.get_by_role("group", name="¿Qué pides?")
        self.assertTrue(wanted.get_by_role("radio", name="Disco raro").is_checked())
        ana.offers("Gus", "Ancla", "Disco raro")
        gus.sees("Ana quiere intercambiar su Ancla por tu Disco raro")

    def test_what_one_finds_and_gives_away_is_lit_and_unlit(self) -> None:
        ana = self.arrives("Ana")
        place = ana.page.locator("#collection .niche", has_text="Trilobites")
        place.click()
        ana.button("Lo encontré").click()
        ana.page.get_by_role("button", name="Trilobites, tienes 1 copia").click()
        ana.button("Donar una copia al museo").click()
        ana.page.get_by_role("button", name="Trilobites, te falta").wait_for()


class Interrupted(PageCase):
    """The line drops, and comes back."""

    options = ("--rate", "off", "--arrival-timeout", "60", "--linger", "0")

    def test_nothing_typed_is_lost_and_what_was_traded_is_still_held(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        gus = self.netcat().arrives("Gus", "13")
        gus.types(":offer Ana 13 21")
        ana.button("Aceptar la oferta 1 de Gus").click()
        gus.sees("Intercambio realizado")
        ana.line.fill("a medio escribir")
        self.server.kill()
        ana.page.get_by_text("Se cortó la conexión con la granja.").wait_for()
        ana.line.press("Enter")
        ana.page.get_by_text("Tu mensaje se queda aquí").wait_for()
        self.server.start()
        ana.sees("Volviste a la granja, Ana.")
        gus = self.netcat().arrives("Gus")
        self.assertEqual(ana.holdings(), {"Espada antigua"})
        self.assertFalse(ana.page.locator("#banner").is_visible())
        ana.line.press("Enter")
        gus.sees("Ana: a medio escribir")

    def test_a_line_that_the_server_never_read_is_marked_and_can_be_sent_again(self) -> None:
        ana = self.arrives("Ana")
        ana.types("esto llega")
        assert self.server.process is not None
        ana.page.wait_for_function(PROVED, arg="esto llega")
        self.server.process.send_signal(signal.SIGSTOP)
        ana.types("esto no llega")
        self.server.kill()
        doubt = ana.log.get_by_text("Quizá no llegó.")
        doubt.wait_for()
        self.assertEqual(doubt.count(), 1)
        self.server.start()
        ana.sees("Volviste a la granja, Ana.")
        gus = self.netcat().arrives("Gus")
        ana.button("Enviar de nuevo").click()
        gus.sees("Ana: esto no llega")

    def test_the_name_is_waited_for_while_the_lost_connection_holds_it(self) -> None:
        ana = self.arrives("Ana")
        beto = self.arrives("Beto")
        usurper = self.netcat()
        ana.page.context.set_offline(True)
        beto.sees("Ana desconectado.")
        usurper.types("Ana")
        usurper.sees("Cuéntame")
        ana.page.context.set_offline(False)
        ana.page.get_by_text("Tu conexión anterior todavía guarda tu nombre.").wait_for()
        usurper.close()
        ana.sees("Volviste a la granja, Ana.")

    def test_a_name_that_somebody_took_is_told_and_the_artifacts_are_kept(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        beto = self.arrives("Beto")
        ana.line.fill("a medio escribir")
        ana.page.context.set_offline(True)
        beto.sees("Ana desconectado.")
        usurper = self.netcat().arrives("Ana")
        ana.page.context.set_offline(False)
        told = ana.page.get_by_text("Alguien más tomó tu nombre mientras no estabas.")
        told.wait_for(timeout=45_000)
        ana.gives_name("Anita")
        ana.sees("Volviste a la granja, Anita.")
        self.assertEqual(ana.holdings(), {"Ancla"})
        self.assertEqual(ana.line.input_value(), "a medio escribir")
        usurper.close()

    def test_a_name_that_somebody_registered_asks_for_no_password_of_a_visitor(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        beto = self.arrives("Beto")
        ana.page.context.set_offline(True)
        beto.sees("Ana desconectado.")
        usurper = self.netcat().arrives("Ana")
        usurper.types(":registrar muy-secreta")
        usurper.sees("quedó registrado")
        ana.page.context.set_offline(False)
        ana.page.get_by_text("Alguien más tomó tu nombre mientras no estabas.").wait_for()
        ana.gives_name("Anita")
        ana.sees("Volviste a la granja, Anita.")

    def test_one_who_enters_elsewhere_is_not_fought_for(self) -> None:
        ana = self.arrives("Ana")
        ana.types(":registrar secreto-largo")
        ana.sees("Ana, tu nombre quedó registrado.")
        again = self.opens()
        again.gives_name("ana")
        again.page.get_by_label("Contraseña", exact=True).fill("secreto-largo")
        again.button("Entrar").click()
        again.sees("Entraste a la granja, Ana.")
        ana.page.get_by_text("Entraste desde otro lugar, así que").wait_for()
        ana.page.wait_for_timeout(3000)
        self.assertEqual(again.log.get_by_text("Entraste desde otro lugar").count(), 0)


class TooSlow(PageCase):
    """The server closes a connection that does not arrive in time.  The page keeps the picks."""

    options = ("--rate", "off", "--arrival-timeout", "2")

    def test_one_who_thinks_for_long_still_gets_in(self) -> None:
        ana = self.opens()
        ana.gives_name("Ana")
        ana.picks("Ancla")
        ana.page.wait_for_timeout(3000)
        ana.picks("Disco raro")
        ana.goes_on()
        ana.page.get_by_role("listitem").filter(has_text="Ancla").wait_for()
        ana.page.wait_for_timeout(3000)
        ana.button("Sí, entrar").click()
        ana.sees("Entraste a la granja, Ana.")
        self.assertEqual(ana.holdings(), {"Ancla", "Disco raro"})


class Registered(PageCase):
    def test_a_name_is_registered_and_its_password_is_kept_nowhere(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        ana.button("Registrar mi nombre").click()
        ana.page.get_by_label("Contraseña nueva").fill("muy-secreta")
        ana.button("Guardar").click()
        ana.sees("Ana, tu nombre quedó registrado.")
        ana.button("Salir de la granja").click()
        ana.page.get_by_role("status").get_by_text("¡Adiós y suerte").wait_for()
        ana.gives_name("Ana")
        ana.page.get_by_label("Contraseña", exact=True).fill("muy-mala")
        ana.button("Entrar").click()
        ana.page.get_by_role("alert").filter(has_text="contraseña incorrecta").wait_for()
        ana.page.get_by_label("Contraseña", exact=True).fill("muy-secreta")
        ana.button("Entrar").click()
        ana.sees("Entraste a la granja, Ana.")
        self.assertEqual(ana.holdings(), {"Ancla"})
        kept = ana.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
        self.assertNotIn("secreta", kept + ana.page.content())

    def test_a_typed_password_is_not_shown(self) -> None:
        ana = self.arrives("Ana")
        ana.types(":registrar muy-secreta")
        ana.sees("Ana, tu nombre quedó registrado.")
        self.assertNotIn("muy-secreta", ana.page.content())
        ana.line.press("ArrowUp")
        self.assertEqual(ana.line.input_value(), "")

    def test_the_password_field_is_one_that_browsers_know(self) -> None:
        ana = self.arrives("Ana")
        ana.types(":registrar muy-secreta")
        ana.sees("Ana, tu nombre quedó registrado.")
        again = self.opens()
        again.gives_name("Ana")
        field = again.page.get_by_label("Contraseña", exact=True)
        self.assertEqual(field.get_attribute("type"), "password")
        self.assertEqual(field.get_attribute("autocomplete"), "current-password")


class DeclaredOnce(PageCase):
    options = ("--rate", "off", "--declarations", "once")

    def test_visitors_are_not_asked_and_the_registered_are_once(self) -> None:
        ana = self.opens()
        ana.gives_name("Ana")
        ana.sees("Entraste a la granja, Ana.")
        ana.types(":registrar muy-secreta")
        ana.picks("Ancla")
        ana.goes_on()
        ana.button("Sí, entrar").click()
        place = ana.page.locator("#collection .niche.lit", has_text="Ancla")
        place.click()
        ana.button("Donar una copia al museo").wait_for()
        self.assertEqual(ana.button("Encontré otra copia").count(), 0)
        self.assertEqual(ana.complaints, [])


class Hostile(PageCase):
    def test_text_never_becomes_markup(self) -> None:
        ana = self.arrives("Ana")
        ana.page.on("dialog", lambda _: self.fail("a script of somebody's ran"))
        gus = self.netcat().arrives("Gus")
        lines = (
            "<img src=x onerror=alert(1)>",
            "<script>alert(2)</script>",
            "</p><iframe srcdoc='<script>alert(3)</script>'></iframe>",
            "&lt;b&gt; {{7*7}} ${alert(4)} javascript:alert(5)",
        )
        gus.types(*lines, *(f":p Ana {line}" for line in lines))
        for line in lines:
            ana.log.get_by_text(line, exact=True).nth(1).wait_for()
        self.assertEqual(ana.log.locator("img, script, iframe, b").count(), 0)
        self.assertEqual(ana.complaints, [])

    def test_the_history_is_bounded(self) -> None:
        ana = self.arrives("Ana")
        gus = self.netcat().arrives("Gus")
        gus.types(*(f"línea {n}" for n in range(3 * HISTORY)))
        ana.sees(f"línea {3 * HISTORY - 1}")
        self.assertEqual(ana.log.locator("> *").count(), HISTORY)

    def test_reading_back_is_not_disturbed_by_new_talk(self) -> None:
        ana = self.arrives("Ana")
        gus = self.netcat().arrives("Gus")
        gus.types(*(f"línea {n}" for n in range(100)))
        ana.sees("línea 99")
        ana.log.evaluate("log => { log.scrollTop = 0; }")
        ana.page.wait_for_timeout(200)
        gus.types("algo nuevo")
        ana.button("Hay mensajes nuevos").click()
        ana.log.get_by_text("algo nuevo").wait_for()
        bottom = ana.log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight")
        self.assertLess(bottom, 5)


class OtherCatalog(PageCase):
    def setUp(self) -> None:
        catalog = Path(self.mktemp()).absolute()
        catalog.write_text(json.dumps({"1": "Ancla", "7": "Piedra lunar"}))
        self.options = ("--rate", "off", "--artifacts", str(catalog))
        super().setUp()

    def test_an_artifact_that_nobody_drew_has_a_picture_for_all(self) -> None:
        ana = self.opens()
        ana.gives_name("Ana")
        for name, symbol in (("Ancla", "ancla"), ("Piedra lunar", "generico")):
            use = ana.page.get_by_role("button", name=f"Sumar {name}").locator("use")
            href = use.get_attribute("href") or ""
            self.assertRegex(href, rf"^artifacts\.[0-9a-f]{{12}}\.svg#{symbol}$")


class Encrypted(PageCase):
    """The same over TLS."""

    def setUp(self) -> None:
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        pem = make("localhost").put(folder / "cert.pem")
        web = free_port()
        self.url = f"https://localhost:{web}/"
        endpoint = f"ssl:{web}:interface=127.0.0.1:certKey={pem}:privateKey={pem}"
        self.server = self.enterContext(Server(*self.options, "--web", endpoint))
        self.chromium = self.browser()
        self.addCleanup(self.chromium.rest)

    def browser(self) -> Chromium:
        return shared()

    def test_people_arrive_and_talk(self) -> None:
        ana = self.arrives("Ana", "Ancla", ignore_https_errors=True)
        gus = self.netcat().arrives("Gus")
        ana.types("hola")
        gus.sees("Ana: hola")
        gus.types("¿qué tal?")
        ana.sees("¿qué tal?")
        ana.button("Salir de la granja").click()
        ana.page.get_by_role("status").get_by_text("¡Adiós y suerte").wait_for()
        gus.sees("Ana desconectado.")


class ForEverybody(PageCase):
    """It works with the keyboard alone, with a screen reader, on a small screen, and without
    motion."""

    def test_one_arrives_talks_and_trades_by_keyboard_alone(self) -> None:
        gus = self.netcat().arrives("Gus", "12")
        ana = self.opens()
        keys = ana.page.keyboard
        ana.page.locator("#name:focus").wait_for()
        keys.type("Ana")
        keys.press("Enter")
        self._tab_to(ana, "Sumar Ancla")
        keys.press("Enter")
        self._tab_to(ana, "Continuar")
        keys.press("Enter")
        self._tab_to(ana, "Sí, entrar")
        keys.press("Enter")
        ana.sees("Entraste a la granja, Ana.")
        ana.page.locator("#line:focus").wait_for()
        keys.type("hola")
        keys.press("Enter")
        gus.sees("Ana: hola")
        self._tab_to(ana, "Proponer un intercambio a Gus")
        keys.press("Enter")
        for group in ("mine", "theirs"):
            self._tab_to(ana, group)
            keys.press("Space")
        keys.press("ArrowRight")
        ana.page.get_by_role("radio", name="Disco raro").last.focus()
        keys.press("Space")
        self._tab_to(ana, "Enviar oferta")
        keys.press("Enter")
        gus.sees("Ana quiere intercambiar su Ancla por tu Disco raro")

    def test_a_slow_frame_takes_the_keyboard_from_nobody(self) -> None:
        ana = self.opens()
        ana.gives_name("Ana")
        ana.button("Sumar Ancla").wait_for()
        ana.page.evaluate(
            "() => { window.asked = []; window.soon = requestAnimationFrame;"
            "  window.requestAnimationFrame = (work) => asked.push(work); }"
        )
        ana.goes_on()
        ana.button("Sí, entrar").focus()
        ana.page.evaluate(
            "() => { window.requestAnimationFrame = soon; asked.forEach((work) => work(0)); }"
        )
        ana.page.keyboard.press("Enter")
        ana.sees("Entraste a la granja, Ana.")

    def _tab_to(self, visitor: Visitor, name: str) -> None:
        """Press Tab until it is there, as far as once around the page."""
        for _ in range(150):
            if visitor.page.evaluate(
                "name => { const it = document.activeElement; return [it.ariaLabel,"
                " it.title, it.textContent, it.name].includes(name); }",
                name,
            ):
                return
            visitor.page.keyboard.press("Tab")
        self.fail(f"Tab never came to {name}")

    def test_the_keyboard_is_always_seen(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        for _ in range(40):
            ana.page.keyboard.press("Tab")
            outline = ana.page.evaluate(
                "getComputedStyle(document.activeElement.closest('.choice') ?? "
                "document.activeElement).outlineStyle"
            )
            self.assertEqual(outline, "solid")

    def test_everything_has_a_name_for_who_does_not_see_it(self) -> None:
        for viewport in (PHONE, DESK):
            ana = self.opens(viewport=viewport)
            ana.page.get_by_label("¿Cómo te llamas?").wait_for()
            self._assert_named(ana)
            ana.gives_name(f"Ana{viewport['width']}")
            ana.picks("Ancla")
            self._assert_named(ana)
            ana.goes_on()
            ana.button("Sí, entrar").click()
            ana.line.wait_for()
            self._assert_named(ana)

    def _assert_named(self, visitor: Visitor) -> None:
        """Everything usable has a name for a screen reader."""
        tree = visitor.page.locator("body").aria_snapshot()
        nameless = re.findall(
            r"^\s*- (?:button|textbox|searchbox|radio|dialog|log|list)(?::|$)", tree, re.M
        )
        self.assertEqual([n for n in nameless if "list" not in n], [], tree)
        repeated = visitor.page.evaluate(
            "[...document.querySelectorAll('[id]')].map(e => e.id)"
            ".filter((id, at, all) => all.indexOf(id) !== at)"
        )
        self.assertEqual(repeated, [])

    def test_the_conversation_is_read_aloud(self) -> None:
        ana = self.arrives("Ana")
        self.assertEqual(ana.log.get_attribute("aria-live"), "polite")
        banner = ana.page.locator("#banner")
        self.assertEqual(banner.get_attribute("role"), "status")
        landmarks = ("main", "navigation", "complementary", "banner")
        tree = ana.page.locator("body").aria_snapshot()
        phone = self.arrives("Beto", viewport=PHONE).page.locator("body").aria_snapshot()
        for landmark in landmarks:
            self.assertRegex(tree + phone, rf"(?m)^\s*- {landmark}\b")

    def test_a_small_screen_scrolls_in_one_direction_only(self) -> None:
        ana = self.opens()
        ana.gives_name("Ana")
        ana.picks("Ancla")
        self._assert_fits(ana, 320, 390, 760, 1280)
        ana.goes_on()
        ana.button("Sí, entrar").click()
        ana.line.wait_for()
        self._assert_fits(ana, 1280, 760, 390, 320)
        for tab in ("Colección", "Ofertas", "Gente", "Charla"):
            ana.goes_to(tab)
            self._assert_fits(ana, 390, 320)

    def _assert_fits(self, visitor: Visitor, *widths: int) -> None:
        """The same page in a window of each width: a new visitor would cost much more."""
        for width in widths:
            visitor.page.set_viewport_size({"width": width, "height": 700})
            wide = visitor.page.evaluate("document.scrollingElement.scrollWidth")
            self.assertLessEqual(wide, width)

    def test_fingers_find_every_button(self) -> None:
        """WCAG 2.5.8: 24 pixels at least, for everything that is pressed."""
        ana = self.arrives("Ana", "Ancla", viewport=PHONE, has_touch=True)
        for tab in ("Colección", "Ofertas", "Gente", "Charla"):
            ana.goes_to(tab)
            for button in ana.page.get_by_role("button").all():
                box = button.bounding_box()
                assert box is not None
                self.assertGreaterEqual(min(box["width"], box["height"]), 24, button.inner_text())

    def test_nothing_moves_for_who_does_not_want_it(self) -> None:
        ana = self.opens(reduced_motion="reduce")
        duration = ana.page.evaluate(
            "getComputedStyle(document.querySelector('.s-cloud')).animationDuration"
        )
        self.assertLess(float(duration.removesuffix("s")), 0.001)
