"""Triggers, read."""

from __future__ import annotations

from uuid import UUID

from regulars.kit.db import Reading
from regulars.triggers import store
from regulars.triggers.errors import UnknownTrigger
from regulars.triggers.model import Trigger, Version
from regulars.triggers.wording import differences


async def find_trigger(tx: Reading, workspace_id: UUID, trigger_id: UUID) -> Trigger:
    """Raises UnknownTrigger."""
    trigger = (await store.by_ids(tx, workspace_id, [trigger_id])).get(trigger_id)
    if trigger is None:
        raise UnknownTrigger
    return trigger


async def list_triggers(tx: Reading, workspace_id: UUID) -> list[Trigger]:
    """All of them, the oldest first: a shop has tens."""
    return await store.all_triggers(tx, workspace_id)


async def versions_of(tx: Reading, workspace_id: UUID, trigger_id: UUID) -> list[tuple[Version, list[str]]]:
    """Newest first, each with what was changed to make it, in words."""
    trigger = await find_trigger(tx, workspace_id, trigger_id)
    found = await store.versions(tx, workspace_id, trigger_id)
    before = [*found[1:], *found[-1:]]
    pairs = zip(found, before, strict=True)
    return [(one, differences(trigger.source, older.rule, one.rule)) for one, older in pairs]
