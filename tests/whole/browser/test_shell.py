"""The page that the browser keeps for when there is no line."""

from __future__ import annotations

from tests.whole.browser.test_page import PageCase

#: What the browser has kept, by its address.
KEPT = """async () => (await Promise.all((await caches.keys()).map(async (name) =>
  (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname)))).flat()"""


class Shell(PageCase):
    def test_without_a_line_the_page_is_there_and_comes_back_by_itself(self) -> None:
        ana = self.arrives("Ana", "Ancla")
        ana.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        gus = self.netcat().arrives("Gus")
        gus.types("antes", ":p Ana un secreto")
        ana.sees("un secreto")
        kept = ana.page.evaluate(KEPT)
        self.assertEqual(len(kept), 10)
        self.assertEqual(kept.count("/"), 1)
        self.assertFalse([name for name in kept if "ws" in name or name.endswith("json")])
        self.server.kill()
        ana.page.reload()
        ana.page.get_by_text("No hay línea con la granja.").wait_for()
        ana.sees("antes")
        ana.types("¿hay alguien?")
        self.assertEqual(ana.line.input_value(), "¿hay alguien?")
        self.server.start()
        ana.page.get_by_label("¿Cómo te llamas?").wait_for()
        self.assertNotIn("data-kept", ana.page.content())

    def test_only_the_workers_address_becomes_a_script(self) -> None:
        ana = self.arrives("Ana")
        refused = """async (url) => {
          try { await navigator.serviceWorker.register(url); return ""; }
          catch (error) { return error.name; } }"""
        self.assertEqual(ana.page.evaluate(refused, "js/main.js"), "TypeError")
        another = """() => { try { trustedTypes.createPolicy("another", {}); return ""; }
          catch (error) { return error.name; } }"""
        self.assertEqual(ana.page.evaluate(another), "TypeError")
