"""One typed function per statement of queries.sql that is used by more than one act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from regulars.kit.db import Reading, Record, Tx
from regulars.kit.errors import NotFound
from regulars.kit.queries import Queries
from regulars.shops.model import Settled, Source

sql = Queries(__file__)


async def sources(tx: Reading, workspace_id: UUID) -> list[Source]:
    return [Source(*row) for row in await tx.fetch(sql.sources, workspace_id)]


async def source(tx: Reading, workspace_id: UUID, source_id: UUID) -> Source:
    """Raises NotFound; so does one that was removed."""
    return _found(await tx.fetchrow(sql.source, workspace_id, source_id))


async def lock_source(tx: Tx, workspace_id: UUID, source_id: UUID) -> Source:
    """Raises NotFound, as `source`."""
    return _found(await tx.fetchrow(sql.lock_source, workspace_id, source_id))


async def source_of_hook(tx: Reading, hook_id: UUID) -> Source | None:
    row = await tx.fetchrow(sql.source_of_hook, hook_id)
    return Source(*row) if row else None


async def heard_at(tx: Reading, workspace_id: UUID, source_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When the newest hook of each source came, where one came at all."""
    return {row["id"]: row["received_at"] for row in await tx.fetch(sql.heard_at, workspace_id, source_ids)}


async def sources_by_ids(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Source]:
    """Those that were removed too."""
    return {row["id"]: Source(*row) for row in await tx.fetch(sql.sources_by_ids, workspace_id, ids)}


async def settle(tx: Tx, workspace_id: UUID, settled: Mapping[UUID, Settled], now: datetime) -> None:
    rows = []
    for id, one in settled.items():
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


def _found(row: Record | None) -> Source:
    if row is None:
        raise NotFound("This source does not exist.")
    return Source(*row)


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Empty what came in about these customers: it can't be handled again."""
    await tx.execute(sql.forget_hooks, workspace_id, customer_ids)
