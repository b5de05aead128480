"""The schema, as plain SQL files applied in the order of their names, forward only.

Each file runs in a transaction of its own and is written down in `schema_migration`. Two processes that start at once
take turns on an advisory lock. A migration that would have to wait for a table gives way and is tried again, so that
it does not stand in front of a shop's traffic; while it has its lock, the traffic of that table waits for it.

An index of a table that may be large is made without such a lock, in a file of its own whose one statement begins with
`CREATE INDEX CONCURRENTLY name ON table`. It runs in no transaction: what one that was cut off has left behind is made
anew. Of a partitioned table it is made month by month.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from regulars import limits
from regulars.kit import Tx, ids, nodes, partitions
from regulars.kit.db import IN_USE

_ADVISORY_LOCK = 0x5245_4755  # "REGU"


FOLDER = Path(__file__).parent
_OWNER = "regulars"
_SERVER_VERSION_MIN = 15_00_00  # PostgreSQL 15, as `server_version_num` counts


class MigrationError(Exception):
    """The database cannot be used: unreachable, too old, or made by another version of this program."""


class OtherVersion(MigrationError):
    """Migrations that were applied to the database are not this program's. It was left as it is."""


async def migrate(url: str) -> list[str]:
    """Apply what is missing and return the names of the files applied. Raises MigrationError."""
    files = {file.name: file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob("[0-9]*.sql"))}
    async with _connected(url) as connection:
        # Asked again and again: whoever waits inside a statement is waited for by an index that is made without a lock.
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _ADVISORY_LOCK):  # noqa: ASYNC110
            await asyncio.sleep(limits.MIGRATION_TURN_POLL_S)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration"
            " (name text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        known = await _known(connection)
        if other := differing(known):
            raise OtherVersion(
                "this database was made by another version of Regulars, and before its first release one version's "
                f"data can't be brought to another's ({', '.join(other)} differ). Nothing in it was changed. Start the "
                "version that made it, or begin with an empty database"
            )
        missing = [name for name in files if name not in known]
        for name in missing:
            index = _CONCURRENTLY.fullmatch(_COMMENT.sub("", files[name]).strip())
            if index:
                await _make_index(connection, index)
            made = "INSERT INTO schema_migration (name, digest) VALUES ($1, $2)"
            statements = [] if index else [(command,) for command in commands(files[name])]
            await _giving_way(connection, *statements, (made, name, _digest(files[name])))
        async with connection.transaction():
            await partitions.make(Tx(connection), ids.now())
        await nodes.spread(connection)
        return missing


async def applied(url: str) -> dict[str, str]:
    """Those that the database has, each with its digest; none when nobody has migrated it. Raises MigrationError."""
    async with _connected(url) as connection:
        if not await connection.fetchval("SELECT to_regclass('schema_migration') IS NOT NULL"):
            return {}
        return await _known(connection)


async def _known(connection: asyncpg.Connection[asyncpg.Record]) -> dict[str, str]:
    return {row["name"]: row["digest"] for row in await connection.fetch("SELECT name, digest FROM schema_migration")}


def differing(known: Mapping[str, str]) -> list[str]:
    """Those that are not this program's."""
    own = {file.name: _digest(file.read_text(encoding="utf-8")) for file in FOLDER.glob("[0-9]*.sql")}
    return sorted(name for name, digest in known.items() if own.get(name) != digest)


def _digest(sql: str) -> str:
    return sha256(sql.encode()).hexdigest()


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    try:
        connection = await asyncpg.connect(url)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise MigrationError(f"cannot connect to the database: {error}") from error
    try:
        if int(await connection.fetchval("SHOW server_version_num")) < _SERVER_VERSION_MIN:
            raise MigrationError("PostgreSQL 15 or newer is needed, and this database's is older")
        yield connection
    finally:
        await connection.close()


def commands(sql: str) -> list[str]:
    """Those of a file, to be sent one by one: where tables are spread over nodes, no two go in one call."""
    return [command.strip() for command in _COMMENT.sub("", sql).split(";") if command.strip()]


async def _make_index(connection: asyncpg.Connection[asyncpg.Record], wanted: re.Match[str]) -> None:
    unique, name, table, rest = wanted.groups(default="")
    parts = [row[0] for row in await connection.fetch(_PARTS, table)]
    if not parts:
        await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        await connection.execute(f"CREATE {unique}INDEX CONCURRENTLY {name} ON {table} {rest}")
        return
    # Months that come from now on have it from their table.
    await _giving_way(connection, [f"CREATE {unique}INDEX IF NOT EXISTS {name} ON ONLY {table} {rest}"])
    for part in parts:
        own = f"{part}_{name.removeprefix(f'{table}_')}"
        if not await connection.fetchval(_ATTACHED, name, own):
            await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {own}")
            await connection.execute(f"CREATE {unique}INDEX CONCURRENTLY {own} ON {part} {rest}")
            await _giving_way(connection, [f"ALTER INDEX {name} ATTACH PARTITION {own}"])


async def _giving_way(connection: asyncpg.Connection[asyncpg.Record], *statements: Sequence[str]) -> None:
    """A transaction that needs tables' locks for a moment, each statement with its arguments: tried again and again,
    so that nobody waits long behind it. Raises MigrationError when others never let it."""
    for _ in range(limits.MIGRATION_ATTEMPTS_MAX):
        with suppress(IN_USE):
            async with connection.transaction():
                await partitions.give_way(Tx(connection))
                for statement in statements:
                    await connection.execute(*statement)
            return
        await asyncio.sleep(limits.MIGRATION_TURN_POLL_S)
    raise MigrationError(
        "others hold what a migration has to change, and would have had to wait behind it: it gave way and changed "
        "nothing. Run it again when what takes long on this database (a backup, an audit, a report) has ended"
    )


_COMMENT = re.compile(r"--[^\n]*")
_CONCURRENTLY = re.compile(
    r"CREATE (UNIQUE )?INDEX CONCURRENTLY ([a-z0-9_]+)\s+ON ([a-z0-9_]+)\s+([^;]+);?", re.IGNORECASE | re.DOTALL
)
_PARTS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = $1::text::regclass ORDER BY c.relname
"""
_ATTACHED = """
SELECT true FROM pg_inherits WHERE inhparent = $1::text::regclass AND inhrelid = to_regclass($2::text)
"""


async def as_owner(url: str) -> str:
    """Have the database belong to an account that may do nothing else on the server, and return its URL with that one.
    `url` is a superuser's who needs no password, as the embedded server's is."""
    connection = await asyncpg.connect(url)
    try:
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", _OWNER):
            await connection.execute(f"CREATE ROLE {_OWNER} LOGIN")
        owned = "SELECT datdba = $1::text::regrole FROM pg_database WHERE datname = current_database()"
        if not await connection.fetchval(owned, _OWNER):
            # New, or from the time when the product was the server's superuser.
            async with connection.transaction():
                name = await connection.fetchval("SELECT quote_ident(current_database())")
                for row in await connection.fetch(_MADE_BY_OTHERS):
                    await connection.execute(f"{row['alter']} OWNER TO {_OWNER}")
                await connection.execute(f"ALTER DATABASE {name} OWNER TO {_OWNER}")
    finally:
        await connection.close()
    parts = urlsplit(url)
    return parts._replace(netloc=f"{_OWNER}@{parts.netloc.rpartition('@')[2]}").geturl()


# What stands by itself in the schema; indexes, and the sequences and types of tables, go with their tables.
_MADE_BY_OTHERS = """
SELECT format('ALTER TABLE %s', oid::regclass) AS alter FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
UNION ALL
SELECT format('ALTER TYPE %s', reltype::regtype) FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'c'
UNION ALL
SELECT format('ALTER ROUTINE %s', oid::regprocedure) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""
