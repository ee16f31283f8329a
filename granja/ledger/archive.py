"""Archives: a ledger as an operator's programs read it, whatever engine keeps it.

:func:`granja.ledger.url.open_archive` opens the archive of a URL.  A server may write to the ledger
at the same time.  Everything here blocks.  Each method but ``close`` raises
:class:`~granja.ledger.interface.LedgerRefused`, with a sentence, when the ledger cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zope.interface import Attribute, Interface

from granja.contract.ids import FarmerId
from granja.ledger.chain import BadEntry, Entry, Head, verified
from granja.ledger.interface import Kept
from granja.ledger.pseudonyms import Pseudonyms
from granja.market.facts import Begun, Fact
from granja.market.market import Market


class NotCopied(Exception):
    """A copy cannot be made there.  The text is half a sentence that says why."""


@dataclass(frozen=True)
class SavedState:
    """A state of the market in the ledger.  With it, a start does not have to replay everything.

    ``sequence``: the entry after which it was saved.  ``problem``: half a sentence why nobody
    should believe it, or None.  ``state``: a :meth:`granja.market.market.Market.snapshot`, or None
    if there is a problem.
    """

    sequence: int
    problem: str | None
    state: dict[str, Any] | None


class IArchive(Interface):
    """A ledger that we read and do not change."""

    name: str = Attribute("What an operator calls it: a path, or a URL without its password.")

    pseudonyms: Pseudonyms = Attribute("What stands for which name in its chain.")

    closed: bool = Attribute(
        "Whether it was closed: then others go on from its end, and have all that stands beside."
    )

    def start() -> Head:
        """The end of the closed chain before its chain, if there is one."""

    def end() -> int:
        """The last entry's number; a higher one if damage hides it."""

    def entries(after: int) -> Iterator[Entry]:  # noqa: N805 (a zope interface has no self)
        """The entries after number ``after``, up to the one that is the last now, in order, as they
        are stored.  :func:`granja.ledger.chain.verified` checks whether they fit.

        :raises BadEntry: at the first that cannot be read, or when they end too early.
        """

    def fact(entry: Entry) -> Fact:  # noqa: N805
        """The fact in an entry.

        :raises BadEntry: when the kind is unknown or the fields do not fit it.
        """

    def saved_states() -> Iterator[SavedState]:
        """The saved states, newest first."""

    def verifiers() -> Iterator[tuple[FarmerId, str | None]]:
        """Each registered farmer's password verifier; None for one that cannot be read."""

    def kept() -> Iterator[Kept]:
        """What the ledger keeps beside the chain, without what cannot be read."""

    def strangeness() -> str | None:
        """Half a sentence about a table that granja has not made like this, or None."""

    def damage() -> str | None:
        """Half a sentence about the first damage in the engine's files, or None."""

    def copy(target: Path) -> int:  # noqa: N805
        """Make a consistent copy.  It is whole and durable when it appears under its name.

        :param target: a file that does not exist yet.
        :returns: the number of the copy's last entry.
        :raises FileExistsError: when the file exists.
        :raises NotCopied: when the copy cannot be written.
        """

    def close() -> None:
        """Close the ledger."""


@dataclass(frozen=True)
class Contents:
    """Everything in a ledger, ready to be written into another one.

    ``head`` is the last entry, and ``market`` the state after it.  ``closed``: see
    :attr:`IArchive.closed`.
    """

    entries: Iterable[Entry]
    head: Head
    market: Market
    verifiers: Iterable[tuple[FarmerId, str]]
    kept: Iterable[Kept]
    pseudonyms: Pseudonyms
    closed: bool = False


def verifiers(archive: IArchive) -> Iterator[tuple[FarmerId, str]]:
    """The password verifiers, without those that cannot be read."""
    return ((farmer, verifier) for farmer, verifier in archive.verifiers() if verifier is not None)


def contents(archive: IArchive, market: Market, head: Head) -> Contents:
    """What an archive holds up to an entry.  The entries are checked again while they are read.

    :param market: the state after that entry.
    """
    entries, pseudonyms = entries_to(archive, head), archive.pseudonyms
    return Contents(entries, head, market, verifiers(archive), archive.kept(), pseudonyms)


def entries_to(archive: IArchive, head: Head) -> Iterator[Entry]:
    """All its entries up to one.

    :raises BadEntry: when they are not the audited entries.
    """
    if not head.sequence:
        return
    start = archive.start()
    for entry in verified(archive.entries(start.sequence), start.hash, start.sequence):
        yield entry
        if entry.sequence == head.sequence:
            if entry.hash != head.hash:
                raise BadEntry(entry.sequence, "it is not the one that was audited")
            return
    raise BadEntry(head.sequence, "it is missing")


class ITarget(Interface):
    """A place for a new ledger."""

    name: str = Attribute("What an operator calls it: a path, or a URL without its password.")

    def check() -> None:
        """Check that the place is free.

        :raises NotCopied: when there is something already, or when it cannot be reached.
        """

    def fill(contents: Contents) -> None:  # noqa: N805
        """Write everything or nothing.

        :raises NotCopied: when it cannot be written.
        """


class IClosed(Interface):
    """A ledger whose server is stopped.  No server can open it before :meth:`close`."""

    name: str = Attribute("What an operator calls it: a path, or a URL without its password.")

    def look() -> IArchive:
        """Its content."""

    def begin(begun: Begun, head: Head, time: float) -> None:  # noqa: N805
        """Begin a new chain with ``begun``, which follows the entry ``head``.

        Everything beside the chain stays.  This succeeds as a whole or changes nothing.

        :param head: the last entry of the old chain.
        :param time: in Unix seconds.
        :raises NotCopied: when it cannot be written, or has another last entry by now.
        """

    def shrink() -> None:
        """Give the room of the removed entries back to the disk.

        :raises NotCopied: when that is impossible now.
        """

    def close() -> None:
        """Release the ledger, so that servers can open it again."""
