"""Integrations: a gallery of tools, and for each one a form drawn from its manifest, Initialize, and its health."""

from datetime import datetime, time
from typing import Any

from litestar import Response

from regulars import delivery, dispatch, integrations
from regulars.dashboard.chart import bars
from regulars.dashboard.declaring import act, page
from regulars.dashboard.desk import Desk
from regulars.dashboard.pages import connecting
from regulars.dashboard.sheets import Field, Given, Shown, ask, sheet
from regulars.dashboard.words import plural
from regulars.delivery.health import TROUBLES
from regulars.dispatch.fanout import refill, refilled
from regulars.integrations import CONNECTORS, Integration, manifest_of
from regulars.kit import NotFound, Reading, Tx


@page("/integrations", "integrations")
async def gallery(desk: Desk, tx: Reading) -> dict[str, Any]:
    connected = await integrations.list_integrations(tx, desk.id)
    return {
        "connected": connected,
        "health": {lane.lane_id: lane for lane in await delivery.lane_health(tx, desk.id, desk.now)},
        "manifests": [connector.manifest for connector in CONNECTORS.values()],
        "label_of": {tool.id: manifest_of(tool.tool).label for tool in connected},
    }


async def _blank(desk: Desk, tx: Reading) -> Shown:
    tool = desk.request.path_params["tool"]
    if tool not in CONNECTORS:
        raise NotFound("This tool is not known here.")
    note = "Initialize makes a harmless call, and says here what was answered."
    return connecting.shown(CONNECTORS[tool].manifest, note=note)


@sheet("/integrations/new/{tool:str}", "", "manifest", connecting.fields, yes="Initialize", load=_blank)
async def add(desk: Desk, _: Given, shown: Shown) -> Response[Any]:
    """Kept first, then checked: a key that is refused does not cost the rest of the form."""
    tool, given = shown.more["manifest"].tool, connecting.given(await desk.form(), shown)
    async with desk.changing("integration.create", tool) as tx:
        made = await integrations.add(tx, desk.id, desk.app.box, tool=tool, **given, now=desk.now)
    result = await initialize(desk, made.integration)
    if made.new_secrets:
        return _secret(desk, made, result)
    return desk.see(f"/integrations/{made.integration.id}", result.sentence if result.ok else "")


async def _load(desk: Desk, tx: Reading) -> Shown:
    tool = await integrations.get_integration(tx, desk.id, desk.key)
    lanes = await delivery.lane_health(tx, desk.id, desk.now)
    rules = [rule for rule in await dispatch.list_rules(tx, desk.id) if rule.integration_id == tool.id]
    manifest, day = manifest_of(tool.tool), await delivery.lane_day(tx, desk.id, desk.key, desk.now)
    hours = [(f"{one.starts_at.astimezone(desk.zone):%H:%M}", one.delivered, one.not_delivered) for one in day.hours]
    labels = [*(name for name, *_ in hours[::6]), "now"]
    arrived, others = ([(name, many[n]) for name, *many in hours] for n in (0, 1))
    charts = [bars("Delivered per hour", "Hour", "Delivered", arrived, labels)]
    charts += [bars("Not delivered per hour", "Hour", "Tries", others, labels, bad=True)]
    return connecting.shown(
        manifest,
        tool,
        health=next((lane for lane in lanes if lane.lane_id == tool.id), None),
        day=day,
        refilled=await refilled(tx, desk.id, tool.id),
        charts=[chart for chart in charts if any(bar.value for bar in chart.bars)],
        troubles=[(TROUBLES[name][0], many) for name, many in day.troubles.items()],
        rules=[(rule, dispatch.rule_sentence_parts(rule)) for rule in rules],
        rotates=any(field.generate is not None for field in manifest.fields),
    )


@sheet("/integrations/{id:uuid}", "", "integration", connecting.fields, yes="", load=_load)
async def change(desk: Desk, _: Given, shown: Shown) -> Response[Any]:
    form, here = await desk.form(), f"/integrations/{desk.key}"
    given = connecting.given(form, shown)
    async with desk.changing("integration.update", desk.key) as tx:
        changed = await integrations.change(tx, desk.id, desk.key, desk.app.box, **given, now=desk.now)
    if form.text("act") != "initialize":
        return desk.see(here, "Saved.")
    result = await initialize(desk, changed)
    return desk.see(here, result.sentence if result.ok else "")


_MISSED = {"yes": "Send", "said": "It goes out, the oldest first.", "act": "integration.send-missed"}


@sheet("/integrations/{id:uuid}/missed", "Send what happened before", "missed", {"since": Field("date")}, **_MISSED)
async def send_missed(desk: Desk, tx: Tx, given: Given, _: Shown) -> None:
    """Of its rules, what none of them has sent yet."""
    await integrations.get_integration(tx, desk.id, desk.key)
    since = datetime.combine(given["since"], time(), desk.zone)
    await refill(tx, desk.workspace, desk.key, since, desk.now)


@act(
    "/integrations/{id:uuid}/pause", "integration.pause", "/integrations/{id}", "Paused. What comes in meanwhile waits."
)
async def pause(desk: Desk, tx: Tx) -> None:
    await integrations.get_integration(tx, desk.id, desk.key)
    await integrations.pause(tx, desk.id, desk.key, f"Paused by {desk.who.name}. Initialize to go on.")


@ask("/integrations/{id:uuid}/rotate", "Make a new secret?", "Make a new secret", act="integration.rotate")
async def rotate(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    """The new one is shown once. For a day, calls are signed with both, while your receiver changes over."""
    tool = await integrations.get_integration(tx, desk.id, desk.key)
    name = next((field.name for field in manifest_of(tool.tool).fields if field.generate is not None), "")
    return _secret(desk, await integrations.rotate(tx, desk.id, desk.key, desk.app.box, field=name, now=desk.now))


def _secret(desk: Desk, made: Any, result: delivery.CheckResult | None = None) -> Response[str]:
    tool, words = made.integration, "Your receiver checks with it that calls come from here."
    secrets = list(made.new_secrets.values())
    return desk.secret(f"{tool.name}: its secret", words, secrets, f"/integrations/{tool.id}", result=result)


async def _ask_delete(desk: Desk, tx: Reading) -> Shown:
    tool = await integrations.get_integration(tx, desk.id, desk.key)
    rules = sum(rule.integration_id == desk.key for rule in await dispatch.list_rules(tx, desk.id))
    ended = f" {plural(rules, 'Send Events rule')} that use it end too." if rules else ""
    words = f"Nothing more is sent to it, and its key is forgotten.{ended} What was delivered stays to be read."
    return Shown(title=f"Remove {tool.name}?", words=words)


@ask("/integrations/{id:uuid}/delete", "", "Remove", load=_ask_delete, act="integration.delete")
async def delete(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    await dispatch.end_rules_of(tx, desk.id, desk.key, desk.now)
    await integrations.remove(tx, desk.id, desk.key, desk.now)
    return desk.see("/integrations", "Removed.")


async def initialize(desk: Desk, integration: Integration) -> delivery.CheckResult:
    """Ask the tool, between two transactions, and write down what it said."""
    carrier = integrations.carrier(integration, desk.app.box)
    result = await integrations.check(desk.app.http, carrier, desk.app.clock.outside())
    async with desk.changing("integration.initialize", integration.id, ok=result.ok) as tx:
        await integrations.conclude(tx, integration, result, desk.app.clock.now())
    return result
