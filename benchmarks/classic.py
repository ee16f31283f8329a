"""The classic chat server of a course: a thread a client, one lock, one list, one send a client.

``python classic.py PORT [quiet]``.  The wire format is that of ``native/fanout.c``.  The first line
is the name: "ok" answers it, and "+name" tells the others unless ``quiet``.  All other lines are
talk, or a whisper: ``:p name text``.
"""

from __future__ import annotations

import socket
import sys
import threading


class ClassicServer:
    """Holds the clients by name.  One lock is held while a line goes to everybody."""

    def __init__(self, announce: bool) -> None:
        self.announce = announce
        self.lock = threading.Lock()
        self.clients: dict[bytes, socket.socket] = {}

    def tell_others(self, name: bytes, line: bytes) -> None:
        with self.lock:
            for other, connection in self.clients.items():
                if other != name:
                    self.send(connection, line)

    def send(self, connection: socket.socket, line: bytes) -> None:
        try:
            connection.sendall(line)
        except OSError:
            connection.close()  # Its own thread notices this and takes it off the list.

    def arrive(self, name: bytes, connection: socket.socket) -> None:
        connection.sendall(b"ok\r\n")
        if self.announce:
            self.tell_others(name, b"+" + name + b"\r\n")
        with self.lock:
            self.clients[name] = connection

    def obey(self, name: bytes, line: bytes) -> None:
        if not line.startswith(b":p "):
            self.tell_others(name, name + b": " + line + b"\r\n")
            return
        _, to, text = line.split(b" ", 2)
        with self.lock:
            self.send(self.clients[to], name + b" te susurra: " + text + b"\r\n")

    def attend(self, connection: socket.socket) -> None:
        """Run one client's thread: read its name, then its lines until it leaves."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as lines:
            name = lines.readline().strip()
            self.arrive(name, connection)
            try:
                for line in lines:
                    self.obey(name, line.rstrip(b"\r\n"))
            except OSError:
                pass  # The client is gone: the code below takes it off the list.
            with self.lock:
                self.clients.pop(name, None)


def serve(server: ClassicServer, port: int) -> None:
    """Accept connections for ever, and give each one a thread."""
    threading.stack_size(256 * 1024)
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=server.attend, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    serve(ClassicServer(announce="quiet" not in sys.argv[2:]), int(sys.argv[1]))
