"""The statements, and what more than one act needs of them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars.delivery.model import Due, Share
from regulars.kit import Queries, Reading

sql = Queries(__file__)
MISSING = "This delivery does not exist."


async def due(
    tx: Reading, workspace_id: UUID, lane_id: UUID, now: datetime, of: Sequence[tuple[Share, datetime, UUID, int]]
) -> list[Due]:
    """A page of what is due, oldest first: of each share so many after the place given by (due_at, id)."""
    return await tx.all(Due, sql.due, workspace_id, lane_id, now, *map(list, zip(*of, strict=True)))
