"""``granja archive``: closes a chain into a file; the ledger goes on from its end."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from granja.ledger.archive import Contents, IArchive, IClosed, NotCopied, entries_to
from granja.ledger.chain import Head
from granja.ledger.interface import LedgerRefused
from granja.ledger.pseudonyms import Pseudonyms
from granja.ledger.url import open_archive, open_target
from granja.market.facts import Begun
from granja.market.market import Market
from granja.operations.audit import Audit, NotInOrder

_PLAIN = "its chain has names in plain, which would stay in the archive; granja rewrite it first"


class Archiving:
    """The two steps of archiving.  Each is done as a whole or not at all.

    After a crash, the operator runs the same command again, and it does what is left.

    :param ledger: its server is stopped.
    :param file: the path for the archive.
    :param now: the time in Unix seconds.
    """

    def __init__(self, ledger: IClosed, file: Path, now: Callable[[], float]) -> None:
        self._ledger = ledger
        self._file = file
        self._now = now
        self._begun: tuple[Begun, Head] | None = None

    def close(self, source: IArchive, audit: Audit) -> list[str]:
        """Put the chain into the archive.

        :param source: reads the ledger.
        :param audit: of the ledger.
        :returns: the lines to print when :meth:`begin` is done too.
        :raises FileExistsError: when something else is there.
        :raises NotCopied: when the ledger has nothing to archive, or the file cannot be written.
        """
        if source.closed:
            raise NotCopied("it is an archive already")
        if source.pseudonyms.plain:
            raise NotCopied(_PLAIN)
        head = audit.head
        there = self._there(source)
        if there is not None and there == source.start():
            return [f"{self._file} was made before; only the room was still to be given back."]
        if head.sequence - source.start().sequence <= audit.kinds[Begun.kind]:
            raise NotCopied("nothing has happened in it")
        if there is None:
            self._fill(source, head)
        elif there != head:
            raise FileExistsError(str(self._file))
        begun = Begun(head.hash.hex(), audit.market.snapshot(), audit.books.said())
        self._begun = begun, head
        return [
            f"{self._file} holds the entries of {source.name} up to number {head.sequence:,}, "
            "which were audited on the way, and neither names nor passwords.",
            f"It ends in {head.hash.hex()}, and there {source.name} goes on.",
            f"To check both: granja audit --ledger {_url(source)} --archives {self._file}",
        ]

    def begin(self) -> None:
        """Begin the ledger's new chain, after :meth:`close`.

        :raises NotCopied: when it cannot be written.
        """
        if self._begun is not None:
            begun, head = self._begun
            self._ledger.begin(begun, head, self._now())
        self._ledger.shrink()

    def _fill(self, source: IArchive, head: Head) -> None:
        target = open_target(f"sqlite:{self._file}")
        entries = entries_to(source, head)
        target.fill(Contents(entries, Head(), Market(), (), (), Pseudonyms(), closed=True))

    def _there(self, source: IArchive) -> Head | None:
        """The end of an archive that an earlier run has left; None if there is none.

        :raises FileExistsError: when it is something else, or damaged.
        """
        if not self._file.exists():
            return None
        try:
            with closing(open_archive(f"sqlite:{self._file}")) as archive:
                if not archive.closed:
                    raise FileExistsError(str(self._file))
                archive.pseudonyms = source.pseudonyms
                audit = Audit()
                for _ in audit.run(archive):
                    pass
                return audit.head
        except (LedgerRefused, NotInOrder):
            raise FileExistsError(str(self._file)) from None


def _url(source: IArchive) -> str:
    return source.name if "://" in source.name else f"sqlite:{source.name}"


@contextmanager
def opened_chain(ledger: str, archives: Sequence[str]) -> Iterator[list[IArchive]]:
    """A ledger behind the archives that it goes on from, in their order.

    :param ledger: its URL.
    :param archives: paths, in any order.
    :raises NotInOrder: when they do not follow one another.
    :raises LedgerRefused: when one cannot be read.
    """
    with ExitStack() as stack:
        last = stack.enter_context(closing(open_archive(ledger)))
        before: list[IArchive] = [
            stack.enter_context(closing(open_archive(f"sqlite:{path}"))) for path in archives
        ]
        for archive in before:
            if not archive.closed:
                raise NotInOrder(f"{archive.name} is no archive")
            archive.pseudonyms = last.pseudonyms  # Only the ledger has the table of names.
        chain = [*sorted(before, key=lambda archive: archive.start().sequence), last]
        for one, following in itertools.pairwise(chain):
            _check_joint(one, following)
        yield chain


def _check_joint(archive: IArchive, following: IArchive) -> None:
    start = following.start()
    if not start.sequence:
        raise NotInOrder(f"{following.name} goes on from no archive")
    if archive.end() != start.sequence:
        raise NotInOrder(
            f"{following.name} goes on from entry {start.sequence:,}, but {archive.name} ends in "
            f"entry {archive.end():,}"
        )
    *_, entry = archive.entries(start.sequence - 1)
    if entry.hash != start.hash:
        raise NotInOrder(
            f"{following.name} goes on from another entry {start.sequence:,} than that in which "
            f"{archive.name} ends"
        )
