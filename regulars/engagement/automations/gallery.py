"""Automations to begin from, each with the messages and the segment that it needs (`gallery.json`)."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from regulars.engagement import messages, segments
from regulars.engagement.automations.authoring import create_automation
from regulars.engagement.automations.model import Automation
from regulars.engagement.automations.store import sql
from regulars.engagement.messages.model import Content
from regulars.engagement.segments import NewSegment
from regulars.kit import Reading, Tx, invalid
from regulars.tenancy import Workspace


class Entry(msgspec.Struct, frozen=True):
    """In its definition templates stand by their keys, and the segment as `segment`."""

    key: str
    name: str
    words: str
    templates: dict[str, tuple[str, str, Content]]
    definition: dict[str, Any]
    segment: NewSegment | None = None


_GALLERY = msgspec.json.decode(Path(__file__).with_name("gallery.json").read_bytes(), type=list[Entry])


def gallery(workspace: Workspace) -> list[Entry]:
    """In the shop's words; the last one, without a key, is empty."""
    said = [one.words.replace("{coins}", workspace.coin_name) for one in _GALLERY]
    return [msgspec.structs.replace(one, words=words) for one, words in zip(_GALLERY, said, strict=True)]


async def create_from(
    tx: Tx, workspace: Workspace, key: str, now: datetime, *, actor: str, name: str | None = None
) -> Automation:
    """A draft, with all that it names, called as in the gallery or by a `name`. Raises Invalid naming `from` or `name`,
    Conflict."""
    entry = next((one for one in _GALLERY if one.key == key), None)
    if entry is None:
        raise invalid("from", f"one of: {', '.join(one.key for one in _GALLERY if one.key)}")
    ids = {}
    for part, (called, topic, content) in entry.templates.items():
        made = await messages.create_template(tx, workspace.id, called, "email", topic, content, now, actor=actor)
        ids[part] = made.id
    if entry.segment:
        ids["segment"] = (await segments.create_segment(tx, workspace, entry.segment, now)).id
    draft = _named(entry.definition, ids)
    return await create_automation(tx, workspace, entry.name if name is None else name, draft, now, actor=actor)


def _named(part: Any, ids: dict[str, UUID]) -> Any:
    """The same with the ids of what it names."""
    if isinstance(part, list):
        return [_named(one, ids) for one in part]
    if not isinstance(part, dict):
        return part
    return {k: str(ids[v]) if k in ("template_id", "segment_id") else _named(v, ids) for k, v in part.items()}


class Overview(Automation, frozen=True, gc=False):
    """With how many are inside now, messages sent, and runs that reached the goal."""

    inside: int
    sent: int
    goal: int


async def overview(tx: Reading, workspace_id: UUID) -> list[Overview]:
    """Those that were made first come first."""
    return await tx.all(Overview, sql.overview, workspace_id)
