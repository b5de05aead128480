"""The fan-out loop's round: a batch of every workspace that has pending events, turn about."""

from uuid import UUID

from regulars import dispatch, events, limits, tenancy
from regulars.dispatch import FanoutCount
from regulars.kit import Clock, Database
from regulars.worker.turnabout import TurnAbout


class FanOut:
    def __init__(self, db: Database, clock: Clock) -> None:
        self.turns: TurnAbout[FanoutCount] = TurnAbout("fan-out", self._batch, at_once=limits.FANOUT_WORKSPACES_MAX)
        self._db, self._clock = db, clock

    async def round(self) -> FanoutCount:
        """What the batches came to that have ended; those that take longer are under way."""
        async with self._db.reading() as tx:
            waiting = await events.workspaces_with_pending(tx, "dispatch")
        counts = await self.turns.round((workspace_id, "") for workspace_id in waiting)
        return FanoutCount(
            sum(count.events for count in counts),
            sum(count.deliveries for count in counts),
            frozenset().union(*(count.lanes for count in counts)),
        )

    async def _batch(self, workspace_id: UUID, _: str) -> FanoutCount:
        async with self._db.transaction() as tx:
            workspace = await tenancy.get_workspace(tx, workspace_id)
            return await dispatch.fan_out(tx, workspace, self._clock.now())
