"""The simplest board that does what the board should do.  Tests use it as a double and a model."""

from __future__ import annotations

from collections.abc import Collection

from granja.board.board import Board, Listener
from granja.contract.messages import Message, Said
from granja.wire.encodings import PLAIN, Carrier

#: Whether a listener that does not read may miss the line, and the line.
Heard = tuple[bool, bytes]


def say(board: Board, speaker: Listener, name: str, *texts: str) -> None:
    """``name`` says these lines to everybody else, in one block."""
    board.say(speaker, name, "\n".join(texts).encode(), len(texts))


class ModelListener:
    """Remembers in ``heard``, in order, what this connection should hear."""

    def __init__(self, board: ModelBoard, carrier: Carrier) -> None:
        self.board = board
        self.carrier = carrier
        self.heard: list[Heard] = []
        self.joined = False
        self.closed = False

    def tell(self, *messages: Message) -> None:
        for message in messages:
            self.put(False, self.carrier.encode(message))

    def hear(self, message: Message, by: ModelListener | None = None) -> None:
        self.put(True, self.carrier.encode(message))

    def raw(self, data: bytes) -> None:
        self.put(False, data)

    def put(self, may_miss: bool, data: bytes) -> None:
        if not self.closed:
            self.heard.append((may_miss, data))

    def close(self) -> None:
        self.closed = True


class ModelBoard:
    def __init__(self) -> None:
        self.listeners: list[ModelListener] = []

    def listen(self, carrier: Carrier = PLAIN) -> ModelListener:
        listener = ModelListener(self, carrier)
        self.listeners.append(listener)
        return listener

    def join(self, listener: ModelListener) -> None:
        listener.joined = True

    def leave(self, listener: ModelListener) -> None:
        listener.joined = False

    def announce(
        self,
        message: Message,
        but: ModelListener | None = None,
        deaf: Collection[ModelListener] = (),
    ) -> None:
        for listener in self.listeners:
            if listener.joined and listener is not but and listener not in deaf:
                listener.put(True, listener.carrier.encode(message))

    def say(
        self,
        speaker: ModelListener,
        name: str,
        texts: list[str],
        deaf: Collection[ModelListener] = (),
    ) -> None:
        for text in texts:
            self.announce(Said(name, text), speaker, deaf)

    def say_block(
        self,
        speaker: ModelListener,
        name: str,
        data: bytes,
        deaf: Collection[ModelListener] = (),
    ) -> None:
        self.say(speaker, name, data.decode().split("\n"), deaf)
