"""Errands: what the operator asks of another node, or of all nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList, succeed

from granja.nodes.neighbour import Neighbour

#: Seconds that we wait for another node.
PATIENCE: Final = 10.0

#: The name that means every node.
ALL: Final = "all"

#: Takes a request, as JSON has it, and gives the answer; it does not fail.
Run = Callable[[object], Deferred[dict[str, Any]]]


class NodeErrands:
    """:param name: this node's name.
    :param neighbours: returns the nodes that we hear.

    ``run`` does an errand here; None until somebody sets it.
    """

    def __init__(self, name: str, neighbours: Callable[[], Collection[Neighbour]]) -> None:
        self.name = name
        self.run: Run | None = None
        self._neighbours = neighbours

    def asked(self, wanted: str, request: object) -> Deferred[bytes]:
        """Answer an errand from another node.  If it is not for this node, answer only the name."""
        run = self.run if wanted in (self.name, ALL) else None
        answer: Deferred[Any] = succeed(None) if run is None else run(request)
        return answer.addCallback(lambda found: json.dumps([self.name, found]).encode())

    def ask(self, wanted: str, request: object) -> Deferred[dict[str, Any]]:
        """Have an errand done.

        :param wanted: a node's name, or :data:`ALL`.
        :returns: fires with the node's answer; for all nodes, with ``nodes``, the answer of each;
            or with ``refused``.
        """
        here = self.run
        if here is None:
            return succeed({"refused": "this node is not ready yet"})
        if wanted == self.name:
            return here(request)
        questions: list[Deferred[Any]] = [
            node.ask("errand", wanted, request, seconds=PATIENCE) for node in self._neighbours()
        ]
        mine = here(request) if wanted == ALL else succeed(None)
        everybody = DeferredList([mine, *questions], consumeErrors=True)
        return everybody.addCallback(self._gather, wanted)

    def _gather(self, found: list[tuple[bool, Any]], wanted: str) -> dict[str, Any]:
        (_, mine), *others = found
        said = dict(json.loads(answer) for came, answer in others if came)
        answers = {name: answer for name, answer in said.items() if answer is not None}
        if wanted == ALL:
            silent = sum(not came for came, _ in others)
            return {"nodes": {self.name: mine, **answers}} | ({"silent": silent} if silent else {})
        if wanted in answers:
            there: dict[str, Any] = answers[wanted]
            return there
        names = ", ".join(sorted({self.name, *said}))
        return {"refused": f"no node that answers is called {wanted}; there are {names}"}
