"""Starting Chromium, and what a person does in it."""

from __future__ import annotations

import asyncio
import atexit
import importlib.util
import os
import shutil
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Playwright

#: The program's name in Debian, and elsewhere.
NAMES = ("chromium", "chromium-browser", "google-chrome")

#: No screen, no sandbox (tests run as root in CI), and no talk with hosts of its own.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

#: Milliseconds that anything may take before the test fails.
PATIENCE = 20_000

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}


def why_not() -> str:
    """Why these tests can't run here, or nothing.

    ``GRANJA_TEST_BROWSERS=0`` leaves them out: CI's second suite need not open each page again.
    """
    if os.environ.get("GRANJA_TEST_BROWSERS") == "0":
        return "GRANJA_TEST_BROWSERS is 0"
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed (pip install 'granja[test]')"
    if executable() is None:
        return "there is no Chromium (apt-get install chromium)"
    return ""


def executable() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


@cache
def _one() -> Chromium:
    atexit.register(stop_shared)  # trial runs no ``tearDownClass``.
    return Chromium().__enter__()


def shared() -> Chromium:
    """One Chromium for many tests, because it takes long to start; each visitor of it has an empty
    profile of their own.  :meth:`Chromium.rest` is owed after each test, and :func:`stop_shared`
    at the end."""
    chromium = _one()
    chromium.wake()
    return chromium


def stop_shared() -> None:
    """End Chromium and Playwright's event loop, if they were started."""
    if _one.cache_info().currsize:
        shared().__exit__(None, None, None)
        _one.cache_clear()


class Chromium:
    """``with Chromium() as chromium:`` … ``chromium.opens(url)``."""

    def __enter__(self) -> Chromium:
        from playwright.sync_api import sync_playwright

        self.playwright: Playwright = sync_playwright().start()
        self._loop = asyncio.get_running_loop()
        self._browser: Browser = self._launch()
        return self

    def _launch(self) -> Browser:
        return self.playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._browser.close()
        self.playwright.stop()

    def opens(self, url: str, **options: Any) -> Visitor:
        """Somebody else's browser, with the page open."""
        options = {"viewport": DESK, "locale": "es-CL", **options}
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        visitor = Visitor(context.new_page())
        visitor.page.goto(url)
        return visitor

    def wake(self) -> None:
        """Let Playwright's event loop be this thread's again."""
        asyncio._set_running_loop(self._loop)

    def rest(self) -> None:
        """Close all windows, and let other tests have event loops of their own.

        Playwright's loop stays in a greenlet between two calls, and asyncio takes it for running:
        ``asyncio.run`` in the next test would refuse.
        """
        try:
            for context in self._browser.contexts:
                context.close()
        finally:
            asyncio._set_running_loop(None)


class Visitor:
    """Somebody at the page.  ``complaints`` holds what the browser's console said."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    # -- arriving ------------------------------------------------------------------------------

    def gives_name(self, name: str) -> None:
        self.page.get_by_label("¿Cómo te llamas?").fill(name)
        self.button("Entrar a la granja").click()

    def picks(self, *artifacts: str) -> None:
        for artifact in artifacts:
            self.page.get_by_role("button", name=f"Sumar {artifact}").click()

    def goes_on(self) -> None:
        """The button under the shelf: «Continuar» or «No tengo ninguno»."""
        self.page.locator(".bottom button").click()

    def arrives(self, name: str, *artifacts: str) -> Visitor:
        self.gives_name(name)
        self.picks(*artifacts)
        self.goes_on()
        self.button("Sí, entrar").click()
        self.sees(f"Entraste a la granja, {name}.")
        return self

    # -- inside --------------------------------------------------------------------------------

    @property
    def line(self) -> Locator:
        """Where one types."""
        return self.page.locator("#line")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    def types(self, text: str) -> None:
        self.line.fill(text)
        self.line.press("Enter")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def goes_to(self, tab: str) -> None:
        """On a phone: another panel."""
        self.page.locator("#tabs button", has_text=tab).click()

    def sees(self, text: str) -> None:
        """Wait until the conversation says so."""
        self.log.get_by_text(text, exact=True).last.wait_for()

    def holdings(self) -> set[str]:
        """The names that are lit on the shelf."""
        lit = self.page.locator("#collection .niche.lit .niche-name")
        return set(lit.all_inner_texts())

    def offers(
        self, whom: str, mine: str, theirs: str, title: str = "Proponer un intercambio"
    ) -> None:
        """Fill the form that is open, and send it."""
        dialog = self.page.get_by_role("dialog", name=title)
        dialog.get_by_role("radio", name=whom).check()
        dialog.get_by_role("group", name="¿Qué das?").get_by_role("radio", name=mine).check()
        dialog.get_by_role("group", name="¿Qué pides?").get_by_role("radio", name=theirs).check()
        dialog.get_by_role("button", name="Enviar oferta").click()
