"""A lift, a reload, a closed tab: with a pass the person types nothing again."""

from __future__ import annotations

import shutil

from tests.client.test_terminal import Terminal
from tests.support.folders import folder_for
from tests.support.links import Wire
from tests.whole.browser.test_page import PROVED, PageCase


class WithAPass(PageCase):
    def test_a_reload_goes_on_where_one_was(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        gus = self.netcat().arrives("Gus", "13")
        gus.types("hola a todxs", ":offer Ana 13 21", ":p Ana un secreto")
        ana.sees("un secreto")
        ana.line.fill("a medio escribir")
        ana.page.reload()
        ana.sees("Volviste a la granja, Ana.")
        for text in ("hola a todxs", "un secreto", "Hasta aquí habías leído"):
            self.assertEqual(ana.log.get_by_text(text, exact=True).count(), 1, text)
        self.assertEqual(ana.holdings(), {"Ancla"})
        self.assertEqual(ana.line.input_value(), "a medio escribir")
        ana.button("Aceptar la oferta 1 de Gus").click()
        gus.sees("Intercambio realizado")
        self.assertEqual(ana.complaints, [])

    def test_what_was_said_while_one_was_in_a_lift_is_heard_once(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        gus = self.netcat().arrives("Gus", "13")
        ana.page.context.set_offline(True)
        ana.page.get_by_text("Se cortó la conexión con la granja.").wait_for()
        gus.types("¿dónde estás?", ":p Ana psst", ":offer Ana 13 21", ":u")
        gus.sees("Usuarios conectados: Ana, Gus")
        ana.page.context.set_offline(False)
        ana.sees("psst")
        self.assertEqual(ana.log.get_by_text("¿dónde estás?", exact=True).count(), 1)
        ana.button("Aceptar la oferta 1 de Gus").click()
        gus.sees("Intercambio realizado")

    def test_a_second_window_takes_over_and_the_first_comes_back_by_its_button_only(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        self.netcat().arrives("Gus")
        ana.button("Susurrar a Gus").click()
        ana.line.fill("a medio escribir")
        again = ana.page.context.new_page()
        again.goto(self.url)
        again.get_by_role("log").get_by_text("Volviste a la granja, Ana.").wait_for()
        self.assertEqual(again.locator("#line").input_value(), "a medio escribir")
        again.get_by_text("Susurrando a Gus").wait_for()
        ana.page.get_by_text("Entraste desde otro lugar, así que").wait_for()
        ana.button("Entrar aquí").click()
        ana.sees("Volviste a la granja, Ana.")
        again.get_by_text("Entraste desde otro lugar, así que").wait_for()

    def test_a_goodbye_leaves_nothing_in_the_browser(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        gus = self.netcat().arrives("Gus")
        gus.types(":p Ana un secreto")
        ana.sees("un secreto")
        ana.line.fill("otro secreto")
        ana.button("Salir de la granja").click()
        ana.button("Salir igual").click()
        ana.page.get_by_role("status").get_by_text("¡Adiós y suerte").wait_for()
        self.assertNotIn("secreto", ana.page.evaluate("JSON.stringify({...localStorage})"))
        ana.page.reload()
        ana.page.get_by_label("¿Cómo te llamas?").wait_for()


class InATunnel(PageCase):
    """The phone shows bars, and the network takes bytes and delivers none."""

    def test_it_is_noticed_and_what_was_not_heard_can_be_said_again_after_a_reload(self) -> None:
        wire = Wire(self.web)
        self.addCleanup(wire.close)
        ana = self.chromium.opens(f"http://127.0.0.1:{wire.port}/").arrives("Ana", "Ancla")
        ana.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        gus = self.netcat().arrives("Gus", "13")
        gus.types(":offer Ana 13 21")
        accept = ana.button("Aceptar la oferta 1 de Gus")
        accept.wait_for()
        wire.deaf = wire.swallowing = True
        ana.types("estoy en el túnel")
        ana.types("y no importa")
        ana.line.fill("a medio escribir")
        gus.types("¿Ana?", ":p Ana psst")
        ana.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        ana.page.get_by_text("Se cortó la conexión con la granja.").wait_for(timeout=15_000)
        ana.log.get_by_text("Quizá no llegó.").first.wait_for()
        ana.button("Está bien así").last.click()
        self.assertTrue(ana.line.evaluate("node => node === document.activeElement"))
        ana.page.reload()
        ana.page.get_by_text("No hay línea con la granja.").wait_for(timeout=15_000)
        ana.button("Enviar de nuevo").click()
        ana.page.get_by_text("Ahora no hay conexión con la granja.").wait_for()
        ana.page.get_by_text("Sin conexión no se ve quién está.").wait_for()
        told = ana.page.locator("#offers").get_by_role("alert")
        for button in (accept, ana.button("Buscar trueques")):
            button.click()
            button.click()
        self.assertEqual(told.all_inner_texts(), ["Ahora no hay conexión con la granja."] * 2)
        wire.mend()
        ana.sees("psst")
        ana.sees("Volviste a la granja, Ana.")
        self.assertEqual(told.count(), 0)
        ana.page.get_by_text("Sin conexión no se ve quién está.").wait_for(state="hidden")
        self.assertEqual(ana.line.input_value(), "a medio escribir")
        ana.button("Enviar de nuevo").click()
        gus.sees("Ana: estoy en el túnel")
        ana.types("ya salí")
        ana.page.wait_for_function(PROVED, arg="ya salí")
        ana.page.reload()
        ana.page.get_by_text("Volviste a la granja, Ana.").nth(1).wait_for()
        talk = ana.log.inner_text()
        for text, times in (("¿Ana?", 1), ("psst", 1), ("Quizá no llegó", 0)):
            self.assertEqual(talk.count(text), times, text)


class WithoutLingering(PageCase):
    options = ("--rate", "off", "--linger", "0")

    def test_a_pass_that_serves_no_more_leads_to_the_door(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        ana.page.reload()
        ana.page.get_by_label("¿Cómo te llamas?").wait_for()
        self.assertEqual(ana.page.get_by_role("alert").count(), 0)


class AfterKillNine(PageCase):
    """The whole server gets ``kill -9`` and is started again."""

    skip = PageCase.skip or (None if shutil.which("tmux") else "there is no tmux")
    ledger = "sqlite:farm.db"

    def test_a_page_and_a_terminal_come_back_and_what_was_begun_goes_on(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        terminal = Terminal(folder_for(self))
        self.addCleanup(terminal.close)
        beto = terminal.open("Beto", self.server.port)
        beto.arrives("12, 13")
        ana.types(":offer Beto 21 12")
        beto.sees("por tu Disco raro")
        beto.types(":cambio 13 por 6")
        beto.sees("Cambio #[0-9]+ puesto")
        ana.page.context.set_offline(True)
        self.server.kill()
        self.server.start()
        gus = self.netcat().arrives("Gus", "6")
        gus.types(":u", "¿y Ana?", ":p Ana te espero", ":cambio 6 por 13")
        gus.sees("Usuarios conectados: Ana, Beto, Gus")
        gus.sees("diste Punta de flecha a Beto y recibiste Espada antigua de Beto")
        ana.page.context.set_offline(False)
        ana.sees("te espero")
        self.assertEqual(ana.log.get_by_text("¿y Ana?", exact=True).count(), 1)
        screen = beto.sees("diste Espada antigua a Gus")
        self.assertEqual(screen.count("Gus: ¿y Ana?"), 1, screen)
        beto.types(":accept")
        ana.page.locator("#collection .niche.lit", has_text="Disco raro").wait_for()
        self.assertEqual(ana.holdings(), {"Disco raro"})
        beto.sees("ahora tus artefactos son: Punta de flecha, Ancla")
        self.assertEqual(beto.looks().count("Ingresa tu nombre"), 1, "when they arrived")
