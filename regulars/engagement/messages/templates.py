"""Templates: made, changed, removed. Each change of what one says is a version, which what was sent of it names."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import customers, limits, tenancy
from regulars.engagement.messages import liquid, markup
from regulars.engagement.messages.mjml import html_of
from regulars.engagement.messages.model import Channel, Content, Template, TemplateVersion, UnknownTemplate, sql
from regulars.events import TOPICS
from regulars.kit import AFTER_ALL_IDS, Conflict, Faults, Reading, Tx, new_id
from regulars.kit.fitting import note_unfit
from regulars.tenancy import Workspace


def template_of(*row: Any) -> Template:
    """As it is read."""
    return msgspec.convert(dict(zip(Template.__struct_fields__, row, strict=True)), Template)


def _version_of(version: int, content: Any, *row: Any) -> TemplateVersion:
    return TemplateVersion(version, msgspec.convert(content, Content), *row)


async def list_templates(tx: Reading, workspace_id: UUID) -> list[Template]:
    """Newest first."""
    return await tx.all(template_of, sql.templates, workspace_id)


async def templates_by_id(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Template]:
    return {one.id: one for one in await tx.all(template_of, sql.templates_by_id, workspace_id, ids)}


async def find_template(tx: Reading, workspace_id: UUID, id: UUID) -> Template:
    """Raises UnknownTemplate."""
    found = await templates_by_id(tx, workspace_id, [id])
    if not found:
        raise UnknownTemplate
    return found[id]


async def versions_of(tx: Reading, workspace_id: UUID, id: UUID) -> list[TemplateVersion]:
    """Newest first, as many as a page holds."""
    return await tx.all(_version_of, sql.versions, workspace_id, id, limits.PAGE_ITEMS_DEFAULT)


async def create_template(
    tx: Tx, workspace_id: UUID, name: str, channel: Channel, topic: str, content: Content, now: datetime, *, actor: str
) -> Template:
    """Raises Invalid naming each field, also of a variable that there is not, and Conflict."""
    shop = await tenancy.get_workspace(tx, workspace_id)
    made = checked(Template(new_id(), name, channel, topic, 1, content, now, now), shop)
    if len(await list_templates(tx, workspace_id)) >= limits.TEMPLATES_MAX:
        raise Conflict(f"A shop can have {limits.TEMPLATES_MAX} templates at most. Remove one that is not used.")
    return await _saved(tx, workspace_id, made, actor)


async def change_template(
    tx: Tx, workspace_id: UUID, id: UUID, changes: dict[str, Any], now: datetime, *, actor: str
) -> Template:
    """Set any of name, topic and content. Raises UnknownTemplate, and Invalid naming each field. Locks it."""
    await tx.execute(sql.lock_template, workspace_id, id)
    kept = await find_template(tx, workspace_id, id)
    changed = checked(msgspec.structs.replace(kept, **changes), await tenancy.get_workspace(tx, workspace_id))
    if changed == kept:
        return kept
    return await _saved(
        tx, workspace_id, msgspec.structs.replace(changed, version=kept.version + 1, updated_at=now), actor
    )


async def remove_template(tx: Tx, workspace_id: UUID, id: UUID, now: datetime) -> dict[str, str]:
    """What waits is still sent. Raises UnknownTemplate."""
    name = await tx.fetchval(sql.remove_template, workspace_id, id, now)
    if name is None:
        raise UnknownTemplate
    return {"name": name}


async def _saved(tx: Tx, workspace_id: UUID, one: Template, actor: str) -> Template:
    content = msgspec.to_builtins(one.content)
    values = msgspec.structs.asdict(one) | {"content": content}
    await tx.execute(sql.save_template, workspace_id, *values.values())
    await tx.execute(sql.insert_version, workspace_id, one.id, one.version, content, actor, one.updated_at)
    return one


def draft(channel: Channel, topic: str, content: Content) -> Template:
    """One that is being written. Raises Invalid for an event that there is not."""
    liquid.variables(topic)
    return Template(AFTER_ALL_IDS, "-", channel, topic, 0, content, datetime.min, datetime.min)


def checked(one: Template, shop: Workspace) -> Template:
    """The same, its name trimmed. Raises Invalid naming each field."""
    one = msgspec.structs.replace(one, name=one.name.strip())
    faults, content, email = Faults(), one.content, one.channel == "email"
    note_unfit(faults, Template, {"name": one.name, "channel": one.channel})
    note_unfit(faults, Content, msgspec.structs.asdict(content))
    if one.topic and one.topic not in TOPICS:
        faults.add("topic", "the name of an event, or nothing")
    if email and not content.subject.strip():
        faults.add("subject", "a subject")
    if not content.body.strip() and (email or not content.provider_template):
        faults.add("body", "what it says" if email else "what it says, or else the name of a provider's template")
    for name in ("provider_template", "slots") if email else ("subject", "preheader"):
        if getattr(content, name):
            faults.add(name, f"nothing: {'an e-mail' if email else 'such a message'} has none")
    if email and content.body_type == "mjml":
        try:
            html_of(content.body)
        except markup.Unfit as unfit:
            faults.add("body", f"MJML that can be read: {unfit}")
    liquid.check(content, one.topic if one.topic in TOPICS else "", customers.declared(shop), faults)
    faults.check()
    return one
