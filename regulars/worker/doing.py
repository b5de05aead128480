"""The schedule's loop: what is due is done by its kind's handler, a batch of one kind of one shop at a time. For what
calls out, so many of a batch at once, no transaction is open meanwhile."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import structlog

from regulars import limits, schedule, tenancy
from regulars.kit import Clock, Database, Refusal, again_when_raced
from regulars.kit.db import TOOK_TOO_LONG, UNREACHABLE
from regulars.kit.workloop import Bell
from regulars.schedule import Caller, Due, Handler
from regulars.worker.turnabout import TurnAbout

_log = structlog.get_logger(__name__)
_NONE: Mapping[str, Caller] = {}


class Doing:
    """Its `bell` rings when the next row is due."""

    def __init__(
        self, db: Database, clock: Clock, handlers: Mapping[str, Handler], callers: Mapping[str, Caller] = _NONE
    ) -> None:
        self.bell = Bell()
        most = limits.SCHEDULE_WORKSPACES_MAX
        self.turns: TurnAbout[int] = TurnAbout("schedule", self._batch, at_once=most, full=limits.SCHEDULE_ROWS_MAX)
        self._db, self._clock, self._handlers, self._callers = db, clock, handlers, callers

    async def round(self) -> int:
        """How many rows were taken."""
        now = self._clock.now()
        async with self._db.reading() as tx:
            first = await schedule.first_due(tx, [*self._handlers, *self._callers])
            kinds = [kind for kind, at in first.items() if at <= now]
            shops = await schedule.shops_due(tx, kinds, now) if kinds else []
        next_s = min(((at - now).total_seconds() for at in first.values() if at > now), default=limits.WORKER_POLL_S)
        if next_s < limits.WORKER_POLL_S:
            asyncio.get_running_loop().call_later(next_s, self.bell.ring)
        return sum(await self.turns.round(shops))

    async def _batch(self, workspace_id: UUID, kind: str) -> int:
        if kind in self._callers:
            return await self._call_out(workspace_id, kind)

        async def transact() -> int:
            return await self._run(workspace_id, kind)

        try:
            return await again_when_raced(transact)
        except Exception as fault:
            if _away(fault):
                raise
            _log.warning("due_failed", workspace_id=str(workspace_id), kind=kind, why=_reason(fault))
        # Whichever of them it is that can't be done fails alone, and all others are done.
        async with self._db.reading() as tx:
            dues = await schedule.due_now(tx, workspace_id, kind, self._clock.now())
        for due in dues:
            await self._alone(workspace_id, due)
        return len(dues)

    async def _alone(self, workspace_id: UUID, due: Due) -> None:
        async def transact() -> int:
            return await self._run(workspace_id, due.kind, due.key)

        try:
            await again_when_raced(transact)
        except Exception as fault:
            if _away(fault):
                raise
            await self._set_aside(workspace_id, due, fault)

    async def _set_aside(self, workspace_id: UUID, due: Due, fault: Exception) -> None:
        _log.error("due_set_aside", workspace_id=str(workspace_id), kind=due.kind, key=due.key, exc_info=fault)
        async with self._db.transaction() as tx:
            await schedule.set_aside(tx, workspace_id, due, _reason(fault), self._clock.now())

    async def _call_out(self, workspace_id: UUID, kind: str) -> int:
        now = self._clock.now()
        until = now + timedelta(seconds=limits.SCHEDULE_LEASE_S)
        async with self._db.transaction() as tx:
            workspace = await tenancy.get_workspace(tx, workspace_id)
            dues = await schedule.lease(tx, workspace_id, kind, now, until, limits.SCHEDULE_CALLS_MAX)
        at_once = asyncio.Semaphore(limits.SCHEDULE_CALLS_AT_ONCE)

        async def call(due: Due) -> None:
            async with at_once:
                try:
                    await self._callers[kind](workspace, due, self._clock.now())
                except Exception as fault:
                    if _away(fault):
                        raise
                    await self._set_aside(workspace_id, due, fault)

        await asyncio.gather(*(call(due) for due in dues))
        return len(dues)

    async def _run(self, workspace_id: UUID, kind: str, key: str | None = None) -> int:
        async with self._db.transaction() as tx:
            workspace = await tenancy.get_workspace(tx, workspace_id)
            return await schedule.run(tx, workspace, kind, self._handlers[kind], self._clock.now(), key=key)


def _away(fault: Exception) -> bool:
    """The database is away, which tells nothing of what was to be done."""
    return isinstance(fault, UNREACHABLE) and not isinstance(fault, TOOK_TOO_LONG)


def _reason(fault: Exception) -> str:
    if isinstance(fault, Refusal):
        return fault.message
    if isinstance(fault, TOOK_TOO_LONG):
        return "It took longer than it may."
    return f"A fault inside Regulars: {type(fault).__name__}: {fault}"
