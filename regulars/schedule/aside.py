"""What could not be done: kept with its reason until somebody has it tried again."""

from datetime import datetime
from uuid import UUID

from regulars import limits
from regulars.kit import AFTER_ALL_IDS, Queries, Reading, Tx, new_id
from regulars.schedule.model import Due

_sql = Queries(__file__)


class Aside(Due, frozen=True, kw_only=True):
    """A row that was set aside, with the reason in words. `id` is drawn anew each time."""

    id: UUID
    aside_at: datetime
    reason: str


async def set_aside(tx: Tx, workspace_id: UUID, due: Due, reason: str, now: datetime) -> None:
    """It is due, and its handler fails for it alone."""
    words = reason[: limits.REASON_CHARS_STORED_MAX]
    await tx.execute(_sql.set_aside, workspace_id, due.kind, due.key, due.due_at, new_id(), now, words)


async def try_again(tx: Tx, workspace_id: UUID, kind: str | None = None) -> int:
    """Have all that were set aside done at once, or those of a kind; how many they were."""
    return await tx.count(_sql.try_again, workspace_id, kind)


async def aside(
    tx: Reading, workspace_id: UUID, *, kind: str | None = None, before_id: UUID | None = None, limit: int
) -> list[Aside]:
    """Those that were set aside last come first."""
    rows = await tx.fetch(_sql.aside, workspace_id, before_id or AFTER_ALL_IDS, kind, limit)
    return [Aside(**dict(row)) for row in rows]


async def kinds_aside(tx: Reading, workspace_id: UUID) -> dict[str, int]:
    """How many were set aside of each kind; counting stops at limits.DELIVERY_COUNT_MAX in all."""
    rows = await tx.fetch(_sql.kinds_aside, workspace_id, limits.DELIVERY_COUNT_MAX)
    return {row["kind"]: row["rows"] for row in rows}
