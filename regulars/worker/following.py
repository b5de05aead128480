"""The loops of those who read the log, fan-out and those who follow what happened: a batch of every workspace that has
events pending for them, turn about."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from regulars import dispatch, events, limits, tenancy
from regulars.dispatch import FanoutCount
from regulars.events.readers import Reader
from regulars.kit import Clock, Database, Tx, again_when_raced
from regulars.tenancy import Workspace
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
        async def transact() -> FanoutCount:
            async with self._db.transaction() as tx:
                workspace = await tenancy.get_workspace(tx, workspace_id)
                return await dispatch.fan_out(tx, workspace, self._clock.now())

        return await again_when_raced(transact)


Act = Callable[[Tx, Workspace, datetime], Awaitable[int]]
"""Reads a batch, in a transaction of its own; how many events it read."""


class Following:
    def __init__(self, db: Database, clock: Clock, reader: Reader, act: Act) -> None:
        self.turns: TurnAbout[int] = TurnAbout(reader, self._batch, at_once=limits.FANOUT_WORKSPACES_MAX)
        self._db, self._clock, self._reader, self._act = db, clock, reader, act

    async def round(self) -> int:
        """How many events were read."""
        async with self._db.reading() as tx:
            waiting = await events.workspaces_with_pending(tx, self._reader)
        return sum(await self.turns.round((workspace_id, "") for workspace_id in waiting))

    async def _batch(self, workspace_id: UUID, _: str) -> int:
        async def transact() -> int:
            async with self._db.transaction() as tx:
                workspace = await tenancy.get_workspace(tx, workspace_id)
                return await self._act(tx, workspace, self._clock.now())

        return await again_when_raced(transact)
