"""Errands: the operator's commands and their answers, from a request to data for JSON.

Moderators have the same commands in the chat.  The operator may use all of them, also against
moderators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from granja import __version__
from granja.console.drain import Drain
from granja.console.farm import Farm
from granja.console.request import Refused, Request
from granja.contract import errors
from granja.ledger.interface import IForgetful
from granja.ledger.snapshot import fingerprint
from granja.moderation.acts import Act
from granja.moderation.sanctions import Sanction, label, network_named
from granja.people.roster import Farmer
from granja.text import names
from granja.text.clean import clean

Answer = dict[str, Any]

#: Errands that each node does for itself.  The others are done once for the whole farm.  Some, such
#: as passwords, must never travel on the bus.
_OF_A_NODE: Final = ("status", "fingerprint", "who", "drain", "reload")

#: Bytes of a password that nobody hears.
_SECRET: Final = 32

#: Reads the configuration again, and returns what has changed; or raises ConfigurationError.
Reread = Callable[[], Sequence[str]]


class Nodes(Protocol):
    """The nodes of a farm.  ``name``: of this one."""

    @property
    def name(self) -> str: ...

    def ask(self, wanted: str, request: object) -> Deferred[Answer]:
        """Have an errand done at the node of that name, or at ``all``; it does not fail."""


class Errands:
    """:param farm: the farm of the errands.
    :param reread: reads the configuration again, and returns what has changed.
    :param end: ends the process properly.
    :param nodes: passes errands on to other nodes; None for a farm without nodes.
    """

    log = Logger()

    def __init__(
        self, farm: Farm, reread: Reread, end: Callable[[], None], nodes: Nodes | None = None
    ) -> None:
        self._farm = farm
        self._nodes = nodes
        self._drain = Drain(farm, end)
        self._reread = reread
        self._begun = farm.order.seconds()
        self._table: dict[str, Callable[[Request], Answer | Deferred[Answer]]] = {
            "status": self._status,
            "fingerprint": self._fingerprint,
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
            "drain": self._empty,
            "password": self._password,
            "release": self._release,
            "forget": self._forget,
        }

    def run(self, request: object) -> Deferred[Answer]:
        """Do an errand.

        :param request: as JSON has it: ``do`` names the errand, the other fields are its arguments.
        :returns: fires with the answer: ``done``, a sentence; or what was asked for; or
            ``refused``, a sentence.  It does not fail.
        """
        running: Deferred[Any] = maybeDeferred(self._run, request)
        return running.addErrback(self._refuse)

    def _run(self, request: object) -> Answer | Deferred[Answer]:
        asked = Request(request)
        do = asked.text("do")
        errand = self._table.get(do)
        if errand is None:
            raise Refused("this server does not know that command")
        return self._pass_on(asked, do) if asked.has("node") else errand(asked)

    def _pass_on(self, asked: Request, do: str) -> Deferred[Answer]:
        """Have an errand done at another node, or at all nodes."""
        if self._nodes is None:
            raise Refused("this farm has no nodes: its ledger is its own")
        if do not in _OF_A_NODE:
            raise Refused(f"{do} is for the whole farm, whichever node does it: leave --node out")
        return self._nodes.ask(asked.text("node"), asked.without("node"))

    def _refuse(self, failure: Failure) -> Answer:
        if failure.check(Refused):
            return {"refused": failure.getErrorMessage()}
        if failure.check(errors.NotStored, errors.CannotEnter):
            return {"refused": "it could not be stored; nothing changed"}
        if failure.check(errors.Halted):
            return {"refused": "the ledger has stopped; see the log, and restart the server"}
        self.log.failure("A command of the console failed", failure)
        return {"refused": "it failed; see the log of the server"}

    # -- looking ---------------------------------------------------------------------------------

    def _status(self, _: Request) -> Answer:
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
            "draining": farm.draining,
        } | self._of_this_node()

    def _of_this_node(self) -> Answer:
        if self._nodes is None:
            return {}
        return {"node": self._nodes.name, "here": self._farm.roster.count_here()}

    def _fingerprint(self, _: Request) -> Answer:
        """The fingerprint of the market's state.

        Nodes of one farm that are at the same entry have the same one.  For a large farm it takes
        as long as a snapshot.
        """
        farm = self._farm
        found = fingerprint(farm.market.snapshot())
        return {"sequence": farm.lane.sequence, "fingerprint": found}

    def _who(self, _: Request) -> Answer:
        return {"people": [self._person(farmer) for farmer in self._farm.roster]}

    def _person(self, farmer: Farmer) -> Answer:
        order = self._farm.order
        muted = farmer.mute is not None and farmer.mute.ends > order.now()
        return {
            "name": str(farmer),
            "registered": farmer.registered,
            "moderator": farmer.moderator,
            "address": farmer.address,
            "seconds": max(0, int(order.seconds() - farmer.since)),
            "muted_until": farmer.mute.ends if muted and farmer.mute is not None else None,
        }

    def _bans(self, _: Request) -> Answer:
        order = self._farm.order
        return {
            "bans": [
                {"whom": ban.whom, "until": ban.ends, "why": ban.why, "by": ban.by}
                for ban in order.bans.all(order.now())
            ]
        }

    # -- acting ----------------------------------------------------------------------------------

    def _kick(self, asked: Request) -> Answer:
        name = asked.text("whom")
        farmer = self._farm.roster.find(name)
        if farmer is None:
            raise Refused(f"nobody in the chat is called {name}")
        self._farm.order.expel(None, farmer, asked.reason())
        return {"done": f"{farmer} was expelled"}

    def _announce(self, asked: Request) -> Answer:
        text = clean(asked.text("text")).strip()
        if not text:
            raise Refused("there is nothing to announce")
        self._farm.order.announce(None, text)
        return {"done": "everybody in the chat was told"}

    def _mute(self, asked: Request) -> Deferred[Answer]:
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

    def _ban(self, asked: Request) -> Deferred[Answer]:
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

    def _unban(self, asked: Request) -> Deferred[Answer]:
        order, whom = self._farm.order, asked.text("whom")
        ban = order.bans.against(whom, order.now())
        if ban is None:
            raise Refused(f"{whom} is not banned; see `granja admin bans`")
        return order.pardon(None, ban).addCallback(lambda _: {"done": f"{ban.whom} may come in"})

    def _passes(self, asked: Request) -> Deferred[Answer]:
        """End all passes of a farmer, who stays where they are."""
        name = asked.text("whom")
        farmer = self._farm.roster.person(name)
        if farmer is None:
            raise Refused(f"nobody in the chat or registered is called {name}")
        done = self._farm.presence.end_passes(farmer)
        return done.addCallback(lambda _: {"done": f"no pass of {farmer} serves any more"})

    def _freeze(self, _: Request) -> Deferred[Answer]:
        frozen = self._farm.freezing.set(None, True)
        return frozen.addCallback(lambda _: {"done": "trading has stopped"})

    def _thaw(self, _: Request) -> Deferred[Answer]:
        thawed = self._farm.freezing.set(None, False)
        return thawed.addCallback(lambda _: {"done": "trading goes on"})

    def _empty(self, asked: Request) -> Answer:
        """Let nobody new in, and end when nobody is left; or let people in again."""
        if asked.says("off"):
            if not self._drain.stop():
                raise Refused("the farm is not drained")
            return {"done": "people may come in again"}
        self._drain.start()
        left = self._farm.roster.count_here()
        people = "one person is" if left == 1 else f"{left} people are"
        return {"done": f"nobody else comes in; {people} left", "left": left}

    def _password(self, asked: Request) -> Deferred[Answer]:
        """Give a password that works once, beside the farmer's own."""
        name = asked.text("whom")
        holder = self._farm.roster.holder(name)
        if holder is None and self._farm.moderators.is_one(name):
            return self._register(name).addCallback(self._give_password)
        owner = self._farm.roster.owner(name)
        if owner is None:
            raise Refused(f"nobody has registered the name {name}{_alike(holder)}")
        return self._give_password(owner)

    def _register(self, name: str) -> Deferred[Farmer]:
        """Register a moderator's name, which nobody can register in the chat."""
        farm, listed = self._farm, self._farm.moderators.listed(name)
        assert listed is not None
        registered = farm.registration.register_for(listed, farm.chance(_SECRET).hex())
        return registered.addErrback(_refuse_held, name)

    def _give_password(self, farmer: Farmer) -> Deferred[Answer]:
        given = self._farm.registration.one_use.give(farmer.id)
        return given.addCallback(self._given, farmer)

    def _given(self, given: tuple[str, float], farmer: Farmer) -> Answer:
        password, ends = given
        self._farm.acts.note(None, Act("gave a password to", str(farmer)))
        done = f"{farmer} may come in once with the password {password}"
        return {"done": done, "password": password, "until": ends}

    def _release(self, asked: Request) -> Deferred[Answer]:
        """Free a registered name for good."""
        name = asked.text("whom")
        owner = self._owner(name)
        if owner is None:
            raise Refused(f"nobody has registered the name {name}")
        done = f"{owner} is nobody's name now, and what was theirs has left the farm"
        return self._let_go(owner).addCallback(self._noted, Act("released", str(owner)), done)

    def _owner(self, name: str) -> Farmer | None:
        """The registered farmer of that name.

        :raises Refused: for a moderator's name, or if this ledger cannot free names.
        """
        if self._farm.moderators.is_one(name):
            raise Refused(f"{name} is a moderator; take them from --moderator first")
        if not IForgetful.providedBy(self._farm.ledger):
            raise Refused("this ledger cannot let a name go")
        return self._farm.roster.owner(name)

    def _let_go(self, owner: Farmer) -> Deferred[None]:
        farm = self._farm
        if owner.connection is not None or owner.elsewhere is not None:
            farm.order.expel(None, owner, "")
        else:
            farm.presence.issuing.put_out(owner)
        return farm.registration.release(owner)

    def _noted(self, _: object, act: Act, done: str) -> Answer:
        self._farm.acts.note(None, act)
        return {"done": done}

    def _forget(self, asked: Request) -> Deferred[Answer]:
        """Remove every byte of a name from the ledger's files."""
        name = asked.text("whom")
        owner = self._owner(name)
        ledger = IForgetful(self._farm.ledger)
        if objection := ledger.objection():
            raise Refused(objection)
        holder = self._farm.roster.holder(name)
        if holder is not None and not holder.registered:
            raise Refused(f"{holder} is in the chat; `granja admin kick` puts them out")
        gone = succeed(None) if owner is None else self._let_go(owner)
        forgotten: Deferred[int] = gone.addCallback(lambda _: ledger.forget_name(name))
        return forgotten.addCallback(self._forgotten, name, owner)

    def _forgotten(self, count: int, name: str, owner: Farmer | None) -> Answer:
        if not count and owner is None:
            raise Refused(f"the ledger knows nobody called {name}")
        self._farm.acts.note(None, Act("forgot", "a name"))
        return {"done": f"{name} is forgotten; backups and the log of the server still have it"}

    def _reload(self, _: Request) -> Answer:
        try:
            changed = list(self._reread())
        except errors.ConfigurationError as error:
            raise Refused(f"nothing was read anew: {error}") from None
        done = f"read anew; {'; '.join(changed) or 'nothing has changed'}"
        return {"done": done, "changed": changed}


def _alike(holder: Farmer | None) -> str:
    """The end of the sentence: who has that name, or one that looks like it."""
    if holder is None:
        return ""
    return f"; {holder} has" if holder.registered else "; a visitor has it"


def _refuse_held(failure: Failure, name: str) -> Failure:
    """Say why a name cannot be registered: another node's people may have it."""
    if failure.check(errors.NameTaken):
        raise Refused(f"nobody has registered the name {name}; a visitor has it")
    return failure


def _refuse_moderator(farmer: Farmer) -> None:
    if farmer.moderator:
        raise Refused(f"{farmer} is a moderator; take them from --moderator first")


def _until(sanction: Sanction, done: str) -> Answer:
    return {"done": done, "until": sanction.ends}
