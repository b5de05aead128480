"""Senders: from where messages go out, connected as tools are."""

from collections.abc import Awaitable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from regulars import channels, delivery, limits
from regulars.api.management.api import management
from regulars.api.management.events import DeliveryWithAttempts, with_attempts
from regulars.api.management.integrations import Connection, ConnectionChange, Settings, Tool, filled_in, tool_fields
from regulars.api.operations import Call, NoQuery
from regulars.api.resources import Resource
from regulars.channels import SENDERS, Sender
from regulars.delivery import LaneHealth
from regulars.kit import Listed, Reading, Shown, Tx, copied

_SETTINGS = {
    "sender_name": "Blue Cups",
    "sender_email": "hello@shop.example",
    "server": "smtp.mail.example",
    "user": "shop",
    "password": "a password of the mail server",
}


class SenderItem(Shown[Sender], frozen=True, kw_only=True):
    """A sender. `state`: `new` until it is initialized and, for e-mail, its code is given; `ready`; or `paused` with
    the reason in words. Secrets are never said. Its provider reports at `reports_at`, which is said to keys that may
    write alone. `health` is how its queue is doing."""

    reports_at: Annotated[str, Meta(max_length=limits.SETTING_CHARS_MAX)] | None
    health: LaneHealth | None


class NewSender(Connection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tool: Annotated[str, Meta(max_length=64, examples=["smtp"])]
    settings: Annotated[Settings, Meta(examples=[_SETTINGS])]


class SenderOutcome(msgspec.Struct, frozen=True):
    """What its server answered, in one sentence, and what the sender is now."""

    ok: bool
    sentence: str
    sender: SenderItem


class SenderCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: Annotated[str, Meta(min_length=1, max_length=20, examples=["123456"])]


class TestMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    to: Annotated[str, Meta(max_length=limits.EMAIL_CHARS_MAX, examples=["asha@example.com"])]


async def _said(call: Call[Any, Any], tx: Reading, found: Sequence[Sender]) -> list[SenderItem]:
    lanes = {lane.lane_id: lane for lane in await delivery.lane_health(tx, call.workspace_id, call.now)}
    server = call.app.settings.address() if call.caller.key.may("rules", "WRITE") else ""
    at = {one.id: channels.reports_at(one, server) if server else None for one in found}
    return [copied(SenderItem, one, health=lanes.get(one.id), reports_at=at[one.id]) for one in found]


@management.get("/sender-kinds", "What messages can be sent by", tag="Senders")
async def list_sender_kinds(call: Call[NoQuery, None]) -> Listed[Tool]:
    return Listed([copied(Tool, one, category=one.channel, fields=tool_fields(one)) for one in SENDERS.values()])


senders = Resource(management, "/senders", SenderItem, tag="Senders", one="sender", says=_said)
senders.all("From where messages go out", channels.list_senders, "Oldest first.")
senders.each(channels.get_sender)


@senders.create("Set up a sender", about=("tool",), secrets=True)
def add_sender(call: Call[NoQuery, NewSender], tx: Tx) -> Awaitable[channels.Shown]:
    """Nothing is sent from it until it is ready. No Idempotency-Key here: the answer may hold secrets."""
    return channels.add(tx, call.workspace_id, call.app.box, **filled_in(asdict(call.body)), now=call.now)


@senders.change("Change a sender")
def change_sender(call: Call[NoQuery, ConnectionChange], tx: Tx) -> Awaitable[Sender]:
    """Another e-mail address is verified before anything is sent from it."""
    given = filled_in(call.body.given())
    return channels.change(tx, call.workspace_id, call.path_id(), call.app.box, **given, now=call.now)


@senders.remove("Remove a sender")
async def remove_sender(call: Call[NoQuery, None], tx: Tx) -> dict[str, Any]:
    """What is queued is not sent, its secrets are forgotten; what was sent stays to be read."""
    sender = await channels.get_sender(tx, call.workspace_id, call.path_id())
    await channels.remove(tx, call.workspace_id, sender.id, call.now)
    return {"name": sender.name}


@senders.do("pause", "Stop sending messages for now")
async def pause_sender(call: Call[NoQuery, None], tx: Tx) -> Sender:
    """What is to be sent meanwhile waits; initialize to go on."""
    await channels.pause(
        tx, call.workspace_id, call.path_id(), f"Paused by the key {call.caller.key.name}. Initialize to go on."
    )
    return await channels.get_sender(tx, call.workspace_id, call.path_id())


@management.post("/senders/{id}/initialize", "Ask whether messages are taken", tag="Senders")
async def initialize_sender(call: Call[NoQuery, None]) -> SenderOutcome:
    """Ready, or paused with the reason; an e-mail sender whose address nobody read a code at yet is mailed one."""
    async with call.app.db.reading() as tx:
        sender = await channels.get_sender(tx, call.workspace_id, call.path_id())
    outside = (call.app.http, sender, channels.carrier(sender, call.app.box), call.app.clock.outside())
    checked = await channels.check(*outside)
    async with call.app.db.transaction() as tx:
        concluded = await channels.conclude(tx, sender, checked, call.app.clock.now())
        await call.audit(tx, "sender.initialize", sender.id, ok=checked.result.ok)
        (item,) = await _said(call, tx, [concluded])
    return SenderOutcome(checked.result.ok, checked.result.sentence, item)


@senders.do("verify", "Give the code that was mailed")
def verify_sender(call: Call[NoQuery, SenderCode], tx: Tx) -> Awaitable[Sender]:
    """A code holds for an hour and for five tries. The sender is ready if it was right; if not, its `state_reason` says
    so."""
    return channels.verify(tx, call.workspace_id, call.path_id(), call.body.code, call.now)


@management.post("/senders/{id}/test", "Send a test message", tag="Senders")
async def send_test_message(call: Call[NoQuery, TestMessage]) -> DeliveryWithAttempts:
    """Sent at once, and kept among the deliveries whatever comes of it."""
    async with call.app.db.reading() as tx:
        sender = await channels.get_sender(tx, call.workspace_id, call.path_id())
    app = call.app
    parcel = await channels.send_test(app.db, app.http, app.clock, sender, app.box, call.body.to)
    async with call.app.db.transaction() as tx:
        await call.audit(tx, "sender.test", sender.id)
        return await with_attempts(call, tx, parcel.delivery_id)
