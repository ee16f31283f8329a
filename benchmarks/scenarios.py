"""The scenarios: what the farmers do, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Scenario:
    """One load: ``farmers`` connections, of which the first ``talkers`` talk.

    - ``mode``: the generator's mode: ``flood``, ``paced``, ``whispers`` or ``crowd``.
    - ``lines``: how many lines each talker says.
    - ``rate`` (paced only): how many lines a talker says a second.
    - ``window`` (flood only): how many lines of a talker may be under way.
    - ``stalled``: how many farmers, the last ones, stop reading when the talk begins.
    - ``counting``: how many farmers, the last ones, only count the bytes that they hear.  Their
      server's lines are as long as Granja's.
    - ``arriving``: how many farmers are on their way in at the same time.
    - ``least``: how many lines a talker says even to the slowest server.
    - ``deadline``: seconds that the run may take.
    - ``patience``: seconds to wait for a server that sends nothing.
    - ``varied``: whether lines have 20 to 120 bytes, a third of them with accents, instead of 64.
      Then reads do not end where lines end.
    """

    name: str
    title: str
    mode: str
    farmers: int
    talkers: int
    lines: int
    rate: float = 1.0
    window: int = 256
    stalled: int = 0
    counting: int = 0
    arriving: int = 32
    least: int = 50
    deadline: float = 90.0
    patience: float = 5.0
    varied: bool = False

    def lines_for(self, share: float) -> int:
        """How many lines each talker says to a server that gets this share of the flood."""
        return max(self.least, int(self.lines * share)) if self.mode == "flood" else self.lines

    def shrunk(self) -> Scenario:
        """The same scenario with about a fifth of the work: for a look, not for figures."""
        farmers = 2_000 if self.mode == "crowd" else self.farmers
        lines = max(2, self.lines // 5) if self.mode != "crowd" else self.lines
        return replace(self, farmers=farmers, lines=lines)


def paced(name: str, farmers: int, rate: float, seconds: float) -> Scenario:
    """Everybody talks at ``rate`` lines a second for ``seconds`` seconds."""
    title = f"{farmers:,} farmers, {rate:g} line{'s' if rate != 1 else ''}/s each"
    return Scenario(name, title, "paced", farmers, farmers, round(rate * seconds), rate)


_SCENARIOS = (
    Scenario("flood-100", "flood, 100 listeners, 10 talkers", "flood", 100, 10, 20_000),
    Scenario("flood-1000", "flood, 1,000 listeners, 10 talkers", "flood", 1_000, 10, 4_000),
    paced("paced-200", 200, 1.0, 10.0),
    paced("paced-1000", 1_000, 0.2, 15.0),
    Scenario("whispers", "whispers, 100 pairs in turns", "whispers", 200, 200, 500),
    Scenario(
        "crowd", "10,000 idle farmers, one line to all", "crowd", 10_000, 1, 10, arriving=1_000
    ),
    Scenario(
        "stall",
        "flood, one listener of 100 stops reading",
        "flood",
        100,
        10,
        30_000,
        stalled=1,
        least=1_000,
    ),
)


#: Each speed scenario above again, with lines of the lengths that people write.
_VARIED = (
    replace(s, name=f"{s.name}-varied", title=f"{s.title}, lines of 20 to 120 bytes", varied=True)
    for s in _SCENARIOS
    if s.name not in ("crowd", "stall")
)
SCENARIOS: tuple[Scenario, ...] = (*_SCENARIOS, *_VARIED)


def named(names: list[str]) -> list[Scenario]:
    """The scenarios of these names, in the table's order.

    :raises LookupError: for a name that is not a scenario's.
    """
    known = {scenario.name for scenario in SCENARIOS}
    for name in names:
        if name not in known:
            raise LookupError(f"no scenario {name!r}; there are {', '.join(sorted(known))}")
    return [scenario for scenario in SCENARIOS if not names or scenario.name in names]
