"""Who may not speak for a while (PROTOCOL §7, ``:callar``)."""

from __future__ import annotations

from granja.contract import errors
from granja.people.roster import Farmer


def refuse_the_muted(me: Farmer, now: float) -> None:
    """Called for whoever has a mute, when they speak.

    :param now: the time on the wall, in Unix seconds.
    :raises Muted: until it is over.
    """
    mute = me.mute
    if mute is None:
        return
    if mute.ends <= now:
        me.mute = None
    else:
        raise errors.Muted(mute.said(now), mute.why)
