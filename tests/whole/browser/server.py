"""A real server with the page."""

from __future__ import annotations

import socket
import time

from tests.support.server import PATIENCE


def wait_until_it_listens(port: int) -> None:
    """The page's port opens a moment after the lines' port."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)  # Between two looks; there is nothing to be told by.
    raise AssertionError(f"nobody listens on {port}")
