"""One sample of each message and error of the server, with the moment when the server says it.

``docs/protocol.md`` shows them.  A new message or error needs a sample here: without it, nobody can
make the page again.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from granja.accounts.passwords import LONGEST, SHORTEST
from granja.catalog_file import read_catalog
from granja.contract import errors, messages
from granja.contract.answers import artifact_list
from granja.contract.catalog import Catalog
from granja.contract.errors import GranjaError, TooManyRegistrations, TooManyWaiting
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.contract.messages import Message
from granja.market.offers import Ended, How, News, Offer, SwapNews
from granja.settings import Settings
from granja.trade import wording

LIMITS = Settings()
CATALOG: Catalog = read_catalog(None)

ANA, GUS = FarmerId(1), FarmerId(2)
ANCHOR, DISC = CATALOG[21], CATALOG[12]
HELD = messages.inventory(artifact_list("13, 6", CATALOG, 2), CATALOG)
OFFER = Offer(OfferId(7), ANA, GUS, ANCHOR.id, DISC.id, expires=0.0)


def _end(how: How, loser: FarmerId | None = None, lost: ArtifactId | None = None) -> Ended:
    return Ended(OFFER, "Ana", "Gus", how, loser, lost)


def _ended(me: FarmerId, *end: object) -> Message:
    return wording.offer_ended(_end(*end), me, CATALOG)  # type: ignore[arg-type]


def _swap(how: How, gave: ArtifactId | None = None, got: ArtifactId | None = None) -> SwapNews:
    return SwapNews(OfferId(9), ANA, how, gave, got, "Beto", "Caro")


SWAP_ENDS = (
    _swap(How.RETRACTED),
    _swap(How.EXPIRED),
    _swap(How.VOID, ANCHOR.id),
    _swap(How.VOID, None, DISC.id),
    _swap(How.VOID),
)


def _news(*ends: Ended, more: int = 0) -> list[Message]:
    return [*wording.meanwhile(News([*ends], more), ANA, CATALOG)]


@dataclass(frozen=True)
class Sample:
    """``when`` is the moment, as an English sentence.  All ``messages`` have one class."""

    when: str
    messages: tuple[Message, ...]

    def __init__(self, when: str, *messages: Message) -> None:
        object.__setattr__(self, "when", when)
        object.__setattr__(self, "messages", messages)


def constants(kind: type[Message]) -> list[Message]:
    """The messages of this kind that never change, with the texts of the contract."""
    return [v for v in vars(sys.modules[kind.__module__]).values() if isinstance(v, kind)]


MESSAGES = (
    Sample("Somebody else in the chat speaks; emoticons are talk.", messages.Said("Ana", "hola")),
    Sample("Somebody else tells what they do (`:yo`).", messages.Acted("Ana", "baila")),
    Sample(
        "`:ignorar <nombre>`: no talk, whisper or new offer of theirs comes.",
        messages.Ignored("Beto"),
    ),
    Sample("`:escuchar <nombre>`.", messages.HeardAgain("Beto")),
    Sample("`:ignorar`: whom you do not hear.", messages.Ignoring(("Beto", "Caro"))),
    Sample(
        "`:historial`: so many lines follow, oldest first.",
        messages.LastLines(1),
        messages.LastLines(3),
    ),
    Sample(
        "A line of `:historial`, with the time of the server's clock, and of another day the day.",
        messages.SaidBefore("14:05", "Ana", "hola"),
        messages.SaidBefore("26/11 14:05", "Ana", "hola"),
    ),
    Sample("The same of what was told by `:yo`.", messages.ActedBefore("14:05", "Ana", "baila")),
    Sample("Somebody whispers to you alone.", messages.Whispered("Ana", "tengo dos anclas")),
    Sample("Somebody else is in the chat from now on.", messages.Arrived("Ana")),
    Sample("Somebody else has left the chat, in whichever way.", messages.Departed("Ana")),
    Sample(
        "You read too slowly, and so many lines were skipped at this place.",
        messages.Missed(1),
        messages.Missed(123),
    ),
    Sample(
        "The server waits for an answer; `question` says to what.",
        *constants(messages.Prompt),
    ),
    Sample("Your name, or your password, was accepted.", messages.Welcome()),
    Sample("You have come back with a pass (`:volver`).", messages.WelcomeBack("Ana")),
    Sample(
        "Only as data, after each `¡OK!`, `:registrar` and `:clave`: a pass, which brings you back "
        "with `:volver`, and for how many seconds it serves after the connection has dropped.",
        messages.Pass("0f8c1b5e9d2a47368f1e0b7c6d5a4392", 120),
    ),
    Sample(
        "You are in the chat from now on, under this name. With `--declarations once` it also "
        "ends the questions after `:registrar`.",
        messages.Ready("Ana"),
    ),
    Sample(
        "Something that needs no fields; `code` says what. After `goodbye`, `time-up`, `replaced`, "
        "`lease-lost`, `shutdown`, `network-full` and `farm-full` the server closes the "
        "connection; after `too-many-tries` the answer to the password comes later.",
        *constants(messages.Notice),
    ),
    Sample("`:registrar` worked.", messages.NameRegistered("Ana")),
    Sample(
        "What you hold, by number: on `:artefactos`, `:agregar` and `:quitar`, after a password, "
        "and, of a list that is still to be confirmed, before the `confirm` question.",
        messages.Inventory(HELD),
        messages.Inventory(()),
    ),
    Sample(
        "`:u`: who is in the chat, in order of arrival, yourself included.",
        messages.Here(("Ana", "Beto")),
    ),
    Sample("`:artefacto <id>`.", messages.ArtifactIs(CATALOG[22])),
    Sample("`:catalogo`: one line for each artifact.", messages.CatalogEntry(CATALOG[22])),
    Sample(
        "`:help`: one line for each command.",
        messages.HelpEntry(":p <nombre> <mensaje>", "susurra un mensaje a una sola persona"),
    ),
    Sample(
        "After `¡OK!`, one line for each line of the operator's `--motd` file.",
        messages.MessageOfTheDay("Hoy hay feria en el pueblo."),
    ),
    Sample(
        "Somebody offers you a trade: `gives` is theirs, `takes` is yours.",
        messages.OfferReceived(7, "Ana", ANCHOR, DISC),
    ),
    Sample(
        "Your offer stands: `gives` is yours, `takes` is theirs.",
        messages.OfferSent(7, "Gus", ANCHOR, DISC),
    ),
    Sample(
        "An offer that waits for your answer: `gives` is theirs, `takes` is yours. On `:ofertas`, "
        "before `SeveralOffers`, and after the `¡OK!` of a registered farmer.",
        messages.IncomingOffer(7, "Ana", ANCHOR, DISC),
    ),
    Sample(
        "An offer of yours that waits: `gives` is yours, `takes` is theirs. At the same moments.",
        messages.OutgoingOffer(8, "Beto", ANCHOR, CATALOG[42]),
    ),
    Sample(
        "You accepted offer `number`; `artifacts` is what you hold now.",
        messages.TradeAccepted(7, (ANCHOR,)),
    ),
    Sample(
        "Your offer `number` was accepted; `artifacts` is what you hold now.",
        messages.TradeDone(7, (DISC,)),
    ),
    Sample(
        "An offer of yours or to you ended without a trade. `how` is `rejected` (the first line "
        "for whoever rejected, the second for whoever had offered), `retracted` (likewise), "
        "`expired`, or `void`: somebody left, or no longer has what it was about.",
        _ended(GUS, How.REJECTED),
        _ended(ANA, How.REJECTED),
        _ended(ANA, How.RETRACTED),
        _ended(GUS, How.RETRACTED),
        _ended(ANA, How.EXPIRED),
        _ended(GUS, How.VOID, ANA),
        _ended(ANA, How.VOID, ANA, ANCHOR.id),
        _ended(ANA, How.VOID, GUS, DISC.id),
    ),
    Sample(
        "A registered farmer is back: what became of their offers meanwhile, oldest first.",
        *_news(_end(How.ACCEPTED), _end(How.REJECTED), _end(How.EXPIRED), _end(How.VOID, GUS)),
        *wording.meanwhile(News([_end(How.RETRACTED)]), GUS, CATALOG),
    ),
    Sample(
        "`:falta`: what you lack of the `of` artifacts that there are. `artifacts` are all of "
        "them; the line names the first hundred.",
        messages.Missing((DISC, ANCHOR), len(CATALOG)),
        messages.Missing((DISC,), len(CATALOG)),
        messages.Missing((), len(CATALOG)),
    ),
    Sample(
        "`:quien <id>`: who gives an artifact and who has said to seek it, twenty names each, and "
        "how many more there are.",
        messages.Who(DISC, ("Beto", "Caro"), ()),
        messages.Who(DISC, ("Beto",), ("Ana",), messages.Unnamed(31)),
    ),
    Sample(
        "`:ver <nombre>`. `seeks` is null when they have typed nothing.",
        messages.Shown("Beto", (ANCHOR, CATALOG[32]), (DISC,)),
        messages.Shown("Beto", (), None),
    ),
    Sample(
        "`:busco`. `mode` is `list`, or `all`: whatever is missing; `artifacts` is what that is "
        "now.",
        messages.Seeks("list", (DISC, CATALOG[13])),
        messages.Seeks("list", ()),
        messages.Seeks("all", (DISC,)),
    ),
    Sample(
        "`:doy`. `mode` is `list`, or `spares`: what is there twice; `artifacts` is what that is "
        "now.",
        messages.Gives("list", (CATALOG[32],)),
        messages.Gives("spares", (CATALOG[32],)),
    ),
    Sample(
        "A row of `:trueques`. `how` is `now` (the swap that it says closes a ring), `pair` or "
        "`three` (so many people could be a ring).",
        messages.Chance("now", ANCHOR, DISC),
        messages.Chance("pair", ANCHOR, DISC),
        messages.Chance("three", ANCHOR, DISC),
    ),
    Sample(
        "After ten of them, how many more there are.",
        messages.MoreChances(4),
        messages.MoreChances(1),
    ),
    Sample(
        "A registered farmer who has used these commands is back, and `:trueques` has so many "
        "rows.",
        messages.Chances(3),
        messages.Chances(1),
    ),
    Sample(
        "`:cambio`: your swap stands. `gives` are yours, one of which goes for one of `takes`; "
        "`keep`: the last copy of each stays.",
        messages.SwapPosted(9, (ANCHOR,), (DISC,), False),
        messages.SwapPosted(9, (ANCHOR, CATALOG[32]), (DISC, CATALOG[16], CATALOG[42]), False),
        messages.SwapPosted(9, (ANCHOR,), (DISC,), True, True),
    ),
    Sample(
        "What is left of a swap of yours that stands. At the same moments as `offer-out`.",
        messages.StandingSwap(9, (ANCHOR,), (DISC,), False),
    ),
    Sample(
        "A ring has settled: you gave `gave` to `to` and got `got` from `from`; `artifacts` is "
        "what you hold now. What is left of the swap, if anything, still stands.",
        messages.SwapDone(9, ANCHOR, "Beto", DISC, "Caro", (DISC,)),
    ),
    Sample(
        "A swap of yours ended without a ring. `how` is `retracted`, `expired` or `void`. One that "
        "a ring has used up ends without this.",
        *(wording.swap_ended(end, CATALOG) for end in SWAP_ENDS),
    ),
    Sample(
        "Somebody has just made a swap that this one closes.",
        messages.ChanceTold(DISC, ANCHOR),
    ),
    Sample(
        "A registered farmer is back: what became of their swaps meanwhile. `how` is `settled` or "
        "as in `swap-ended`.",
        *wording.meanwhile(
            News([_swap(How.SETTLED, ANCHOR.id, DISC.id), *SWAP_ENDS[1:]]), ANA, CATALOG
        ),
    ),
    Sample("After the fiftieth of them, how many more there were.", *_news(more=4), *_news(more=1)),
    Sample(
        "`:gente`, for moderators: one line for each in the chat, `seconds` since they came in; "
        "`lingers`: their line dropped, and they may still come back.",
        messages.PersonHere("Ana", True, "203.0.113.7", 750, False),
        messages.PersonHere("Beto", False, "2001:db8::7", 7200, False),
        messages.PersonHere("Caro", True, "203.0.113.8", 86400, False),
        messages.PersonHere("Gus", True, "203.0.113.9", 259200, True),
    ),
    Sample(
        "A moderator puts you out; the connection is closed.",
        messages.Expelled("spam"),
        messages.Expelled(""),
    ),
    Sample("`:expulsar`, for the moderator.", messages.HasExpelled("Ana")),
    Sample("`:callar`, for the moderator.", messages.HasMuted("Ana", "14:35")),
    Sample("`:callar <nombre> 0`, for the moderator.", messages.MaySpeak("Ana")),
    Sample(
        "`:vetar`, for the moderator: a name, an address or a network.",
        messages.HasBanned("Ana", "14:35 del 3/12"),
        messages.HasBanned("203.0.113.0/24", "14:35 del 3/12/2027"),
    ),
    Sample(
        "`:vetos`, for moderators: one line for each ban, in the order of their making.",
        messages.BanRow("Ana", "14:35 del 3/12", "spam", "Marta"),
        messages.BanRow("203.0.113.0/24", "14:35", "", "Marta"),
    ),
    Sample("`:perdonar`, for the moderator.", messages.HasPardoned("Ana")),
    Sample("A moderator says something to everybody.", messages.Announced("hay feria a las 17")),
    Sample(
        "What you typed was refused, and nothing changed. `code` is one of the errors below; "
        "`sentence` is for people.",
        messages.failure(errors.NotMine(ANCHOR.id), CATALOG),
    ),
)


ERRORS: tuple[tuple[str, GranjaError], ...] = (
    ("Any line.", errors.LineTooLong(LIMITS.max_line)),
    ("Any line.", errors.NotUTF8()),
    ("The name.", errors.InvalidName("está reservado")),
    ("The name; it is asked again.", errors.NameTaken()),
    (
        "The name, the password or a pass, while the nodes' ledger is away; or a pass, while the "
        "bus is, and this node does not know where its visitor is. It is asked again.",
        errors.CannotEnter(),
    ),
    (
        "The list, `:artefacto`, `:agregar`, `:quitar`, `:quien`, `:busco`, `:doy`.",
        errors.UnknownArtifact("999", CATALOG.first, CATALOG.last),
    ),
    ("The list, `:busco`, `:doy`.", errors.NotAList()),
    (
        "The list, `:agregar`, `:busco`, `:doy`, `:cambio`.",
        errors.TooManyArtifacts(LIMITS.limits.artifacts),
    ),
    ("A first word that no command has.", errors.UnknownCommand(":quiero")),
    ("`:volver` where the name is asked.", errors.BadPass()),
    (
        "`:ignorar`, `:ver` of a name that nobody has who is in the chat or registered.",
        errors.Nobody("X"),
    ),
    ("`:ignorar` of oneself.", errors.IgnoresOneself()),
    ("`:escuchar` of somebody whom one hears.", errors.NotIgnored("X")),
    ("`:offer` to somebody who takes none, or none of yours.", errors.DoorClosed("Gus")),
    ("`:historial` when nothing was said yet.", errors.NothingSaid()),
    ("`:historial` with `--history 0`.", errors.NoHistory()),
    (
        "Arguments that are missing, too many, or not numbers.",
        errors.WrongArguments(":p <nombre> <mensaje>"),
    ),
    ("`:p`.", errors.NobodyCalled("Diego")),
    ("`:p` to somebody at another node that does not answer.", errors.NotDelivered("Beto")),
    ("`:offer`.", errors.NobodyToTradeWith("Diego")),
    ("`:offer` to somebody who has not arrived yet.", errors.StillArriving("Caro")),
    ("`:offer` to yourself, in any spelling.", errors.WithOneself()),
    (
        "`:offer`, `:cambio`.",
        errors.NoSuchArtifact("99", CATALOG.first, CATALOG.last),
    ),
    ("`:offer`, `:cambio`.", errors.NotMine(ANCHOR.id)),
    ("`:offer`.", errors.NotTheirs("Gus", ANCHOR.id)),
    ("`:offer`, the same as one that still waits.", errors.SameOffer(7)),
    (
        "`:offer`, `:cambio`; offers and swaps count together.",
        errors.TooManyOffers(LIMITS.limits.offers),
    ),
    (
        "`:offer`, to somebody who has not answered so many of yours.",
        errors.TooManyOffersToOne("Gus", LIMITS.limits.offers_each),
    ),
    ("`:offer`.", errors.TheyHaveTooManyOffers("Gus", LIMITS.limits.offers)),
    ("`:cambio`.", errors.AlreadyMine(DISC.id)),
    ("`:cambio`, `repetidos`.", errors.NoSpares()),
    ("`:cambio`, `faltantes`.", errors.NothingMissing()),
    ("`:cambio`, the same as it was typed before.", errors.SameSwap(9)),
    ("`:trueques`.", errors.NoChances()),
    ("`:busco`.", errors.AlreadyHas(ANCHOR.id)),
    (
        "Whatever offers, trades, or ends an offer; of a trade both sides hear it.",
        errors.TradeNotStored(),
    ),
    (
        "The same, from the moment when the server can't tell whether a record was stored.",
        errors.TradingHalted(),
    ),
    ("`:ofertas`; `:accept`, `:reject`, `:retirar` without a number.", errors.NoOffers()),
    (
        "The same three without a number; the offers are listed before it.",
        errors.SeveralOffers(2, ":accept"),
    ),
    ("The same three with a number that is not such an offer.", errors.NoSuchOffer("99")),
    ("`:quitar`, `:doy`.", errors.DoesNotHave(ANCHOR.id)),
    (
        "Arriving, `:agregar`, `:quitar`, `:registrar`, `:clave`.",
        errors.NotStored(),
    ),
    ("The same, as `TradingHalted`.", errors.Halted()),
    (
        "The password; it is asked again, or, the third time, the connection is closed.",
        errors.WrongPassword(),
    ),
    (
        f"`:registrar`, `:clave`: it has fewer than {SHORTEST} or more than {LONGEST} characters.",
        errors.BadPassword(),
    ),
    ("`:registrar` a second time.", errors.AlreadyRegistered()),
    ("`:clave` without `:registrar`.", errors.NotRegistered()),
    ("`:agregar` where `--declarations once` holds.", errors.DeclaredOnce()),
    (
        "`:registrar`, when there were ten from the same network within an hour.",
        TooManyRegistrations(),
    ),
    ("A password, when very many wait for theirs to be checked.", TooManyWaiting()),
    (
        "Offers and acceptances while a moderator has stopped trading.",
        errors.TradingFrozen(),
    ),
    (
        "Talk, whispers, `:yo` and emoticons of somebody whom a moderator has muted; without a "
        "reason there are no brackets.",
        errors.Muted("14:35", "spam"),
    ),
    (
        "The name, or after it the password, when the name or the network is banned. The "
        "connection is closed.",
        errors.Banned("14:35 del 3/12", "spam"),
    ),
    ("`:expulsar`, `:callar` or `:vetar` of a moderator.", errors.LooksAfterTheFarm("Ana")),
    ("`:vetar` of a network that one is in.", errors.OwnNetwork()),
    ("`:vetar` of a network with one of the operator's `--proxy`s in it.", errors.NetworkOfProxy()),
    ("`:perdonar`.", errors.NoSuchBan()),
    ("Anything, when the server has a fault. The operator finds it in the log.", GranjaError()),
)
