"""What callers show is looked up in the database at most once per `fresh`, and forgotten as a change of its workspace
commits; should that be missed, it holds within `fresh`.

Strangers choose the keys, so what is not found is not remembered, and of what is, no more than `most`.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from regulars.kit.db import Database

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """`workspace_of` says whose changes a value is of."""

    def __init__(self, db: Database, workspace_of: Callable[[Value], UUID], *, fresh: timedelta, most: int) -> None:
        self._workspace_of = workspace_of
        self._fresh = fresh
        self._most = most
        self._found: dict[Key, tuple[Value, datetime | None]] = {}
        self._lookups: dict[Key, asyncio.Task[Value]] = {}
        self._changes = 0
        db.remembering(self._forget)

    async def get(
        self, key: Key, now: datetime, look_up: Callable[[Value | None], Coroutine[Any, Any, Value]]
    ) -> Value:
        """`look_up` is handed what was known under the key before; what it raises is raised, and nothing remembered.
        One look-up serves all who ask meanwhile."""
        value, fresh_until = self._found.get(key, (None, None))
        if value is not None and fresh_until is not None and fresh_until > now:
            return value
        task = self._lookups.get(key)
        if task is None:
            task = self._lookups[key] = asyncio.create_task(self._look_up(key, now, look_up))
            task.add_done_callback(lambda done: self._looked_up(key, done))
        # Shielded: a caller who hangs up must not end the look-up of the others.
        return await asyncio.shield(task)

    async def _look_up(
        self, key: Key, now: datetime, look_up: Callable[[Value | None], Coroutine[Any, Any, Value]]
    ) -> Value:
        changes = self._changes
        try:
            value = await look_up(self._found.get(key, (None, None))[0])
        finally:
            self._found.pop(key, None)
        if changes == self._changes:
            while len(self._found) >= self._most:
                del self._found[next(iter(self._found))]
            self._found[key] = value, now + self._fresh
        return value

    def _looked_up(self, key: Key, task: asyncio.Task[Value]) -> None:
        del self._lookups[key]
        if not task.cancelled():
            task.exception()  # told to those who wait; when all have hung up, nobody is, and that is no fault

    def _forget(self, workspace_id: UUID) -> None:
        """It is looked up anew, and what is being looked up is not remembered."""
        self._changes += 1
        for key, (value, _) in self._found.items():
            if self._workspace_of(value) == workspace_id:
                self._found[key] = value, None
