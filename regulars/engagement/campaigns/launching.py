"""A campaign is launched, paused, resumed, cancelled."""

from datetime import datetime
from uuid import UUID

import msgspec

from regulars import channels, delivery, schedule
from regulars.engagement import messages
from regulars.engagement.campaigns.authoring import checked, lock_campaign, replaced, save
from regulars.engagement.campaigns.model import GOING_ON, RUN, Campaign, Variant
from regulars.engagement.messages.preparing import due_where_they_live
from regulars.kit import Faults, Tx
from regulars.schedule import Due
from regulars.tenancy import Workspace

CANCELLED = "The campaign was cancelled."


async def launch(tx: Tx, workspace: Workspace, id: UUID, now: datetime) -> Campaign:
    """It begins at once, or at its time. Raises UnknownCampaign, Conflict, Invalid, and messages.NoSender."""
    one = await lock_campaign(tx, workspace.id, id, "draft", no="It was launched before.")
    terms, channel = await checked(tx, workspace, one.terms)
    senders = [sender for sender in await channels.list_senders(tx, workspace.id) if sender.channel == channel]
    ready = [sender.id for sender in senders if sender.state == "ready"]
    if not ready or any(variant.sender_id not in (None, *ready) for variant in terms.variants):
        raise messages.NoSender
    faults = Faults()
    if terms.starts_at and terms.starts_at < now:
        faults.add("starts_at", "a time that is not over")
    if terms.latest_at and terms.latest_at <= now:
        faults.add("latest_at", "a time that is not over")
    faults.check()
    variants = tuple(Variant(v.template_id, v.sender_id or ready[0], v.share) for v in terms.variants)
    terms = msgspec.structs.replace(terms, variants=variants)
    began = replaced(one, now, terms=terms, channel=channel, state="scheduled", launched_at=now)
    return await _go_on(tx, workspace, began, now)


async def pause(tx: Tx, workspace: Workspace, id: UUID, now: datetime, *, reason: str = "") -> Campaign:
    """Nothing more is sent but what is on its way. Raises UnknownCampaign and Conflict."""
    one = await lock_campaign(tx, workspace.id, id, *GOING_ON, no="Only what is under way can be paused.")
    await schedule.drop(tx, workspace.id, RUN, [str(id)])
    return await save(
        tx, workspace.id, replaced(one, now, state="paused", goes_on_as=one.state, state_reason=reason, pace=0.0)
    )


async def resume(tx: Tx, workspace: Workspace, id: UUID, now: datetime) -> Campaign:
    """It goes on where it was, with what waited first. Raises UnknownCampaign and Conflict."""
    one = await lock_campaign(tx, workspace.id, id, "paused", no="It is not paused.")
    one = replaced(one, now, state=one.goes_on_as, goes_on_as="", state_reason="")
    one = await _go_on(tx, workspace, one, now)
    await _hasten(tx, workspace, id, now)
    return one


async def cancel(tx: Tx, workspace: Workspace, id: UUID, now: datetime) -> Campaign:
    """What is not on its way is not sent, and says why. Raises UnknownCampaign and Conflict."""
    one = await lock_campaign(tx, workspace.id, id, *GOING_ON, "paused", no="Only what is under way can be cancelled.")
    await schedule.drop(tx, workspace.id, RUN, [str(id)])
    one = await save(tx, workspace.id, replaced(one, now, state="cancelled", state_reason=CANCELLED, finished_at=now))
    await _hasten(tx, workspace, id, now)
    return one


async def _go_on(tx: Tx, workspace: Workspace, one: Campaign, now: datetime) -> Campaign:
    starts_at = one.terms.starts_at or now
    first = min(due_where_they_live(workspace, starts_at).values()) if one.terms.in_their_zone else starts_at
    at = max(first, now) if one.state == "scheduled" else now
    await schedule.put(tx, workspace.id, [Due(RUN, str(one.id), at, {})])
    return await save(tx, workspace.id, one)


async def _hasten(tx: Tx, workspace: Workspace, id: UUID, now: datetime) -> None:
    """What is queued is asked about again at once."""
    await delivery.hasten(tx, workspace.id, await messages.under_way(tx, workspace.id, id), now)
