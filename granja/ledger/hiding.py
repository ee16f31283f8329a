"""Hiding: removes forgotten names from the values beside the chain."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from granja.contract.messages import somebody
from granja.ledger.pseudonyms import NameRow


def hiding(gone: Iterable[NameRow]) -> Callable[[str], str]:
    """A function that replaces these names by numbers, where they are whole words."""
    named = {row.name: somebody(row.farmer) for row in gone}
    words = "|".join(map(re.escape, sorted(named, key=len, reverse=True)))
    pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)")
    return lambda text: pattern.sub(lambda found: named[found[0]], text)


def without(value: str, hide: Callable[[str], str]) -> str:
    """A value from beside the chain, as JSON, with ``hide`` applied to all its texts."""
    try:
        content = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return json.dumps(_hidden(content, hide), sort_keys=True, separators=(",", ":"))


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list):
        return [_hidden(item, hide) for item in value]
    if isinstance(value, dict):
        return {key: _hidden(item, hide) for key, item in value.items()}
    return value
