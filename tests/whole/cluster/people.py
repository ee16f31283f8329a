"""Farmers at the nodes: they talk with numbered lines, whisper, offer and swap, and come back."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter, deque
from contextlib import suppress
from random import Random

from tests.whole.cluster.counting import Ear, Life
from tests.whole.cluster.machines import Node
from tests.whole.told import OFFER, POSTED, Broken, Told, holdings

PASSWORD = "cuchara oxidada"

#: Seconds that an answer may take, whatever is broken.
PATIENCE = 60.0

#: Swaps that a farmer leaves standing before the oldest is taken back.
STANDING = 4

_WHISPER = re.compile(r"^(\S+) te susurra: susurro (\d+)$")
_UNTOLD = re.compile(r"no se pudo entregar a (\S+);|conectado con el nombre (\S+)\.$")
_WAITING = re.compile(r"#(\d+) de \S+: su .* por tu ")
#: Anything but a whisper that did not arrive.
_ERROR = r"^\[SERVER\] Error(?!: no se pudo entregar|: no hay nadie)"
_IN_OR_NOT = "¡OK!|Ahora no se puede|no se pudo guardar"
_NOT_STORED = "Error de Intercambio: no se pudo guardar"


class Gone(Exception):
    """The connection has ended."""


class Town:
    """All people, and what they heard.

    - ``inside``: who is in the chat, by name.
    - ``places``: at which life each line was said, and each visitor came in.
    - ``ended``: what people heard at lives that ended in this round.
    - ``moves``: times when somebody registered came in or was put out.
    - ``trouble``: the first broken promise.
    """

    def __init__(self, nodes: list[Node], chance: Random) -> None:
        self.nodes = nodes
        self.chance = chance
        self.told = Told()
        self.registered: set[str] = set()
        self.inside: dict[str, Person] = {}
        self.watchers: dict[int, Watcher] = {}
        self.places: dict[tuple[str, int], Life] = {}
        self.ended: dict[Life, Ear] = {}
        self.moves = 0
        self.lines = 0
        self.trouble: Broken | None = None
        self.closing = False
        self.whispers = Whispers()
        #: The last typed and heard lines, for a developer who looks for a mistake.
        self.heard: deque[str] = deque(maxlen=200_000)
        self._busy = asyncio.Event()
        self._visitors = 0

    @property
    def paused(self) -> bool:
        """Whether nobody begins anything."""
        return not self._busy.is_set()

    def pause(self) -> None:
        self._busy.clear()

    def resume(self) -> None:
        self._busy.set()

    async def until_busy(self) -> None:
        await self._busy.wait()

    def note(self, person: Person, sign: str, line: str) -> None:
        """Something was typed (``>``) or heard."""
        node = self.nodes[person.place[0]].name
        self.heard.append(f"{time.time():.3f} {node} {person.name} {sign} {line}")

    def visitor(self, what: str) -> str:
        """A name that nobody has had."""
        self._visitors += 1
        return f"{what}{self._visitors}"

    def usable(self) -> list[int]:
        """Nodes where somebody listens already."""
        return [n for n, watcher in self.watchers.items() if self.nodes[n].up and watcher.inside]

    def lost(self, person: Person) -> None:
        """Somebody was put out, or cut off: their node has ended, for the others."""
        node = self.nodes[person.place[0]]
        if node.life == person.place[1]:
            node.life += 1


class Whispers:
    """Each whisper arrives once, or its author hears that it may not have arrived."""

    def __init__(self) -> None:
        self.sent = 0
        self._last: Counter[str] = Counter()
        self._heard: dict[tuple[str, str], int] = {}
        self._open: dict[tuple[tuple[str, int], tuple[str, int]], set[int]] = {}
        self._untold: Counter[tuple[str, str]] = Counter()

    def send(self, by: Person, to: Person) -> str:
        """The line to type."""
        self.sent += 1
        self._last[by.name] += 1
        pair = (by.name, by.visit), (to.name, to.visit)
        self._open.setdefault(pair, set()).add(self._last[by.name])
        return f":p {to.name} susurro {self._last[by.name]}"

    def hear(self, by: str, number: int, to: Person) -> None:
        """Note a whisper that arrived.

        :raises Broken: when it arrives twice, or too late.
        """
        last = self._heard.get((by, to.name), 0)
        if number <= last:
            raise Broken(f"{to.name} heard whisper {number} of {by} after {last}")
        self._heard[by, to.name] = number
        for (sender, receiver), numbers in self._open.items():
            if (sender[0], receiver[0]) == (by, to.name):
                numbers.discard(number)

    def fail(self, by: Person, to: str) -> None:
        """Note that its author heard that it may not have arrived."""
        self._untold[by.name, to] += 1

    def missing(self, people: dict[str, Person]) -> str | None:
        """Whispers that neither arrived nor were reported, among people who stayed."""
        for ((by, visit), (to, other)), numbers in self._open.items():
            stayed = by in people and people[by].visit == visit
            stayed = stayed and to in people and people[to].visit == other
            if stayed and len(numbers) > self._untold[by, to]:
                return f"{len(numbers)} whispers of {by} never reached {to}, who was there"
        return None

    def forget(self) -> None:
        """Another round begins."""
        self._open.clear()
        self._untold.clear()


class Person:
    """Somebody who comes, talks and goes.

    :param home: the node that they prefer.
    :param name: a registered name; a visitor has another name each time.
    """

    kind = "Paso"

    def __init__(self, town: Town, home: int, name: str = "") -> None:
        self.town = town
        self.home = home
        self.name = name
        self.registered = bool(name)
        self.holds: list[int] = []
        self.inside = self.resting = self.connected = False
        self.visit = 0
        self.said = 0
        self.place: Life = (home, 0)
        self.ear = Ear("")
        self._known = False
        self._waiting: list[tuple[re.Pattern[str], asyncio.Future[str]]] = []
        self._writer: asyncio.StreamWriter | None = None

    # -- a visit ---------------------------------------------------------------------------------

    async def live(self) -> None:
        """Come in, do this and that until the connection ends, and come back."""
        town = self.town
        while not town.closing and town.trouble is None:
            node = self.choose()
            if node is not None:
                with suppress(Gone, ConnectionError, asyncio.IncompleteReadError):
                    await self._visit(node)
            await asyncio.sleep(town.chance.uniform(0.05, 0.2))

    def choose(self) -> int | None:
        """The node to come in at."""
        usable = self.town.usable()
        if self.home in usable:
            return self.home
        return self.town.chance.choice(usable) if usable else None

    async def _visit(self, node: int) -> None:
        at = self.town.nodes[node]
        self.place = (node, at.life)
        self.visit += 1
        reader, self._writer = await asyncio.open_connection("127.0.0.1", at.server.port)
        self.connected = True
        reading = asyncio.ensure_future(self._read(reader))
        try:
            await self._arrive()
            while not self.town.closing:
                await self._rest() if self.town.paused else await self.act()
        finally:
            self._over()
            reading.cancel()
            with suppress(asyncio.CancelledError, ConnectionError, Gone):
                await reading
            self._writer.close()

    def _over(self) -> None:
        if self.inside:
            self.inside = False
            self.town.inside.pop(self.name, None)
            self.town.moves += self.registered

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while data := await reader.readline():
                self._hear(data.decode().rstrip("\r\n"))
        except ConnectionError:
            pass
        except Broken as broken:
            self.town.trouble = self.town.trouble or broken
        if self.inside and not self.town.closing:
            self.lost()
        self.town.note(self, "|", "(the connection has ended)")
        self.connected = False
        self._over()
        waiting, self._waiting = self._waiting, []
        for _, answer in waiting:
            if not answer.done():
                answer.set_exception(Gone())

    def lost(self) -> None:
        """The server has closed."""
        self.town.lost(self)

    def _hear(self, line: str) -> None:
        self.town.note(self, "|", line)
        self.ear.hear(line, self.town.registered)
        self.town.lines += 1
        if found := _WHISPER.match(line):
            self.town.whispers.hear(found[1], int(found[2]), self)
        elif found := _UNTOLD.search(line):
            self.town.whispers.fail(self, found[1] or found[2])
        held = holdings(line)
        self.holds = self.holds if held is None else held
        self.hear(line)
        for pair in self._waiting:
            if pair[0].search(line):
                self._waiting.remove(pair)
                if not pair[1].done():
                    pair[1].set_result(line)
                break

    def hear(self, line: str) -> None:
        """Take a line about trades."""

    # -- at the keyboard -------------------------------------------------------------------------

    def types(self, *lines: str) -> None:
        assert self._writer is not None
        for line in lines:
            self.town.note(self, ">", line)
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())

    async def ask(self, line: str, wanted: str) -> str:
        """Type it, and wait for an answer.

        :returns: the next line that the pattern is found in.

        :raises Gone: when the connection ends before.
        """
        return await self._answer(wanted, line)

    async def _answer(self, wanted: str, *lines: str) -> str:
        if not self.connected:
            raise Gone
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((re.compile(wanted), answer))
        self.types(*lines)
        try:
            return await asyncio.wait_for(answer, PATIENCE)
        except TimeoutError:
            self.town.trouble = Broken(f"{self.name} waits for {wanted!r} since {lines}")
            raise Gone from None

    async def _arrive(self) -> None:
        if not self.registered:
            self.name, self.said = self.town.visitor(self.kind), 0
        self.ear = Ear(self.name)
        line = await self._answer("Contraseña:|qué artefactos|Ahora no se puede|ya en uso|terminal",
                                  self.name)  # fmt: skip
        if "Contraseña" in line:
            self._settle()
            answer = await self.ask(PASSWORD, _IN_OR_NOT)
        elif "qué artefactos" in line:
            some = " ".join(str(self.town.chance.randrange(1, 43)) for _ in range(6))
            await self.ask(some, "Está Bien")
            self._settle()
            answer = await self.ask("si", _IN_OR_NOT)
        else:
            raise Gone
        if "OK" not in answer:
            raise Gone  # And another try, in a moment.
        if self.registered and not self._known:
            await self.ask(f":registrar {PASSWORD}", "quedó registrado")
            self._known = True
            self.town.registered.add(self.name)
        self.inside = True
        self.town.inside[self.name] = self
        self.town.moves += self.registered

    def _settle(self) -> None:
        """The next word brings them in: at what the node is now."""
        self.place = (self.place[0], self.town.nodes[self.place[0]].life)
        if not self.registered:
            self.town.places[self.name, 0] = self.place

    async def _rest(self) -> None:
        """All that was typed is answered, and nothing is begun until the town is busy again."""
        await self.ask(":artefactos", "artefactos son: ")
        self.resting = True
        busy = asyncio.ensure_future(self.town.until_busy())
        try:
            while not busy.done() and self.inside and self.town.trouble is None:
                await asyncio.wait([busy], timeout=0.1)
        finally:
            self.resting = False
            busy.cancel()
        if not self.inside:
            raise Gone

    def say(self) -> None:
        self.said += 1
        self.town.places[self.name, self.said] = self.place
        self.types(f"línea {self.said}")

    async def act(self) -> None:
        """Do something."""
        chance, town = self.town.chance, self.town
        others = [one for one in town.inside.values() if one is not self]
        self.say()
        if others and chance.random() < 0.4:
            self.types(town.whispers.send(self, chance.choice(others)))
        await self.trade([one for one in others if isinstance(one, Taker)])
        if not self.inside:
            raise Gone
        await asyncio.sleep(chance.uniform(0.02, 0.2))
        if not self.registered and chance.random() < 0.02:
            await self._leave()

    async def _leave(self) -> None:
        """In good order."""
        self.inside = False
        self.town.inside.pop(self.name, None)
        await self.ask(":q", "¡Adiós")
        raise Gone

    async def trade(self, takers: list[Person]) -> None:
        """Nothing."""


class Watcher(Person):
    """Hears everything said at one node.  It speaks only so that others can hear it."""

    kind = "Vigía"

    def choose(self) -> int | None:
        return self.home if self.town.nodes[self.home].up else None

    async def act(self) -> None:
        await asyncio.sleep(0.05)
        if not self.inside:
            raise Gone

    def lost(self) -> None:
        self.town.ended[self.place] = self.ear
        super().lost()

    async def present(self) -> list[str]:
        """The names that ``:u`` lists."""
        return (await self.ask(":u", "Usuarios conectados: ")).split(": ", 1)[1].split(", ")


class Maker(Person):
    """Offers this for that, and leaves swaps."""

    def __init__(self, town: Town, home: int, name: str = "") -> None:
        super().__init__(town, home, name)
        self._standing: deque[int] = deque()
        self._put_out = False

    def lost(self) -> None:
        self._put_out = True
        super().lost()

    def hear(self, line: str) -> None:
        if "Intercambio realizado" in line:
            self.town.told.fulfilled[self.name] += 1
        elif posted := POSTED.search(line):
            self._standing.append(int(posted[1]))
        else:
            self.town.told.note_settlement(self.name, line, again=self._put_out)

    async def trade(self, takers: list[Person]) -> None:
        chance = self.town.chance
        if not takers:
            return
        other = chance.choice(takers)
        mine, theirs = chance.choice(self.holds or [1]), chance.choice(other.holds or [1])
        if chance.random() < 0.3:
            await self._swap(other)
        else:
            await self.ask(f":offer {other.name} {mine} {theirs}", f"enviada a|{_ERROR}")

    async def _swap(self, other: Person) -> None:
        """Swap anything of mine for anything of theirs that I lack, with anybody."""
        while len(self._standing) >= STANDING:
            number = self._standing.popleft()
            await self.ask(f":retirar {number}", f"Retiraste el cambio|{_ERROR}")
        mine = " ".join(map(str, sorted(set(self.holds))))
        theirs = " ".join(str(n) for n in sorted(set(other.holds) - set(self.holds)))
        await self.ask(f":cambio {mine or 1} por {theirs or 2}", f"puesto: |{_ERROR}")


class Taker(Maker):
    """Accepts offers, one after the other."""

    def __init__(self, town: Town, home: int, name: str = "") -> None:
        super().__init__(town, home, name)
        self._offered: deque[int] = deque()
        self._refused: set[int] = set()

    def hear(self, line: str) -> None:
        super().hear(line)
        if found := OFFER.search(line) or _WAITING.search(line):
            self._offered.append(int(found[1]))

    async def trade(self, takers: list[Person]) -> None:
        while self._offered and self.inside and not self.town.paused:
            number = self._offered.popleft()
            if number in self._refused:
                await self.ask(f":reject {number}", f"Rechazaste|{_ERROR}")
            else:
                await self._accept(number)

    async def _accept(self, number: int) -> None:
        line = await self.ask(f":accept {number}", f"Intercambio aceptado|{_ERROR}")
        if "Intercambio aceptado" in line:
            self.town.told.accepted.add(number)
        elif _NOT_STORED in line:
            self.town.told.refused.add(number)
            self._refused.add(number)
            self._offered.append(number)
