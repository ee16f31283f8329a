"""A guest hears the chat as data, and remembers the last pass and the number of the last line."""

from __future__ import annotations

import json
from typing import Any

from granja.wire.encodings import WEBSOCKET_DATA
from tests.support.farm import Farm, Person

Data = dict[str, Any]


class Guest(Person):
    """``secret`` is the last pass.  ``n`` is the number of the last line that the guest read."""

    def __init__(self, farm: Farm, name: str = "", address: str = "127.0.0.1") -> None:
        super().__init__(farm, name, address)
        self.protocol.carrier = WEBSOCKET_DATA
        self.farm.factory.board.carry(self.protocol.listener, WEBSOCKET_DATA)
        self.secret = ""
        self.n = 0

    def reads(self) -> list[Data]:
        """Return all messages that arrived since the last look."""
        data, found = self.hears_bytes(), []
        while data and not data.startswith(b"{") and data[0] != 0x81:
            data = data[data.index(b"\r\n") + 2 :]  # the question, which came as a line
        while data:
            size, header = data[1], 2
            if size == 126:
                size, header = int.from_bytes(data[2:4], "big"), 4
            found.append(json.loads(data[header : header + size]))
            data = data[header + size :]
        for message in found:
            self._notes(message)
        return found

    def _notes(self, message: Data) -> None:
        if message["type"] == "pass":
            self.secret = message["pass"]
            assert "n" not in message
        else:
            assert message["n"] > self.n, (message, self.n)
            self.n = message["n"]

    def hears(self) -> list[str]:
        """Return the lines of those messages."""
        return [message["line"] for message in self.reads() if "line" in message]

    def arrives(self, artifacts: str = "") -> Guest:
        self.types(self.name, artifacts, "si")
        self.hears()
        return self


def guest(farm: Farm, name: str, artifacts: str = "") -> Guest:
    """Somebody comes in, and everybody hears it."""
    person = Guest(farm, name)
    farm.people.append(person)
    person.arrives(artifacts)
    for other in farm.people:
        other.hears()
    return person


def returns(farm: Farm, secret: str, n: int | None = None) -> Guest:
    """Somebody connects and comes back with a pass."""
    person = Guest(farm)
    farm.people.append(person)
    person.hears()
    person.types(f":volver {secret}" if n is None else f":volver {secret} {n}")
    return person
