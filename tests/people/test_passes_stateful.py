"""With any losses, everybody hears everything once, in order (PROTOCOL §5b).

Connections drop, with the last bytes unread.  People come back with a pass, while the old
connection stands or after its end.  They lose the answer and come back once more, or linger out.
The server stops or crashes, and starts again.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from granja.ledger.memory import MemoryLedger
from granja.market.market import Limits, Market, replay
from granja.settings import Settings
from tests.support.farm import Farm, Person
from tests.support.guests import Data, Guest

#: Ana is registered; Eva and Rosa are visitors.  They hear data.  Beto is at a terminal.
NAMES = ("Ana", "Eva", "Rosa")
HISTORY = 6

who = st.sampled_from(NAMES)
unread = st.integers(0, 4)

_SAID = re.compile(r"^(?:(?:Beto|Ana|Eva|Rosa)(?: te susurra)?: |\* Beto )(\d+)$")
_MISSED = re.compile(r"Te perdiste (\d+) líneas?\.$")
_ENDS = frozenset({"offer-ended", "trade-done", "trade-accepted", "meanwhile"})


class Reader:
    """A client: what it has read, and what it has still to read of this stay in the chat."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.guest: Guest | None = None
        self.secret = ""
        self.n = 0
        #: Numbers of lines, in their order, and whether they are talk.
        self.owed: dict[int, bool] = {}
        #: How many of them are lost.
        self.missed = 0
        self.heard: list[int] = []
        self.ends: Counter[int] = Counter()

    def read(self, messages: list[Data], *, told_again: bool = False) -> None:
        """:param told_again: whether this is the complete repetition after a return."""
        said = []
        for message in messages:
            if message["type"] == "pass":
                self.secret = message["pass"]
                continue
            self.n = message["n"]
            if found := _SAID.match(message["line"]):
                said.append(int(found[1]))
            elif lost := _MISSED.search(message["line"]):
                assert not said, "it comes first"
                self.missed += int(lost[1])
            elif message["type"] in _ENDS:
                self.ends[message["number"]] += 1
                assert self.ends[message["number"]] == 1, message
        for number in said:
            assert number in self.owed, (self.name, number, "twice, or not theirs")
            assert not self.heard or number > self.heard[-1], (number, "out of order")
            self.heard.append(number)
            del self.owed[number]
        if told_again:
            assert len(self.owed) == self.missed, (self.owed, self.missed)
            assert all(self.owed.values()), "whispers are kept"
            self.forget()

    def forget(self) -> None:
        """Nobody owes them anything from before."""
        self.owed.clear()
        self.missed = 0


class Village(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.memory = MemoryLedger()
        limits = Limits(offers_each=20)
        self.farm = Farm(Settings(rate=None, history=HISTORY, limits=limits), self.memory)
        self.readers = {name: Reader(name) for name in NAMES}
        self.beto = self.farm.arrives("Beto", "6, 6, 6, 13, 13")
        self.count = 0
        for name in NAMES:
            self.arrives(self.readers[name])
        self.types("Ana", ":registrar girasoles")

    # -- how they come and go ----------------------------------------------------------------

    def arrives(self, reader: Reader) -> None:
        registered = self.farm.factory.roster.owner(reader.name) is not None
        guest = reader.guest = Guest(self.farm, reader.name)
        answers = ["girasoles"] if registered else ["14, 14, 21", "si"]
        reader.n = 0
        guest.types(reader.name, *answers)
        reader.forget()
        self.reads(reader)

    def reads(self, reader: Reader, leaving: int = 0, *, told_again: bool = False) -> None:
        """:param leaving: how many of the last messages stay unread, with everything later."""
        if reader.guest is not None:
            messages = reader.guest.reads()
            messages = messages[: max(0, len(messages) - leaving)]
            reader.read(messages, told_again=told_again and not leaving)

    def is_present(self, name: str) -> bool:
        return self.farm.factory.roster.find(name) is not None

    def comes_back(self, reader: Reader, old: Guest | None) -> Guest | None:
        """:param old: the connection that still stands, if it does."""
        guest = Guest(self.farm)
        guest.hears()
        guest.types(f":volver {reader.secret} {reader.n}")
        if old is not None:
            old.drops()
        return guest

    @rule(name=who, leaving=unread)
    def drops(self, name: str, leaving: int) -> None:
        reader = self.readers[name]
        if reader.guest is not None:
            self.reads(reader, leaving)
            reader.guest.drops()
            reader.guest = None

    @rule(name=who, leaving=unread, lost=st.integers(0, 2), again=unread)
    def returns(self, name: str, leaving: int, lost: int, again: int) -> None:
        """Come back with a pass.

        :param lost: how many answers are lost.
        :param again: how many messages of the last answer are lost, before they come back once
            more.
        """
        reader = self.readers[name]
        present = self.is_present(name)
        if not present and (name != "Ana" or not reader.secret):
            self.arrives(reader)
            return
        old = reader.guest
        self.reads(reader, leaving)
        for _ in range(lost):
            answer = self.comes_back(reader, old)
            assert answer is not None
            old, reader.guest = answer, None
        reader.guest = self.comes_back(reader, old)
        if not present and not lost:
            reader.forget()  # Who had left gets no missed talk.
        self.reads(reader, again, told_again=present or bool(lost))
        if again and reader.guest is not None:
            reader.guest = self.comes_back(reader, reader.guest)
            self.reads(reader, told_again=True)

    @rule()
    def time_passes(self) -> None:
        self.farm.pass_time(130)
        for reader in self.readers.values():
            if not self.is_present(reader.name):
                reader.forget()

    @rule(crash=st.booleans())
    def starts_anew(self, crash: bool) -> None:
        """They have read what they read until then.  Nobody knows the rest any more."""
        for reader in self.readers.values():
            self.reads(reader)
        if not crash:
            assert self.farm.factory.finish_begun().called
            self.farm.factory.say_goodbye()
            self.farm.settle()
        self.farm.factory.presence.stop()  # The clock is the same, and the process is not.
        inside = [name for name in NAMES if self.is_present(name)]
        for reader in self.readers.values():
            reader.guest = None
            reader.forget()
        self.farm.people = []
        self.farm.open()
        assert [name for name in NAMES if self.is_present(name)] == inside
        self.beto = Person(self.farm, "Beto").arrives("6, 6, 6, 13, 13")

    # -- what they do ------------------------------------------------------------------------

    def types(self, name: str, line: str) -> None:
        guest = self.beto if name == "Beto" else self.readers[name].guest
        if guest is not None:
            guest.types(line)

    @rule(times=st.integers(1, 4), by=st.sampled_from(("Beto", *NAMES)))
    def says(self, times: int, by: str) -> None:
        if by != "Beto" and self.readers[by].guest is None:
            return
        for _ in range(times):
            self.count += 1
            for reader in self.readers.values():
                if reader.name != by and self.is_present(reader.name):
                    reader.owed[self.count] = True
            self.types(by, str(self.count))

    @rule()
    def acts(self) -> None:
        self.count += 1
        for reader in self.readers.values():
            if self.is_present(reader.name):
                reader.owed[self.count] = True
        self.types("Beto", f":yo {self.count}")

    @rule(name=who)
    def whispers(self, name: str) -> None:
        if self.is_present(name):
            self.count += 1
            self.readers[name].owed[self.count] = False
            self.types("Beto", f":p {name} {self.count}")

    @rule(name=who, theirs=st.booleans())
    def offers(self, name: str, theirs: bool) -> None:
        if theirs:
            self.types(name, ":offer Beto 14 6")
        else:
            self.types("Beto", f":offer {name} 6 14")

    @rule(name=st.sampled_from(("Beto", *NAMES)), answer=st.sampled_from((":accept", ":reject")),
          data=st.data())  # fmt: skip
    def answers(self, name: str, answer: str, data: st.DataObject) -> None:
        standing = sorted(self.farm.factory.market.offers)
        if standing:
            self.types(name, f"{answer} {data.draw(st.sampled_from(standing))}")

    @rule(name=who)
    def asks(self, name: str) -> None:
        """Replies are numbered as well, and not told again."""
        self.types(name, ":u")

    # -- and what must be true ---------------------------------------------------------------

    def teardown(self) -> None:
        for reader in self.readers.values():
            present = self.is_present(reader.name)
            if present:
                old, reader.guest = reader.guest, None
                reader.guest = self.comes_back(reader, old)
                self.reads(reader, told_again=True)
                assert not reader.owed
        market = Market()
        replay(market, self.memory.facts)
        assert market.snapshot() == self.farm.factory.market.snapshot()
        held: dict[Any, Any] = market.held
        for farmer in held:
            known = farmer in market.registered
            assert known or self.farm.factory.roster.present(farmer) is not None, farmer


class PassesStatefulTests(SynchronousTestCase):
    def test_everybody_hears_everything_once(self) -> None:
        run_state_machine_as_test(
            Village, settings=settings(max_examples=100, stateful_step_count=30, deadline=None)
        )
