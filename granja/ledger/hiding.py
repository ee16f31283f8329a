"""Names taken out of what is kept beside the chain."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from granja.contract.messages import somebody
from granja.ledger.pseudonyms import NameRow


def hiding(gone: Iterable[NameRow]) -> Callable[[str], str]:
    """Puts numbers in the place of these names, wherever they stand as words."""
    named = {row.name: somebody(row.farmer) for row in gone}
    words = "|".join(map(re.escape, sorted(named, key=len, reverse=True)))
    pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)")
    return lambda text: pattern.sub(lambda found: named[found[0]], text)


def without(value: str, hide: Callable[[str], str]) -> str:
    """What is kept beside the chain, as JSON, with all its texts changed."""
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
