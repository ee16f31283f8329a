"""The tables in the database: makes them, recognises them, compares them with the plan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources

import psycopg
from twisted.logger import Logger

from granja.ledger.interface import LedgerRefused

_log = Logger()

Connection = psycopg.Connection[tuple[object, ...]]

#: The version of ``schema.sql``.
VERSION = 2

#: The oldest PostgreSQL that we test, in the form of ``server_version_num``.
OLDEST = 140000

#: A lock with this number lets only one of two first nodes make the tables.
_LOCK = 0x4752414E

_NAMESPACES = "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"

_STRANGERS = f"""
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {_NAMESPACES} AND n.nspname <> 'granja' AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
AND NOT EXISTS (SELECT 1 FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1 LIMIT 1
"""


def script() -> str:
    """The SQL that makes all tables."""
    return resources.files("granja.ledger.postgresql").joinpath("schema.sql").read_text("utf-8")


def bring_up_to_date(connection: Connection, where: str) -> str:
    """Make the tables if there are none.

    :param where: the database, for people.
    :returns: the farm's identity.
    :raises LedgerRefused: when the database or the role is not fit for a granja.
    """
    _check_role(connection, where)
    farm = recognise(connection, where, any_version=True)
    if farm is None:
        return _create(connection, where)
    _upgrade(connection, where)
    return farm


#: The statements from version 1 to version 2.  After them we make the function again.
_TO_2 = """
ALTER TABLE granja.granja ADD plain boolean NOT NULL DEFAULT false;
UPDATE granja.granja SET version = 2, plain = EXISTS (SELECT 1 FROM granja.entries);
CREATE SEQUENCE granja.pseudonyms_added;
ALTER TABLE granja.pseudonyms
    ADD added bigint NOT NULL DEFAULT nextval('granja.pseudonyms_added');
CREATE INDEX pseudonyms_farmer ON granja.pseudonyms (farmer);
CREATE INDEX pseudonyms_new ON granja.pseudonyms (added);
DROP FUNCTION granja.append(bigint, bigint, bigint, bytea, double precision[], text[], text[],
    bytea[], bigint[], text[], text[], text[], text[], bigint[]);
"""


def _upgrade(connection: Connection, where: str) -> None:
    """Bring tables of an older version up to date, if no node uses them.

    :raises LedgerRefused: when a node uses them: it would write by the old rules.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        if _one(connection, "SELECT version FROM granja.granja") == VERSION:
            return
        # Until this is done, nobody appends, and nobody takes a lease.
        connection.execute("LOCK TABLE granja.leases IN EXCLUSIVE MODE")
        node = _one(connection, "SELECT node FROM granja.leases WHERE until > clock_timestamp()")
        if node is not None:
            raise LedgerRefused(
                f"the ledger in the database {where} is of an older granja, of which a node runs, "
                f"{node}: stop all nodes, and then start the new ones"
            )
        connection.execute(_TO_2)
        connection.execute(script()[script().index("CREATE FUNCTION") :])
    _log.warn("The tables in the database {where} were brought up to date.", where=where)


def recognise(connection: Connection, where: str, *, any_version: bool = False) -> str | None:
    """The farm's identity; None for an empty database.

    :param any_version: accept an older version too.
    :raises LedgerRefused: when something else is there, or another granja's ledger.
    """
    check_version(connection, where)
    if (stranger := _one(connection, _STRANGERS)) is not None:
        raise LedgerRefused(
            f"the database {where} has somebody else's tables, such as {stranger}; "
            "a granja needs a database of its own"
        )
    if _one(connection, "SELECT to_regnamespace('granja')::text") is None:
        return None
    return _farm(connection, where, any_version)


def check_version(connection: Connection, where: str) -> None:
    """Check PostgreSQL's version.

    :raises LedgerRefused: when it is too old.
    """
    if connection.info.server_version < OLDEST:
        version = connection.info.server_version // 10000
        raise LedgerRefused(
            f"the database {where} is PostgreSQL {version}, which is too old: "
            f"{OLDEST // 10000} or newer is needed"
        )


def _farm(connection: Connection, where: str, any_version: bool) -> str:
    try:
        row = connection.execute("SELECT farm::text, version FROM granja.granja").fetchone()
    except psycopg.Error as error:
        if error.sqlstate == "42501":
            raise LedgerRefused(
                f"the database {where} has a ledger that this role may not read"
            ) from None
        if error.sqlstate is None or not error.sqlstate.startswith("42"):
            raise
        row = None
    if row is None or not isinstance(row[0], str) or not isinstance(row[1], int):
        raise LedgerRefused(f"the database {where} has a schema granja that is no granja's ledger")
    if row[1] > VERSION:
        raise LedgerRefused(
            f"the ledger in the database {where} has version {row[1]}, but this granja knows only "
            f"up to {VERSION}; a newer granja is needed to open it"
        )
    if row[1] < VERSION and not any_version:
        raise LedgerRefused(
            f"the ledger in the database {where} is older than this granja; start a server on it "
            "once, and it will be upgraded"
        )
    return row[0]


def _check_role(connection: Connection, where: str) -> None:
    if _one(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        raise LedgerRefused(
            f"the role that opens {where} is a superuser, which a granja must not be; "
            "make a role that owns the database and nothing else"
        )


def _create(connection: Connection, where: str) -> str:
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        farm = recognise(connection, where)
        if farm is not None:
            return farm  # Another node was quicker.
        try:
            connection.execute(script())
        except psycopg.errors.InsufficientPrivilege:
            raise LedgerRefused(
                f"the role that opens {where} may not make tables there; it must own the database"
            ) from None
        made = connection.execute(
            "INSERT INTO granja.granja VALUES (gen_random_uuid(), %s) RETURNING farm::text",
            (VERSION,),
        ).fetchone()
        assert made is not None
        return str(made[0])


# -- the plan --------------------------------------------------------------------------------


def problem(connection: Connection) -> str | None:
    """Half a sentence about a difference between the tables and ``schema.sql``, or None.

    A foreign trigger could refuse trades, and a foreign function could invent them.
    """
    wanted, found = set(_planned()), set(_columns(connection))
    for table, column, kind in sorted(found - wanted):
        return f"the column {table}.{column} ({kind}) is not granja's"
    for table, column, kind in sorted(wanted - found):
        return f"it has no column {table}.{column} ({kind})"
    for name, source in connection.execute(_FUNCTIONS):
        if f"AS $${source}$$" not in script():
            return f"its function {name} is not as granja makes it"
    if (extra := _one(connection, _EXTRAS)) is not None:
        return f"{extra} is not granja's"
    return None


_TABLE = re.compile(r"CREATE TABLE granja\.(\w+) \((.*?)\n\);", re.DOTALL)
_COLUMN = re.compile(r"^    (?!PRIMARY|UNIQUE)(\w+) (double precision|\w+)", re.MULTILINE)


def _planned() -> Iterator[tuple[str, str, str]]:
    for table, columns in _TABLE.findall(script()):
        for column, kind in _COLUMN.findall(columns):
            yield table, column, "timestamp with time zone" if kind == "timestamptz" else kind


def _columns(connection: Connection) -> Iterator[tuple[str, str, str]]:
    for table, column, kind in connection.execute(
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) "
        "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relnamespace = 'granja'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'f', 'p') "
        "AND a.attnum > 0 AND NOT a.attisdropped"
    ):
        yield str(table), str(column), str(kind)


_FUNCTIONS = (
    "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'granja'::regnamespace ORDER BY 1"
)

_EXTRAS = """
SELECT 'the trigger ' || t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'granja'::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT 'the rule ' || r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = 'granja'::regnamespace
UNION ALL
SELECT 'the policy ' || p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = 'granja'::regnamespace
LIMIT 1
"""


def _one(connection: Connection, sql: str) -> object:
    row = connection.execute(sql).fetchone()
    return None if row is None else row[0]
