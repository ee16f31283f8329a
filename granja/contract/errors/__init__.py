"""Every mistake that a farmer can make: each is a class with the sentence that the farmer reads.

A sentence may name the fields of its class in braces.  ``{artifact}`` is special: the field has a
catalog number, and the one who makes the line puts the artifact's name there
(:func:`granja.contract.messages.failure`).  The rules themselves know only numbers.

The errors are in one file for each subject; all of their names are here.
"""

from granja.contract.errors.arriving import (
    BadPass as BadPass,
    CannotEnter as CannotEnter,
    InvalidName as InvalidName,
    NameTaken as NameTaken,
)
from granja.contract.errors.artifacts import (
    AlreadyHas as AlreadyHas,
    DeclaredOnce as DeclaredOnce,
    DoesNotHave as DoesNotHave,
    NotAList as NotAList,
    TooManyArtifacts as TooManyArtifacts,
    UnknownArtifact as UnknownArtifact,
)
from granja.contract.errors.chatting import (
    IgnoresOneself as IgnoresOneself,
    Nobody as Nobody,
    NobodyCalled as NobodyCalled,
    NoHistory as NoHistory,
    NotDelivered as NotDelivered,
    NothingSaid as NothingSaid,
    NotIgnored as NotIgnored,
    UnknownCommand as UnknownCommand,
    WrongArguments as WrongArguments,
)
from granja.contract.errors.lines import (
    LineTooLong as LineTooLong,
    NotUTF8 as NotUTF8,
)
from granja.contract.errors.moderating import (
    Banned as Banned,
    Limited as Limited,
    LooksAfterTheFarm as LooksAfterTheFarm,
    Muted as Muted,
    NetworkOfProxy as NetworkOfProxy,
    NoSuchBan as NoSuchBan,
    OwnNetwork as OwnNetwork,
)
from granja.contract.errors.refusal import (
    ConfigurationError as ConfigurationError,
    GranjaError as GranjaError,
)
from granja.contract.errors.staying import (
    PASSWORD_CHARACTERS as PASSWORD_CHARACTERS,
    AlreadyRegistered as AlreadyRegistered,
    BadPassword as BadPassword,
    Halted as Halted,
    NotRegistered as NotRegistered,
    NotStored as NotStored,
    TooManyRegistrations as TooManyRegistrations,
    TooManyWaiting as TooManyWaiting,
    WrongPassword as WrongPassword,
)
from granja.contract.errors.swaps import (
    AlreadyMine as AlreadyMine,
    NoChances as NoChances,
    NoSpares as NoSpares,
    NothingMissing as NothingMissing,
    SameSwap as SameSwap,
)
from granja.contract.errors.trading import (
    DoorClosed as DoorClosed,
    NobodyToTradeWith as NobodyToTradeWith,
    NoOffers as NoOffers,
    NoSuchArtifact as NoSuchArtifact,
    NoSuchOffer as NoSuchOffer,
    NotMine as NotMine,
    NotTheirs as NotTheirs,
    SameOffer as SameOffer,
    SeveralOffers as SeveralOffers,
    StillArriving as StillArriving,
    TheyHaveTooManyOffers as TheyHaveTooManyOffers,
    TooManyOffers as TooManyOffers,
    TooManyOffersToOne as TooManyOffersToOne,
    TradeError as TradeError,
    TradeNotStored as TradeNotStored,
    TradingFrozen as TradingFrozen,
    TradingHalted as TradingHalted,
    WithOneself as WithOneself,
)
