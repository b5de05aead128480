"""What platforms send: `POST /hooks/{platform}/{hook_id}`, answered as soon as it is kept.

A bare ASGI application, as the rewards' route. Strangers may call it as often as they like: an address that nobody has
costs one look-up, a body that is not signed as it must be costs reading and hashing it and no more, since what a hook
is checked by is looked up at most once per KEY_CACHE_S. Concurrent hooks of a workspace share a commit.

    POST --no such address--> 404
      `--no signature, or one that can't be one--> 401, the body unread
            `--body read, signature wrong--> 401, counted for the shop to see
                  `--kept, COMMIT--> 200
"""

from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from litestar.types import Receive, Scope

from regulars import limits, shops
from regulars.api.bare import SAFE_HEADERS, Answer, BareDoor
from regulars.api.failures import failure
from regulars.api.meters import Meters
from regulars.api.reading import whole_body
from regulars.kit import NotFound, Refusal, Unauthenticated
from regulars.kit.batch import Gatherer
from regulars.kit.remembered import Remembered
from regulars.shops import PLATFORMS, Known, NewHook
from regulars.wiring import App

_OLDER = "/api/open/integrations/customwebsitewebhook/"
PATHS = (*(f"/hooks/{platform}/" for platform in PLATFORMS), _OLDER)
LABEL = "POST /hooks"

_FRESH = timedelta(seconds=limits.KEY_CACHE_S)
_NOTED = timedelta(seconds=limits.HOOKS_WRONG_NOTED_S)
_TAKEN = (200, [(b"content-type", b"application/json"), *SAFE_HEADERS], b'{"taken":true}')


class HookUnknown(NotFound, code="hook_unknown"):
    """No source has this address, or it was removed."""


class _Address:
    """An address as it was found, with how often it was called wrongly since that was written down last."""

    __slots__ = ("known", "noted_at", "wrong")

    def __init__(self, known: Known) -> None:
        self.known = known
        self.wrong = 0
        self.noted_at: datetime | None = None


class HookDoor(BareDoor):
    """The ASGI application behind `PATHS`."""

    label = LABEL

    def __init__(self, app: App, meters: Meters) -> None:
        super().__init__(app, meters)
        self._addresses: Remembered[UUID, _Address] = Remembered(
            app.db, lambda one: one.known.source.workspace_id, fresh=_FRESH, most=limits.KEYS_CACHED_MAX
        )
        self._keep: Gatherer[NewHook, None] = Gatherer(self._flush, items_max=limits.GATHER_ITEMS_MAX)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":  # type: ignore[typeddict-item]
            return self._said(
                failure("problem", 405, "method_not_allowed", "Hooks are posted.", None, {"allow": "POST"})
            )
        now = self._app.clock.now()
        address = await self._find(scope["path"], now)
        known, source = address.known, address.known.source
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        length = headers.get("content-length", "").encode("latin-1")
        try:
            envelope = shops.admit(known, headers)
            body = await whole_body(
                length, receive, limits.HOOK_PING_BYTES_MAX if envelope.ping else limits.HOOK_BYTES_MAX
            )
            if envelope.ping:
                return _TAKEN
            shops.verify(known, envelope, body)
        except Unauthenticated as refusal:
            await self._wrong(address, refusal, now)
            raise
        hook = NewHook(source.id, envelope.topic, envelope.reference, body, envelope.ignored)
        await self._keep.submit(source.workspace_id, hook)
        return _TAKEN

    async def _find(self, path: str, now: datetime) -> _Address:
        """Raises HookUnknown."""
        before, _, id = path.rpartition("/")
        try:
            hook_id = UUID(id)
        except ValueError:
            raise HookUnknown("There is no such address.") from None
        address = await self._addresses.get(hook_id, now, lambda before: self._look_up(hook_id, before, now))
        platform = address.known.source.platform
        if before + "/" not in (f"/hooks/{platform}/", _OLDER if platform == "website" else ""):
            raise HookUnknown("There is no such address.")
        return address

    async def _look_up(self, hook_id: UUID, before: _Address | None, now: datetime) -> _Address:
        async with self._app.db.reading() as tx:
            known = await shops.source_of_hook(tx, hook_id, self._app.box, now)
        if known is None:
            raise HookUnknown("There is no such address.")
        address = _Address(known)
        if before is not None:
            address.wrong, address.noted_at = before.wrong, before.noted_at
        return address

    async def _wrong(self, address: _Address, refusal: Refusal, now: datetime) -> None:
        """Written down for the shop to see, once per HOOKS_WRONG_NOTED_S and process, however many there are."""
        address.wrong += 1
        if address.noted_at is None or now >= address.noted_at + _NOTED:
            count, address.wrong, address.noted_at = address.wrong, 0, now
            async with self._app.db.transaction() as tx:
                await shops.note_wrong(tx, address.known.source, count, refusal.message, now)

    async def _flush(self, workspace_id: Hashable, hooks: Sequence[NewHook]) -> Sequence[None]:
        assert isinstance(workspace_id, UUID)
        async with self._app.db.transaction() as tx:
            await shops.keep(tx, workspace_id, hooks, self._app.clock.now())
        return [None] * len(hooks)
