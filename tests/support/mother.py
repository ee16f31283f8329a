"""The script of the process that :mod:`tests.support.nursery` forks servers from.

``python mother.py DESCRIPTOR MODULE…`` imports the modules, and reads requests from the
``SOCK_SEQPACKET`` socket of that number until it is closed at the other end.  A request is a JSON
list of program, arguments, folder and environment, with two descriptors: where the output goes,
and a socket on which she tells the process number, with a descriptor of the process, and at the
end the exit status.
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import signal
import socket
import sys

#: The longest request in bytes: a program and an environment.
REQUEST = 1 << 20


class Mother:
    """:param line: where requests come from."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._watched = selectors.DefaultSelector()
        self._watched.register(line, selectors.EVENT_READ)
        #: By the descriptor of each process: its number, and where its end is told.
        self._children: dict[int, tuple[int, socket.socket]] = {}

    def serve(self) -> str:
        """Fork a child for each request, and tell of its end.

        :returns: in a child, the program that it runs.
        :raises SystemExit: in the mother, when nobody can ask any more.
        """
        while True:
            for key, _ in self._watched.select():
                if key.fd != self._line.fileno():
                    self._tell_the_end(key.fd)
                elif (program := self._answer()) is not None:
                    return program

    def _answer(self) -> str | None:
        request, descriptors, _, _ = socket.recv_fds(self._line, REQUEST, 2)
        if not request:
            raise SystemExit
        output, told = descriptors
        farewell = socket.socket(fileno=told)
        child = os.fork()
        if not child:
            farewell.close()
            self._forget()
            return begin(request, output)
        os.close(output)
        process = os.pidfd_open(child)
        self._children[process] = child, farewell
        self._watched.register(process, selectors.EVENT_READ)
        socket.send_fds(farewell, [str(child).encode()], [process])
        return None

    def _tell_the_end(self, process: int) -> None:
        child, farewell = self._children.pop(process)
        self._watched.unregister(process)
        os.close(process)
        _, status = os.waitpid(child, 0)
        with farewell:
            try:
                farewell.send(str(os.waitstatus_to_exitcode(status)).encode())
            except BrokenPipeError:
                return  # The test that wanted it is over.

    def _forget(self) -> None:
        """Close what is the mother's, in a child."""
        self._watched.close()
        self._line.close()
        for process, (_, farewell) in self._children.items():
            os.close(process)
            farewell.close()


def begin(request: bytes, output: int) -> str:
    """Make this process what a request asks for.  Returns the program."""
    program, arguments, folder, environment = json.loads(request)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = ["-c", *arguments]  # The very list: ``twist`` took it when it was imported.
    return str(program)


if __name__ == "__main__":
    sys.path[0] = ""  # As ``python -c`` has it, and not this script's folder.
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the tests, and they end her.
    line = socket.socket(fileno=int(sys.argv[1]))
    for module in sys.argv[2:]:
        importlib.import_module(module)
    assert "twisted.internet.reactor" not in sys.modules, "each child installs a reactor of its own"
    exec(compile(Mother(line).serve(), "<string>", "exec"), {"__name__": "__main__"})
