"""A connection of the console: one request a line, one answer a line, both in JSON.

Whoever can open the socket is the operator: its mode is 0600.
"""

from __future__ import annotations

import json
from typing import Any, Final

from twisted.internet.protocol import ServerFactory
from twisted.protocols.basic import LineOnlyReceiver

from granja.console.errands import Answer, Errands

#: The most bytes of a request.
MOST: Final = 16_384


class ConsoleProtocol(LineOnlyReceiver):
    """:param errands: does the errands."""

    delimiter = b"\n"
    MAX_LENGTH = MOST

    def __init__(self, errands: Errands) -> None:
        self._errands = errands

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        self._errands.run(request).addCallback(self._answer)

    def _answer(self, answer: Answer) -> None:
        transport: Any = self.transport
        transport.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")


class ConsoleFactory(ServerFactory):
    """Answers at ``--admin``."""

    noisy = False

    def __init__(self, errands: Errands) -> None:
        self._errands = errands

    def buildProtocol(self, addr: object) -> ConsoleProtocol:  # noqa: N802
        return ConsoleProtocol(self._errands)
