"""The bus of a real nats-server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from granja.bus.interface import NoAnswer
from granja.bus.nats import NatsBus
from granja.bus.url import read_bus
from tests.support import certificates
from tests.support.logs import sentences
from tests.support.nats import MISSING, NatsServer

reactor: Any = real_reactor


class Real(TestCase):
    skip = MISSING or None
    timeout = 30

    def setUp(self) -> None:
        self.nats = NatsServer()
        self.nats.start()
        self.addCleanup(self.nats.kill)
        self.buses: list[NatsBus] = []

    async def bus(self, url: str = "") -> NatsBus:
        """Another node's end, as soon as it is up."""
        address = read_bus(url or self.nats.url)
        bus = NatsBus(reactor, address, "a test", f"inbox{len(self.buses)}")
        self.buses.append(bus)
        self.addCleanup(bus.close)
        bus.open()
        await self.until(bus, up=True)
        return bus

    async def until(self, bus: NatsBus, *, up: bool) -> None:
        if bus.up != up:
            changed: Deferred[None] = Deferred()
            bus.watch(lambda now: None if changed.called or now != up else changed.callback(None))
            await changed

    async def heard(self, bus: NatsBus, subject: str, count: int) -> list[bytes]:
        """Wait for ``count`` more messages.  After a reconnection they may come twice."""
        found: list[bytes] = []
        done: Deferred[None] = Deferred()

        def hear(data: bytes) -> None:
            found.append(data)
            if len(found) == count:
                done.callback(None)

        bus.subscribe(subject, hear)
        await bus.request("there.is.nobody", b"").addErrback(lambda _: b"")  # It is heard by now.
        self._ready.callback(None)
        await done
        return found

    async def test_what_one_publishes_all_others_hear_in_order(self) -> None:
        """It carries any bytes, even none or many, but not to the publisher."""
        one, two, three = await self.bus(), await self.bus(), await self.bus()
        own: list[bytes] = []
        one.subscribe("granja.talk", own.append)
        data = [b"", b"\r\nMSG x 1 3\r\n", b"x" * 500_000, *(b"%d" % n for n in range(200))]
        hearing = []
        for bus in (two, three):
            self._ready: Deferred[None] = Deferred()
            hearing.append(Deferred.fromCoroutine(self.heard(bus, "granja.talk", len(data))))
            await self._ready
        for item in data:
            one.publish("granja.talk", item)
        for found in hearing:
            self.assertEqual(await found, data)
        self.assertEqual(own, [])

    async def test_a_request_is_answered(self) -> None:
        """The node that listens there answers.  The bus asks nobody else."""
        one, two = await self.bus(), await self.bus()
        two.answer("granja.node.2", lambda data: data.upper())
        later: Deferred[bytes] = Deferred()
        two.answer("granja.node.2.later", lambda data: later)
        await two.request("there.is.nobody", b"").addErrback(lambda _: b"")
        asked = one.request("granja.node.2.later", b"hola")
        self.assertEqual(await one.request("granja.node.2", b"hola"), b"HOLA")
        self.assertFalse(asked.called)
        later.callback(b"when it is known")
        self.assertEqual(await asked, b"when it is known")

    async def test_what_is_too_large(self) -> None:
        """It is not sent, and the connection lives on.  A question has its answer at once."""
        one, two = await self.bus(), await self.bus()
        lost: list[bool] = []
        for bus in (one, two):
            bus.watch(lost.append)
        two.answer("granja.node.2", lambda data: b"x" * 2_000_000)
        two.answer("granja.node.2.small", lambda data: b"small")
        await two.request("there.is.nobody", b"").addErrback(lambda _: b"")
        one.publish("granja.talk", b"x" * 2_000_000)
        await self.assertFailure(one.request("granja.node.2", b"x" * 2_000_000, 20.0), NoAnswer)
        await self.assertFailure(one.request("granja.node.2", b"", 0.1), NoAnswer)
        self.assertEqual(await one.request("granja.node.2.small", b""), b"small")
        self.assertNotIn(False, lost)

    async def test_where_nobody_answers(self) -> None:
        """It fails at once where nobody is, and in time where somebody is silent."""
        one, two = await self.bus(), await self.bus()
        await self.assertFailure(one.request("granja.node.9", b"", 20.0), NoAnswer)
        one.answer("granja.node.1", lambda data: data)
        await self.assertFailure(one.request("granja.node.1", b"", 0.05), NoAnswer)
        two.subscribe("granja.node.2", lambda _: None)
        await two.request("there.is.nobody", b"").addErrback(lambda _: b"")
        await self.assertFailure(one.request("granja.node.2", b"", 0.05), NoAnswer)
        two.withdraw("granja.node.2")
        await two.request("there.is.nobody", b"").addErrback(lambda _: b"")
        await self.assertFailure(one.request("granja.node.2", b"", 20.0), NoAnswer)

    async def test_a_server_that_dies_and_comes_back(self) -> None:
        """We hear all our subjects again."""
        one, two = await self.bus(), await self.bus()
        two.answer("granja.node.2", lambda data: data)
        waiting = one.request("granja.node.3", b"")
        self.nats.kill()
        await self.until(one, up=False)
        await self.assertFailure(waiting, NoAnswer)
        await self.assertFailure(one.request("granja.node.2", b""), NoAnswer)
        one.publish("granja.talk", b"lost")
        self.nats.start()
        await self.until(one, up=True)
        await self.until(two, up=True)
        self.assertEqual(await one.request("granja.node.2", b"hola"), b"hola")

    async def test_a_server_that_does_nothing_any_more(self) -> None:
        """It is away when it does not answer a ping, and back by itself."""
        one = await self.bus()
        self.nats.pause()
        await self.until(one, up=False)
        self.nats.resume()
        await self.until(one, up=True)

    async def test_a_bus_that_is_not_there_yet(self) -> None:
        """We wait for it, and the log says so once."""
        self.nats.kill()
        said = sentences(self)
        bus = NatsBus(reactor, read_bus(self.nats.url), "a test", "inbox")
        self.addCleanup(bus.close)
        bus.open()
        await deferLater(reactor, 0.3, lambda: None)
        self.assertFalse(bus.up)
        self.nats.start()
        await self.until(bus, up=True)
        away, there = said
        self.assertIn("cannot be reached", away)
        self.assertIn("is there.", there)

    def guarded(self, *hosts: str) -> NatsServer:
        """A server that wants TLS.  An authority that this machine trusts says it is these."""
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        authority = certificates.make("a test", ca=True)
        pair = certificates.make(*hosts, issuer=authority)
        options = []
        for option, data in (("tlscert", pair.certificate), ("tlskey", pair.key)):
            path = folder / option
            path.write_bytes(data)
            options += [f"--{option}", str(path)]
        trusted = folder / "trusted"
        trusted.write_bytes(authority.certificate)
        self.addCleanup(os.environ.update, {**os.environ})
        self.addCleanup(os.environ.pop, "SSL_CERT_FILE", None)
        os.environ["SSL_CERT_FILE"] = str(trusted.absolute())
        return NatsServer("--tls", *options)

    async def test_tls(self) -> None:
        """Everything is encrypted, and the server is who it should be."""
        with self.guarded("127.0.0.1") as server:
            one, two = [await self.bus(server.url.replace("nats:", "tls:")) for _ in range(2)]
            two.answer("granja.node.2", lambda data: data.upper())
            await two.request("there.is.nobody", b"").addErrback(lambda _: b"")
            question = b"hola" * 100_000
            self.assertEqual(await one.request("granja.node.2", question), question.upper())

    async def test_tls_of_somebody_else(self) -> None:
        """We tell them nothing, and wait for the right one."""
        with self.guarded("bus.example.org") as server:
            bus = NatsBus(reactor, read_bus(server.url.replace("nats:", "tls:")), "a test", "other")
            self.addCleanup(bus.close)
            bus.open()
            await deferLater(reactor, 0.3, lambda: None)
            self.assertFalse(bus.up)

    async def test_a_login(self) -> None:
        """With the right login the bus is up.  With a wrong one it is not, and the log keeps it
        secret."""
        guarded = NatsServer("--user", "granja", "--pass", "s3creta", login="granja:s3creta@")
        with guarded:
            await self.bus(guarded.url)
            wrong = read_bus(guarded.url.replace("s3creta", "otra-cosa"))
            self.assertNotIn("otra", f"{wrong} {wrong!r}")
            bus = NatsBus(reactor, wrong, "a test", "other")
            self.addCleanup(bus.close)
            bus.open()
            await deferLater(reactor, 0.3, lambda: None)
            self.assertFalse(bus.up)
