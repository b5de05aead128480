"""Tables spread over the nodes of a Citus cluster: each shop's rows lie on one of them, side by side, so that what is
asked of a shop is asked of one node. Of a server without the extension nothing here makes anything else.

What has no workspace is copied to every node. The node of `DATABASE_URL` is the coordinator, and the same for every
process: advisory locks and what is said by NOTIFY are of one node (`docs/decisions/0156-one-node-is-asked.md`).
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

import asyncpg

from regulars.kit.db import Connection

_SETTINGS = (
    # The driver asks what a row type holds: otherwise all tables of the server are looked at for being shards.
    "citus.override_table_visibility = off",
    # What a transaction sets for itself, such as how long it waits for a lock, holds at the other nodes too.
    "citus.propagate_set_commands = 'local'",
    # As `kit/db` has it for its own connections: the coordinator's to the other nodes have these.
    *("timezone = 'UTC'", "enable_seqscan = off", "random_page_cost = 1.1", "jit = off"),
)


async def spread(connection: Connection) -> Sequence[str]:
    """Spread what is not yet, with what is in it; those tables' names. One that is cut off goes on where it was."""
    if not await _nodes(connection):
        return ()
    tables = await connection.fetch(_LOCAL)
    if tables:
        name = await connection.fetchval("SELECT quote_ident(current_database())")
        for command in (f"ALTER DATABASE {name} SET {setting}" for setting in _SETTINGS):
            await connection.execute(command)
            await connection.execute("SELECT run_command_on_workers($1)", command)
    for table in tables:
        await connection.execute(_SPREAD if table["of_workspaces"] else _COPY, *table[:1])
    return [table["name"] for table in tables]


async def told(url: str) -> str:
    """How the tables lie, in a sentence; '' where they are on one server."""
    connection = await asyncpg.connect(url)
    try:
        if not (nodes := await _nodes(connection)):
            return ""
        spread, copied = await connection.fetchrow(_LIE) or (0, 0)
        return f"{spread} tables are spread over {len(nodes)} nodes by workspace, {copied} copied to each."
    finally:
        await connection.close()


async def new_database(connection: Connection, url: str, name: str) -> None:
    """A database beside the one of that URL, which the connection is to, on the same nodes."""
    others = await _nodes(connection)
    for at in (url, *(_at(url, node) for node in others)):
        await _run(at, f'CREATE DATABASE "{name}"')
        if others:
            await _run(_renamed(at, name), "CREATE EXTENSION citus")
    if others:
        joining = [f"SELECT citus_add_node('{host}', {port})" for host, port in others]
        host, port = await connection.fetchrow(_HERE) or (urlsplit(url).hostname, urlsplit(url).port or 5432)
        await _run(_renamed(url, name), f"SELECT citus_set_coordinator_host('{host}', {port})", *joining)


async def drop_database(connection: Connection, url: str, name: str) -> None:
    """Whoever is connected to it, on all nodes."""
    for at in (url, *(_at(url, node) for node in await _nodes(connection))):
        await _run(at, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _nodes(connection: Connection) -> list[tuple[str, int]]:
    """Those that hold shards; none where there is no cluster."""
    if not await connection.fetchval("SELECT to_regclass('pg_catalog.pg_dist_node')"):
        return []
    return [(row[0], row[1]) for row in await connection.fetch(_NODES)]


async def _run(url: str, *commands: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for command in commands:
            await connection.execute(command)
    finally:
        await connection.close()


def _at(url: str, node: tuple[str, int]) -> str:
    """The database of that name at another node, for whoever the URL is of."""
    parts = urlsplit(url)
    who, mark, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{who}{mark}{node[0]}:{node[1]}").geturl()


def _renamed(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


# In the order in which they were made: what others refer to comes first.
_LOCAL = """
SELECT c.oid::regclass::text AS name, EXISTS (
        SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'workspace_id' AND NOT a.attisdropped
       ) AS of_workspaces
  FROM pg_class c
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND NOT EXISTS (SELECT FROM pg_dist_partition d WHERE d.logicalrelid = c.oid)
   AND NOT relation_is_a_known_shard(c.oid)
 ORDER BY c.oid
"""
_SPREAD = """
SELECT create_distributed_table($1::text::regclass, 'workspace_id', colocate_with =>
       COALESCE((SELECT min(logicalrelid::oid)::regclass::text FROM pg_dist_partition WHERE partmethod = 'h'), 'none'))
"""
_COPY = "SELECT create_reference_table($1::text::regclass)"
_LIE = (
    "SELECT count(*) FILTER (WHERE partmethod = 'h'), count(*) FILTER (WHERE partmethod = 'n') FROM pg_dist_partition"
)
_NODES = """
SELECT nodename, nodeport FROM pg_dist_node WHERE noderole = 'primary' AND isactive AND groupid > 0 ORDER BY groupid
"""
_HERE = "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid = 0"
