"""Messages, consent and suppressed addresses are found by keys, however little PostgreSQL knows of the tables."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from regulars import channels, delivery
from regulars.channels.store import sql
from regulars.delivery import Settled
from regulars.engagement import messages
from regulars.engagement.messages.model import Content, NewMessage
from regulars.kit import HandClock, SecretBox
from tests import make
from tests.rooms.delivery.street import Corner, corner
from tests.rooms.plans import planning, unanalysed

MANY = 1_000
SMTP = {"sender_name": "Shop", "sender_email": "hello@shop.example", "server": "127.0.0.1", "port": 2525}


@pytest.fixture
async def shop(server_url: str, clock: HandClock) -> AsyncIterator[Corner]:
    db = await unanalysed(server_url)
    async with corner(db, clock) as made:
        yield made
    await db.close()


async def test_messages_go_by_keys(shop: Corner) -> None:
    db, workspace, now = shop.db, shop.workspace, shop.clock.now()
    people = list((await make.some_customers(db, workspace, now, *(f"Customer{n:04}" for n in range(MANY)))).values())
    author = messages.Author(messages.Links("https://shop.example", b"x" * 40))
    async with db.transaction() as tx:
        given = SMTP | {"security": "none"}
        made = await channels.add(tx, workspace.id, SecretBox("k" * 40), tool="smtp", name="", given=given, now=now)
        await tx.execute(sql.set_state, workspace.id, made.sender.id, "ready", "")
        await delivery.resume_lane(tx, workspace.id, made.sender.id, now)
        said = Content(subject="Hi", body="{{ user_name }} {{ coupon.code | default: 'x' }}")
        template = await messages.create_template(tx, workspace.id, "Hi", "email", "", said, now, actor="")
        new = [NewMessage(customer_id=one.id, template_id=template.id, source_kind="api") for one in people]
        ids = [one.id for one in new]
        await messages.send(tx, workspace, new, now)
        stopped = [("email", f"nobody{n}@example.com", "Bounced.") for n in range(MANY)]
        await messages.suppress(tx, workspace.id, stopped, now)  # type: ignore[arg-type]
        for one in people[:20]:
            await messages.set_consents(tx, workspace, one, {"sms": "no"}, "here", now)
    for analysed in (False, True):
        async with planning(db, analysed=analysed, at_least=30) as spy:
            again = [NewMessage(customer_id=people[0].id, template_id=template.id, source_kind="api")]
            await messages.send(spy, workspace, again, now)
            assert len(await author.prepare(spy, workspace, ids[:50], now)) == 50
            await author.settle(spy, workspace.id, [Settled(one, "failed", "No.", True) for one in ids[:20]], now)
            for by in ({}, {"customer_id": people[1].id}, {"state": "failed"}, {"channel": "email"}):
                await messages.messages_of(spy, workspace.id, **by, limit=20)  # type: ignore[arg-type]
            one = await messages.find_message(spy, workspace.id, ids[0])
            await messages.content_of(spy, workspace, one)
            await messages.count_hit(spy, workspace.id, ids[0], now + timedelta(hours=1), True, "Safari", False)
            await messages.consents_of(spy, workspace, people[0])
            await messages.set_consents(spy, workspace, people[30], {"email": "asked"}, "here", now)
            await messages.suppressions(spy, workspace.id, limit=20)
            (found,) = await messages.suppressions(spy, workspace.id, address="nobody1@example.com", limit=20)
            await messages.unsuppress(spy, workspace.id, found.id)
            await messages.change_template(spy, workspace.id, template.id, {"name": "Ho"}, now, actor="")
            await messages.move(spy, workspace.id, people[2].id, people[3].id)
            await messages.forget(spy, workspace.id, [people[4].id], people[4])
            await messages.remove_template(spy, workspace.id, template.id, now)
