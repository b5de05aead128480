"""Who is calling: a key of a workspace, within its rate. Shared by every route of both APIs.

A key is looked up in the database at most once per KEY_CACHE_S, so a revoked key works for that long at most. In
memory, as in the database, keys are known by their hash alone. The rate is counted in each server process for itself.

    key --known for KEY_CACHE_S--> caller --token left--> admitted
            `--looked up--> caller            `--none--> TooMany, with when to come back
                  `--unknown, revoked--> Unauthenticated
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from regulars import limits, tenancy
from regulars.kit.errors import Forbidden, TooMany, Unauthenticated
from regulars.tenancy import ApiKey, Workspace
from regulars.wiring import App

_FRESH = timedelta(seconds=limits.KEY_CACHE_S)


class NoKey(Unauthenticated):
    """The call carries no API key, or does not say of which workspace it is."""

    code = "key_missing"

    def __init__(self, header: str) -> None:
        super().__init__(f"The header {header} is missing.", fields={header: "expected a value"})


class Bucket:
    """As many calls as a key may make in a minute; it fills again evenly."""

    __slots__ = ("at_s", "per_minute", "tokens")

    def __init__(self, per_minute: int, at_s: float) -> None:
        self.per_minute = per_minute
        self.tokens = float(per_minute)
        self.at_s = at_s

    def take(self, at_s: float) -> None:
        """Raises TooMany; a refused call takes nothing."""
        per_s = self.per_minute / 60
        if at_s > self.at_s:
            self.tokens = min(self.per_minute, self.tokens + (at_s - self.at_s) * per_s)
            self.at_s = at_s
        if self.tokens < 1:
            raise TooMany(
                f"This key may make {self.per_minute:,} calls a minute; nothing was done.",
                retry_after_s=(1 - self.tokens) / per_s,
            )
        self.tokens -= 1


class Caller:
    """A key as it was found in the database, with its workspace as it was then."""

    __slots__ = ("actor", "bucket", "fresh_until", "key", "workspace", "writes")

    def __init__(self, key: ApiKey, workspace: Workspace, bucket: Bucket, fresh_until: datetime) -> None:
        self.key = key
        self.workspace = workspace
        self.bucket = bucket
        self.fresh_until = fresh_until
        self.writes = key.access == "WRITE"
        self.actor = f"key:{key.name}"

    def must_write(self) -> None:
        """Raises Forbidden."""
        if not self.writes:
            raise Forbidden("This takes a key with the WRITE right; this key may only READ.")


class Gate:
    """The callers of one server process."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._callers: dict[bytes, Caller] = {}
        self._lookups: dict[bytes, asyncio.Task[Caller]] = {}

    async def admit(self, workspace_id: str, key: str, now: datetime) -> Caller:
        """Raises Unauthenticated or TooMany. `workspace_id` and `key` are taken as they came."""
        digest = sha256(f"{workspace_id} {key}".encode("utf-8", "surrogateescape")).digest()
        caller = self._callers.get(digest)
        if caller is None or caller.fresh_until <= now:
            caller = await self._look_up(digest, workspace_id, key, now)
        caller.bucket.take(now.timestamp())
        return caller

    def forget(self, workspace_id: UUID) -> None:
        """A key or the settings of this workspace changed here: what is remembered of it no longer holds."""
        self._callers = {d: caller for d, caller in self._callers.items() if caller.workspace.id != workspace_id}

    async def _look_up(self, digest: bytes, workspace_id: str, key: str, now: datetime) -> Caller:
        """One look-up serves all calls that wait for it."""
        task = self._lookups.get(digest)
        if task is None:
            task = asyncio.create_task(self._find(digest, workspace_id, key, now))
            self._lookups[digest] = task
            task.add_done_callback(lambda done: self._looked_up(digest, done))
        # Shielded: a caller who hangs up must not end the look-up of the others.
        return await asyncio.shield(task)

    def _looked_up(self, digest: bytes, task: asyncio.Task[Caller]) -> None:
        del self._lookups[digest]
        if not task.cancelled():
            # Those who wait are told; when all have hung up, nobody is, and that is no fault.
            task.exception()

    async def _find(self, digest: bytes, workspace_id: str, key: str, now: datetime) -> Caller:
        record, workspace = None, None
        id = _as_id(workspace_id)
        if id and key and key.isascii() and "\x00" not in key:
            async with self._app.db.reading() as tx:
                record = await tenancy.find_key(tx, id, key)
                workspace = await tenancy.get_workspace(tx, id) if record else None
        known = self._callers.pop(digest, None)
        if record is None or workspace is None:
            raise Unauthenticated(
                "The API key is unknown to this workspace, or revoked.",
                fields={"x-apikey": "expected a key of the workspace that x-workspaceid names"},
            )
        per_minute = calls_per_minute(workspace)
        bucket = known.bucket if known else Bucket(per_minute, now.timestamp())
        bucket.per_minute = per_minute
        caller = Caller(record, workspace, bucket, now + _FRESH)
        while len(self._callers) >= limits.KEYS_CACHED_MAX:
            del self._callers[next(iter(self._callers))]
        self._callers[digest] = caller
        return caller


def calls_per_minute(workspace: Workspace) -> int:
    """The workspace's setting `calls_per_minute`, for each of its keys."""
    setting = workspace.settings.get("calls_per_minute")
    if isinstance(setting, int) and 1 <= setting <= limits.CALLS_PER_MINUTE_PER_KEY_MAX:
        return setting
    return limits.CALLS_PER_MINUTE_PER_KEY


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
