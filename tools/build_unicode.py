"""Rebuild ``granja/text/unicode/*.txt`` from the files that Unicode publishes inside ICU.

The argument is the directory ``source/data/unidata`` of an ICU release.  ``apt-get source icu``
fetches one.  The tool reads three of its files: ``ppucd.txt`` (the preparsed character database),
``emoji-sequences.txt`` and ``confusables.txt``.  Run it as::

    python tools/build_unicode.py icu/source/data/unidata
"""

from __future__ import annotations

import sys
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

GRANJA_UNICODE = Path(__file__).parent.parent / "granja" / "text" / "unicode"
CODE_POINTS = 0x110000

Properties = dict[str, str]
Rows = dict[str, list[tuple[range, Properties]]]
"""The lines of ppucd.txt by kind: ``defaults``, ``block``, ``cp``, ``unassigned``."""

VARIED_SCRIPTS = ("Mymr", "Phag", "Mani", "Egyp")

CLASSES: dict[str, tuple[str, Callable[[Properties], bool]]] = {
    "mark": ("General_Category=M", lambda p: p["gc"] in ("Mn", "Mc", "Me")),
    "ignorable": ("Default_Ignorable_Code_Point", lambda p: "DI" in p),
    "virama": ("Canonical_Combining_Class=Virama", lambda p: p.get("ccc") == "9"),
    "transparent": ("Joining_Type=Transparent", lambda p: p["jt"] == "T"),
    "joins_next": ("Joining_Type=Left or Dual", lambda p: p["jt"] in ("L", "D")),
    "joins_previous": ("Joining_Type=Right or Dual", lambda p: p["jt"] in ("R", "D")),
    "consonant": (
        "Indic_Syllabic_Category=Consonant",
        lambda p: p["InSC"] == "Consonant" and p["gc"] == "Lo",
    ),
    "pictographic": ("Extended_Pictographic", lambda p: "ExtPict" in p),
    "emoji": ("Emoji", lambda p: "Emoji" in p),
    "ideograph": ("Unified_Ideograph", lambda p: "UIdeo" in p),
    "mongolian": ("letters of Mongolian", lambda p: p["sc"] == "Mong" and p["gc"][0] == "L"),
    "varied": (
        "letters of Myanmar, Phags-pa, Manichaean and Egyptian hieroglyphs",
        lambda p: p["sc"] in VARIED_SCRIPTS and p["gc"] == "Lo",
    ),
}


def main(unidata: Path) -> None:
    rows = read_ppucd(unidata / "ppucd.txt")
    version = ppucd_version(unidata / "ppucd.txt")
    properties = every_code_point(rows)
    lines = [
        f"# Classes of characters, Unicode {version}, from ppucd.txt and emoji-sequences.txt.",
        "# Made by tools/build_unicode.py. © Unicode, Inc.; see LICENSE.txt in this directory.",
        "#",
    ]
    lines += [f"# {name}: {about}" for name, (about, _) in CLASSES.items()]
    lines.append("# regions: the countries that have a flag, as two letters")
    for name, (_, belongs) in CLASSES.items():
        members = (point for point, p in enumerate(properties) if belongs(p))
        lines.append(entry(name, map(spell_range, ranges_of(members))))
    lines.append(entry("regions", regions(unidata / "emoji-sequences.txt")))
    (GRANJA_UNICODE / "classes.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_confusables(unidata / "confusables.txt", version)
    write_scripts(properties, version)


def entry(name: str, words: Iterable[str]) -> str:
    """``name: word word …``, over several lines if needed; further lines are indented."""
    return textwrap.fill(
        f"{name}: {' '.join(words)}", 100, subsequent_indent="  ", break_on_hyphens=False
    )


def ppucd_version(path: Path) -> str:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("ucd;"):
            return line.removeprefix("ucd;")
    raise SystemExit(f"{path} does not say which Unicode it is")


def read_ppucd(path: Path) -> Rows:
    rows: Rows = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, _, rest = line.partition(";")
        if kind in ("defaults", "block", "cp", "unassigned"):
            points, *fields = rest.split(";")
            first, _, last = points.partition("..")
            span = range(int(first, 16), int(last or first, 16) + 1)
            rows[kind].append((span, dict(field.partition("=")[::2] for field in fields)))
    return rows


def every_code_point(rows: Rows) -> list[Properties]:
    """Each code point's properties.  An unassigned code point inherits only the defaults."""
    defaults = rows["defaults"][0][1]
    result = [defaults] * CODE_POINTS
    for span, given in rows["block"]:
        inherited = defaults | given
        for point in span:
            result[point] = inherited
    for span, given in rows["cp"]:
        for point in span:
            result[point] = overridden(result[point], given)
    for span, given in rows["unassigned"]:
        for point in span:
            result[point] = overridden(defaults, given)
    return result


def overridden(inherited: Properties, given: Properties) -> Properties:
    result = inherited | given
    for name in given:
        if name.startswith("-"):  # ``-DI``: the block has this binary property, the point has not.
            result.pop(name[1:], None)
    return result


def ranges_of(members: Iterable[int]) -> Iterator[range]:
    current = range(0)
    for point in members:
        if point == current.stop:
            current = range(current.start, point + 1)
            continue
        if current:
            yield current
        current = range(point, point + 1)
    if current:
        yield current


def spell_range(span: range) -> str:
    first, last = f"{span[0]:04X}", f"{span[-1]:04X}"
    return first if first == last else f"{first}-{last}"


def regions(path: Path) -> list[str]:
    """The two letters of each ``RGI_Emoji_Flag_Sequence``, in lower case as in tags."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        points, _, rest = line.partition(";")
        if rest.strip().startswith("RGI_Emoji_Flag_Sequence"):
            letters = [int(point, 16) - 0x1F1E6 for point in points.split()]
            found.append("".join(chr(ord("a") + letter) for letter in letters))
    return found


def write_confusables(path: Path, version: str) -> None:
    text = path.read_text(encoding="utf-8-sig")
    if f"# Version: {version}" not in text:
        raise SystemExit(f"{path} is not of Unicode {version}")
    sources: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        source, *target = line.partition("#")[0].split(";")
        if target:
            sources[target[0].strip()].append(source.strip())
    lines = [
        f"# Prototypes of confusable characters, UTS 39, Unicode {version}, from confusables.txt.",
        "# Made by tools/build_unicode.py. © Unicode, Inc.; see LICENSE.txt in this directory.",
        "# Each line: a prototype: every character that it stands for in a skeleton",
    ]
    lines += [entry(target, sorted(sources[target])) for target in sorted(sources)]
    (GRANJA_UNICODE / "confusables.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_scripts(properties: list[Properties], version: str) -> None:
    """Write which scripts use each letter, mark and digit.  Names may consist of these."""
    members: dict[str, list[int]] = defaultdict(list)
    for point, p in enumerate(properties):
        if p["gc"][0] in "LM" or p["gc"] == "Nd":
            members[scripts(p)].append(point)
    lines = [
        f"# Scripts of letters, marks and decimal digits, Unicode {version}, from ppucd.txt.",
        "# Made by tools/build_unicode.py. © Unicode, Inc.; see LICENSE.txt in this directory.",
        "# Each line: scripts (Script_Extensions, else Script): every character that they use;",
        "# those of Zyyy (Common) are used by all",
    ]
    lines += [entry(name, map(spell_range, ranges_of(members[name]))) for name in sorted(members)]
    (GRANJA_UNICODE / "scripts.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def scripts(p: Properties) -> str:
    extensions = p["scx"] if p["scx"] != "<script>" else p["sc"]
    return "Zyyy" if extensions == "Zinh" else extensions


if __name__ == "__main__":
    main(Path(sys.argv[1]))
