"""Where something is due, and the doing of it."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from regulars import limits
from regulars.kit import Queries, Reading, Tx
from regulars.kit.queries import for_each
from regulars.schedule.model import Due, Handler
from regulars.tenancy import Workspace

_sql = Queries(__file__)


async def first_due(tx: Reading, kinds: Collection[str]) -> dict[str, datetime]:
    """Of each of these kinds the earliest time in any workspace, at the cost of an index entry each. Kinds of which
    nothing is scheduled are left out."""
    rows = await tx.fetch(for_each(_sql.first_due, len(kinds)), list(kinds)) if kinds else []
    return {row["kind"]: row["due_at"] for row in rows}


async def shops_due(tx: Reading, kinds: Collection[str], now: datetime) -> list[tuple[UUID, str]]:
    """The workspaces that have something due of these kinds, each with the kind."""
    found: dict[tuple[UUID, str], None] = {}
    backlogs: list[str] = []
    looked = for_each(_sql.shops_due, len(kinds))
    for row in await tx.fetch(looked, list(kinds), now, limits.SCHEDULE_LOOKED_AT_MAX) if kinds else ():
        found |= dict.fromkeys((workspace_id, row["kind"]) for workspace_id in row["workspaces"] or ())
        if row["seen"] == limits.SCHEDULE_LOOKED_AT_MAX:
            backlogs.append(row["kind"])
    if backlogs:
        # A shop may have so much due that nobody else's was among what was looked at, so each is asked.
        rows = await tx.fetch(for_each(_sql.shops_due_of, len(backlogs)), backlogs, now)
        found |= dict.fromkeys((row["workspace_id"], row["kind"]) for row in rows)
    return list(found)


async def find(tx: Reading, workspace_id: UUID, kind: str, key: str) -> Due | None:
    row = await tx.fetchrow(_sql.find, workspace_id, kind, key)
    return Due(*row) if row else None


async def due_now(tx: Reading, workspace_id: UUID, kind: str, now: datetime) -> list[Due]:
    """What `run` would take."""
    return await tx.all(Due, _sql.due_now, workspace_id, kind, now, limits.SCHEDULE_ROWS_MAX)


async def run(
    tx: Tx, workspace: Workspace, kind: str, handler: Handler, now: datetime, *, key: str | None = None
) -> int:
    """Do what the workspace has due of the kind, oldest first, up to limits.SCHEDULE_ROWS_MAX, or the one with the key;
    how many they were.

    Any number may run side by side: rows that another transaction has in hand are passed over. They are deleted before
    the handler begins, so what it puts under the same key is a new row. Raises whatever the handler does.
    """
    if key is None:
        rows = await tx.fetch(_sql.take, workspace.id, kind, now, limits.SCHEDULE_ROWS_MAX)
    else:
        rows = await tx.fetch(_sql.take_one, workspace.id, kind, now, key)
    if rows:
        dues = sorted((Due(*row) for row in rows), key=lambda due: (due.due_at, due.key))
        await handler(tx, workspace, dues, now)
    return len(rows)


async def lease(tx: Tx, workspace_id: UUID, kind: str, now: datetime, until: datetime, limit: int) -> list[Due]:
    """So many that are due, for whoever calls out now. They are due again then, should that one die, until dropped."""
    return await tx.all(Due, _sql.lease, workspace_id, kind, now, limit, until)
