"""Ports of loopback for servers of tests."""

from __future__ import annotations

import atexit
import socket
from collections import deque

#: So many ports are kept: more than the tests that run at a time need.
MOST_KEPT = 64

_kept: deque[socket.socket] = deque()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that stays free until a server of this test listens there.

    A socket that is bound, and never listens, keeps it.  The system gives such a port to nobody
    who asks for any port, whether to listen or to call from there.  A server that asks for this
    port, and sets ``SO_REUSEADDR`` as all do, gets it.
    """
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    _kept.append(keeper)
    if len(_kept) > MOST_KEPT:
        _kept.popleft().close()
    return int(keeper.getsockname()[1])


@atexit.register
def _give_back() -> None:
    while _kept:
        _kept.pop().close()
