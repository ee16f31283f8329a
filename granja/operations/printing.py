"""Printing: what programs for an operator print, if anybody reads it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from granja.text.printable import printable


class CannotPrint(Exception):
    """The output cannot be written.  The text is the whole explanation."""


def _prepare_to_print() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):  # Under cron it may only know ASCII.
        sys.stdout.reconfigure(errors="backslashreplace")
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # The caller has closed it.  The exit status remains.
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115  (until we end)


def print_lines(lines: Iterable[str]) -> None:
    """Print lines, harmless to a terminal: their names may come from somebody else's ledger.

    :raises BrokenPipeError: when nobody reads on.
    :raises CannotPrint: when they cannot be written for another reason.
    """
    for line in lines:
        _put(sys.stdout.write, f"{printable(line)}\n")
    _put(sys.stdout.flush)


def _put(how: Callable[..., object], *what: str) -> None:
    try:
        how(*what)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CannotPrint(f"the output cannot be written: {error.strerror or error}") from None


def _print_no_more() -> None:
    """Send the rest nowhere: Python writes it at the end, and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def printing(command: Callable[[], int]) -> int:
    """Run a program that prints.

    :returns: its exit status; 1 when the output cannot be written.  Then there is a sentence on
        stderr, unless the reader has just read enough.
    """
    _prepare_to_print()
    try:
        status = command()
        _put(sys.stdout.flush)
    except BrokenPipeError:
        _print_no_more()
        return 1
    except CannotPrint as error:
        _print_no_more()
        return failed(str(error))
    return status


def failed(sentence: str) -> int:
    sys.stderr.write(f"granja: {printable(sentence)}\n")
    return 1
