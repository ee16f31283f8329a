"""The service that twistd runs: starts what is needed, in order, and ends it in order."""

from __future__ import annotations

import gc
import resource
import select
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NoReturn

from twisted.application.service import Service
from twisted.internet.defer import Deferred, TimeoutError, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.logger import FileLogObserver, ILogObserver, Logger
from twisted.python.components import Componentized
from twisted.python.failure import Failure

from granja.contract.errors import ConfigurationError
from granja.factory import GranjaFactory
from granja.health.supervised import Supervised
from granja.ledger.interface import LedgerRefused
from granja.operations.logfile import Later
from granja.operations.rereading import Rereading
from granja.reactor.descriptors import count_descriptors, for_connections
from granja.reactor.half_close import close_by_halves
from granja.reactor.header_first import expect_header
from granja.reactor.heap import Heap
from granja.reactor.reading import Intake
from granja.reactor.renewing import Renewal
from granja.reactor.signals import heed
from granja.reactor.sockets import prepare
from granja.reactor.tls_contexts import Certificates
from granja.reactor.vigil import Vigil
from granja.text import names
from granja.text.printable import printable
from granja.wire.addresses import address_of

#: Seconds at a shutdown for work that has begun, and again for the closing.
PATIENCE = 5.0

#: The collector looks again when there are this many more objects than at its last look.
OBJECTS_PER_COLLECTION = 10_000


Wrap = Callable[[GranjaFactory], IProtocolFactory]


def as_it_is(farm: GranjaFactory) -> IProtocolFactory:
    """The farm itself: it answers at a plain endpoint."""
    return farm


class CannotStart(SystemExit, Exception):
    """Ends the process with status 1 and without a traceback.

    It is a SystemExit, because Python prints a traceback for anything else.  It is an Exception
    too: a daemonizing ``twistd`` catches that and tells the foreground process, which waits.  With
    a bare SystemExit the foreground process would wait for ever.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.code = 1


class Doorway:
    """An endpoint to listen on, the operator's words for it, and what answers there.

    ``certificates``: of an ``ssl:`` or ``tls:`` endpoint.  ``proxied``: whether a PROXY header
    comes first.
    """

    def __init__(
        self,
        description: str,
        endpoint: IStreamServerEndpoint,
        wrap: Wrap,
        certificates: Certificates | None = None,
        *,
        proxied: bool = False,
    ) -> None:
        self.description = description
        self.endpoint = endpoint
        self.wrap = wrap
        self.certificates = certificates
        self.proxied = proxied


class GranjaService(Service):
    """Runs a farm.

    :param open_farm: makes the factory.  It opens the ledger, so we call it after daemonizing.
    :param rereading: done at each SIGHUP.
    :param supervised: hears when the service starts, rereads and stops.
    :param log_file: where ``twistd`` logs to; None leaves that to the runner.
    :param plain_ports: we add the ports where the question comes by itself.

    ``farm``: the factory, once the service has started.  ``ports``: the ports that it listens on.
    """

    log = Logger()

    def __init__(
        self,
        open_farm: Callable[[], GranjaFactory],
        doorways: Iterable[Doorway],
        rereading: Rereading,
        supervised: Supervised,
        log_file: Later | None = None,
        plain_ports: list[IListeningPort] | None = None,
    ) -> None:
        self.farm: GranjaFactory | None = None
        self.ports: list[IListeningPort] = []
        self._plain_ports = plain_ports if plain_ports is not None else []
        self._open_farm = open_farm
        self._rereading = rereading
        self._supervised = supervised
        self._log_file = log_file
        self._doorways = list(doorways)
        self._refusal = ""
        self._intake: Intake | None = None
        self._vigil: Vigil | None = None
        self._renewal: Renewal | None = None
        self._heap: Heap | None = None

    def setServiceParent(self, parent: Any) -> None:  # noqa: N802
        """Tell the application of ``twistd`` where to log to: it asks when it starts to log."""
        super().setServiceParent(parent)  # type: ignore[no-untyped-call]
        if self._log_file is not None and isinstance(parent, Componentized):
            file: Any = self._log_file
            parent.setComponent(ILogObserver, FileLogObserver(file, file.form))

    @property
    def certificates(self) -> list[Certificates]:
        """The certificates of all endpoints that have some."""
        return [d.certificates for d in self._doorways if d.certificates is not None]

    def privilegedStartService(self) -> None:  # noqa: N802
        """Listen while low ports are allowed (``twistd`` gives up its privileges after this)."""
        self._start()

    def startService(self) -> None:  # noqa: N802
        """Start under ``twist``, which has no privileged part."""
        Service.startService(self)
        self._start()

    def _start(self) -> None:
        if self.farm is not None:
            return
        if self._log_file is not None:
            self._log_file.begin()  # The process is a daemon by now.
        raise_descriptor_limit()
        names.parse("Íñigo")  # This reads the Unicode tables now, not while a farmer waits.
        try:
            self.farm = self._open_farm()
        except (LedgerRefused, ConfigurationError) as error:
            self._give_up(str(error))
        # First in the lane: what a crash left behind is on record before anybody arrives.
        self.farm.presence.attendance.reconcile()
        self.farm.doorkeeper.descriptors.most = for_connections()
        if hasattr(select, "epoll"):
            self._intake = Intake(self.farm.clock, self.farm.board.time, self.farm.complaints.note)
            self._vigil = Vigil(self.farm.clock, self._intake.connections)
        self._heap = Heap(self.farm.clock)
        for doorway in self._doorways:
            self._listen(doorway, self.farm, self._heap)
        spare_the_collector()
        self._renewal = Renewal(self.certificates, self.farm.clock)
        self._renewal.start()
        self.farm.clock.callLater(0, self._supervised.started)
        heed(self.farm.clock, reread=self._reread, hurry=self.farm.hurry)

    def _listen(self, doorway: Doorway, farm: GranjaFactory, heap: Heap) -> None:
        listening = doorway.endpoint.listen(doorway.wrap(farm))
        listening.addCallback(self._listening, doorway, farm, heap)
        listening.addErrback(self._cannot_listen, doorway)
        # Not in the callback: a Deferred would keep the SystemExit to itself.
        if self._refusal:
            farm.ledger.close()
            self._close_intake()
            self._give_up(self._refusal)

    def _listening(
        self, port: IListeningPort, doorway: Doorway, farm: GranjaFactory, heap: Heap
    ) -> None:
        close_by_halves(port, heap.changed)
        prepare(port)
        if doorway.proxied:
            _expect_header(port, farm)
        count_descriptors(port, farm.doorkeeper.descriptors)
        if self._intake is not None:
            self._intake.serve(port)
        self.ports.append(port)
        self.log.info("Listening on {at}{where}.", at=doorway.description, where=_where(port))
        if doorway.wrap is as_it_is and not doorway.proxied:
            self._plain_ports.append(port)

    def _cannot_listen(self, failure: Failure, doorway: Doorway) -> None:
        why: object = failure.value
        if isinstance(why, CannotListenError):
            why = why.socketError
        if isinstance(why, OSError):
            why = why.strerror
        elif why == "Cannot acquire lock":  # Twisted's words for the lock of a unix socket.
            why = "another server listens there"
        self._refusal = f"cannot listen on {doorway.description}: {why}"

    def _give_up(self, sentence: str) -> NoReturn:
        """Tell the operator one sentence, in the log and at the terminal, and end with status 1."""
        sentence = printable(sentence)  # It may quote a ledger that somebody else wrote.
        self.log.critical("{sentence}", sentence=sentence)
        if sys.__stderr__ is not None:
            sys.__stderr__.write(f"granja: {sentence}\n")
        raise CannotStart(sentence)

    def _reread(self) -> None:
        """Reread the configuration at SIGHUP (PROTOCOL §6)."""
        if self.farm is not None:
            self._supervised.rereading()
            with suppress(ConfigurationError):  # The log says it.
                self._rereading.reread(self.farm)
            self._supervised.reread()

    # -- the end -------------------------------------------------------------------------------

    def stopService(self) -> Deferred[None]:  # noqa: N802
        """Finish what has begun, say goodbye to everybody, then end (PROTOCOL §6)."""
        Service.stopService(self)
        farm, self.farm = self.farm, None
        self._supervised.stopping()
        if self._renewal is not None:
            self._renewal.stop()
        if self._heap is not None:
            self._heap.stop()
        return Deferred.fromCoroutine(self._stop(farm)) if farm else succeed(None)

    async def _stop(self, farm: GranjaFactory) -> None:
        for port in self.ports:
            await maybeDeferred(port.stopListening)
        await _patiently(farm.finish_begun(), farm)
        farm.say_goodbye()
        await _patiently(farm.when_empty(), farm)
        await farm.close()
        self._close_intake()
        if self._log_file is not None:
            self._log_file.finish()

    def _close_intake(self) -> None:
        if self._vigil is not None:
            self._vigil.stop()
        if self._intake is not None:
            self._intake.close()
            self._intake = None


def _expect_header(port: IListeningPort, farm: GranjaFactory) -> None:
    def believes(peer: IAddress) -> bool:
        return farm.settings.proxies.believes(address_of(peer))

    def complain(peer: IAddress, why: str) -> None:
        farm.complaints.note(f"Closed a connection from {address_of(peer)}: {why}")

    expect_header(port, farm.clock, believes, complain)


def _where(port: IListeningPort) -> str:
    """The address, which the system may have chosen."""
    here = port.getHost()
    host, number = getattr(here, "host", None), getattr(here, "port", None)
    return "" if host is None or number is None else f" (address {host}, port {number})"


async def _patiently(waited: Deferred[None], farm: GranjaFactory) -> None:
    """Wait for a limited time: a client that does not read must not keep the server up."""
    with suppress(TimeoutError):
        await waited.addTimeout(PATIENCE, farm.clock)


def raise_descriptor_limit() -> None:
    """Allow as many descriptors as the system lets us: every farmer needs one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def spare_the_collector() -> None:
    """Make the garbage collector look less often, and never at the objects of the start.

    To look at those takes long, and nobody is heard in that time.  Python's own threshold of 700
    objects is too low: some trades in progress have as many (docs/performance/choices.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_PER_COLLECTION, *gc.get_threshold()[1:])
