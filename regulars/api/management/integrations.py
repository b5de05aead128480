"""Integrations: the tools there are, those the shop has connected, and how each is doing."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict

from regulars import delivery, dispatch, integrations, limits
from regulars.api.management.api import Call, NoQuery, Resource, management
from regulars.delivery import LaneHealth
from regulars.delivery.health import LaneDay
from regulars.dispatch.fanout import refill
from regulars.integrations import CONNECTORS, Integration, Manifest
from regulars.integrations import Shown as Made
from regulars.kit import Listed, Partial, Reading, Shown, Tx, copied, fields, showing

Settings = Annotated[
    dict[str, Annotated[str, Meta(max_length=limits.SETTING_CHARS_MAX)] | int],
    Meta(max_length=40, description="The tool's fields, secrets among them, as GET /integration-tools lists them."),
]
Name = Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX)]


class ToolField(Shown[fields.Field], frozen=True, kw_only=True):
    """One thing to fill in. `made_here`: a secret that need not be given; it is made here and shown once."""

    made_here: bool


@showing("tool label category summary help_text help_url fields", Manifest)
class Tool(msgspec.Struct):
    """A tool that can be connected."""

    category: str
    fields: list[ToolField]


class IntegrationItem(Shown[Integration], frozen=True, kw_only=True):
    """A connected tool. `state`: `new` until it is initialized, `ready`, or `paused` with the reason in words. Secrets
    are never said. `health` is how its queue is doing."""

    health: LaneHealth | None


class Connection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    settings: Settings
    name: Name = ""


class ConnectionChange(Partial[Connection], frozen=True, kw_only=True):
    """Fields that are not given stay as they are; so do secrets given empty."""

    name: Annotated[Name, Meta(min_length=1, examples=["Our receiver"])] | UnsetType = UNSET


class NewIntegration(Connection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tool: Annotated[str, Meta(max_length=64, examples=["webhook"])]
    settings: Annotated[Settings, Meta(examples=[{"url": "https://shop.example/hooks/regulars"}])]


class CheckOutcome(msgspec.Struct, frozen=True):
    """What the tool answered, in one sentence, and what the integration is now."""

    ok: bool
    sentence: str
    integration: IntegrationItem


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    field: Annotated[str, Meta(max_length=64, description="The secret that is made here.", examples=["secret"])]


@management.get("/integration-tools", "What can be connected", tag="Integrations")
async def list_tools(call: Call[NoQuery, None]) -> Listed[Tool]:
    return Listed([copied(Tool, one.manifest, fields=tool_fields(one.manifest)) for one in CONNECTORS.values()])


async def _said(call: Call[Any, Any], tx: Reading, found: Sequence[Integration]) -> list[IntegrationItem]:
    lanes = {lane.lane_id: lane for lane in await delivery.lane_health(tx, call.workspace_id, call.now)}
    return [copied(IntegrationItem, one, health=lanes.get(one.id)) for one in found]


def filled_in(body: dict[str, Any]) -> dict[str, Any]:
    """A Connection, or what of it changes, as rooms take it."""
    return {"given": body.pop("settings", {}), **body}


connected = Resource(management, "/integrations", IntegrationItem, tag="Integrations", one="integration", says=_said)
connected.all("What is connected", integrations.list_integrations, "Oldest first.")
connected.each(integrations.get_integration)


@connected.create("Connect a tool", about=("tool",), secrets=True)
def add_integration(call: Call[NoQuery, NewIntegration], tx: Tx) -> Awaitable[Made]:
    """Nothing is sent to it until it is initialized. No Idempotency-Key here: the answer may hold secrets."""
    return integrations.add(tx, call.workspace_id, call.app.box, **filled_in(asdict(call.body)), now=call.now)


@connected.change("Change an integration")
def change_integration(call: Call[NoQuery, ConnectionChange], tx: Tx) -> Awaitable[Integration]:
    """It goes on sending as it was; initialize it again after changing what the tool must accept. Secrets that are not
    given stay, unless an address among the settings changes: then they are given once more."""
    given = filled_in(call.body.given())
    return integrations.change(tx, call.workspace_id, call.path_id(), call.app.box, **given, now=call.now)


@connected.remove("Remove an integration")
async def remove_integration(call: Call[NoQuery, None], tx: Tx) -> dict[str, Any]:
    """Its rules end with it, its secrets are forgotten; what was delivered stays to be read."""
    integration = await integrations.get_integration(tx, call.workspace_id, call.path_id())
    ended = await dispatch.end_rules_of(tx, call.workspace_id, integration.id, call.now)
    await integrations.remove(tx, call.workspace_id, integration.id, call.now)
    return {"name": integration.name, "rules_ended": ended}


@connected.do("pause", "Stop sending for now")
async def pause_integration(call: Call[NoQuery, None], tx: Tx) -> Integration:
    """What comes in meanwhile waits; initialize to go on."""
    reason = f"Paused by the key {call.caller.key.name}. Initialize to go on."
    integration = await integrations.get_integration(tx, call.workspace_id, call.path_id())
    await integrations.pause(tx, call.workspace_id, integration.id, reason)
    return await integrations.get_integration(tx, call.workspace_id, call.path_id())


class Missed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    since: Annotated[datetime, Meta(tz=True, examples=["2026-03-01T00:00:00Z"])]


@connected.do("send-missed", "Send what happened before", about=("since",))
async def send_missed(call: Call[NoQuery, Missed], tx: Tx) -> Integration:
    """For a new tool: its rules, as they are, are held against the events since then, and what none of them has sent
    yet is queued, the oldest first. It goes on by itself; asked again, it begins anew."""
    integration = await integrations.get_integration(tx, call.workspace_id, call.path_id())
    await refill(tx, call.workspace, integration.id, call.body.since, call.now)
    return integration


@connected.do("rotate", "Make a new secret", about=("field",), secrets=True)
def rotate_secret(call: Call[NoQuery, Rotation], tx: Tx) -> Awaitable[Made]:
    """For a day calls are signed with both, the new one and the old one, while the receiver changes over."""
    made_here = call.body.field
    return integrations.rotate(tx, call.workspace_id, call.path_id(), call.app.box, field=made_here, now=call.now)


@management.get("/integrations/{id}/health", "How an integration did, hour by hour", tag="Integrations")
async def read_health(call: Call[NoQuery, None], tx: Reading) -> LaneDay:
    integration = await integrations.get_integration(tx, call.workspace_id, call.path_id())
    return await delivery.lane_day(tx, call.workspace_id, integration.id, call.now)


@management.post("/integrations/{id}/initialize", "Ask the tool whether it takes our calls", tag="Integrations")
async def initialize_integration(call: Call[NoQuery, None]) -> CheckOutcome:
    """Ready, and what waits goes out; or paused, with the tool's own reason in words."""
    app = call.app
    async with app.db.reading() as tx:
        integration = await integrations.get_integration(tx, call.workspace_id, call.path_id())
    result = await integrations.check(app.http, integrations.carrier(integration, app.box), app.clock.outside())
    async with app.db.transaction() as tx:
        concluded = await integrations.conclude(tx, integration, result, app.clock.now())
        await call.audit(tx, "integration.initialize", integration.id, ok=result.ok)
        (item,) = await _said(call, tx, [concluded])
    return CheckOutcome(result.ok, result.sentence, item)


def tool_fields(manifest: fields.Manifest) -> list[ToolField]:
    return [
        copied(
            ToolField,
            field,
            required=field.required and field.default is None and field.generate is None,
            made_here=field.generate is not None,
        )
        for field in manifest.fields
    ]
