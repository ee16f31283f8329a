"""``granja config``: prints a file of options, or checks one."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from twisted.python.usage import UsageError

from granja.operations.printing import failed, print_lines, printing
from granja.options.commented import commented


def main(argv: Sequence[str], options: Callable[[], Any]) -> int:
    """Run the command.

    :param argv: what follows ``granja config``.
    :param options: makes the same parser as the server's.
    :returns: the exit status: 0; 1 with a sentence on stderr; 2 for wrong arguments.
    """
    return printing(lambda: _obey(argv, options))


def _obey(argv: Sequence[str], options: Callable[[], Any]) -> int:
    parser = argparse.ArgumentParser(
        prog="granja config",
        description="Print a commented granja.toml with all options as they are without it.",
    )
    parser.add_argument("--check", metavar="FILE", help="look whether a server would start with it")
    try:
        path = parser.parse_args(argv).check
    except SystemExit as stop:
        return int(stop.code or 0)
    if path is None:
        print_lines(commented())
        return 0
    try:
        options().parseOptions(["--config", path])
    except UsageError as error:
        return failed(str(error))
    print_lines([f"{path} is in order."])
    return 0
