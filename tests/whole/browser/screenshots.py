"""The screenshots of docs/: ``python -m tests.whole.browser.screenshots [FOLDER]``.

A real server, three farmers, and the page at 390 and 1280 pixels, light and dark.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.support.ports import free_port
from tests.support.server import Server
from tests.whole.browser.chromium import DESK, PHONE, Chromium, Visitor, why_not

FOLDER = Path(__file__).parents[3] / "docs" / "screenshots"

SIZES = {"1280": DESK, "390": PHONE}


def main(folder: Path = FOLDER) -> None:
    """Make them all.

    :raises SystemExit: where there is no Chromium.
    """
    if why_not():
        raise SystemExit(why_not())
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        for size in SIZES:
            photograph(folder, size, scheme)


def photograph(folder: Path, size: str, scheme: str) -> None:
    """The pictures of one size and scheme, with a farm of its own."""
    web = free_port()
    options = ("--rate", "off", "--web", f"tcp:{web}:interface=127.0.0.1")
    with Server(*options) as server, Chromium() as chromium:
        url = f"http://127.0.0.1:{web}/"
        ana = chromium.opens(
            url, viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce"
        )
        beto = chromium.opens(url)
        save(ana, folder / f"entrada-{size}-{scheme}.png")
        arrive(ana, beto, folder, f"{size}-{scheme}")
        gus = server.dial().arrives("Gus", "23, 33")
        converse(ana, beto, gus.types)
        trade(ana, beto, gus.types)
        show(ana, folder, size, scheme)
        gus.close()


def arrive(ana: Visitor, beto: Visitor, folder: Path, suffix: str) -> None:
    ana.gives_name("Ana")
    ana.picks("Ancla", "Ancla", "Disco raro", "Punta de flecha", "Joyería élfica")
    ana.picks("Máscara dorada", "Trilobites", "Abanico ornamental")
    ana.page.locator(".picking").evaluate("shelf => { shelf.scrollTop = 0; }")
    ana.page.mouse.move(0, 0)
    save(ana, folder / f"artefactos-{suffix}.png")
    ana.goes_on()
    ana.button("Sí, entrar").click()
    ana.line.wait_for()
    beto.arrives("Beto", "Espada antigua", "Yelmo enano", "Tambor antiguo")
    ana.sees("Cliente Beto conectado.")


def converse(ana: Visitor, beto: Visitor, gus: object) -> None:
    assert callable(gus)
    ana.types("¡Hola a todxs! ¿Alguien tiene una espada antigua?")
    beto.sees("¡Hola a todxs! ¿Alguien tiene una espada antigua?")
    beto.types("Yo tengo una, la encontré ayer arando 🌾")
    beto.types("Y un yelmo, por si te sirve")
    ana.sees("Y un yelmo, por si te sirve")
    gus("Ana, yo llevo semanas buscando un Disco raro…")
    ana.sees("Ana, yo llevo semanas buscando un Disco raro…")
    ana.types(":larva")
    gus(":p Ana te doy mi flauta por él, y no le digo a nadie")
    ana.sees("te doy mi flauta por él, y no le digo a nadie")


def trade(ana: Visitor, beto: Visitor, gus: object) -> None:
    assert callable(gus)
    ana.types(":offer Beto 21 13")
    beto.page.get_by_role("button", name="Aceptar la oferta 1 de Ana").click()
    ana.log.get_by_text("Intercambio realizado").wait_for()
    gus(":offer Ana 23 12")
    ana.log.get_by_text("Gus te ofrece su Flauta de hueso").wait_for()
    ana.types(":offer Beto 21 27")
    ana.log.get_by_text("Oferta #3 enviada a Beto.").wait_for()


def show(ana: Visitor, folder: Path, size: str, scheme: str) -> None:
    save(ana, folder / f"charla-{size}-{scheme}.png")
    if size == "390":
        for tab, name in (("Colección", "coleccion"), ("Ofertas", "ofertas")):
            ana.goes_to(tab)
            save(ana, folder / f"{name}-{size}-{scheme}.png")
        ana.goes_to("Gente")
    ana.button("Proponer un intercambio a Beto").click()
    dialog = ana.page.get_by_role("dialog", name="Proponer un intercambio")
    dialog.get_by_role("group", name="¿Qué das?").get_by_role("radio", name="Ancla").check()
    dialog.get_by_role("group", name="¿Qué pides?").get_by_role("radio", name="Yelmo").check()
    save(ana, folder / f"oferta-{size}-{scheme}.png")


def save(visitor: Visitor, path: Path) -> None:
    """A picture with a palette of its own, a third of the size."""
    visitor.page.evaluate("document.activeElement?.blur()")
    visitor.page.wait_for_timeout(300)
    picture = Image.open(BytesIO(visitor.page.screenshot())).convert("RGB")
    # Without kmeans the rare colours, which are the pictures', turn grey.
    picture.quantize(256, kmeans=3, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
