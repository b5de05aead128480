"""The fan-out loop's round: a batch of every workspace that has pending events, turn about, so that one shop's import
hides nobody else's events."""

from __future__ import annotations

from uuid import UUID

from regulars import dispatch, events, limits, tenancy
from regulars.dispatch import FanoutCount
from regulars.kit.clock import Clock
from regulars.kit.db import Database


async def fan_out_everywhere(db: Database, clock: Clock) -> FanoutCount:
    """One batch per workspace; each in a transaction of its own."""
    async with db.reading() as tx:
        workspace_ids = await events.workspaces_with_pending(tx)
    counts = [await _fan_out(db, workspace_id, clock) for workspace_id in workspace_ids]
    return FanoutCount(
        sum(count.events for count in counts),
        sum(count.deliveries for count in counts),
        frozenset().union(*(count.lanes for count in counts)),
    )


async def _fan_out(db: Database, workspace_id: UUID, clock: Clock) -> FanoutCount:
    async with db.transaction() as tx:
        workspace = await tenancy.get_workspace(tx, workspace_id)
        return await dispatch.fan_out(tx, workspace, clock.now(), limits.FANOUT_EVENTS_MAX)
