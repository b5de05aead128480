"""Adding, changing, rotating and removing an integration."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import delivery, limits
from regulars.integrations import store
from regulars.integrations.model import Integration, Shown
from regulars.integrations.registry import CONNECTORS
from regulars.integrations.store import sql
from regulars.kit import Conflict, NotFound, Reading, SecretBox, Tx, invalid, new_id
from regulars.kit.fields import beside, checked_connection, kept_secrets, made_here


async def add(
    tx: Tx, workspace_id: UUID, box: SecretBox, *, tool: str, name: str, given: Mapping[str, Any], now: datetime
) -> Shown:
    """A new integration with its lane, not initialized yet: nothing is sent until it is. `given` holds the manifest's
    fields, secrets among them. Raises Invalid naming every wrong field, Conflict when the shop has too many."""
    manifest = CONNECTORS.chosen(tool).manifest
    name, settings, secrets = checked_connection(manifest, name or manifest.label, given)
    if await tx.fetchval(sql.count_integrations, workspace_id) >= limits.INTEGRATIONS_MAX:
        raise Conflict(f"A shop can have {limits.INTEGRATIONS_MAX} integrations. Remove one that is not used.")
    integration_id = new_id()
    sealed = box.seal(secrets, workspace_id=workspace_id, thing_id=integration_id)
    await tx.execute(sql.insert_integration, workspace_id, integration_id, tool, name, settings, sealed, now)
    await delivery.open_lane(tx, workspace_id, integration_id, tool, settings["rate_per_minute"], now)
    await delivery.pause_lane(tx, workspace_id, integration_id, "Not initialized yet.")
    integration = Integration(integration_id, workspace_id, tool, name, settings, sealed, "new", "", now, now)
    return Shown(integration, made_here(secrets, given))


async def change(
    tx: Tx,
    workspace_id: UUID,
    integration_id: UUID,
    box: SecretBox,
    *,
    given: Mapping[str, Any],
    now: datetime,
    name: str | None = None,
) -> Integration:
    """Fields that are not given, and secrets given empty, stay as they are. It goes on sending as it was: whoever
    changes what the tool must accept initializes it again. Nothing is written when nothing is different. Raises
    Invalid, NotFound, and Conflict for a tool that is not known."""
    known = await store.integration(tx, workspace_id, integration_id, locked=True)
    manifest = CONNECTORS.kept(known.tool).manifest
    stored = kept_secrets(manifest, box, known.sealed, given, workspace_id=workspace_id, thing_id=integration_id)
    before = (known.name, known.settings, stored)
    new_name, settings, secrets = filled = checked_connection(manifest, name, given, *before)
    if filled == before:
        return known
    sealed = box.seal(secrets, workspace_id=workspace_id, thing_id=integration_id)
    if settings["rate_per_minute"] != known.settings.get("rate_per_minute"):
        await delivery.set_rate(tx, workspace_id, integration_id, settings["rate_per_minute"])
    return await _change(tx, known, new_name, settings, sealed, now)


async def rotate(
    tx: Tx, workspace_id: UUID, integration_id: UUID, box: SecretBox, *, field: str, now: datetime
) -> Shown:
    """A new secret; the old one stays valid beside it for `limits.SECRET_ROTATION_S`. Raises Invalid for a field whose
    secrets are not made here, NotFound, Unreadable."""
    known = await store.integration(tx, workspace_id, integration_id, locked=True)
    rotating = {f.name: f.generate for f in CONNECTORS.kept(known.tool).manifest.fields if f.generate is not None}
    generate = rotating.get(field)
    if generate is None:
        raise invalid("field", "one of: " + (", ".join(rotating) or "none; this tool makes its own secrets"))
    had, fresh = box.open(known.sealed, workspace_id=workspace_id, thing_id=integration_id), generate()
    settings, secrets = beside(known.settings, had | {field: fresh}, field, had[field], now)
    sealed = box.seal(secrets, workspace_id=workspace_id, thing_id=integration_id)
    return Shown(await _change(tx, known, known.name, settings, sealed, now), {field: fresh})


async def _change(
    tx: Tx, known: Integration, name: str, settings: dict[str, Any], sealed: bytes, now: datetime
) -> Integration:
    await tx.execute(sql.change_integration, known.workspace_id, known.id, name, settings, sealed, now)
    return msgspec.structs.replace(known, name=name, settings=settings, sealed=sealed, updated_at=now)


async def remove(tx: Tx, workspace_id: UUID, integration_id: UUID, now: datetime) -> None:
    """Nothing more is sent and its secrets are gone; its deliveries stay to be read. Rules that name it are the
    caller's to end first. Raises NotFound."""
    if await tx.fetchval(sql.archive, workspace_id, integration_id, now) is None:
        raise NotFound(store.MISSING)
    await delivery.pause_lane(tx, workspace_id, integration_id, "This integration was removed.")


async def list_integrations(tx: Reading, workspace_id: UUID) -> list[Integration]:
    """Oldest first, without those that were removed."""
    return await tx.all(Integration, sql.integrations, workspace_id)
