"""Adding, changing and removing a sender."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from regulars import delivery, limits
from regulars.channels import store
from regulars.channels.manifest import SENDERS
from regulars.channels.model import Sender, Shown
from regulars.channels.store import sql
from regulars.kit import Conflict, NotFound, Reading, SecretBox, Tx, new_id
from regulars.kit.fields import checked_connection, kept_secrets, made_here

UNVERIFIED = "Its address is not verified yet. Initialize mails a code there."


async def add(
    tx: Tx, workspace_id: UUID, box: SecretBox, *, tool: str, name: str, given: Mapping[str, Any], now: datetime
) -> Shown:
    """A new sender with its lane; nothing is sent until it is ready. Raises Invalid naming every wrong field, Conflict
    when the shop has too many."""
    manifest = SENDERS.chosen(tool)
    name, settings, secrets = checked_connection(manifest, name or manifest.label, given)
    if len(await list_senders(tx, workspace_id)) >= limits.SENDERS_MAX:
        raise Conflict(f"A shop can have {limits.SENDERS_MAX} senders. Remove one that is not used.")
    id = new_id()
    sealed = box.seal(secrets, workspace_id=workspace_id, thing_id=id)
    columns = (id, uuid4(), tool, manifest.channel, name, settings, sealed, now)
    await tx.execute(sql.insert_sender, workspace_id, *columns)
    await delivery.open_lane(tx, workspace_id, id, tool, settings["rate_per_minute"], now)
    await delivery.pause_lane(tx, workspace_id, id, "Not initialized yet.")
    return Shown(await store.sender(tx, workspace_id, id), made_here(secrets, given))


async def change(
    tx: Tx,
    workspace_id: UUID,
    sender_id: UUID,
    box: SecretBox,
    *,
    given: Mapping[str, Any],
    now: datetime,
    name: str | None = None,
) -> Sender:
    """Fields that are not given, and secrets given empty, stay as they are. It goes on sending as it was, but from an
    address that nobody read a code at. Raises Invalid, NotFound, and Conflict for a kind that is not known."""
    known = await store.sender(tx, workspace_id, sender_id, locked=True)
    manifest = SENDERS.kept(known.tool)
    stored = kept_secrets(manifest, box, known.sealed, given, workspace_id=workspace_id, thing_id=sender_id)
    before = (known.name, known.settings, stored)
    new_name, settings, secrets = filled = checked_connection(manifest, name, given, *before)
    if filled == before:
        return known
    sealed = box.seal(secrets, workspace_id=workspace_id, thing_id=sender_id)
    await tx.execute(sql.change_sender, workspace_id, sender_id, new_name, settings, sealed, now)
    tx.say_changed(workspace_id)
    await delivery.set_rate(tx, workspace_id, sender_id, settings["rate_per_minute"])
    if settings.get("verified_email") != settings.get("sender_email") and known.state == "ready":
        await tx.execute(sql.set_state, workspace_id, sender_id, "new", UNVERIFIED)
        await delivery.pause_lane(tx, workspace_id, sender_id, UNVERIFIED)
    return await store.sender(tx, workspace_id, sender_id)


async def remove(tx: Tx, workspace_id: UUID, sender_id: UUID, now: datetime) -> None:
    """Nothing more is sent from it and its secrets are gone; what was sent stays to be read. Raises NotFound."""
    if await tx.fetchval(sql.archive, workspace_id, sender_id, now) is None:
        raise NotFound(store.MISSING)
    await delivery.pause_lane(tx, workspace_id, sender_id, "This sender was removed.")
    tx.say_changed(workspace_id)


async def list_senders(tx: Reading, workspace_id: UUID) -> list[Sender]:
    """Oldest first, without those that were removed."""
    return await tx.all(Sender, sql.senders, workspace_id)
