"""Moments: how we write a time, in the server's time zone.  The time arrives as an argument."""

from __future__ import annotations

from datetime import datetime


def stamp(time: float, now: float) -> str:
    """When something was said: ``14:05``, or on another day ``26/11 14:05`` (PROTOCOL §3).

    :param time: Unix seconds.
    :param now: Unix seconds of the present moment.
    """
    moment, today = datetime.fromtimestamp(time), datetime.fromtimestamp(now)
    day = "" if moment.date() == today.date() else f"{moment.day}/{moment.month} "
    return f"{day}{moment:%H:%M}"


def until(time: float, now: float) -> str:
    """When something ends: ``14:35``, ``14:35 del 3/12``, in another year ``14:35 del 3/12/2027``
    (PROTOCOL §7).

    :param time: Unix seconds.
    :param now: Unix seconds of the present moment.
    """
    moment, today = datetime.fromtimestamp(time), datetime.fromtimestamp(now)
    if moment.date() == today.date():
        return f"{moment:%H:%M}"
    year = "" if moment.year == today.year else f"/{moment.year}"
    return f"{moment:%H:%M} del {moment.day}/{moment.month}{year}"


def in_full(time: float) -> str:
    """A time for the log: ``2026-12-03 14:35``.

    :param time: Unix seconds.
    """
    return f"{datetime.fromtimestamp(time):%Y-%m-%d %H:%M}"
