"""Which shards each statement touches, where the tests run on a Citus cluster (`make test DATABASE_URL=...`): of every
one of `queries.sql` that they send, and every one that a transaction puts together, with the values that they send.

What is asked of one shop must touch one shard of each table, and those side by side. The coordinator says what it sends
where, and the driver hears it. Elsewhere nothing of this happens.
"""

import re
from collections import defaultdict
from typing import Any

import asyncpg

from regulars.kit.queries import statements
from tests.tooling.writers import ROOT

_SHARD = re.compile(r"_(\d{6,})\b")
_TOGETHER = "WITH part_0 AS ("
_SAY = "ALTER DATABASE {} SET citus.log_remote_commands = on"
_PLACES = "SELECT shardid::text, shardminvalue FROM pg_dist_shard WHERE shardminvalue IS NOT NULL"

_titles = {
    sql: (f"{path.parent.relative_to(ROOT)} {title}", "-- every workspace" in sql)
    for path in (ROOT / "regulars").rglob("queries.sql")
    for title, sql in statements(path).items()
}
_now: dict[int, set[str]] = {}
_touched: dict[tuple[str, str], set[frozenset[str]]] = defaultdict(set)
watching: list[bool] = []
said: list[str] = []
"""For people, once all is done."""


def watch() -> None:
    """From now on, in this process."""
    watching.append(True)
    driver: Any = asyncpg.Connection
    hear, send = driver._process_log_message, driver._Connection__execute

    def hearing(self: Any, fields: dict[str, str], last_query: str) -> None:
        if id(self) in _now and fields["M"].startswith("issuing "):
            _now[id(self)].update(_SHARD.findall(fields["M"]))
        else:
            hear(self, fields, last_query)

    async def sending(self: Any, query: str, *arguments: Any, **more: Any) -> Any:
        touched = _now[id(self)] = set()
        try:
            return await send(self, query, *arguments, **more)
        finally:
            _now.pop(id(self), None)
            if query in _titles or query.startswith(_TOGETHER):
                _touched[self._params.database, query].add(frozenset(touched))

    driver._process_log_message, driver._Connection__execute = hearing, sending


async def told_by(url: str) -> None:
    """Have the database say what it sends to which node, where anybody watches."""
    if watching:
        connection = await asyncpg.connect(url)
        await connection.execute(_SAY.format(await connection.fetchval("SELECT quote_ident(current_database())")))
        await connection.close()


async def strays(server_url: str) -> dict[str, int]:
    """Statements of one shop that touched the shards of more, with how many; and have said what was seen."""
    most: dict[bool, dict[str, int]] = {True: defaultdict(int), False: defaultdict(int)}
    for database in {database for database, _ in _touched}:
        try:
            connection = await asyncpg.connect(server_url, database=database)
        except asyncpg.InvalidCatalogNameError:
            continue  # its test has dropped it
        places = dict(await connection.fetch(_PLACES))
        await connection.close()
        for (of, query), times in _touched.items():
            if of == database:
                title, everywhere = _titles.get(
                    query, (f"{query.count('part_')} and one together: {query[:200]}", False)
                )
                many = max(len({places[shard] for shard in touched if shard in places}) for touched in times)
                most[everywhere][title] = max(most[everywhere][title], many)
    if watching:
        known = sum(not everywhere for _, everywhere in _titles.values())
        own = sum(" together: " not in title for title in most[False])
        said.append(
            f"Asked of one shop: {own} of {known} statements, and {len(most[False]) - own} that were put together."
        )
        said.append(", ".join(f"{title}: {many} shards" for title, many in sorted(most[True].items())))
    return {title: many for title, many in most[False].items() if many > 1}
