"""How much the page loads, and how soon it can be used."""

from __future__ import annotations

from tests.whole.browser.test_page import PageCase

#: 400 ms and 50 KB/s, as a phone in the hills has it.
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 51200, "uploadThroughput": 51200}


class Loading(PageCase):
    def test_few_requests_until_the_name_is_asked_and_fewer_on_a_reload(self) -> None:
        ana = self.opens_blank()
        asked: list[str] = []
        ana.page.on("request", lambda request: asked.append(request.url))
        ana.page.on("websocket", lambda socket: asked.append(socket.url))
        ana.page.goto(self.url)
        ana.page.get_by_label("¿Cómo te llamas?").wait_for()
        self.assertLessEqual(len(asked), 12, asked)
        ana.arrives("Ana", "Ancla")
        done = "() => performance.getEntriesByType('resource').filter((one) =>"
        done += " one.transferSize > 0).map((one) => one.name)"
        ana.page.reload()
        ana.sees("Volviste a la granja, Ana.")
        # There are three all the same: the page, the WebSocket, and whether the worker is another.
        self.assertEqual(ana.page.evaluate(done), [])
        self.assertEqual(ana.complaints, [])

    def test_the_name_is_asked_soon_on_a_slow_line(self) -> None:
        ana = self.opens_blank()
        line = ana.page.context.new_cdp_session(ana.page)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", SLOW)
        ana.page.goto(self.url, wait_until="commit")
        ana.page.get_by_label("¿Cómo te llamas?").wait_for()
        took = ana.page.evaluate("performance.now()")
        # docs/performance/page.md has the figures.  Here other work runs on the machine.
        self.assertLess(took, 15_000)
