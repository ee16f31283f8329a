"""Lines said at one node and heard at another: in order, and missing lines counted to the line.

A *life* is a node between its start and its death, as the others see it.  At each life somebody
listens to everything said there.  The test compares this with what listeners elsewhere heard.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tests.whole.told import Broken

#: A node's number, and which of its lives.
Life = tuple[int, int]

#: Something that everybody hears: its kind, the person, and the number of a line of talk.
Heard = tuple[str, str, int]

_SAID = re.compile(r"^(\S+): línea (\d+)$")
_CAME = re.compile(r"^\[SERVER\] Cliente (\S+) conectado\.$")
_WENT = re.compile(r"^\[SERVER\] (\S+) desconectado\.$")
_MISSED = re.compile(r"^\[SERVER\] Te perdiste (\d+) líneas?\.$")


@dataclass
class Ear:
    """What somebody hears from their arrival on.

    ``heard`` and ``missed`` belong to this round.
    """

    whose: str
    heard: list[Heard] = field(default_factory=list)
    missed: int = 0
    _last: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _news: set[Heard] = field(default_factory=set)

    def hear(self, line: str, registered: Collection[str]) -> None:
        """Take what somebody heard.

        :param registered: people who come and go under one name.
        :raises Broken: when they hear it twice, or too late.
        """
        if found := _SAID.match(line):
            name, number = found[1], int(found[2])
            if number <= self._last[name]:
                raise Broken(f"{self.whose} heard {line!r} after {self._last[name]}")
            self._last[name] = number
            self.heard.append(("said", name, number))
        elif found := _MISSED.match(line):
            self.missed += int(found[1])
        elif (found := _CAME.match(line)) or _WENT.match(line):
            found, what = (found, "came") if found else (_WENT.match(line), "went")
            assert found is not None
            self._note((what, found[1], 0), line, registered)

    def _note(self, news: Heard, line: str, registered: Collection[str]) -> None:
        if news[1] not in registered:
            if news in self._news:
                raise Broken(f"{self.whose} heard twice: {line!r}")
            self._news.add(news)
        self.heard.append(news)

    def last(self, name: str) -> int:
        """The number of somebody's last line; 0 when nobody heard one."""
        return self._last[name]

    def forget(self) -> None:
        """Another round begins."""
        self.heard.clear()
        self.missed = 0


@dataclass
class Round:
    """Everything we know about one round.

    - ``said``: for each life that lived to the end of the round, its lines in order.
    - ``dead``: the same for lives that ended, as far as somebody there heard it.
    - ``more``: how many lines each of those may have said at a place that nobody knows.
    - ``free``: lines of registered people who moved, so that nobody can tell whether and where they
      were said.
    """

    said: Mapping[Life, Sequence[Heard]]
    dead: Mapping[Life, Sequence[Heard]]
    more: Mapping[Life, int]
    free: int

    @property
    def exact(self) -> bool:
        """Whether what was missed is known to the line."""
        return not self.dead and not self.free

    def limits(self, life: Life, heard: Sequence[Heard]) -> tuple[int, int]:
        """The least and the most lines that a listener at a life must have been told to miss."""
        known = set(heard)
        least = sum(
            line not in known
            for other, lines in self.said.items()
            if other != life
            for line in lines
        )
        most = least + self.free
        for other, lines in self.dead.items():
            # Lines before a heard one are counted.  Nobody knows how many came after.
            places = [n for n, line in enumerate(lines) if line[0] == "said" and line in known]
            before = lines[: places[-1]] if places else ()
            least += sum(line[0] == "said" and line not in known for line in before)
            most += sum(line not in known for line in lines) + self.more.get(other, 0)
        return least, most

    def check(self, life: Life, ear: Ear) -> None:
        """:raises Broken: when something is missing and was not told, or the other way round."""
        least, most = self.limits(life, ear.heard)
        if not least <= ear.missed <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            which = ", ".join(
                f"{what} {name} {n}" for what, name, n in self._missing(life, ear.heard)[:20]
            )
            raise Broken(
                f"{ear.whose} missed {wanted} lines of others, but was told of {ear.missed}; "
                f"not heard of those who live: {which or 'none'}"
            )

    def _missing(self, life: Life, heard: Sequence[Heard]) -> list[Heard]:
        known = set(heard)
        return [
            line
            for other, lines in self.said.items()
            if other != life
            for line in lines
            if line not in known
        ]
