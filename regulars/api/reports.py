"""What providers of messages report: `/hooks/{provider}/{hook_id}`, for Twilio `.../{message_id}` too.

Strangers may call it as often as they like: an address that nobody has costs one look-up, one that somebody has is
looked up once per KEY_CACHE_S, and what is not signed as it must be costs reading and hashing it. WhatsApp asks with a
GET whether the address is ours, and is told if it knows the verify token.
"""

from datetime import timedelta
from urllib.parse import parse_qs
from uuid import UUID

from litestar.types import Receive, Scope

from regulars import channels, limits
from regulars.api.bare import SAFE_HEADERS, Answer, BareDoor
from regulars.api.hooks import HookUnknown
from regulars.api.meters import Meters
from regulars.api.reading import whole_body
from regulars.channels import SENDERS, Report, Sender
from regulars.kit import Unauthenticated
from regulars.kit.remembered import Remembered
from regulars.kit.secrets import same
from regulars.wiring import App

PATHS = tuple(f"/hooks/{one.reports}/" for one in SENDERS.values())
_TAKEN = (200, [(b"content-type", b"application/json"), *SAFE_HEADERS], b"{}")


class ReportDoor(BareDoor):
    label = "/hooks of providers"

    def __init__(self, app: App, meters: Meters) -> None:
        super().__init__(app, meters)
        fresh = timedelta(seconds=limits.KEY_CACHE_S)
        self._senders: Remembered[UUID, Sender] = Remembered(
            app.db, lambda one: one.workspace_id, fresh=fresh, most=limits.KEYS_CACHED_MAX
        )

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        _, _, provider, *ids = scope["path"].split("/")
        try:
            hook_id, message_id, *_ = [*map(UUID, ids), None]
        except ValueError:
            raise HookUnknown("There is no such address.") from None
        assert hook_id is not None
        now = self._app.clock.now()
        sender = await self._senders.get(hook_id, now, lambda _: self._look_up(hook_id))
        if SENDERS.kept(sender.tool).reports != provider:
            raise HookUnknown("There is no such address.")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if scope.get("method") == "GET":
            return self._asked(sender, parse_qs(scope["query_string"].decode("latin-1")[:2_000]))
        signature = headers.get(
            {"twilio": "x-twilio-signature", "whatsapp": "x-hub-signature-256"}.get(provider, ""), ""
        )
        if provider != "bounces" and not signature:
            raise Unauthenticated("It carries no signature.")
        body = await whole_body(headers.get("content-length", "").encode("latin-1"), receive)
        if reports := self._read(sender, message_id, scope, signature, body):
            async with self._app.db.transaction() as tx:
                await channels.take_reports(tx, sender, reports, now)
        return _TAKEN

    def _read(self, sender: Sender, id: UUID | None, scope: Scope, signature: str, body: bytes) -> list[Report]:
        """Raises Unauthenticated, Invalid."""
        box = self._app.box
        if sender.channel == "email":
            return channels.read_bounces(body)
        if sender.channel == "whatsapp":
            return channels.read_whatsapp(sender, box, signature, body)
        address = self._app.settings.address() + scope["path"]
        return channels.read_twilio(sender, box, address, id, signature, body)

    def _asked(self, sender: Sender, query: dict[str, list[str]]) -> Answer:
        secrets = self._app.box.open(sender.sealed, workspace_id=sender.workspace_id, thing_id=sender.id)
        if (
            not same(secrets.get("verify_token", ""), query.get("hub.verify_token", [""])[0])
            or "verify_token" not in secrets
        ):
            raise Unauthenticated("This is not the verify token.")
        return 200, [(b"content-type", b"text/plain"), *SAFE_HEADERS], query.get("hub.challenge", [""])[0].encode()

    async def _look_up(self, hook_id: UUID) -> Sender:
        async with self._app.db.reading() as tx:
            if sender := await channels.sender_of_hook(tx, hook_id):
                return sender
        raise HookUnknown("There is no such address.")
