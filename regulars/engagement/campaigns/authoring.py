"""Campaigns are made, changed and deleted, as long as they are drafts; and said in a sentence."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import channels, triggers
from regulars.engagement import messages, segments
from regulars.engagement.campaigns.model import Campaign, State, Terms, UnknownCampaign, campaign_of, sql
from regulars.engagement.messages import liquid
from regulars.engagement.messages.model import Template
from regulars.engagement.messages.templates import templates_by_id
from regulars.kit import AFTER_ALL_IDS, Conflict, Faults, Reading, Tx, new_id
from regulars.kit.fitting import note_unfit
from regulars.tenancy import Workspace
from regulars.triggers import Trigger


async def list_campaigns(
    tx: Reading, workspace_id: UUID, *, before_id: UUID | None = None, limit: int
) -> list[Campaign]:
    """Newest first."""
    return await tx.all(campaign_of, sql.campaigns, workspace_id, before_id or AFTER_ALL_IDS, limit)


async def find_campaign(tx: Reading, workspace_id: UUID, id: UUID) -> Campaign:
    """Raises UnknownCampaign."""
    return await tx.the(UnknownCampaign.message, campaign_of, sql.campaign, workspace_id, id)


async def lock_campaign(tx: Tx, workspace_id: UUID, id: UUID, *states: State, no: str = "") -> Campaign:
    """In one of these states. Raises UnknownCampaign, and Conflict in the words of `no`."""
    one = await tx.the(UnknownCampaign.message, campaign_of, sql.lock_campaign, workspace_id, id)
    if states and one.state not in states:
        raise Conflict(no)
    return one


async def create_campaign(tx: Tx, workspace: Workspace, terms: Terms, now: datetime) -> Campaign:
    """A draft. Raises Invalid naming each field."""
    terms, channel = await checked(tx, workspace, terms)
    none = (None, 0, 0.0, None, None, None)
    return await save(
        tx, workspace.id, Campaign(new_id(), terms.name, channel, "draft", "", "", terms, *none, now, now)
    )


async def copy_campaign(tx: Tx, workspace: Workspace, id: UUID, now: datetime) -> Campaign:
    """A draft to the same, of the same. Raises UnknownCampaign, and Invalid where something of it is gone."""
    terms = (await find_campaign(tx, workspace.id, id)).terms
    again = msgspec.structs.replace(terms, starts_at=None, latest_at=None, in_their_zone=False)
    return await create_campaign(tx, workspace, again, now)


async def change_campaign(
    tx: Tx, workspace: Workspace, id: UUID, changes: Mapping[str, Any], now: datetime
) -> Campaign:
    """Set any of its terms. Raises UnknownCampaign, Conflict, and Invalid naming each field."""
    one = await lock_campaign(tx, workspace.id, id, "draft", no="Only a draft can be changed. Cancel it and copy it.")
    terms, channel = await checked(tx, workspace, msgspec.structs.replace(one.terms, **changes))
    return await save(tx, workspace.id, replaced(one, now, terms=terms, name=terms.name, channel=channel))


async def delete_campaign(tx: Tx, workspace_id: UUID, id: UUID) -> Campaign:
    """Raises UnknownCampaign and Conflict: what was launched stays to be read."""
    one = await lock_campaign(tx, workspace_id, id, "draft", no="Only a draft can be deleted; others can be cancelled.")
    await tx.execute(sql.delete_campaign, workspace_id, id)
    return one


def replaced(one: Campaign, now: datetime, **changes: Any) -> Campaign:
    return msgspec.structs.replace(one, updated_at=now, **changes)


async def save(tx: Tx, workspace_id: UUID, one: Campaign) -> Campaign:
    values = msgspec.structs.asdict(one) | {"terms": msgspec.to_builtins(one.terms)}
    await tx.execute(sql.save_campaign, workspace_id, *values.values())
    return one


async def checked(tx: Reading, workspace: Workspace, terms: Terms) -> tuple[Terms, messages.model.Channel]:
    """Its name trimmed, and its channel. Raises Invalid naming each field."""
    terms, faults = msgspec.structs.replace(terms, name=terms.name.strip()), Faults()
    note_unfit(faults, Terms, msgspec.structs.asdict(terms))
    known = await templates_by_id(tx, workspace.id, [one.template_id for one in terms.variants])
    senders = {one.id: one for one in await channels.list_senders(tx, workspace.id)}
    channel: messages.model.Channel = next((one.channel for one in known.values()), "email")
    for n, one in enumerate(terms.variants):
        template, sender = known.get(one.template_id), senders.get(one.sender_id) if one.sender_id else None
        if template is None or template.topic:
            faults.add(f"variants[{n}].template_id", "a template of this shop that is not written for an event")
        elif template.channel != channel:
            faults.add(f"variants[{n}].template_id", "templates of one channel")
        if one.sender_id and (sender is None or sender.channel != channel):
            faults.add(f"variants[{n}].sender_id", "a sender of this channel")
    if len(known) < len(terms.variants):
        faults.add("variants", "two different templates")
    if sum(one.share for one in terms.variants) != 100:
        faults.add("variants", "shares that make 100 together")
    there = {one.id for one in await segments.list_segments(tx, workspace.id)}
    for name in ("segment_id", "minus_segment_id"):
        if (asked := getattr(terms, name)) and asked not in there:
            faults.add(name, "a segment of this shop")
    await _check_gift(tx, workspace, terms, known.values(), faults)
    if terms.in_their_zone and terms.starts_at is None:
        faults.add("starts_at", "a time, for it to be that time where each of them lives")
    if terms.starts_at and terms.latest_at and terms.latest_at <= terms.starts_at:
        faults.add("latest_at", "a time after the start")
    faults.check()
    return terms, channel


async def _check_gift(
    tx: Reading, workspace: Workspace, terms: Terms, templates: Iterable[Template], faults: Faults
) -> None:
    gifts = [one.id for one in await triggers.list_triggers(tx, workspace.id) if gives(one)]
    if terms.trigger_id and terms.trigger_id not in gifts:
        faults.add("trigger_id", "an active trigger that is fired by calls, and gives coins or a coupon")
    naming = [one.name for one in templates if liquid.names(one.content, "gift")]
    if naming and terms.trigger_id is None:
        faults.add("trigger_id", f"what is to go with it, which “{naming[0]}” names")


def gives(trigger: Trigger) -> bool:
    """Something that can go with messages."""
    return trigger.source == "api" and trigger.kind in ("wallet", "offer") and trigger.active


async def sentences(tx: Reading, workspace: Workspace, of: Sequence[Terms]) -> list[str]:
    """What is to happen, for people: to whom, what, when, and with what."""
    known = await templates_by_id(tx, workspace.id, [one.template_id for terms in of for one in terms.variants])
    names = {id: one.name for id, one in known.items()}
    names |= {one.id: one.name for one in await segments.list_segments(tx, workspace.id)}
    gifts = {one.id: one.name for one in await triggers.list_triggers(tx, workspace.id) if gives(one)}
    return [_sentence(workspace, terms, names, gifts) for terms in of]


def _sentence(workspace: Workspace, terms: Terms, names: Mapping[UUID, str], gifts: Mapping[UUID, str]) -> str:
    def named(id: UUID) -> str:
        return f"“{names[id]}”" if id in names else "what is gone"

    two = len(terms.variants) == 2
    said = [named(one.template_id) + (f" ({one.share}%)" if two else "") for one in terms.variants]
    words = f"{' or '.join(said)} to {named(terms.segment_id) if terms.segment_id else 'everybody'}"
    words += f" without {named(terms.minus_segment_id)}" if terms.minus_segment_id else ""
    words += f", {_at(terms.starts_at, workspace)}" if terms.starts_at else ", as soon as it is launched"
    words += " where each of them lives" if terms.in_their_zone else ""
    words += f", not later than {_at(terms.latest_at, workspace)}" if terms.latest_at else ""
    words += f", at most {terms.per_minute:,} a minute" if terms.per_minute else ""
    gift = gifts.get(terms.trigger_id, "a trigger that is gone") if terms.trigger_id else ""
    return words + (f", with what “{gift}” gives" if gift else "")


def _at(at: datetime, workspace: Workspace) -> str:
    return f"{at.astimezone(workspace.zone):%-d %B %Y, %H:%M}"
