"""Recipients of campaigns, and what came of them, are found by keys, however little PostgreSQL knows of the tables."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from regulars import channels, delivery
from regulars.channels.store import sql as senders
from regulars.delivery import Settled
from regulars.engagement import campaigns, messages, segments
from regulars.engagement.campaigns import RUN, Terms, Variant
from regulars.engagement.messages.model import Content
from regulars.engagement.segments import NewSegment
from regulars.kit import HandClock, SecretBox
from regulars.schedule import Due
from tests import make
from tests.rooms.delivery.street import Corner, corner
from tests.rooms.plans import planning, unanalysed
from tests.rooms.test_plans_of_messages import SMTP

MANY = 1_000


@pytest.fixture
async def shop(server_url: str, clock: HandClock) -> AsyncIterator[Corner]:
    db = await unanalysed(server_url)
    async with corner(db, clock) as made:
        yield made
    await db.close()


async def test_campaigns_go_by_keys(shop: Corner) -> None:
    db, workspace, now = shop.db, shop.workspace, shop.clock.now()
    people = list((await make.some_customers(db, workspace, now, *(f"Customer{n:04}" for n in range(MANY)))).values())
    messages.origins["campaign"] = campaigns.OfMessages()
    author = messages.Author(messages.Links("https://shop.example", b"x" * 40))
    async with db.transaction() as tx:
        given = SMTP | {"security": "none"}
        made = await channels.add(tx, workspace.id, SecretBox("k" * 40), tool="smtp", name="", given=given, now=now)
        await tx.execute(senders.set_state, workspace.id, made.sender.id, "ready", "")
        await delivery.resume_lane(tx, workspace.id, made.sender.id, now)
        content = Content(subject="Hi", body="{{ user_name }}")
        template = await messages.create_template(tx, workspace.id, "Hi", "email", "", content, now, actor="")
        few = {"property": "customer_country", "operator": "is", "value": "jpn"}
        new = [NewSegment(name="All"), NewSegment(name="Few", condition=few)]
        named = [await segments.create_segment(tx, workspace, one, now) for one in new]
        for _ in named:
            await segments.find(tx, workspace, [], now)
        everybody = Terms(name="Spring", variants=(Variant(template.id),))
        to = Terms(
            name="Some", segment_id=named[0].id, minus_segment_id=named[1].id, variants=everybody.variants,
            starts_at=now + timedelta(days=1), in_their_zone=True, latest_at=now + timedelta(days=2),
        )  # fmt: skip
        made_of = [await campaigns.create_campaign(tx, workspace, terms, now) for terms in (everybody, to)]
    first, second = made_of
    for analysed in (False, True):
        async with planning(db, analysed=analysed, at_least=40) as spy:
            for one in made_of:
                await campaigns.launch(spy, workspace, one.id, now)
                for _ in range(3):
                    await campaigns.run(spy, workspace, [Due(RUN, str(one.id), now, {})], now + timedelta(days=1))
            under_way = await messages.under_way(spy, workspace.id, first.id)
            assert len(under_way) == MANY
            await author.prepare(spy, workspace, under_way[:50], now)
            await author.settle(spy, workspace.id, [Settled(one, "delivered", "") for one in under_way[:20]], now)
            await messages.count_hit(spy, workspace.id, under_way[0], now + timedelta(hours=1), False, "Safari", False)
            await campaigns.pause(spy, workspace, first.id, now, reason="")
            await campaigns.resume(spy, workspace, first.id, now)
            await campaigns.follow(spy, workspace, [Due("", str(first.id), now, {})], now + timedelta(days=2))
            found = await campaigns.find_campaign(spy, workspace.id, first.id)
            for state in (None, "sent"):
                page, _ = await campaigns.recipients_of(spy, workspace.id, found, state=state, limit=20)
                assert len(page) == 20
            report = await campaigns.report(spy, workspace.id, found)
            assert (report.recipients, report.came.sent, report.came.opened) == (MANY, 20, 1)
            await campaigns.move(spy, workspace.id, people[0].id, people[1].id)
            await campaigns.forget(spy, workspace.id, [people[2].id])
            await campaigns.cancel(spy, workspace, second.id, now)
