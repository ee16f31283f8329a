"""The files of the page: read once, and served from memory."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from twisted.web.http import CACHED
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request

from granja.contract.catalog import Catalog
from granja.web.bundle import WORKER, bundle
from granja.web.language import Settings, language
from granja.web.refusal import refuse

TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}


STATIC = files("granja.web") / "static"

#: For somebody who mistyped an address.
NOT_HERE = "Aquí no hay nada. La granja está en la página principal."


class Nothing(Resource):
    """Answers for everything that does not exist."""

    isLeaf = True  # noqa: N815

    def render(self, request: Request) -> bytes:
        return refuse(request, HTTPStatus.NOT_FOUND, NOT_HERE)


class Place(Resource):
    """A resource that answers only GET and HEAD, and has only the children that were put there."""

    def getChild(self, path: bytes, request: Request) -> IResource:  # noqa: N802
        return Nothing()  # type: ignore[no-untyped-call]

    def render(self, request: Request) -> bytes | int:
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"allow", b"GET, HEAD")
            return refuse(request, HTTPStatus.METHOD_NOT_ALLOWED, "Aquí solo se mira.")
        answer: bytes | int = super().render(request)  # type: ignore[no-untyped-call]
        return answer


class Folder(Place):
    """A folder: its files can be had, but it is no page itself."""

    def render(self, request: Request) -> bytes | int:
        return refuse(request, HTTPStatus.NOT_FOUND, NOT_HERE)


class Page(Place):
    """Some content with its type.  A browser that has it already hears so (ETag).

    Browsers ask every time, except for :class:`Lasting` content.
    """

    def __init__(self, content: bytes, type: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._type = type.encode()
        self.show(content)

    def show(self, content: bytes) -> None:
        """Serve this content from now on."""
        self._content = content
        self._packed = gzip.compress(content, 9, mtime=0)
        self._tag = hashlib.sha256(content).hexdigest()[:20]

    def render_GET(self, request: Request) -> bytes:  # noqa: N802
        packed = _accepts_gzip(request)
        # Packed and plain content are two representations (RFC 9110 §8.8.3).
        tag = f'"{self._tag}-gz"' if packed else f'"{self._tag}"'
        request.setHeader(b"content-type", self._type)
        request.setHeader(b"vary", b"accept-encoding")
        if request.setETag(tag.encode()) is CACHED:
            return b""
        if packed:
            request.setHeader(b"content-encoding", b"gzip")
        return self._packed if packed else self._content


#: Browsers keep it for a year without a question (RFC 8246).
IMMUTABLE = b"public, max-age=31536000, immutable"


class Lasting(Page):
    """Content that never changes under its name, because the name has its hash."""

    def render_GET(self, request: Request) -> bytes:  # noqa: N802
        request.setHeader(b"cache-control", IMMUTABLE)
        return super().render_GET(request)


class CatalogPage(Page):
    """The catalog, also after the operator has changed it."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(_names(catalog), TYPES["json"])
        self._catalog = catalog
        self._edition = catalog.edition

    def render_GET(self, request: Request) -> bytes:  # noqa: N802
        if self._edition != self._catalog.edition:
            self._edition = self._catalog.edition
            self.show(_names(self._catalog))
        return super().render_GET(request)


class ContractPage(Page):
    """The language of the chat, also after the operator has changed a limit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._shown = language(settings)
        super().__init__(self._json(), TYPES["json"])

    def _json(self) -> bytes:
        return json.dumps(self._shown, ensure_ascii=False).encode()

    def render_GET(self, request: Request) -> bytes:  # noqa: N802
        now = language(self._settings)
        if now != self._shown:
            self._shown = now
            self.show(self._json())
        return super().render_GET(request)


class HomePage(Page):
    """The page with the catalog and the language of the chat in it, as they are now.

    Two files less to wait for, each time that it is loaded.
    """

    def __init__(self, page: bytes, catalog: Catalog, settings: Settings) -> None:
        self._page, self._catalog, self._settings = page, catalog, settings
        self._shown = self._data()
        super().__init__(self._with(self._shown), TYPES["html"])

    def _data(self) -> tuple[bytes, bytes]:
        known = json.dumps(language(self._settings), ensure_ascii=False)
        return _names(self._catalog), known.encode()

    def _with(self, data: tuple[bytes, bytes]) -> bytes:
        blocks = b"".join(map(_block, (b"catalog", b"contract"), data))
        return self._page.replace(b"</head>", blocks + b"</head>", 1)

    def render_GET(self, request: Request) -> bytes:  # noqa: N802
        now = self._data()
        if now != self._shown:
            self._shown = now
            self.show(self._with(now))
        return super().render_GET(request)


def _block(name: bytes, data: bytes) -> bytes:
    """Data that the page reads.  Nothing in it can be taken for markup, or end the block."""
    safe = data.replace(b"<", rb"\u003c")
    return b'<script type="application/json" id="%s">%s</script>\n' % (name, safe)


def _names(catalog: Catalog) -> bytes:
    names = {str(artifact.id): artifact.name for artifact in catalog.values()}
    return json.dumps(names, ensure_ascii=False).encode()


def _accepts_gzip(request: Request) -> bool:
    codings = (request.getHeader("accept-encoding") or "").lower().replace(" ", "").split(",")
    return any(coding in ("gzip", "*") or _wanted(coding) for coding in codings)


def _wanted(coding: str) -> bool:
    """``gzip;q=0.5`` is yes, ``gzip;q=0`` is no (RFC 9110 §12.4.2)."""
    name, _, quality = coding.partition(";q=")
    return name == "gzip" and quality.strip("0.") != ""


def page_tree(catalog: Catalog, settings: Settings) -> Resource:
    """The page and everything that it loads; and the files that it is made of."""
    root = _folder(STATIC)
    page, worker, made = _joined()
    root.putChild(b"", HomePage(page, catalog, settings))
    root.putChild(WORKER.encode(), Page(worker, _type(WORKER)))
    for name, content in made.items():
        root.putChild(name.encode(), Lasting(content, _type(name)))
    root.putChild(b"artefactos.json", CatalogPage(catalog))
    root.putChild(b"contract.json", ContractPage(settings))
    return root


@cache
def _joined() -> tuple[bytes, bytes, dict[str, bytes]]:
    return bundle(_sources(STATIC))


def _folder(folder: Traversable) -> Resource:
    tree = Folder()  # type: ignore[no-untyped-call]
    for entry in folder.iterdir():
        if entry.is_dir():
            tree.putChild(entry.name.encode(), _folder(entry))
        elif entry.name.rpartition(".")[2] in TYPES:
            tree.putChild(entry.name.encode(), _file(entry))
    return tree


def _file(entry: Traversable) -> Page:
    return Page(entry.read_bytes(), _type(entry.name))


def _type(name: str) -> str:
    return TYPES[name.rpartition(".")[2]]


def _sources(folder: Traversable, path: str = "") -> dict[str, bytes]:
    """The files below a folder, by their paths in it."""
    found: dict[str, bytes] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found |= _sources(entry, f"{path}{entry.name}/")
        else:
            found[path + entry.name] = entry.read_bytes()
    return found


class Health(Place):
    """``/healthz``: whether the farm is well, for programs that watch it.

    :param look: gives the content; ``status`` is ``ok`` or what is wrong.
    """

    isLeaf = True  # noqa: N815

    def __init__(self, look: Callable[[], dict[str, Any]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._look = look

    def render_GET(self, request: Request) -> bytes:  # noqa: N802
        found = self._look()
        request.setResponseCode(200 if found["status"] == "ok" else 503)
        request.setHeader(b"content-type", b"application/json")
        request.setHeader(b"cache-control", b"no-store")
        return json.dumps(found).encode() + b"\n"
