"""``granja rewrite``: makes a ledger that can forget names from an older one."""

from __future__ import annotations

from collections.abc import Iterator

from granja.ledger.archive import Contents, IArchive, NotCopied, verifiers
from granja.ledger.chain import GENESIS, BadEntry, Entry, Head, extend, verified
from granja.ledger.pseudonyms import Pseudonyms
from granja.market.facts import Departed, Fact, Released, Rewritten
from granja.market.market import Market


class Rewriting:
    """A new chain with the same facts and without names.

    Its first entry names the last hash of the old chain.  So somebody who kept that hash can check
    that the new ledger goes on from it.  ``head``: the last entry of the new chain, once all
    entries are read.

    :param archive: the old ledger, already audited.
    :param old: its last entry.
    """

    def __init__(self, archive: IArchive, old: Head) -> None:
        self._archive = archive
        self._old = old
        self._pseudonyms = Pseudonyms()
        self.head = Head()

    def contents(self) -> Contents:
        """The new ledger.  Its first start makes the first snapshot.

        :raises NotCopied: when it goes on from an archive, which would keep the names.
        """
        if self._archive.start().sequence or self._archive.closed:
            raise NotCopied(f"{self._archive.name} was archived, and has hashes for names already")
        entries, passwords = self._entries(), verifiers(self._archive)
        kept = self._archive.kept()
        return Contents(entries, Head(), Market(), passwords, kept, self._pseudonyms)

    def _entries(self) -> Iterator[Entry]:
        """The entries of the new chain.

        :raises BadEntry: when the old ledger is not the one that was audited.
        """
        facts: list[Fact] = [Rewritten(self._old.hash.hex(), self._old.sequence)]
        last = Head()
        for entry in verified(self._archive.entries(0), GENESIS, 0):
            fact = self._archive.fact(entry)
            yield from self._extended(entry.time, [*facts, fact])
            if isinstance(fact, Departed | Released):
                self._pseudonyms.leave(fact.farmer, entry.time)
            facts, last = [], Head(entry.sequence, entry.hash)
        if last != self._old:
            raise BadEntry(last.sequence + 1, "it is not the ledger that was audited")

    def _extended(self, time: float, facts: list[Fact]) -> Iterator[Entry]:
        written = self._pseudonyms.body
        for entry in extend(self.head.hash, self.head.sequence, time, facts, written):
            self.head = Head(entry.sequence, entry.hash)
            yield entry
