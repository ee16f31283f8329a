"""``granja``: the terminal client, and the operator's commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence

#: The operator's commands on a ledger.
_ON_LEDGERS = ("audit", "trace", "backup", "copy", "rewrite", "archive")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the client, or an operator's command, and return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] and arguments[0] in _ON_LEDGERS:
        from granja.operations.cli import main as operate

        return operate(arguments)
    if arguments[:1] == ["config"]:
        from granja.options.command import main as configure
        from granja.tap import Options

        return configure(arguments[1:], Options)
    if arguments[:1] == ["admin"]:
        from granja.operations.admin import main as ask

        return ask(arguments[1:])
    from granja.client import main as talk

    return talk(arguments)


if __name__ == "__main__":
    sys.exit(main())
