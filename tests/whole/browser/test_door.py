"""At the page's door: names, passwords, and refusals with a reason."""

from __future__ import annotations

from tests.whole.browser.test_page import PageCase


class Counting(PageCase):
    def test_a_long_password_is_refused_aloud_and_not_cut(self) -> None:
        ana = self.arrives("Ana")
        ana.button("Registrar mi nombre").click()
        field = ana.page.get_by_label("Contraseña nueva")
        field.fill("x" * 129)
        ana.button("Guardar").click()
        ana.page.get_by_text("Tu contraseña tiene 129 caracteres; debe tener").wait_for()
        self.assertEqual(len(field.input_value()), 129)
        field.fill("corta")
        ana.button("Guardar").click()
        ana.page.get_by_text("Tu contraseña tiene 5 caracteres; debe tener").wait_for()
        field.fill("🌾" * 128)
        ana.button("Guardar").click()
        ana.sees("Ana, tu nombre quedó registrado.")

    def test_a_long_name_is_refused_aloud_and_not_cut(self) -> None:
        ana = self.opens()
        ana.gives_name("a" * 80)
        ana.page.get_by_text("Ese nombre tiene 80 caracteres y caben 20.").wait_for()
        ana.gives_name("n\u0303" * 20)
        ana.page.get_by_text("¿Qué artefactos tienes?").wait_for()

    def test_a_password_said_by_a_slip_is_neither_shown_nor_whispered(self) -> None:
        ana = self.arrives("Ana")
        gus = self.netcat().arrives("Gus")
        ana.button("Susurrar a Gus").click()
        ana.types(":clave: muy-secreta")
        ana.sees("Uso: :clave <nueva>")
        self.assertNotIn("muy-secreta", ana.page.content())
        ana.types("hola")
        gus.sees("Ana te susurra: hola")
