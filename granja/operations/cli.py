"""The command line for a ledger: ``granja audit``, ``trace``, ``backup``, ``copy`` and more."""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

from granja.catalog_file import read_catalog
from granja.contract.catalog import Catalog
from granja.contract.errors import ConfigurationError
from granja.ledger.archive import IArchive, NotCopied, contents
from granja.ledger.chain import BadEntry, Head
from granja.ledger.interface import LedgerRefused
from granja.ledger.url import DEFAULT, is_shared, open_archive, open_closed, open_target
from granja.operations import trace
from granja.operations.archiving import Archiving, opened_chain
from granja.operations.audit import Audit, NotInOrder, check_passwords
from granja.operations.printing import CannotPrint, failed, print_lines, printing
from granja.operations.rewriting import Rewriting

#: Entries between two steps of the progress bar.  A shorter ledger has none.
_STRIDE = 5000

#: So many more objects must be there before Python searches for unused cycles in an audit.
_SELDOM = 100_000

#: A catalog's numbers have at most this many digits; a name may have more.
_MOST_DIGITS = 9


def main(argv: Sequence[str]) -> int:
    """Run the command that ``argv[0]`` names.

    :returns: the exit status: 0; 1 with a sentence on stderr; 2 for wrong arguments.
    """
    return printing(lambda: _obey(argv))


def _obey(argv: Sequence[str]) -> int:
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        return int(arguments.command(arguments))
    except (LedgerRefused, ConfigurationError, BadEntry, NotInOrder) as error:
        return failed(str(error))
    except (BrokenPipeError, CannotPrint):
        raise
    except OSError as error:
        return failed(f"{error.filename or 'the ledger'}: {error.strerror or error}")
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="granja", description="Look after a ledger.")
    commands = parser.add_subparsers(
        required=True, metavar="audit|trace|backup|copy|rewrite|archive"
    )

    def add(name: str, command: Callable[..., int], help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=help)
        if name in ("audit", "trace", "backup"):
            help = "sqlite:PATH or postgresql://… (default: %(default)s)"
            added.add_argument("--ledger", default=DEFAULT, metavar="URL", help=help)
        added.set_defaults(command=command)
        return added

    def add_catalog(added: argparse.ArgumentParser) -> None:
        help = "the catalog (default: the packaged one)"
        added.add_argument("--artifacts", metavar="FILE", help=help)

    def add_archives(added: argparse.ArgumentParser) -> None:
        help = "what it goes on from: files that granja archive made, in any order"
        added.add_argument("--archives", nargs="+", default=[], metavar="FILE", help=help)

    added = add("audit", _audit, "Replay a ledger, also a live one; check that all adds up.")
    add_catalog(added)
    add_archives(added)
    added = add("trace", _trace, "Who handed what to whom, and when.")
    subject_help = "an artifact's number or name, or a farmer's name"
    added.add_argument("subject", metavar="ARTIFACT|NAME", help=subject_help)
    farmer_help = "it is a farmer's name, whatever it looks like"
    added.add_argument("--farmer", action="store_true", help=farmer_help)
    add_catalog(added)
    add_archives(added)
    added = add("backup", _backup, "Make a consistent copy of a ledger, also of a live one.")
    added.add_argument("file", metavar="FILE", type=Path, help="a file that is not there yet")
    added = add("copy", _copy, "Copy a ledger to another place or engine, chain and all.")
    added.add_argument("source", metavar="FROM", help="the URL of a ledger; it is audited first")
    added.add_argument("target", metavar="TO", help="the URL of one that is empty, or not there")
    help = "Make of an older ledger, whose server is stopped, one that can forget names."
    added = add("rewrite", _rewrite, help)
    added.add_argument("source", metavar="OLD", help="the URL of a ledger; it is audited first")
    added.add_argument("target", metavar="NEW", help="sqlite:PATH, where nothing is yet")
    help = "Close a ledger, whose server is stopped, into a file, and let it begin anew from there."
    added = add("archive", _archive, help)
    added.add_argument("ledger", metavar="LEDGER", help="its URL; it is audited first")
    added.add_argument("file", metavar="FILE", type=Path, help="a file that is not there yet")
    return parser


# -- audit -------------------------------------------------------------------------------------


def _audit(arguments: argparse.Namespace) -> int:
    catalog = read_catalog(arguments.artifacts)
    with opened_chain(arguments.ledger, arguments.archives) as chain:
        audit, start = Audit(), chain[0].start()
        for archive in chain:
            _audited(archive, audit)
    print_lines([*_report(audit, catalog), *_about_archives(chain, start)])
    return 0


def _about_archives(chain: Sequence[IArchive], start: Head) -> Iterator[str]:
    """Lines about archives: that one was not audited, or that several were audited together."""
    if start.sequence:
        yield (
            f"It goes on from an archive that ends in entry {start.sequence:,}, "
            f"{start.hash.hex()}: see --archives."
        )
    if len(chain) > 1:
        yield f"The {len(chain)} files follow one another without a gap."
    if chain[-1].closed:
        yield "It is an archive: what goes on from it has the names and the passwords."


def _audited(archive: IArchive, audit: Audit) -> Audit:
    """Audit one ledger or archive.

    :param audit: of the archives before it.
    :raises BadEntry: at the first entry that is not what was written, or cannot have happened.
    :raises NotInOrder: when anything else is wrong.
    """
    _look_at_tables(archive)
    length = archive.end()
    with _seldom_collecting():
        for _ in _shown((n for n, _ in audit.run(archive)), length, sys.stderr):
            pass
    if not archive.closed:
        check_passwords(archive, audit.market)
    _look_at_files(archive)
    return audit


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Let Python search for unused cycles of objects only now and then.

    An entry leaves none behind, and each search goes through many objects that stay.
    """
    before = gc.get_threshold()
    gc.set_threshold(_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _look_at_tables(archive: IArchive) -> None:
    """Check the tables.

    :raises NotInOrder: when one is missing, or when one is not granja's.
    """
    if found := archive.strangeness():
        raise NotInOrder(f"the ledger is not as granja makes it: {found}")


def _look_at_files(archive: IArchive) -> None:
    """Check the files.  This comes after the entries, because those errors name the entry.

    :raises NotInOrder: when the files are damaged anywhere else.
    """
    if found := archive.damage():
        raise NotInOrder(f"the ledger's file is damaged: {found}")


def _report(audit: Audit, catalog: Catalog) -> Iterator[str]:
    books, held = audit.books, audit.held
    artifacts = sorted(books.declared)
    rows = [
        (
            f"{a}",
            catalog.describe(a).name,
            *(
                f"{n:,}"
                for n in (books.declared[a], books.withdrawn[a], books.departed[a], held[a])
            ),
        )
        for a in artifacts
    ]
    totals = (books.declared, books.withdrawn, books.departed, held)
    rows.append(("", "in all", *(f"{counter.total():,}" for counter in totals)))
    yield from _table(("no.", "artifact", "declared", "withdrawn", "departed", "held"), rows)
    yield ""
    market = audit.market
    yield (
        f"{audit.head.sequence:,} entries; {audit.kinds['traded']:,} trades; "
        f"{len(market.registered):,} registered farmers; {len(market.offers):,} offers stand."
    )
    if audit.kinds["posted"]:
        yield (
            f"{audit.kinds['posted']:,} swaps were made; {audit.kinds['settled']:,} rings settled; "
            f"{len(market.swaps):,} swaps stand."
        )
    yield f"The chain of hashes holds and ends in {audit.head.hash.hex()}."
    yield "For each artifact, declared - withdrawn - departed = held. All is in order."


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as needed.  The second one is text, the others are numbers."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, tuple("-" * width for width in widths), *rows):
        cells = zip(row, widths, strict=True)
        padded = (c.ljust(w) if n == 1 else c.rjust(w) for n, (c, w) in enumerate(cells))
        yield "  ".join(padded).rstrip()


def _shown(done: Iterable[int], length: int, screen: TextIO) -> Iterator[int]:
    """The same numbers, with a progress bar if somebody sees it."""
    if length < _STRIDE or not screen.isatty():
        yield from done
        return
    try:
        for number in done:
            if number % _STRIDE == 0:
                filled = min(40 * number // length, 40)  # A live ledger grows.
                bar = "#" * filled + "." * (40 - filled)
                screen.write(f"\r[{bar}] {number:,} of {length:,} entries")
                screen.flush()
            yield number
    finally:
        screen.write("\r\x1b[K")
        screen.flush()


# -- trace -------------------------------------------------------------------------------------


def _trace(arguments: argparse.Namespace) -> int:
    catalog = read_catalog(arguments.artifacts)
    wanted = _wanted(arguments.subject, arguments.farmer, catalog)
    found = False

    def lines() -> Iterator[str]:
        nonlocal found
        for step in trace.steps(chain, wanted, lambda a: catalog.describe(a).name):
            found = True
            yield f"{_hour(step.time)}  {step.text}"

    with opened_chain(arguments.ledger, arguments.archives) as chain:
        print_lines(lines())
    return 0 if found else failed(f"nothing is on record about {arguments.subject}")


def _hour(time: float) -> str:
    try:
        return datetime.fromtimestamp(time).astimezone().isoformat(" ", "seconds")
    except (ValueError, OverflowError, OSError):  # No calendar has this time.
        return f"{time!r}"


def _wanted(subject: str, is_farmer: bool, catalog: Catalog) -> trace.Wanted:
    if not is_farmer:
        if subject.isascii() and subject.isdigit() and len(subject) <= _MOST_DIGITS:
            return trace.of_artifact(int(subject))
        for artifact in catalog.values():
            if artifact.name.casefold() == subject.casefold():
                return trace.of_artifact(artifact.id)
    return trace.of_farmer(subject)


# -- backup ------------------------------------------------------------------------------------


def _backup(arguments: argparse.Namespace) -> int:
    with closing(open_archive(arguments.ledger, to_copy=True)) as archive:
        try:
            length = archive.copy(arguments.file)
        except FileExistsError:
            return failed(f"{arguments.file} is there already; a backup overwrites nothing")
        except NotCopied as error:
            return failed(f"{arguments.file} cannot be written: {error}")
    print_lines(
        (
            f"{arguments.file} holds {length:,} entries of {archive.name}.",
            f"To check it: granja audit --ledger sqlite:{arguments.file}",
        )
    )
    return 0


# -- copy --------------------------------------------------------------------------------------


def _copy(arguments: argparse.Namespace) -> int:
    target = open_target(arguments.target)
    with closing(open_archive(arguments.source)) as archive:
        try:
            target.check()
            if archive.closed:
                return failed(f"{archive.name} is an archive: copy the file itself")
            audit = _audited(archive, Audit())
            target.fill(contents(archive, audit.market, audit.head))
        except NotCopied as error:
            return failed(f"{target.name} cannot be written: {error}")
    print_lines(
        (
            f"{target.name} holds {audit.head.sequence:,} entries of {archive.name}, "
            "which were audited on the way.",
            f"The chain of hashes ends in {audit.head.hash.hex()}, as before.",
        )
    )
    return 0


# -- rewrite -----------------------------------------------------------------------------------


def _rewrite(arguments: argparse.Namespace) -> int:
    target = open_target(arguments.target)
    if is_shared(arguments.target):
        return failed("a ledger can be rewritten to sqlite:PATH only; granja copy takes it on")
    with closing(open_archive(arguments.source)) as archive:
        try:
            target.check()
            old = _audited(archive, Audit()).head
            rewriting = Rewriting(archive, old)
            target.fill(rewriting.contents())
        except NotCopied as error:
            return failed(f"{target.name} cannot be written: {error}")
    print_lines(
        (
            f"{target.name} holds the {old.sequence:,} entries of {archive.name} with hashes for "
            "names; they were audited on the way.",
            f"Its first entry names the end of the old chain, {old.hash.hex()}.",
            f"The new chain ends in {rewriting.head.hash.hex()}. The old file and its backups "
            "still hold all names.",
        )
    )
    return 0


# -- archive -----------------------------------------------------------------------------------


def _archive(arguments: argparse.Namespace) -> int:
    with closing(open_closed(arguments.ledger)) as ledger:
        archiving = Archiving(ledger, arguments.file, time.time)
        try:
            with closing(ledger.look()) as source:
                audit = _audited(source, Audit())
                news = archiving.close(source, audit)
            archiving.begin()
        except FileExistsError:
            return failed(f"{arguments.file} is there already; an archive overwrites nothing")
        except NotCopied as error:
            return failed(f"{ledger.name} cannot be archived: {error}")
    print_lines(news)
    return 0
