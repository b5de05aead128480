"""Integrations: a gallery of tools, and for each one a form drawn from its manifest, Initialize, and its health."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from regulars import delivery, dispatch, integrations
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.integrations import CONNECTORS, Integration, Manifest, manifest_of
from regulars.kit.errors import NotFound, Refusal

# What few shops ever touch, kept behind "More settings".
_RARE = frozenset({"api_version", "retry_unclear", "rate_per_minute", "host", "style", "profile_prefix"})
_NEW: dict[str, Any] = {
    "rare": _RARE,
    "of": ("Integrations", "/integrations"),
    "yes": "Initialize",
    "note": "Initialize makes a harmless call, and says here what was answered.",
}


@get("/integrations")
async def gallery(desk: Handed) -> Response[str]:
    async with desk.reading() as tx:
        connected = await integrations.list_integrations(tx, desk.id)
        health = {lane.lane_id: lane for lane in await delivery.lane_health(tx, desk.id, desk.now)}
    manifests = [connector.manifest for connector in CONNECTORS.values()]
    return desk.page(
        "pages/integrations.html",
        connected=connected,
        health=health,
        manifests=manifests,
        label_of={tool.id: manifest_of(tool.tool).label for tool in connected},
    )


@get("/integrations/new/{tool:str}")
async def blank(desk: Handed, tool: FromPath[str]) -> Response[str]:
    manifest = _manifest(tool)
    values = {field.name: str(field.default if field.default is not None else "") for field in manifest.fields}
    return desk.page("pages/manifest_new.html", form=desk.blank(**values), manifest=manifest, **_NEW)


@post("/integrations/new/{tool:str}")
async def add(desk: Handed, tool: FromPath[str]) -> Response[str]:
    """Kept first, then checked: a key that is refused does not cost the rest of the form."""
    manifest = _manifest(tool)
    form = await desk.form()
    try:
        async with desk.changing("integration.create", tool) as tx:
            shown = await integrations.add(
                tx, desk.id, desk.app.box, tool=tool, name=form.text("name"), given=_given(form, manifest), now=desk.now
            )
        made = shown.integration
        result = await initialize(desk, made)
    except Refusal as refusal:
        return desk.wrong("pages/manifest_new.html", form, refusal, manifest=manifest, **_NEW)
    if shown.new_secrets:
        return desk.page("pages/integration_secret.html", integration=made, secrets=shown.new_secrets, result=result)
    return desk.see(f"/integrations/{made.id}", result.sentence if result.ok else "")


@get("/integrations/{integration_id:uuid}")
async def shown(desk: Handed, integration_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        integration = await integrations.get_integration(tx, desk.id, integration_id)
    values = {name: str(value) for name, value in integration.settings.items()}
    return await _page(desk, integration, desk.blank(name=integration.name, **values))


@post("/integrations/{integration_id:uuid}")
async def change(desk: Handed, integration_id: FromPath[UUID]) -> Response[str]:
    form = await desk.form()
    async with desk.reading() as tx:
        integration = await integrations.get_integration(tx, desk.id, integration_id)
    manifest = manifest_of(integration.tool)
    try:
        async with desk.changing("integration.update", integration_id) as tx:
            integration = await integrations.change(
                tx,
                desk.id,
                integration_id,
                desk.app.box,
                given=_given(form, manifest),
                name=form.text("name"),
                now=desk.now,
            )
        if form.text("act") != "initialize":
            return desk.see(f"/integrations/{integration_id}", "Saved.")
        result = await initialize(desk, integration)
    except Refusal as refusal:
        return await _page(desk, integration, form.refused(refusal), 422)
    return desk.see(f"/integrations/{integration_id}", result.sentence if result.ok else "")


@post("/integrations/{integration_id:uuid}/pause")
async def pause(desk: Handed, integration_id: FromPath[UUID]) -> Response[str]:
    reason = f"Paused by {desk.who.name}. Initialize to go on."
    async with desk.changing("integration.pause", integration_id) as tx:
        await integrations.get_integration(tx, desk.id, integration_id)
        await integrations.pause(tx, desk.id, integration_id, reason)
    return desk.see(f"/integrations/{integration_id}", "Paused. What comes in meanwhile waits.")


@get("/integrations/{integration_id:uuid}/rotate")
async def ask_rotate(desk: Handed, integration_id: FromPath[UUID]) -> Response[str]:
    return desk.page(
        "pages/confirm.html",
        title="Make a new secret?",
        words="The new one is shown once. For a day, calls are signed with both, while your receiver changes over.",
        yes="Make a new secret",
        back=f"/integrations/{integration_id}",
    )


@post("/integrations/{integration_id:uuid}/rotate")
async def rotate(desk: Handed, integration_id: FromPath[UUID]) -> Response[str]:
    async with desk.changing("integration.rotate", integration_id) as tx:
        integration = await integrations.get_integration(tx, desk.id, integration_id)
        name = next((field.name for field in manifest_of(integration.tool).fields if field.generate is not None), "")
        made = await integrations.rotate(tx, desk.id, integration_id, desk.app.box, field=name, now=desk.now)
    return desk.page(
        "pages/integration_secret.html", integration=made.integration, secrets=made.new_secrets, result=None
    )


@get("/integrations/{integration_id:uuid}/delete")
async def ask_delete(desk: Handed, integration_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        integration = await integrations.get_integration(tx, desk.id, integration_id)
        rules = [rule for rule in await dispatch.list_rules(tx, desk.id) if rule.integration_id == integration_id]
    ended = f" {len(rules)} Send Events rule{'s' if len(rules) != 1 else ''} that use it end too." if rules else ""
    return desk.page(
        "pages/confirm.html",
        title=f"Remove {integration.name}?",
        words=f"Nothing more is sent to it, and its key is forgotten.{ended} What was delivered stays to be read.",
        yes="Remove",
        back=f"/integrations/{integration_id}",
    )


@post("/integrations/{integration_id:uuid}/delete")
async def delete(desk: Handed, integration_id: FromPath[UUID]) -> Response[str]:
    async with desk.changing("integration.delete", integration_id) as tx:
        for rule in await dispatch.list_rules(tx, desk.id):
            if rule.integration_id == integration_id:
                await dispatch.delete_rule(tx, desk.id, rule.id, desk.now)
        await integrations.remove(tx, desk.id, integration_id, desk.now)
    return desk.see("/integrations", "Removed.")


async def initialize(desk: Desk, integration: Integration) -> delivery.CheckResult:
    """Ask the tool, between two transactions, and write down what it said."""
    carrier = integrations.carrier(integration, desk.app.box)
    result = await integrations.check(desk.app.http, carrier, desk.app.clock.outside())
    async with desk.changing("integration.initialize", integration.id, ok=result.ok) as tx:
        await integrations.conclude(tx, integration, result, desk.app.clock.now())
    return result


async def _page(desk: Desk, integration: Integration, form: Form, status: int = 200) -> Response[str]:
    async with desk.reading() as tx:
        lanes = await delivery.lane_health(tx, desk.id, desk.now)
        rules = [rule for rule in await dispatch.list_rules(tx, desk.id) if rule.integration_id == integration.id]
    manifest = manifest_of(integration.tool)
    return desk.page(
        "pages/integration.html",
        status=status,
        integration=integration,
        manifest=manifest,
        form=form,
        rare=_RARE,
        health=next((lane for lane in lanes if lane.lane_id == integration.id), None),
        rules=[(rule, dispatch.rule_sentence_parts(rule)) for rule in rules],
        rotates=any(field.generate is not None for field in manifest.fields),
    )


def _manifest(tool: str) -> Manifest:
    if tool not in CONNECTORS:
        raise NotFound("This tool is not known here.")
    return CONNECTORS[tool].manifest


def _given(form: Form, manifest: Manifest) -> dict[str, Any]:
    return {field.name: form.text(field.name) for field in manifest.fields if field.name in form.values}


HANDLERS = [gallery, blank, add, shown, change, pause, ask_rotate, rotate, ask_delete, delete]
