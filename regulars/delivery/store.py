"""The statements, and what more than one act needs of them."""

from datetime import datetime
from uuid import UUID

from regulars.delivery.model import Due
from regulars.kit import Queries, Reading

sql = Queries(__file__)
MISSING = "This delivery does not exist."


async def due(
    tx: Reading, workspace_id: UUID, lane_id: UUID, now: datetime, after: tuple[datetime, UUID], limit: int
) -> list[Due]:
    """A page of what is due, oldest first, after the place given by (due_at, id)."""
    return await tx.all(Due, sql.due, workspace_id, lane_id, now, *after, limit)
