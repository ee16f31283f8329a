"""The command table: everything that a farmer can type after a colon.

To add a command, add a row to :data:`TABLE`.  Dispatch, the checks of the arguments, ``Uso:`` and
``:help`` all use the table.  It refuses to load a row without help.  :class:`Farm` says what the
table needs from the rooms that obey: ``granja.people.talking`` and ``registration``,
``granja.trade.collecting`` and ``offering``.
"""

from granja.contract.commands.arguments import (
    ACTION as ACTION,
    ANYBODY as ANYBODY,
    ARTIFACT as ARTIFACT,
    COUNT as COUNT,
    DOOR as DOOR,
    LIST as LIST,
    LONGEST as LONGEST,
    MESSAGE as MESSAGE,
    MINE as MINE,
    NAME as NAME,
    NAME_OR_NETWORK as NAME_OR_NETWORK,
    NEW_PASSWORD as NEW_PASSWORD,
    OFFER as OFFER,
    PASS as PASS,
    PASSWORD as PASSWORD,
    REASON as REASON,
    SIDES as SIDES,
    THEIRS as THEIRS,
    TIME as TIME,
    TIME_OR_NONE as TIME_OR_NONE,
    Argument as Argument,
    duration as duration,
    duration_or_none as duration_or_none,
)
from granja.contract.commands.command import (
    Command as Command,
    load as load,
)
from granja.contract.commands.farm import (
    Collection as Collection,
    Farm as Farm,
    Freezing as Freezing,
    Ignoring as Ignoring,
    Moderation as Moderation,
    Registration as Registration,
    Swaps as Swaps,
    Talk as Talk,
    Trade as Trade,
    Wishes as Wishes,
)
from granja.contract.commands.parsing import (
    SLIP as SLIP,
    parse as parse,
    returning as returning,
)
from granja.contract.commands.table import (
    COMMANDS as COMMANDS,
    FOR_ALL as FOR_ALL,
    MODERATORS_COMMANDS as MODERATORS_COMMANDS,
    TABLE as TABLE,
    help_entries as help_entries,
)
from granja.contract.commands.words import (
    BLANK as BLANK,
    is_blank as is_blank,
)
