"""The operator's commands, and what they answer: from a request to JSON-ready data.

Moderators have the same in the chat.  The operator may do all of it, and to moderators too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any, Protocol

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja import __version__
from granja.contract import errors
from granja.contract.commands import LONGEST
from granja.contract.ids import FarmerId, OfferId
from granja.moderation.moderators import Moderators
from granja.moderation.order import Order
from granja.moderation.sanctions import Sanction, label, network_named
from granja.people.roster import Farmer, Roster
from granja.text import names
from granja.text.clean import clean, squeezed

Answer = dict[str, Any]

#: Reads the configuration anew: what has changed, or ConfigurationError.
Reread = Callable[[], Sequence[str]]


class Refused(Exception):
    """It cannot be done; the text is one sentence for the operator."""


class Lane(Protocol):
    @property
    def halted(self) -> bool: ...


class Market(Protocol):
    @property
    def registered(self) -> Mapping[FarmerId, str]: ...
    @property
    def offers(self) -> Mapping[OfferId, Any]: ...


class Freezing(Protocol):
    @property
    def frozen(self) -> bool: ...

    def set(self, by: Farmer | None, frozen: bool) -> Deferred[None]:
        """Stop or resume trading."""


class Presence(Protocol):
    def end_passes(self, farmer: Farmer) -> Deferred[None]:
        """No pass of theirs serves from here on; fails with NotStored or Halted."""


class Farm(Protocol):
    """What the console needs of a farm."""

    @property
    def connections(self) -> Sized: ...
    @property
    def freezing(self) -> Freezing: ...
    @property
    def lane(self) -> Lane: ...
    @property
    def market(self) -> Market: ...
    @property
    def moderators(self) -> Moderators: ...
    @property
    def order(self) -> Order: ...
    @property
    def presence(self) -> Presence: ...
    @property
    def roster(self) -> Roster: ...


class Errands:
    """:param farm: on which they are done.
    :param reread: reads the configuration anew, and says what has changed.
    """

    log = Logger()

    def __init__(self, farm: Farm, reread: Reread) -> None:
        self._farm = farm
        self._reread = reread
        self._begun = farm.order.seconds()
        self._table: dict[str, Callable[[_Request], Answer | Deferred[Answer]]] = {
            "status": self._status,
            "who": self._who,
            "kick": self._kick,
            "mute": self._mute,
            "ban": self._ban,
            "bans": self._bans,
            "unban": self._unban,
            "announce": self._announce,
            "passes": self._passes,
            "freeze": self._freeze,
            "thaw": self._thaw,
            "reload": self._reload,
        }

    def run(self, request: object) -> Deferred[Answer]:
        """Do what is asked.

        :param request: as JSON has it: ``do`` says what, the other fields are its arguments.
        :returns: fires with the answer: ``done``, a sentence, or what was asked for; or
            ``refused``, a sentence.  It does not fail.
        """
        running: Deferred[Any] = maybeDeferred(self._run, request)
        return running.addErrback(self._refuse)

    def _run(self, request: object) -> Answer | Deferred[Answer]:
        asked = _Request(request)
        errand = self._table.get(asked.text("do"))
        if errand is None:
            raise Refused("this server does not know that command")
        return errand(asked)

    def _refuse(self, failure: Failure) -> Answer:
        if failure.check(Refused):
            return {"refused": failure.getErrorMessage()}
        if failure.check(errors.NotStored):
            return {"refused": "it could not be stored; nothing changed"}
        if failure.check(errors.Halted):
            return {"refused": "the ledger has stopped; see the log, and restart the server"}
        self.log.failure("A command of the console failed", failure)
        return {"refused": "it failed; see the log of the server"}

    # -- looking ---------------------------------------------------------------------------------

    def _status(self, _: _Request) -> Answer:
        farm, order = self._farm, self._farm.order
        return {
            "version": __version__,
            "seconds": int(order.seconds() - self._begun),
            "farmers": len(farm.roster),
            "connections": len(farm.connections),
            "registered": len(farm.market.registered),
            "offers": len(farm.market.offers),
            "bans": len(order.bans.all(order.now())),
            "frozen": farm.freezing.frozen,
            "halted": farm.lane.halted,
        }

    def _who(self, _: _Request) -> Answer:
        return {"people": [self._person(farmer) for farmer in self._farm.roster]}

    def _person(self, farmer: Farmer) -> Answer:
        order = self._farm.order
        muted = farmer.mute is not None and farmer.mute.ends > order.now()
        return {
            "name": str(farmer),
            "registered": farmer.registered,
            "moderator": farmer.moderator,
            "address": farmer.address,
            "seconds": int(order.seconds() - farmer.since),
            "muted_until": farmer.mute.ends if muted and farmer.mute is not None else None,
        }

    def _bans(self, _: _Request) -> Answer:
        order = self._farm.order
        return {
            "bans": [
                {"whom": ban.whom, "until": ban.ends, "why": ban.why, "by": ban.by}
                for ban in order.bans.all(order.now())
            ]
        }

    # -- acting ----------------------------------------------------------------------------------

    def _kick(self, asked: _Request) -> Answer:
        name = asked.text("whom")
        farmer = self._farm.roster.find(name)
        if farmer is None:
            raise Refused(f"nobody in the chat is called {name}")
        self._farm.order.expel(None, farmer, asked.reason())
        return {"done": f"{farmer} was expelled"}

    def _announce(self, asked: _Request) -> Answer:
        text = clean(asked.text("text")).strip()
        if not text:
            raise Refused("there is nothing to announce")
        self._farm.order.announce(None, text)
        return {"done": "everybody in the chat was told"}

    def _mute(self, asked: _Request) -> Deferred[Answer]:
        name, seconds = asked.text("whom"), asked.seconds()
        farmer, order = self._farm.roster.person(name), self._farm.order
        if not seconds:
            return self._unmute(name, farmer)
        if farmer is None:
            raise Refused(f"nobody in the chat or registered is called {name}")
        _refuse_moderator(farmer)
        muted = order.mute(None, farmer, seconds, asked.reason())
        return muted.addCallback(lambda mute: _until(mute, f"{mute.whom} is muted"))

    def _unmute(self, name: str, farmer: Farmer | None) -> Deferred[Answer]:
        mute = self._farm.order.mute_of(name if farmer is None else str(farmer))
        if mute is None:
            raise Refused(f"{name} is not muted")
        done = self._farm.order.unmute(None, mute.whom, farmer)
        return done.addCallback(lambda _: {"done": f"{mute.whom} may speak"})

    def _ban(self, asked: _Request) -> Deferred[Answer]:
        whom, seconds, order = asked.text("whom"), asked.seconds(), self._farm.order
        network = network_named(whom)
        if not seconds:
            raise Refused("a ban needs a time; `unban` ends one")
        if network is not None and order.bears_a_proxy(network):
            raise Refused(f"{label(whom)} is a proxy's: everybody comes from there")
        said = self._bannable_name(whom) if network is None else label(whom)

        def done(ban: Sanction) -> Answer:
            order.enforce(ban)
            return _until(ban, f"{said} is banned")

        return order.ban(None, said, seconds, asked.reason()).addCallback(done)

    def _bannable_name(self, text: str) -> str:
        owner = self._farm.roster.meant(text)
        if owner is not None:
            _refuse_moderator(owner)
            return str(owner)
        if self._farm.moderators.is_one(text):
            raise Refused(f"{text} is a moderator's name")
        try:
            return str(names.parse(text))
        except errors.InvalidName:
            raise Refused(f"{text} is no network, and nobody can have it as a name") from None

    def _unban(self, asked: _Request) -> Deferred[Answer]:
        order, whom = self._farm.order, asked.text("whom")
        ban = order.bans.against(whom, order.now())
        if ban is None:
            raise Refused(f"{whom} is not banned; see `granja admin bans`")
        return order.pardon(None, ban).addCallback(lambda _: {"done": f"{ban.whom} may come in"})

    def _passes(self, asked: _Request) -> Deferred[Answer]:
        """End all passes of somebody, who stays where they are."""
        name = asked.text("whom")
        farmer = self._farm.roster.person(name)
        if farmer is None:
            raise Refused(f"nobody in the chat or registered is called {name}")
        done = self._farm.presence.end_passes(farmer)
        return done.addCallback(lambda _: {"done": f"no pass of {farmer} serves any more"})

    def _freeze(self, _: _Request) -> Deferred[Answer]:
        frozen = self._farm.freezing.set(None, True)
        return frozen.addCallback(lambda _: {"done": "trading has stopped"})

    def _thaw(self, _: _Request) -> Deferred[Answer]:
        thawed = self._farm.freezing.set(None, False)
        return thawed.addCallback(lambda _: {"done": "trading goes on"})

    def _reload(self, _: _Request) -> Answer:
        try:
            changed = list(self._reread())
        except errors.ConfigurationError as error:
            raise Refused(f"nothing was read anew: {error}") from None
        done = f"read anew; {'; '.join(changed) or 'nothing has changed'}"
        return {"done": done, "changed": changed}


class _Request:
    """The fields of a request, read as what they must be."""

    def __init__(self, fields: object) -> None:
        self._fields = fields if isinstance(fields, dict) else {}

    def text(self, field: str) -> str:
        """:raises Refused: when it is missing, or is no text."""
        value = self._fields.get(field)
        if not isinstance(value, str):
            raise Refused(f"the request has no {field}")
        return value

    def reason(self) -> str:
        """Why, as farmers may read it; empty if it is not said."""
        return squeezed(clean(self.text("why"))).strip() if "why" in self._fields else ""

    def seconds(self) -> int:
        """:raises Refused: when there are none."""
        value = self._fields.get("seconds")
        if not isinstance(value, int) or not 0 <= value <= LONGEST:
            raise Refused("the request has no time")
        return value


def _refuse_moderator(farmer: Farmer) -> None:
    if farmer.moderator:
        raise Refused(f"{farmer} is a moderator; take them from --moderator first")


def _until(sanction: Sanction, done: str) -> Answer:
    return {"done": done, "until": sanction.ends}
