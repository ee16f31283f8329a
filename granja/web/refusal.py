"""Refuses a request in one plain sentence."""

from __future__ import annotations

from http import HTTPStatus

from twisted.web.server import Request

from granja.contract.messages import SERVER, Message


def as_page(message: Message) -> bytes:
    """The response to a browser that we turn away before it has asked for anything."""
    body = f"{message.line().removeprefix(SERVER)}\n".encode()
    return (
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Retry-After: 60\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
    ) % (len(body), body)


def refuse(request: Request, status: int, sentence: str) -> bytes:
    """Set the response's status and type, and return its body.

    :param sentence: in Spanish, because a person may read it.
    """
    request.setResponseCode(status, HTTPStatus(status).phrase.encode())
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    return b"" if request.method == b"HEAD" else f"{sentence}\n".encode()
