"""What the demo's shop writes to its customers: a sender whose mail ends in the sandbox's inbox, an automation that
tells of coins, and a campaign to its champions."""

from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from regulars import channels, triggers
from regulars.demo.programme import TOLD
from regulars.engagement import automations, campaigns, messages, segments
from regulars.engagement.messages.model import Content
from regulars.engagement.segments import NewSegment
from regulars.kit import SecretBox, Tx
from regulars.kit.settings import Settings
from regulars.tenancy import Workspace
from regulars.triggers import Fire
from regulars.wiring import App

GIVEN = 12
"""So many champions are given the welcome gift, of which the automation tells them."""


async def begin(tx: Tx, shop: Workspace, settings: Settings, box: SecretBox, now: datetime) -> None:
    """Mail is sent as fast as the sandbox takes it, once the sender is verified: see `verify`."""
    user = settings.sandbox_address(shop.id).rpartition("/")[2]
    given = TOLD.sender | {"port": settings.sandbox_port_used() + 1, "user": user}
    await channels.add(tx, shop.id, box, tool="smtp", name="Newsletter", given=given, now=now)
    for name, (topic, subject, body) in TOLD.templates.items():
        said = Content(subject=subject, body=body)
        await messages.create_template(tx, shop.id, name, "email", topic, said, now, actor="demo")


async def verify(app: App, workspace_id: UUID) -> bool:
    """Initialize a sender that is not ready, and give the code that is mailed to it. Whether there was none."""
    async with app.db.reading() as tx:
        waiting = [one for one in await channels.list_senders(tx, workspace_id) if one.state != "ready"]
    for one in waiting:
        now, carrier = app.clock.now(), channels.carrier(one, app.box)
        checked = await channels.check(app.http, one, carrier, app.clock.outside())
        async with app.db.transaction() as tx:
            await channels.conclude(tx, one, checked, now)
            if checked.code:
                await channels.verify(tx, workspace_id, one.id, checked.code, now)
    return not waiting


async def write(app: App, shop: Workspace) -> None:
    """Once all purchases are in; nothing where it is done. The worker does what follows."""
    async with app.db.transaction() as tx:
        if await segments.list_segments(tx, shop.id):
            return
        for name, tree in TOLD.segments.items():
            await segments.create_segment(tx, shop, NewSegment(name=name, condition=tree), app.clock.now())
        for _ in TOLD.segments:
            await segments.find(tx, shop, [], app.clock.now())
        ids: dict[str, UUID] = {one.name: one.id for one in await messages.list_templates(tx, shop.id)}
        ids |= {one.name: one.id for one in await segments.list_segments(tx, shop.id)}
        told, now = _named(TOLD.automation, ids), app.clock.now()
        automation = await automations.create_automation(tx, shop, "Coins for you", told, now, actor="demo")
        await automations.publish(tx, shop, automation.id, now, actor="demo")
        await automations.launch(tx, shop, automation.id, now)
        terms = msgspec.convert(_named(TOLD.campaign, ids), campaigns.Terms)
        campaign = await campaigns.create_campaign(tx, shop, terms, now)
        await campaigns.launch(tx, shop, campaign.id, now)
        (gift,) = [one.id for one in await triggers.list_triggers(tx, shop.id) if one.source == "api"]
        champions = await segments.members_of(tx, shop.id, ids["Champions"], limit=GIVEN)
        fires = [Fire(trigger_id=gift, lead_id=one.customer_id, actor="demo") for one in champions]
        await triggers.fire(tx, shop, fires, now, Random(0))  # noqa: S311 - it draws nothing


def _named(told: Mapping[str, Any], ids: Mapping[str, UUID]) -> Any:
    """With ids in place of names."""
    text = msgspec.json.encode(told).decode()
    for name, id in ids.items():
        text = text.replace(f'_id":"{name}"', f'_id":"{id}"')
    return msgspec.json.decode(text)
