"""How lanes are doing, of a shop and of all."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from regulars import limits
from regulars.delivery.model import SLOT, LaneHealth, slot_of
from regulars.kit import Queries, Reading

_sql = Queries(__file__)


async def lane_health(tx: Reading, workspace_id: UUID, now: datetime) -> list[LaneHealth]:
    """Every lane of the workspace. The last hour is counted in slots of five minutes."""
    since = now - timedelta(hours=1)
    return await tx.all(LaneHealth, _sql.health, workspace_id, since, limits.DELIVERY_COUNT_MAX, now)


class Keeping(msgspec.Struct, frozen=True):
    """How all lanes of a tool keep up: how many are held up, since when the oldest is due (or is to be, when that is in
    the future), and what became of attempts in the five minutes that are counted last."""

    tool: str
    held_up: int
    oldest_due_at: datetime | None
    delivered: int
    retried: int
    failed: int


async def keeping_up(tx: Reading, silent: Sequence[UUID], now: datetime) -> list[Keeping]:
    """Of every workspace; `silent` are those whose events are off, of which nothing is sent."""
    return await tx.all(Keeping, _sql.keeping_up, silent, slot_of(now - SLOT))


async def delivered_between(tx: Reading, workspace_id: UUID, moments: Sequence[datetime]) -> list[int]:
    """How many arrived in each stretch between two neighbouring moments, which rise and begin slots of five minutes."""
    return await tx.all(int, _sql.delivered_by_span, workspace_id, moments[:-1], moments[1:])


async def delivery_totals(tx: Reading, workspace_id: UUID) -> dict[UUID, tuple[int, int]]:
    """Of each lane: how many attempts delivered, and how many ended a delivery as failed, ever."""
    rows = await tx.fetch(_sql.totals, workspace_id)
    return {row["lane_id"]: (row["delivered"], row["failed"]) for row in rows}
