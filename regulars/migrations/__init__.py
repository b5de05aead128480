"""The schema, as plain SQL files applied in the order of their names, forward only.

Each file runs in a transaction of its own and is written down in `schema_migration`. Two processes that start at once
take turns on an advisory lock. A statement that would wait long for a lock gives up, so that a migration never stands
in front of a shop's traffic.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import asyncpg

from regulars import limits

_ADVISORY_LOCK = 0x5245_4755  # "REGU"


_SERVER_VERSION_MIN = 15_00_00  # PostgreSQL 15, as `server_version_num` counts


class MigrationError(Exception):
    """The database cannot be used: unreachable, too old, newer than this program, or a migration that was applied has
    since been edited."""


async def migrate(url: str) -> list[str]:
    """Apply what is missing and return the names of the files applied. Raises MigrationError."""
    files = sorted(Path(__file__).parent.glob("[0-9]*.sql"))
    try:
        connection = await asyncpg.connect(url)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise MigrationError(f"cannot connect to the database: {error}") from error
    try:
        if int(await connection.fetchval("SHOW server_version_num")) < _SERVER_VERSION_MIN:
            raise MigrationError("PostgreSQL 15 or newer is needed, and this database's is older")
        await connection.execute("SELECT pg_advisory_lock($1)", _ADVISORY_LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration"
            " (name text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await connection.fetch("SELECT name, digest FROM schema_migration")
        applied = {row["name"]: row["digest"] for row in rows}
        unknown = sorted(set(applied) - {file.name for file in files})
        if unknown:
            raise MigrationError(f"this database has migrations that this program does not know: {', '.join(unknown)}")
        return [file.name for file in files if await _apply(connection, file, applied.get(file.name))]
    finally:
        await connection.close()


async def _apply(connection: asyncpg.Connection[asyncpg.Record], file: Path, digest_applied: str | None) -> bool:
    sql = file.read_text(encoding="utf-8")
    digest = sha256(sql.encode()).hexdigest()
    if digest_applied == digest:
        return False
    if digest_applied is not None:
        raise MigrationError(f"{file.name} was changed after it had been applied to this database")
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{limits.MIGRATION_LOCK_TIMEOUT_S}s'")
        await connection.execute(sql)
        await connection.execute("INSERT INTO schema_migration (name, digest) VALUES ($1, $2)", file.name, digest)
    return True
