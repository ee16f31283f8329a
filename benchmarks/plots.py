"""Draws bar charts as SVG: one file, no fonts, no scripts, readable on white and on black."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 760, 230, 110
BAR, GAP, TOP = 20, 8, 58
OURS, THEIRS, LIMIT = "#2f9e5f", "#7d8fa6", "#d08a2e"

STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#24292f}"
    ".t{font-size:15px;font-weight:600}.s{fill:#6a737d;font-size:12px}.g{stroke:#6a737d;opacity:.25}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.s{fill:#9aa4af}}"
)


@dataclass(frozen=True)
class Bar:
    """A value with its range and its owner.  ``granja…`` and ``limit`` have their own colours."""

    title: str
    owner: str
    value: float
    least: float
    greatest: float


def colour(owner: str) -> str:
    return OURS if owner.startswith("granja") else LIMIT if owner == "limit" else THEIRS


class LogScale:
    """Maps values to x in powers of ten, because servers differ by a factor of hundreds."""

    def __init__(self, values: Sequence[float]) -> None:
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)

    def x(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def label(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    of = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{of}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, how: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {how}/>'


def grid(scale: LogScale, bottom: float) -> list[str]:
    parts = []
    for tick in scale.ticks():
        x = scale.x(tick)
        parts.append(line(x, TOP - 6, x, bottom, 'class="g"'))
        parts.append(text(x, bottom + 16, f"{tick:g}", "s", "middle"))
    return parts


def drawn(bar: Bar, row: int, scale: LogScale) -> list[str]:
    y = TOP + row * (BAR + GAP)
    end, half = scale.x(bar.value), y + BAR / 2
    low, high = scale.x(max(bar.least, 10.0**scale.low)), scale.x(bar.greatest)
    return [
        text(LEFT - 10, half + 4, bar.title, "", "end"),
        f'<rect x="{LEFT}" y="{y}" width="{max(1.0, end - LEFT):.1f}" height="{BAR}" rx="3" '
        f'fill="{colour(bar.owner)}"/>',
        line(low, half, high, half, 'stroke="#24292f" stroke-width="1.5"'),
        text(max(end, high) + 8, half + 4, label(bar.value)),
    ]


def bar_chart(title: str, unit: str, bars: Sequence[Bar]) -> str:
    """An SVG document with a bar for each value, the smallest first, on a logarithmic scale."""
    ordered = sorted(bars, key=lambda bar: bar.value)
    positive = [max(bar.value, 1e-6) for bar in ordered] + [bar.greatest for bar in ordered]
    scale = LogScale(positive)
    bottom = TOP + len(ordered) * (BAR + GAP)
    rows = [part for row, bar in enumerate(ordered) for part in drawn(bar, row, scale)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 30}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        text(16, 24, title, "t"),
        text(16, 42, unit, "s"),
        *grid(scale, bottom),
        *rows,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
