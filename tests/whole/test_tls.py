"""Over TLS people are heard as over TCP, and half-closed input loses no replies."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.support.certificates import make, rsa_key
from tests.support.folders import folder_for
from tests.support.ports import free_port
from tests.support.server import PATIENCE, Server, run_to_the_end


def _talk(plain: socket.socket, certificate: Path, lines: bytes, *, notify: bool) -> str:
    """Say lines, end the own direction only, and hear everything.

    By hand, with memory for a network, because Python's TLS sockets end both directions at once.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=str(certificate))
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    heard, said = b"", False
    while True:
        try:
            if not said:
                tls.do_handshake()
                tls.write(lines)
                said = True
                _end(tls, plain, outgoing, notify)
            while data := tls.read(65536):
                heard += data
            break
        except ssl.SSLWantReadError:
            if outgoing.pending:
                plain.sendall(outgoing.read())
            data = plain.recv(65536)
            if data:
                incoming.write(data)
            else:
                incoming.write_eof()
        except ssl.SSLError:
            break  # The end, as this library sees it after the own close_notify.
    plain.close()
    return heard.decode()


def _end(tls: ssl.SSLObject, plain: socket.socket, out: ssl.MemoryBIO, notify: bool) -> None:
    if notify:
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.unwrap()
    plain.sendall(out.read())
    if not notify:
        plain.shutdown(socket.SHUT_WR)


class OverTLS(SynchronousTestCase):
    """Both of Twisted's TLS endpoints, with a real server and real clients."""

    def setUp(self) -> None:
        self.folder = folder_for(self)
        self.certificate = make("localhost").put(self.folder / "cert.pem")
        self.port = free_port()

    def ssl_server(self) -> Server:
        listen = f"ssl:{self.port}:interface=127.0.0.1"
        listen += f":privateKey={self.certificate}:certKey={self.certificate}"
        return Server("--listen", listen, "--rate", "2/4")

    LINES = b"Ana\n6\nsi\n:artefactos\n:u\n:artefacto 22\n"
    LAST = "[SERVER] El artefacto es: Trocitos de cristal\r\n"

    def test_a_close_notify_loses_no_replies(self) -> None:
        """Neither those at once nor those that the rate makes wait."""
        with self.ssl_server():
            plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
            heard = _talk(plain, self.certificate, self.LINES, notify=True)
        self.assertTrue(heard.endswith(self.LAST), heard)

    def test_an_end_of_tcp_loses_no_replies(self) -> None:
        """There is no close_notify, as with clients that half-close the socket below."""
        with self.ssl_server():
            plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
            heard = _talk(plain, self.certificate, self.LINES, notify=False)
        self.assertTrue(heard.endswith(self.LAST), heard)

    def test_who_goes_before_the_handshake_leaves_nothing_behind(self) -> None:
        """A port scan or a health check of a load balancer: no descriptor stays open."""
        with self.ssl_server() as server:
            assert server.process is not None
            descriptors = Path(f"/proc/{server.process.pid}/fd")
            if not descriptors.exists():
                raise SkipTest("this system does not list descriptors")
            before = len(list(descriptors.iterdir()))
            for hello in (b"", b"\x16\x03\x01\x02\x00"):
                for _ in range(5):
                    with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as scan:
                        scan.sendall(hello)
            late = server.dial().arrives("Ana")  # who comes after them, and may be read before them
            self.addCleanup(late.close)
            deadline = time.monotonic() + PATIENCE
            while len(list(descriptors.iterdir())) > before + 1:
                self.assertLess(time.monotonic(), deadline, "they are still open")
                late.types(":u")
                late.hears()

    def test_the_tls_endpoint_and_openssl(self) -> None:
        """``tls:FOLDER``, spoken to by ``openssl s_client``, which half-closes TCP."""
        openssl = shutil.which("openssl")
        if openssl is None:
            raise SkipTest("there is no openssl here")
        pem = self.folder / "pem"
        pem.mkdir()
        shutil.copy(self.certificate, pem / "localhost.pem")
        with Server("--listen", f"tls:{pem}:{self.port}:interface=127.0.0.1"):
            done = subprocess.run(
                [
                    *(openssl, "s_client", "-quiet", "-servername", "localhost"),
                    *("-connect", f"127.0.0.1:{self.port}"),
                ],
                input=b"Ana\n6\nsi\n:u\n:q\n",
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
        heard = done.stdout.decode()
        self.assertIn("[SERVER] Usuarios conectados: Ana\r\n", heard)
        self.assertTrue(heard.endswith("¡Adiós y suerte completando tu colección!\r\n"), heard)


#: Makes the kernel refuse code from run time, as ``MemoryDenyWriteExecute=yes`` does.
HARDENED = """
import ctypes
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):
    raise SystemExit("no such protection")
"""


class StartTests(SynchronousTestCase):
    """A server that could not shake hands does not start."""

    def setUp(self) -> None:
        self.folder = folder_for(self)

    def refusal(self, *options: str) -> str:
        status, printed = run_to_the_end(*options, "--ledger", "memory:", folder=str(self.folder))
        self.assertNotEqual(status, 0)
        self.assertNotIn("Traceback", printed)
        return printed.replace("\n", " ")

    def test_a_certificate_that_openssl_refuses(self) -> None:
        """For the chat as for the page, at both kinds of endpoint."""
        path = make("localhost", key=rsa_key(1024)).put(self.folder / "a.pem")
        for option in ("--listen", "--web"):
            for listen in (f"ssl:5556:privateKey={path}", f"tls:{self.folder}:5556"):
                printed = self.refusal(option, listen)
                self.assertIn(f"cannot listen on {listen}: OpenSSL refuses the cert", printed)
                self.assertIn("key too small", printed)

    def test_a_certificate_without_its_key(self) -> None:
        path = self.folder / "a.pem"
        path.write_bytes(make("localhost").certificate)
        self.assertIn("there is no private key", self.refusal("--listen", f"ssl:5556:{path}"))
        self.assertIn("has no key", self.refusal("--web", f"tls:{self.folder}:5556"))

    def test_a_hardened_unit(self) -> None:
        """The server has one certificate.  To choose among several, it would need what the unit
        forbids."""
        path = make("localhost").put(self.folder / "a.pem")
        port = free_port()
        listen = f"ssl:{port}:interface=127.0.0.1:privateKey={path}"
        try:
            with Server("--listen", listen, prelude=HARDENED, folder=str(self.folder)):
                plain = socket.create_connection(("127.0.0.1", port), PATIENCE)
                heard = _talk(plain, path, b"Ana\n6\nsi\n:u\n", notify=True)
                self.assertTrue(heard.endswith("Usuarios conectados: Ana\r\n"), heard)
            make("other").put(self.folder / "b.pem")
            several = f"tls:{self.folder}:{port}"
            with Server("--listen", several, prelude=HARDENED, folder=str(self.folder)):
                self.fail("it starts")
        except AssertionError as error:
            if "no such protection" in str(error):
                raise SkipTest("this kernel has no such protection") from None
            self.assertIn("MemoryDenyWriteExecute", str(error))
            self.assertNotIn("Traceback", str(error))
