"""What the last version asks of the database, as it was recorded: statements, the columns it fills, its row types.

`make writers` records this version's, when it is released. A record whose migrations were edited since, as they may be
before the first release, is of no database that this version could meet: then this version stands for it.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import asyncpg
import sqlglot
from sqlglot import exp

from regulars.kit.db import Tx
from regulars.kit.queries import statements

ROOT = Path(__file__).parents[2]
RECORD = Path(__file__).with_name("writers.json")


def recorded() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    version = this_version()
    edited = any(version["migrations"].get(name) != digest for name, digest in record["migrations"].items())
    return version if edited else record


def this_version() -> dict[str, Any]:
    """Statements by their names; row types as they are made; the migrations that they go with, by their digests."""
    asked: dict[str, str] = {}
    types: dict[str, str] = {}
    for path in sorted((ROOT / "regulars").rglob("queries.sql")):
        room = ".".join(path.relative_to(ROOT / "regulars").parts[:-1])
        for title, sql in statements(path).items() if room != "bench" else ():
            lines = [line for line in sql.splitlines() if not line.lstrip().startswith("--")]
            asked[f"{room} {title}"] = "\n".join(lines).strip()
    files = sorted((ROOT / "regulars/migrations").glob("[0-9]*.sql"))
    for path in files:
        for made in path.read_text(encoding="utf-8").split("CREATE TYPE ")[1:]:
            name, _, rest = made.partition(" AS (")
            types[name.strip()] = " ".join(rest.partition(");")[0].split())
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return {"migrations": digests, "statements": asked, "types": types}


async def wrong_in(tx: Tx, record: dict[str, Any]) -> dict[str, str]:
    """What of the record the database can't do any more, with the reason: statements by their names, columns that have
    to be filled and were not known (`table.column`), row types that hold something else."""
    needed = {(row["table"], row["name"]) for row in await tx.fetch(_NEEDED)}
    wrong: dict[str, str] = {}
    for number, (name, sql) in enumerate(record["statements"].items()):
        for insert in sqlglot.parse_one(f"{sql}\n", read="postgres").find_all(exp.Insert):
            table, filled = insert.this.this.name, {column.name for column in insert.this.expressions}
            missing = [column for of, column in sorted(needed) if of == table and column not in filled]
            wrong |= {f"{table}.{column}": f"{name} does not fill it" for column in missing}
        values = max((int(value) for value in re.findall(r"\$([0-9]+)", sql)), default=0)
        nulls = f"({', '.join(['NULL'] * values)})" if values else ""
        try:
            await tx.execute(f"SAVEPOINT asked; PREPARE asked_{number} AS {sql}")
            await tx.execute(f"EXPLAIN EXECUTE asked_{number}{nulls}")
        except asyncpg.PostgresError as error:
            wrong[name] = str(error)
        await tx.execute("ROLLBACK TO asked")
    await tx.execute("DEALLOCATE ALL")
    for name, fields in record["types"].items():
        await tx.execute(f"SAVEPOINT asked; CREATE TYPE recorded AS ({fields})")
        was, now = [await tx.fetch(_FIELDS, of) for of in ("recorded", name)]
        if was != now:
            wrong[name] = "its fields are others: a row type that changes takes another number"
        await tx.execute("ROLLBACK TO asked")
    return wrong


_NEEDED = """
SELECT c.relname AS table, a.attname AS name
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
   AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
"""
_FIELDS = """
SELECT attname, atttypid FROM pg_attribute
 WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


if __name__ == "__main__":
    RECORD.write_text(json.dumps(this_version(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
