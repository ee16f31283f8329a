"""Machines that watch a farm may send questions, and nothing else."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.defer import succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from granja.health.site import WatchSite


class Strangers(SynchronousTestCase):
    """A stranger costs neither memory nor lines in the log."""

    def setUp(self) -> None:
        self.logged: list[LogEvent] = []
        observer: Any = self.logged.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def asks(self, *lines: str) -> str:
        """On a connection of its own."""
        site = WatchSite(CollectorRegistry(), lambda: succeed(True), lambda: None, [])
        channel: Any = site.buildProtocol(None)
        self.transport = StringTransport()
        channel.makeConnection(self.transport)
        for line in lines:
            channel.dataReceived(line.encode() + b"\r\n")
        channel.connectionLost(Failure(ConnectionDone()))
        answer: bytes = self.transport.value()
        return answer.decode()

    def test_a_question_is_answered(self) -> None:
        answer = self.asks("GET /readyz HTTP/1.1", "Host: x", "")
        self.assertTrue(answer.startswith("HTTP/1.1 200 OK"), answer)

    def test_a_body_is_refused_before_it_comes(self) -> None:
        """This includes a body without a length."""
        for header in ("Content-Length: 5000000000", "Transfer-Encoding: chunked"):
            for path in ("/metrics", "/nothing"):
                answer = self.asks(f"POST {path} HTTP/1.1", "Host: x", header, "", "a0", "body")
                self.assertTrue(answer.startswith("HTTP/1.1 413 "), answer)
                self.assertEqual(answer.count("HTTP/1.1"), 1, answer)
                self.assertTrue(self.transport.disconnecting)

    def test_a_body_of_no_bytes_is_none(self) -> None:
        answer = self.asks("GET /livez HTTP/1.1", "Host: x", "Content-Length: 0", "")
        self.assertTrue(answer.startswith("HTTP/1.1 200 OK"), answer)

    def test_who_looks_at_the_head_writes_nothing_into_the_log(self) -> None:
        for path in ("/metrics", "/readyz", "/nothing"):
            answer = self.asks(f"HEAD {path} HTTP/1.1", "Host: x", "")
            self.assertTrue(answer.startswith("HTTP/1.1 "), answer)
        self.assertEqual(self.logged, [])
