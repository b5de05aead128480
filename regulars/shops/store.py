"""Typed functions over the statements that more than one act uses."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from regulars import limits
from regulars.kit import Queries, Reading, Tx
from regulars.kit.traces import GONE, Traces
from regulars.shops.model import Settled, Source

sql = Queries(__file__)
MISSING = "This source does not exist."


async def source(tx: Reading, workspace_id: UUID, source_id: UUID, *, locked: bool = False) -> Source:
    """Raises NotFound; so does one that was removed."""
    return await tx.the(MISSING, Source, sql.lock_source if locked else sql.source, workspace_id, source_id)


async def heard_at(tx: Reading, workspace_id: UUID, source_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When the newest hook of each source came, where one came at all."""
    return {row["id"]: row["received_at"] for row in await tx.fetch(sql.heard_at, workspace_id, source_ids)}


async def settle(tx: Tx, workspace_id: UUID, settled: Mapping[UUID, Settled], now: datetime) -> None:
    rows = []
    for id, one in sorted(settled.items()):
        about = (one.said.subject, one.said.version) if one.said else ("", None)
        rows.append((id, one.state, *about, one.outcome, one.order_id, one.customer_id))
    if rows:
        await tx.execute(sql.settle_hooks, workspace_id, *map(list, zip(*rows, strict=True)), now)


async def newest_versions(
    tx: Reading, workspace_id: UUID, subjects: Mapping[UUID, tuple[UUID, str]]
) -> dict[UUID, datetime]:
    """Of each hook's (source, subject) the newest version that was acted on, by hook."""
    columns = [list(subjects), *map(list, zip(*subjects.values(), strict=True))]
    return {row["id"]: row["version"] for row in await tx.fetch(sql.newest_versions, workspace_id, *columns)}


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Empty what came in about these customers: it can't be handled again."""
    await tx.execute(sql.forget_hooks, workspace_id, customer_ids)


async def look(tx: Tx, workspace_id: UUID, traces: Traces, after: UUID, before: UUID, _: datetime) -> UUID | None:
    """Empty what nothing came of and what is still to be handled, where it tells of somebody who was erased, some at a
    time: the id to go on from, None at the end."""
    rows = await tx.fetch(sql.unowned, workspace_id, after, before, limits.TRACED_ROWS_MAX)
    found = [row["id"] for row in rows if traces.in_body(row["body"]) or traces.in_text(row["outcome"])]
    if found:
        await tx.execute(sql.empty_hooks, workspace_id, found, GONE)
    return rows[-1]["id"] if len(rows) == limits.TRACED_ROWS_MAX else None
