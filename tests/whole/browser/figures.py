"""The page's figures of docs/performance/page.md: ``python -m tests.whole.browser.figures``."""

from __future__ import annotations

import socket
import sys
import time
from threading import Thread
from typing import Any

from tests.support.ports import free_port
from tests.support.server import Server
from tests.whole.browser.chromium import Chromium, Visitor, why_not
from tests.whole.browser.test_busy import read_all

#: 400 ms and 50 KB/s.
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 51200, "uploadThroughput": 51200}

#: Starts noting the longest time between two frames, and how many rows were moved.
WATCH = """() => {
  window.longest = 0; window.moved = 0;
  let last = performance.now();
  const frame = (now) => { longest = Math.max(longest, now - last); last = now;
    requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  const log = document.getElementById("log");
  if (log) new MutationObserver((records) => records.forEach((one) => {
    moved += one.addedNodes.length; })).observe(log, {childList: true});
}"""

#: Notes when the field for the name is in the page; a person sees it with the next frame.
NOTE_THE_CARD = """new MutationObserver((_, watching) => {
  if (!document.getElementById("name")) return;
  watching.disconnect();
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { window.cardAt = performance.now(); };
  requestAnimationFrame(() => port2.postMessage(null));
}).observe(document, { childList: true, subtree: true });"""

SECONDS, A_SECOND = 3, 120


def main() -> None:
    """Measure and print.

    :raises SystemExit: where there is no Chromium.
    """
    if why_not():
        raise SystemExit(why_not())
    web = free_port()
    options = ("--rate", "off", "--web", f"tcp:{web}:interface=127.0.0.1")
    with Server(*options) as server, Chromium() as chromium:
        url = f"http://127.0.0.1:{web}/"
        loading(chromium, url)
        empty = chromium.opens("about:blank")
        empty.page.evaluate(WATCH)
        empty.page.wait_for_timeout(SECONDS * 1000)
        blank = empty.page.evaluate("longest")
        ana = chromium.opens(url).arrives("Ana", "Ancla")
        gus = arrives(server.port, "Gus")
        frames(ana, gus, blank)
        memory(ana, gus)


def tell(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def loading(chromium: Chromium, url: str) -> None:
    """The name card on a slow line, the first time and on a reload."""
    visitor = chromium.opens("about:blank")
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    line = visitor.page.context.new_cdp_session(visitor.page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", SLOW)
    visitor.page.add_init_script(NOTE_THE_CARD)
    visitor.page.goto(url, wait_until="commit")
    first, requests = card(visitor), len(asked)
    tell(f"name card, slow line, first visit: {first}, {requests} requests")
    visitor.page.wait_for_timeout(3000)
    visitor.page.reload(wait_until="commit")
    tell(f"name card, slow line, again: {card(visitor)}")


def card(visitor: Visitor) -> str:
    """When the name card was painted, and when this program had found it out."""
    visitor.page.get_by_label("¿Cómo te llamas?").wait_for()
    found = visitor.page.evaluate("performance.now()")
    visitor.page.wait_for_function("window.cardAt")
    return f"painted {visitor.page.evaluate('cardAt'):.0f} ms, found {found:.0f} ms"


def arrives(port: int, name: str) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port))
    Thread(target=read_all, args=(line,), daemon=True).start()
    line.sendall(f"{name}\n13\nsi\n".encode())
    return line


def frames(ana: Visitor, gus: socket.socket, blank: float) -> None:
    """120 lines a second for three seconds."""
    says(gus, "antes", 500)
    ana.sees("antes 499")
    ana.page.evaluate(WATCH)
    began = time.monotonic()
    for n in range(SECONDS * A_SECOND):
        gus.sendall(f"línea {n}: ¿alguien cambia un ancla?\n".encode())
        while time.monotonic() - began < n / A_SECOND:
            ana.page.wait_for_timeout(5)
    ana.sees(f"línea {SECONDS * A_SECOND - 1}: ¿alguien cambia un ancla?")
    busy, moved = ana.page.evaluate("[longest, moved]")
    tell(f"longest frame: empty page {blank:.0f} ms, {A_SECOND} lines/s {busy:.0f} ms")
    tell(f"rows put into the list for {SECONDS * A_SECOND} lines: {moved}")


def says(line: socket.socket, text: str, count: int) -> None:
    line.sendall("".join(f"{text} {n}\n" for n in range(count)).encode())


def memory(ana: Visitor, gus: socket.socket) -> None:
    """The heap after 5,000 and after 50,000 lines."""
    said = 0
    for upto in (5_000, 50_000):
        while said < upto:
            says(gus, f"ronda {said}", 1000)
            ana.sees(f"ronda {said} 999")
            said += 1000
        tell(f"heap after {upto} lines: {heap(ana) / 2**20:.1f} MiB")


def heap(visitor: Visitor) -> float:
    """Bytes in use, after a collection."""
    line = visitor.page.context.new_cdp_session(visitor.page)
    line.send("HeapProfiler.collectGarbage")
    used: dict[str, Any] = line.send("Runtime.getHeapUsage")
    return float(used["usedSize"])


if __name__ == "__main__":
    main()
