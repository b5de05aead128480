"""Integrations: the tools there are, those the shop has connected, and how each is doing."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from regulars import delivery, integrations, limits
from regulars.api.management.api import management
from regulars.api.management.rules import end_rules_of
from regulars.api.operations import Call, NoQuery
from regulars.delivery import LaneHealth
from regulars.integrations import CONNECTORS, Integration
from regulars.kit import fields
from regulars.kit.db import Reading, Tx
from regulars.kit.fields import Kind, Option
from regulars.kit.shapes import Listed, Shown, copied

Settings = Annotated[
    dict[str, Annotated[str, Meta(max_length=limits.SETTING_CHARS_MAX)] | int],
    Meta(max_length=40, description="The tool's fields, secrets among them, as GET /integration-tools lists them."),
]
Name = Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX)]


class ToolField(msgspec.Struct, frozen=True):
    """One thing to fill in. `made_here`: a secret that need not be given; it is made here and shown once."""

    name: str
    label: str
    kind: Kind
    help: str
    required: bool
    default: str | int | None
    options: list[Option]
    expected: str
    made_here: bool


class Tool(msgspec.Struct, frozen=True):
    """A tool that can be connected."""

    tool: str
    label: str
    category: str
    summary: str
    help_text: str
    help_url: str
    fields: list[ToolField]


class IntegrationItem(Shown[Integration], frozen=True, kw_only=True):
    """A connected tool. `state`: `new` until it is initialized, `ready`, or `paused` with the reason in words. Secrets
    are never said. `health` is how its queue is doing."""

    health: LaneHealth | None


class NewIntegration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tool: Annotated[str, Meta(max_length=64, examples=["webhook"])]
    settings: Annotated[Settings, Meta(examples=[{"url": "https://shop.example/hooks/regulars"}])]
    name: Name = ""


class IntegrationChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fields that are not given stay as they are; so do secrets given empty."""

    name: (
        Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARS_MAX, examples=["Our receiver"])] | UnsetType
    ) = UNSET
    settings: Settings | UnsetType = UNSET


class AddedIntegration(msgspec.Struct, frozen=True):
    """`new_secrets` were made here; they are said this once and never again."""

    integration: IntegrationItem
    new_secrets: dict[str, str]


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


@management.get("/integrations", "What is connected", tag="Integrations")
async def list_integrations(call: Call[NoQuery, None], tx: Reading) -> Listed[IntegrationItem]:
    """Oldest first."""
    health = {lane.lane_id: lane for lane in await delivery.lane_health(tx, call.workspace_id, call.now)}
    found = await integrations.list_integrations(tx, call.workspace_id)
    return Listed([copied(IntegrationItem, one, health=health.get(one.id)) for one in found])


@management.post("/integrations", "Connect a tool", tag="Integrations", status=201, stored=False)
async def add_integration(call: Call[NoQuery, NewIntegration], tx: Tx) -> AddedIntegration:
    """Nothing is sent to it until it is initialized. No Idempotency-Key here: the answer may hold secrets."""
    body = call.body
    added = await integrations.add(
        tx, call.workspace_id, call.app.box, tool=body.tool, name=body.name, given=body.settings, now=call.now
    )
    await call.audit(tx, "integration.create", added.integration.id, tool=body.tool)
    return AddedIntegration(await _with_health(call, tx, added.integration), added.new_secrets)


@management.get("/integrations/{id}", "One integration", tag="Integrations")
async def read_integration(call: Call[NoQuery, None], tx: Reading) -> IntegrationItem:
    integration = await integrations.get_integration(tx, call.workspace_id, call.path_id())
    return await _with_health(call, tx, integration)


@management.patch("/integrations/{id}", "Change an integration", tag="Integrations")
async def change_integration(call: Call[NoQuery, IntegrationChange], tx: Tx) -> IntegrationItem:
    """It goes on sending as it was; initialize it again after changing what the tool must accept. Secrets that are not
    given stay, unless an address among the settings changes: then they are given once more."""
    body = call.body
    integration = await integrations.change(
        tx,
        call.workspace_id,
        call.path_id(),
        call.app.box,
        given={} if isinstance(body.settings, UnsetType) else body.settings,
        name=None if isinstance(body.name, UnsetType) else body.name,
        now=call.now,
    )
    await call.audit(tx, "integration.update", integration.id)
    return await _with_health(call, tx, integration)


@management.delete("/integrations/{id}", "Remove an integration", tag="Integrations", status=204)
async def remove_integration(call: Call[NoQuery, None], tx: Tx) -> None:
    """Its rules end with it, its secrets are forgotten; what was delivered stays to be read."""
    integration = await integrations.get_integration(tx, call.workspace_id, call.path_id())
    ended = await end_rules_of(tx, call.workspace_id, integration.id, call.now)
    await integrations.remove(tx, call.workspace_id, integration.id, call.now)
    await call.audit(tx, "integration.delete", integration.id, name=integration.name, rules_ended=ended)


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
        return CheckOutcome(result.ok, result.sentence, await _with_health(call, tx, concluded))


@management.post("/integrations/{id}/pause", "Stop sending for now", tag="Integrations")
async def pause_integration(call: Call[NoQuery, None], tx: Tx) -> IntegrationItem:
    """What comes in meanwhile waits; initialize to go on."""
    integration = await integrations.get_integration(tx, call.workspace_id, call.path_id())
    reason = f"Paused by the key {call.caller.key.name}. Initialize to go on."
    await integrations.pause(tx, call.workspace_id, integration.id, reason)
    await call.audit(tx, "integration.pause", integration.id)
    paused = await integrations.get_integration(tx, call.workspace_id, integration.id)
    return await _with_health(call, tx, paused)


@management.post("/integrations/{id}/rotate", "Make a new secret", tag="Integrations", stored=False)
async def rotate_secret(call: Call[NoQuery, Rotation], tx: Tx) -> AddedIntegration:
    """For a day calls are signed with both, the new one and the old one, while the receiver changes over."""
    shown = await integrations.rotate(
        tx, call.workspace_id, call.path_id(), call.app.box, field=call.body.field, now=call.now
    )
    await call.audit(tx, "integration.rotate", call.path_id(), field=call.body.field)
    return AddedIntegration(await _with_health(call, tx, shown.integration), shown.new_secrets)


async def _with_health(call: Call[Any, Any], tx: Reading, integration: Integration) -> IntegrationItem:
    lanes = await delivery.lane_health(tx, call.workspace_id, call.now)
    health = next((lane for lane in lanes if lane.lane_id == integration.id), None)
    return copied(IntegrationItem, integration, health=health)


def tool_fields(manifest: fields.Manifest) -> list[ToolField]:
    return [
        copied(
            ToolField,
            field,
            required=field.required and field.default is None and field.generate is None,
            options=list(field.options),
            made_here=field.generate is not None,
        )
        for field in manifest.fields
    ]
