"""``granja admin``: asks a running server, through the operator's socket."""

from __future__ import annotations

import argparse
import json
import socket
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from granja.contract.commands import duration, duration_or_none
from granja.operations.printing import failed, print_lines, printing

#: The socket of a server that keeps its ledger in the default place.
DEFAULT: Final = "granja.db.admin"
#: Seconds to wait for an answer.
PATIENCE: Final = 30.0

Answer = dict[str, Any]


def main(argv: Sequence[str]) -> int:
    """Run the command.

    :param argv: what follows ``granja admin``.
    :returns: the exit status: 0; 1 with a sentence on stderr; 2 for wrong arguments.
    """
    return printing(lambda: _obey(argv))


def _obey(argv: Sequence[str]) -> int:
    try:
        arguments = vars(_parser().parse_args(argv))
    except SystemExit as stop:
        return int(stop.code or 0)
    path, as_json = arguments.pop("admin"), arguments.pop("json")
    try:
        answer = ask(path, _request(arguments))
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or error
        return failed(f"no server answers at {path}: {why}")
    if "refused" in answer and not as_json:
        return failed(answer["refused"])
    _print(answer, arguments["do"], as_json)
    return 1 if "refused" in answer or _is_refused_somewhere(answer) else 0


def _is_refused_somewhere(answer: Answer) -> bool:
    """Whether one of several nodes refused, or did not answer."""
    return "silent" in answer or any("refused" in one for one in answer.get("nodes", {}).values())


def ask(path: str, request: Answer) -> Answer:
    """The server's answer.

    :raises OSError: when nobody listens there, or nobody answers.
    :raises ValueError: when the other side is no server of ours.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(PATIENCE)
        line.connect(path)
        line.sendall(json.dumps(request).encode() + b"\n")
        with line.makefile("rb") as answers:
            answer = json.loads(answers.readline() or b"null")
    if not isinstance(answer, dict):
        raise ValueError("it hung up without an answer")
    return answer


def _request(arguments: Answer) -> Answer:
    joined = {k: " ".join(v) if isinstance(v, list) else v for k, v in arguments.items()}
    return {name: value for name, value in joined.items() if value is not None}


# -- arguments ---------------------------------------------------------------------------------


def _time(read: Callable[[str], int]) -> Callable[[str], int]:
    def parse(word: str) -> int:
        try:
            return read(word)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{word!r} is no time such as 10m, 2h or 7d") from None

    return parse


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="granja admin", description="Look after a running farm, as its operator."
    )
    parser.add_argument(
        "--admin", default=DEFAULT, metavar="PATH", help="the server's socket (%(default)s)"
    )
    commands = parser.add_subparsers(required=True, dest="do", metavar="COMMAND")

    def add(name: str, help: str, **arguments: Any) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=help)
        added.add_argument("--json", action="store_true", help="the answer as JSON")
        help = "where there are several: the one to ask, or `all`"
        added.add_argument("--node", metavar="NAME", help=help)
        for argument, options in arguments.items():
            added.add_argument(argument, **options)
        return added

    name = {"metavar": "NAME"}
    whom = {"metavar": "NAME|ADDRESS|NETWORK"}
    time = {"metavar": "TIME", "help": "such as 10m, 2h or 7d", "type": _time(duration)}
    why = {"metavar": "REASON", "nargs": "*", "help": "what they are told"}
    add("status", "How the farm is.")
    add("fingerprint", "Whether nodes of one farm hold the same: equal at an equal sequence.")
    add("who", "Who is in the chat, from where, since when.")
    add("kick", "Put somebody out of the chat.", whom=name, why=why)
    end = time | {"help": "such as 10m, 2h or 7d; 0 ends it", "type": _time(duration_or_none)}
    add("mute", "Let somebody say nothing for a time.", whom=name, seconds=end, why=why)
    add("ban", "Let nobody of that name or network in.", whom=whom, seconds=time, why=why)
    add("bans", "Who may not come in.")
    add("unban", "Let somebody in again.", whom=whom)
    passes = add("passes", "End the passes that bring somebody back without a password.", whom=name)
    passes.add_argument("--end", action="store_const", const=True, required=True, help="end them")
    add("announce", "Say something to everybody.", text={"metavar": "TEXT", "nargs": "+"})
    add("freeze", "Stop all trading.")
    add("thaw", "Let trading go on.")
    help = "A password for one use, within a day; it registers a moderator's name."
    add("password", help, whom=name)
    add("release", "Let a registered name be nobody's; all that was theirs leaves.", whom=name)
    add("forget", "Leave no byte of a name in the ledger, and let it go first.", whom=name)
    drain = add("drain", "Let nobody else in, and end the server when nobody is left.")
    drain.add_argument("--off", action="store_const", const=True, help="let people in again")
    add("reload", "Read the configuration and all files anew, as SIGHUP does.")
    return parser


# -- answers -----------------------------------------------------------------------------------


def _print(answer: Answer, command: str, as_json: bool) -> None:
    if as_json:
        lines = iter([json.dumps(answer, ensure_ascii=False)])
    else:
        lines = _said_of_each(answer, command) if "nodes" in answer else _said(answer, command)
    print_lines(lines)


def _said(answer: Answer, command: str) -> Iterator[str]:
    if "refused" in answer:
        return iter([f"refused: {answer['refused']}"])
    return _TABLES.get(command, _sentence)(answer)


def _said_of_each(answer: Answer, command: str) -> Iterator[str]:
    for name, one in sorted(answer["nodes"].items()):
        lines = list(_said(one, command))
        yield f"{name}: {lines[0]}" if len(lines) == 1 else f"{name}:"
        yield from lines if len(lines) > 1 else ()
    if "silent" in answer:
        yield f"Nodes that did not answer: {answer['silent']}."


def _sentence(answer: Answer) -> Iterator[str]:
    until = f" until {_hour(answer['until'])}" if "until" in answer else ""
    yield f"{answer['done']}{until}."


def _status(answer: Answer) -> Iterator[str]:
    for name, value in answer.items():
        yield f"{name:12} {'yes' if value is True else 'no' if value is False else value}"


def _people(answer: Answer) -> Iterator[str]:
    rows = [
        (
            person["name"],
            "moderator"
            if person["moderator"]
            else "registered"
            if person["registered"]
            else "visitor",
            person["address"],
            f"{person['seconds'] // 60} min",
            f"muted until {_hour(person['muted_until'])}" if person["muted_until"] else "",
        )
        for person in answer["people"]
    ]
    yield from _table(("name", "is", "from", "here for", ""), rows)


def _bans(answer: Answer) -> Iterator[str]:
    rows = [(ban["whom"], _hour(ban["until"]), ban["by"], ban["why"]) for ban in answer["bans"]]
    yield from _table(("who", "until", "by", "why"), rows)


_TABLES: dict[str, Callable[[Answer], Iterator[str]]] = {
    "status": _status,
    "fingerprint": _status,
    "who": _people,
    "bans": _bans,
}


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _hour(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"
