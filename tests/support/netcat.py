"""A farmer who connects with netcat."""

from __future__ import annotations

import selectors
import shutil
import subprocess
import time

from tests.support.server import PATIENCE

NETCAT = shutil.which("nc")


class Netcat:
    """A real ``nc`` process.  The test writes to one pipe and reads from another."""

    def __init__(self, port: int) -> None:
        assert NETCAT is not None
        self._process = subprocess.Popen(
            [NETCAT, "127.0.0.1", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._hands, self._eyes = self._process.stdin, self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._eyes, selectors.EVENT_READ)
        self._seen = ""

    def types(self, *lines: str) -> None:
        self._hands.write("".join(f"{line}\n" for line in lines).encode())
        self._hands.flush()

    def sees(self, text: str) -> None:
        """Wait until ``text`` is on the terminal, and forget everything up to it."""
        deadline = time.monotonic() + PATIENCE
        while text not in self._seen:
            if not self._selector.select(deadline - time.monotonic()):
                raise AssertionError(f"not seen: {text!r}, but {self._seen!r}")
            data = self._eyes.read1(65536)  # type: ignore[attr-defined]
            if not data:
                raise AssertionError(f"closed without: {text!r}, but {self._seen!r}")
            self._seen += data.decode()
        self._seen = self._seen.split(text, 1)[1]

    def arrives(self, name: str, artifacts: str = "") -> Netcat:
        self.types(name, artifacts, "si")
        self.sees("¡OK!")
        return self

    def close(self) -> None:
        self._selector.close()
        self._process.kill()
        self._process.wait()
        self._hands.close()
        self._eyes.close()
