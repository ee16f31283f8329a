"""A farmer with a pass, on a real connection."""

from __future__ import annotations

import json
import socket
from typing import Any

from tests.support.server import PATIENCE


class Farmer:
    """Somebody whose client speaks GMCP, so that they have a pass."""

    def __init__(self, address: tuple[str, int], name: str) -> None:
        self.address, self.name = address, name
        self.secret, self.number = "", 0
        self.dial()

    def dial(self) -> None:
        self.socket = socket.create_connection(self.address, PATIENCE)
        self.buffer = b""
        self.socket.sendall(b"\xff\xfd\xc9")

    def types(self, *lines: str) -> None:
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def hears_until(self, words: str) -> list[str]:
        """The lines up to one with these words."""
        said: list[str] = []
        while not any(words in line for line in said):
            for message in self.reads():
                self.secret = message.get("pass", self.secret)
                self.number = message.get("n", self.number)
                if "line" in message:
                    said.append(message["line"])
        return said

    def reads(self) -> list[dict[str, Any]]:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(self.name)
        self.buffer += data
        *whole, self.buffer = self.buffer.split(b"\xff\xf0")
        found = [part.partition(b"\xff\xfa\xc9")[2].partition(b" ")[2] for part in whole]
        return [json.loads(each) for each in found]

    def close(self) -> None:
        self.socket.close()

    def waits_for_the_end(self) -> None:
        while self.socket.recv(65536):
            pass
        self.socket.close()
