"""Machines that watch a farm may send questions, and nothing else."""

from __future__ import annotations

from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from granja.health.site import WatchSite
from granja.health.watch import watch
from tests.support.farm import Farm


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


class Started:
    """Something that looks again and again."""

    def __init__(self) -> None:
        self.did: list[str] = []

    def start(self) -> None:
        self.did.append("start")

    def stop(self) -> None:
        self.did.append("stop")


class Answers(SynchronousTestCase):
    """What a watching machine reads."""

    def asks(self, site: Any, path: str) -> tuple[str, dict[str, str], str]:
        """The status, the headers and the body."""
        channel, transport = site.buildProtocol(None), StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        self.assertTrue(transport.disconnecting, "the answer has no end")
        channel.connectionLost(Failure(ConnectionDone()))
        head, _, body = transport.value().decode().partition("\r\n\r\n")
        status, *lines = head.split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        return status.split(" ", 1)[1], {name.lower(): value for name, value in pairs}, body

    def site(self, alive: bool, wrong: str | None) -> WatchSite:
        return WatchSite(CollectorRegistry(), lambda: succeed(alive), lambda: wrong, [])

    def test_whether_it_is_alive_and_ready(self) -> None:
        """In a word that nobody on the way keeps."""
        for alive, wrong, path, status, said in (
            (True, None, "/livez", "200 OK", "ok"),
            (False, None, "/livez", "503 Service Unavailable", "nobody answers at the door"),
            (True, None, "/readyz", "200 OK", "ok"),
            (True, "stopping", "/readyz", "503 Service Unavailable", "stopping"),
        ):
            found, headers, body = self.asks(self.site(alive, wrong), path)
            self.assertEqual((found, body), (status, f"{said}\n"))
            self.assertEqual(headers["content-type"], "text/plain; charset=utf-8")
            self.assertEqual(headers["cache-control"], "no-store")

    def test_the_numbers_of_a_farm(self) -> None:
        """As Prometheus reads them."""
        farm = Farm()
        farm.arrives("Ana")
        site = watch(farm.factory, ())
        status, headers, body = self.asks(site, "/metrics")
        self.assertEqual((status, headers["content-type"]), ("200 OK", CONTENT_TYPE_LATEST))
        self.assertIn("\ngranja_farmers 1.0\n", body)
        self.assertEqual(self.asks(site, "/readyz")[2], "ok\n")
        self.assertEqual(self.asks(site, "/nothing")[0], "404 Not Found")

    def test_who_hangs_up_before_the_answer(self) -> None:
        """Nothing goes wrong."""
        looking: Deferred[bool] = Deferred()
        site = WatchSite(CollectorRegistry(), lambda: looking, lambda: None, [])
        channel: Any = site.buildProtocol(None)
        channel.makeConnection(StringTransport())
        channel.dataReceived(b"GET /livez HTTP/1.0\r\n\r\n")
        channel.connectionLost(Failure(ConnectionDone()))
        looking.callback(True)
        self.successResultOf(looking)

    def test_a_failure_of_ours_stands_in_the_log(self) -> None:
        def fails() -> str | None:
            raise OSError("no room")

        site = WatchSite(CollectorRegistry(), lambda: succeed(True), fails, [])
        self.assertEqual(self.asks(site, "/readyz")[0], "500 Internal Server Error")
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_what_is_timed_starts_and_stops_with_the_site(self) -> None:
        started = Started()
        site = WatchSite(CollectorRegistry(), lambda: succeed(True), lambda: None, [started])
        site.doStart()
        self.assertEqual(started.did, ["start"])
        site.doStop()
        self.assertEqual(started.did, ["start", "stop"])
