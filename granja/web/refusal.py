"""Refusing a request in one plain sentence."""

from __future__ import annotations

from http import HTTPStatus

from twisted.web.server import Request


def refuse(request: Request, status: int, sentence: str) -> bytes:
    """Set the response's status and type; return its body.

    :param sentence: in Spanish: a person may read it.
    """
    request.setResponseCode(status, HTTPStatus(status).phrase.encode())
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    return f"{sentence}\n".encode()
