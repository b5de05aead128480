"""Who is calling: a key of a workspace, within its rate. Shared by every route of both APIs.

A key is looked up in the database at most once per KEY_CACHE_S; its use is noted then, once per KEY_USE_NOTED_S. A
change of it, or of its workspace, is heard of as it commits; should that be missed, it holds within KEY_CACHE_S. In
memory, as in the database, keys are known by their hash alone. The rate is one allowance for all server processes, each
of which draws some of it at a time.

    key --known for KEY_CACHE_S--> caller --calls left, or drawn--> admitted
            `--looked up--> caller            `--none to draw--> TooMany, with when to come back
                  `--unknown, revoked--> Unauthenticated
"""

import asyncio
from datetime import datetime, timedelta
from hashlib import sha256

from regulars import limits, tenancy
from regulars.kit import Forbidden, TooMany, Unauthenticated, allowance, tracing
from regulars.kit.remembered import Remembered
from regulars.tenancy import ApiKey, Workspace
from regulars.tenancy.model import Access, Area
from regulars.wiring import App

_FRESH = timedelta(seconds=limits.KEY_CACHE_S)
_USE_NOTED = timedelta(seconds=limits.KEY_USE_NOTED_S)


class NoKey(Unauthenticated, code="key_missing"):
    """The call carries no API key, or does not say of which workspace it is."""

    def __init__(self, header: str) -> None:
        super().__init__(f"The header {header} is missing.", fields={header: "expected a value"})


class Caller:
    """A key as it was found in the database, with its workspace as it was then."""

    __slots__ = ("actor", "closed_until", "drawing", "key", "left", "workspace", "writes")

    def __init__(self, key: ApiKey, workspace: Workspace) -> None:
        self.key = key
        self.workspace = workspace
        self.writes = key.may(None, "WRITE")
        self.actor = f"key:{key.name}"
        self.left = 0
        """Calls that this process has drawn and not yet let in."""
        self.closed_until: datetime | None = None
        self.drawing: asyncio.Task[None] | None = None

    def must(self, area: Area | None, needed: Access) -> None:
        """Have this right to an area of the management API, or to the merchant API. Raises Forbidden."""
        if not self.key.may(area, needed):
            to = f"to `{area}`" if area else "to the merchant API"
            has = getattr(self.key.areas, area) if area else self.key.access
            raise Forbidden(f"This takes a key with the right {needed} {to}; this key has {has}.")


class Gate:
    """The callers of one server process."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._callers: Remembered[bytes, Caller] = Remembered(
            app.db, lambda caller: caller.workspace.id, fresh=_FRESH, most=limits.KEYS_CACHED_MAX
        )

    async def admit(self, workspace_id: str, key: str, now: datetime) -> Caller:
        """Raises Unauthenticated or TooMany. `workspace_id` and `key` are taken as they came."""
        digest = sha256(f"{workspace_id} {key}".encode("utf-8", "surrogateescape")).digest()
        caller = await self._callers.get(digest, now, lambda known: self._find(known, workspace_id, key, now))
        # A page's key is known to whoever opens the page.
        tracing.vouch(caller.workspace.id, trusted=caller.key.purpose == "SERVER")
        while caller.left < 1:
            await self._draw(caller, now)
        caller.left -= 1
        return caller

    async def _find(self, known: Caller | None, workspace_id: str, key: str, now: datetime) -> Caller:
        record, workspace = None, None
        if key and key.isascii() and "\x00" not in key:
            async with self._app.db.reading() as tx:
                id = await tenancy.workspace_id_of(tx, workspace_id)
                record = await tenancy.find_key(tx, id, key) if id else None
                workspace = await tenancy.get_workspace(tx, record.workspace_id) if record else None
            if record and (record.last_used_at is None or record.last_used_at <= now - _USE_NOTED):
                async with self._app.db.transaction() as tx:
                    await tenancy.note_use(tx, record, now)
        if record is None or workspace is None:
            raise Unauthenticated(
                "The API key is unknown to this workspace, or revoked.",
                fields={"x-apikey": "expected a key of the workspace that x-workspaceid names"},
            )
        caller = Caller(record, workspace)
        if known and calls_per_minute(known.workspace) == calls_per_minute(workspace):
            caller.left = known.left
        return caller

    async def _draw(self, caller: Caller, now: datetime) -> None:
        """One draw serves all calls that wait for it. Raises TooMany."""
        if caller.drawing is None:
            caller.drawing = asyncio.create_task(self._draw_calls(caller, now))
            caller.drawing.add_done_callback(lambda done: _drawn(caller, done))
        await asyncio.shield(caller.drawing)

    async def _draw_calls(self, caller: Caller, now: datetime) -> None:
        per_minute = calls_per_minute(caller.workspace)
        per_s = per_minute / 60
        wait_s = (caller.closed_until - now).total_seconds() if caller.closed_until else 0
        if wait_s <= 0:
            async with self._app.db.transaction() as tx:
                drawn = await allowance.draw(
                    tx,
                    caller.workspace.id,
                    f"key:{caller.key.id}",
                    now,
                    wanted=max(1, int(per_s * limits.CALLS_DRAWN_S)),
                    most=per_minute,
                    per_s=per_s,
                )
            if drawn.granted:
                caller.left += drawn.granted
                return
            wait_s = (1 - drawn.left) / per_s
            caller.closed_until = now + timedelta(seconds=wait_s)
        raise TooMany(f"This key may make {per_minute:,} calls a minute; nothing was done.", retry_after_s=wait_s)


def _drawn(caller: Caller, task: asyncio.Task[None]) -> None:
    caller.drawing = None
    if not task.cancelled():
        task.exception()  # told to those who wait; when all have hung up, nobody is, and that is no fault


def calls_per_minute(workspace: Workspace) -> int:
    """The workspace's setting `calls_per_minute`, for each of its keys."""
    setting = workspace.settings.get("calls_per_minute")
    if isinstance(setting, int) and 1 <= setting <= limits.CALLS_PER_MINUTE_PER_KEY_MAX:
        return setting
    return limits.CALLS_PER_MINUTE_PER_KEY
