"""The page in few files: the server joins them in memory at its start, and names them by content.

A developer edits the files in ``static`` and starts the server; there is no build step.  A file
with its hash in its name never changes, so browsers keep it and do not ask again.

There are two scripts and two sheets: what the door needs, and what one sees behind it.  The page
fetches the second pair when the door is there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

#: Hexadecimal digits of the hash in a file's name.
DIGITS = 12

#: The page, its first module, and the script for old browsers.
INDEX, MAIN, RESCUE = "index.html", "js/main.js", "js/rescue.js"
#: What the first module fetches later, and the one file whose name never changes.
INSIDE, WORKER = "js/inside.js", "worker.js"
SHEET, LATER_SHEET = "page.css", "inside.css"
MANIFEST = "manifest.webmanifest"

_IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
#: What the joining would not understand.  The first module may fetch what the page names.
_FOREIGN = re.compile(r"^(?:import|export)\b|\bimport\((?!`\./\$\{)", re.MULTILINE)
_LINE_COMMENT = re.compile(r"^[ \t]*//[^\n]*\n", re.MULTILINE)
_BLOCK_COMMENT = re.compile(r"^[ \t]*/\*.*?\*/[ \t]*\n", re.MULTILINE | re.DOTALL)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_STYLESHEET = re.compile(r'<link rel="(stylesheet|x-later)" href="([^"]+)">\n')
_REFERENCE = re.compile(r'(?<=")([\w./-]+\.(?:css|html|svg|png|js|webmanifest))(?=")')


def hashed(name: str, content: bytes) -> str:
    """The hashed name: ``js/main.js`` becomes ``main.3fa9c2d17b60.js``, beside the page."""
    path = PurePosixPath(name)
    digest = hashlib.sha256(content).hexdigest()[:DIGITS]
    return f"{path.stem}.{digest}{path.suffix}"


def bundle(sources: Mapping[str, bytes]) -> tuple[bytes, bytes, dict[str, bytes]]:
    """The page, the worker that keeps it, and the files that they load by their hashed names.

    :param sources: the files of ``static``, by their paths in it.
    :raises ValueError: when a module has an unknown form of import or export, or a circle.
    """
    made: dict[str, bytes] = {}
    names: dict[str, str] = {}

    def make(name: str, content: str | bytes) -> None:
        data = content.encode() if isinstance(content, str) else content
        names[name] = hashed(name, data)
        made[names[name]] = data

    for name, content in sources.items():
        if name.endswith((".svg", ".png")):
            make(name, content)
    make(MANIFEST, _renamed(sources[MANIFEST].decode(), names))
    make(RESCUE, sources[RESCUE])
    first, later = join_modules(sources, MAIN, INSIDE)
    make(MAIN, _drawings(first, names))
    make(INSIDE, _drawings(later, names).replace(MAIN, f"./{names[MAIN]}"))
    page = sources[INDEX].decode()
    for sheet, kind in ((SHEET, "stylesheet"), (LATER_SHEET, "x-later")):
        parts = [name for found, name in _STYLESHEET.findall(page) if found == kind]
        make(sheet, "".join(sources[name].decode() for name in parts))
    whole = _renamed(_with_one_sheet(page), names).encode()
    names[INDEX] = hashed(INDEX, whole)
    return whole, _renamed(sources[WORKER].decode(), names).encode(), made


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda found: names.get(found[1], found[1]), text)


def _drawings(script: str, names: Mapping[str, str]) -> str:
    """Put hashed names into a script's drawings.  A drawing is a part of a file:
    ``icons.svg#send``."""
    for name, new in names.items():
        script = script.replace(f"`{name}#", f"`{new}#")
    return script


def _with_one_sheet(page: str) -> str:
    """The page names the sheet of the door; the other is fetched with the second script."""
    first = next(_STYLESHEET.finditer(page))
    before, after = page[: first.start()], page[first.end() :]
    return f'{before}<link rel="stylesheet" href="{SHEET}">\n' + _STYLESHEET.sub("", after)


# -- modules -----------------------------------------------------------------------------------


def join_modules(sources: Mapping[str, bytes], main: str, later: str) -> tuple[str, str]:
    """Two modules that do what ``main`` and ``later`` and all that they import do.

    Each module has a scope of its own, and is in one of the two only: what both need is in the
    first, and the second imports it from there.

    :raises ValueError: as :func:`bundle`.
    """
    order: dict[str, str] = {}
    _visit(main, sources, order, ())
    before = len(order)
    _visit(later, sources, order, ())
    texts, last = list(order.values()), len(order) - 1
    shared = ", ".join(f"m{number}" for number in range(before))
    exports = ", ".join(_EXPORT.findall(sources[later].decode()))
    first = "".join(texts[:before]) + f"export {{ {shared} }};\n"
    rest = f'import {{ {shared} }} from "{main}";\n' + "".join(texts[before:])
    return first, f"{rest}export const {{ {exports} }} = m{last};\n"


def _visit(
    path: str, sources: Mapping[str, bytes], order: dict[str, str], above: tuple[str, ...]
) -> None:
    if path in order:
        return
    if path in above:
        raise ValueError(f"{path} imports itself, by {' and '.join(above)}")
    text = sources[path].decode()
    for _, reference in _IMPORT.findall(text):
        _visit(_resolved(path, reference), sources, order, (*above, path))
    order[path] = _scope(path, text, list(order))


def _scope(path: str, text: str, before: list[str]) -> str:
    """A module as a constant with its exports: ``const m3 = (() => { … return { a }; })();``"""

    def taken(found: re.Match[str]) -> str:
        place = before.index(_resolved(path, found[2]))
        names = " ".join(found[1].split())
        return f"const {{ {names} }} = m{place};\n"

    exports = _EXPORT.findall(text)
    body = _EXPORT.sub("", _IMPORT.sub(taken, _without_comments(text)))
    if _FOREIGN.search(body):
        raise ValueError(f"{path} has an import or an export that can't be joined")
    return f"const m{len(before)} = (() => {{\n{body}return {{ {', '.join(exports)} }};\n}})();\n"


def _without_comments(text: str) -> str:
    """The text without comments that have lines of their own."""
    return _INDENT.sub("", _LINE_COMMENT.sub("", _BLOCK_COMMENT.sub("", text)))


def _resolved(path: str, reference: str) -> str:
    parts: list[str] = []
    for part in (PurePosixPath(path).parent / reference).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
