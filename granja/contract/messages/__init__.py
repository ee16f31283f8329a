"""Every sentence that a farmer can read: each is a small frozen record.

A message has two forms: :meth:`Message.line` is the Spanish line of the wire contract (without its
CR LF), and :meth:`Message.data` is the same as data for JSON, for clients that ask for it.  A
message is for one listener: it says "your Ancla", not "Gus's Ancla".

The sentences are in one file for each subject; all of their names are here.
"""

from granja.contract.messages.arriving import (
    ASK_ARTIFACTS as ASK_ARTIFACTS,
    ASK_CONFIRMATION as ASK_CONFIRMATION,
    ASK_NAME as ASK_NAME,
    ASK_NEW_PASSWORD as ASK_NEW_PASSWORD,
    ASK_PASSWORD as ASK_PASSWORD,
    MessageOfTheDay as MessageOfTheDay,
    NameRegistered as NameRegistered,
    Pass as Pass,
    Prompt as Prompt,
    Ready as Ready,
    Welcome as Welcome,
    WelcomeBack as WelcomeBack,
    is_secret as is_secret,
)
from granja.contract.messages.artifacts import (
    ArtifactIs as ArtifactIs,
    CatalogEntry as CatalogEntry,
    Inventory as Inventory,
    inventory as inventory,
)
from granja.contract.messages.message import (
    SERVER as SERVER,
    Message as Message,
)
from granja.contract.messages.moderating import (
    CONSOLE as CONSOLE,
    BanRow as BanRow,
    Expelled as Expelled,
    HasBanned as HasBanned,
    HasExpelled as HasExpelled,
    HasMuted as HasMuted,
    HasPardoned as HasPardoned,
    MaySpeak as MaySpeak,
    PersonHere as PersonHere,
    somebody as somebody,
)
from granja.contract.messages.notices import (
    ALREADY_HERE as ALREADY_HERE,
    DOOR_CLOSED as DOOR_CLOSED,
    DOOR_OPEN as DOOR_OPEN,
    FARM_FULL as FARM_FULL,
    GOODBYE as GOODBYE,
    HEARS_EVERYBODY as HEARS_EVERYBODY,
    I_AM_HERE as I_AM_HERE,
    LEASE_LOST as LEASE_LOST,
    NETWORK_FULL as NETWORK_FULL,
    NO_BANS as NO_BANS,
    PASSES_ENDED as PASSES_ENDED,
    PASSWORD_CHANGED as PASSWORD_CHANGED,
    REPLACED as REPLACED,
    SHUTDOWN as SHUTDOWN,
    STILL_UNKNOWN as STILL_UNKNOWN,
    TIME_UP as TIME_UP,
    TOO_MANY_TRIES as TOO_MANY_TRIES,
    TRADE_FROZEN as TRADE_FROZEN,
    TRADE_THAWED as TRADE_THAWED,
    Notice as Notice,
)
from granja.contract.messages.refusals import (
    Failure as Failure,
    HelpEntry as HelpEntry,
    failure as failure,
)
from granja.contract.messages.swaps import (
    MOST_MISSING as MOST_MISSING,
    Chance as Chance,
    Chances as Chances,
    ChanceTold as ChanceTold,
    Gives as Gives,
    MeanwhileSwap as MeanwhileSwap,
    Missing as Missing,
    MoreChances as MoreChances,
    Seeks as Seeks,
    Shown as Shown,
    StandingSwap as StandingSwap,
    SwapDone as SwapDone,
    SwapEnded as SwapEnded,
    SwapPosted as SwapPosted,
    Unnamed as Unnamed,
    Who as Who,
    settled as settled,
)
from granja.contract.messages.talk import (
    Acted as Acted,
    ActedBefore as ActedBefore,
    Announced as Announced,
    Arrived as Arrived,
    Departed as Departed,
    HeardAgain as HeardAgain,
    Here as Here,
    Ignored as Ignored,
    Ignoring as Ignoring,
    LastLines as LastLines,
    Missed as Missed,
    Said as Said,
    SaidBefore as SaidBefore,
    Whispered as Whispered,
)
from granja.contract.messages.trading import (
    AndMore as AndMore,
    IncomingOffer as IncomingOffer,
    Meanwhile as Meanwhile,
    OfferEnded as OfferEnded,
    OfferReceived as OfferReceived,
    OfferSent as OfferSent,
    OutgoingOffer as OutgoingOffer,
    TradeAccepted as TradeAccepted,
    TradeDone as TradeDone,
)
