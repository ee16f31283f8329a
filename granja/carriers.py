"""Carriers: how a message becomes the bytes of one kind of connection.

A carrier is shared by all connections of its kind, so what everybody hears is encoded once.
"""

from __future__ import annotations

from typing import Protocol

from granja.messages import Message


class Carrier(Protocol):
    """Turns messages into bytes; holds no state of any one connection."""

    def encode(self, message: Message) -> bytes:
        """The whole message, with its end, ready to be written."""


class PlainLines:
    """The wire contract: UTF-8 lines that end in CR LF (PROTOCOL §1)."""

    def encode(self, message: Message) -> bytes:
        return message.line().encode() + b"\r\n"


PLAIN = PlainLines()
