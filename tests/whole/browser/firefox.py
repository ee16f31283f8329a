"""Debian's Firefox, driven by Playwright beside Chromium: the same people do the same in it."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.whole.browser import chromium
from tests.whole.browser.chromium import Chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAME = "firefox-esr"

#: Less to start, and no talk with hosts of its own.
PREFERENCES: dict[str, str | float | bool] = {
    "app.normandy.enabled": False,
    "browser.region.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "dom.ipc.processCount": 1,
    "dom.ipc.processPrelaunch.enabled": False,
    "fission.autostart": False,
    "nimbus.rollouts.enabled": False,
    "services.settings.server": "data:,",
}


def why_not() -> str:
    """Why these tests can't run here, or nothing."""
    if shutil.which(NAME) is None:
        return "there is no Firefox (apt-get install firefox-esr)"
    return chromium.why_not()


@cache
def _one() -> Firefox:
    firefox = Firefox(chromium.shared())
    atexit.register(stop_shared)
    return firefox


def shared() -> Firefox:
    """One Firefox for many tests, as :func:`tests.whole.browser.chromium.shared`."""
    firefox = _one()
    firefox.wake()
    return firefox


def stop_shared() -> None:
    """End Firefox, if it was started.  Chromium, whose Playwright it has, ends after it."""
    if _one.cache_info().currsize:
        shared().close()
        _one.cache_clear()


class Firefox(Chromium):
    """Speaks through the Playwright of a Chromium: a thread can have one only."""

    def __init__(self, beside: Chromium) -> None:
        self.playwright = beside.playwright
        self._loop = beside._loop
        self._folder = tempfile.TemporaryDirectory()
        self._browser = self._launch()

    def _launch(self) -> Browser:
        return self.playwright.firefox.launch(
            channel="moz-firefox",
            executable_path=self._program(),
            firefox_user_prefs=PREFERENCES,
        )

    def _program(self) -> Path:
        """Firefox as Playwright can start it (:mod:`tests.support.bidi`)."""
        program = Path(self._folder.name) / "firefox"
        relay = Path(__file__).parents[2] / "support" / "bidi.py"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{relay}" {NAME} "$@"\n')
        program.chmod(0o700)
        return program

    def close(self) -> None:
        self._browser.close()
        self._folder.cleanup()
