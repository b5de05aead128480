"""The fan-out loop's round: a batch of every workspace that has pending events, turn about."""

from __future__ import annotations

import asyncio
from uuid import UUID

from regulars import dispatch, events, limits, tenancy
from regulars.dispatch import FanoutCount
from regulars.kit.clock import Clock
from regulars.kit.db import Database
from regulars.worker.turnabout import TurnAbout


class FanOut:
    def __init__(self, db: Database, clock: Clock) -> None:
        self.turns: TurnAbout[FanoutCount] = TurnAbout("fan-out", self._batch, at_once=limits.FANOUT_WORKSPACES_MAX)
        self._db, self._clock = db, clock
        self._aside_at = float("-inf")
        self._aside: set[UUID] = set()

    async def round(self) -> FanoutCount:
        """What the batches came to that have ended; those that take longer are under way."""
        moment = asyncio.get_running_loop().time()
        async with self._db.reading() as tx:
            waiting = await events.workspaces_with_pending(tx)
            if moment - self._aside_at >= limits.FANOUT_ASIDE_S:
                self._aside_at, self._aside = moment, set(await dispatch.workspaces_with_aside(tx))
        counts = await self.turns.round((workspace_id, "") for workspace_id in {*waiting, *self._aside})
        return FanoutCount(
            sum(count.events for count in counts),
            sum(count.deliveries for count in counts),
            frozenset().union(*(count.lanes for count in counts)),
        )

    async def _batch(self, workspace_id: UUID, _: str) -> FanoutCount:
        aside = workspace_id in self._aside
        self._aside.discard(workspace_id)
        act = dispatch.retry_aside if aside else dispatch.fan_out
        async with self._db.transaction() as tx:
            workspace = await tenancy.get_workspace(tx, workspace_id)
            count = await act(tx, workspace, self._clock.now())
        if aside and count.events == limits.FANOUT_EVENTS_MAX and count.deliveries:
            self._aside.add(workspace_id)  # there may be more
        return count
