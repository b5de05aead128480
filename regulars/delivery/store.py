"""One typed function per statement of queries.sql that is used by more than one act."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from regulars.delivery.model import Due
from regulars.kit.db import Reading
from regulars.kit.queries import Queries

sql = Queries(__file__)


async def due(
    tx: Reading, workspace_id: UUID, lane_id: UUID, now: datetime, after: tuple[datetime, UUID], limit: int
) -> list[Due]:
    """A page of what is due, oldest first, after the place given by (due_at, id)."""
    rows = await tx.fetch(sql.due, workspace_id, lane_id, now, after[0], after[1], limit)
    return [Due(*row) for row in rows]
