"""What could not be done: kept with its reason until somebody has it tried again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from regulars import limits
from regulars.kit.db import Reading, Tx
from regulars.kit.queries import Queries
from regulars.schedule.model import Due

_sql = Queries(__file__)


class Aside(Due, frozen=True, kw_only=True):
    """A row that was set aside, with the reason in words."""

    aside_at: datetime
    reason: str


async def set_aside(tx: Tx, workspace_id: UUID, kind: str, key: str, reason: str, now: datetime) -> None:
    """It is due, and its handler fails for it alone."""
    await tx.execute(_sql.set_aside, workspace_id, kind, key, now, reason[: limits.REASON_CHARS_STORED_MAX])


async def try_again(tx: Tx, workspace_id: UUID, *, kind: str | None = None, keys: Collection[str] | None = None) -> int:
    """Have those that were set aside done at once: all, those of a kind, or the ones with these keys; how many."""
    status = await tx.execute(_sql.try_again, workspace_id, kind, None if keys is None else list(keys))
    return int(status.removeprefix("UPDATE "))


async def aside(
    tx: Reading, workspace_id: UUID, *, limit: int, after: tuple[datetime, str, str] | None = None
) -> list[Aside]:
    """Those that were set aside, longest ago first; `after` is (aside_at, kind, key) of the last one before."""
    rows = await tx.fetch(_sql.aside, workspace_id, limit, *(after or (None, "", "")))
    return [Aside(**dict(row)) for row in rows]


async def count_aside(tx: Reading, workspace_id: UUID) -> int:
    """How many were set aside; counting stops at limits.DELIVERY_COUNT_MAX."""
    found: int = await tx.fetchval(_sql.count_aside, workspace_id, limits.DELIVERY_COUNT_MAX)
    return found
