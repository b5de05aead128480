"""Send Events rules and what they let through."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec
import pytest

from regulars import delivery, dispatch, events, limits, tenancy
from regulars.events import TOPICS, NewEvent
from regulars.kit.clock import HandClock
from regulars.kit.db import Database, Tx
from regulars.kit.errors import Conflict, Invalid, NotFound
from regulars.kit.ids import new_id
from regulars.tenancy import Workspace

AT_LEAST_100 = {"property": "amount", "operator": "at_least", "value": 100}


@pytest.fixture
async def shop(db: Database, clock: HandClock) -> AsyncIterator[Workspace]:
    async with db.transaction() as tx:
        made = await tenancy.create_workspace(tx, "Corner Shop", now=clock.now())
        shop = await tenancy.change_workspace(tx, made.id, {"events_on": True}, clock.now())
    yield shop
    async with db.transaction() as tx:
        await events.drop_pending(tx, shop.id, "dispatch")
        await tx.execute("UPDATE delivery_lane SET paused = true WHERE workspace_id = $1", shop.id)


@pytest.fixture
async def omnisend(db: Database, shop: Workspace, clock: HandClock) -> UUID:
    return await integration(db, shop, clock, "Omnisend")


async def integration(db: Database, shop: Workspace, clock: HandClock, name: str) -> UUID:
    """A configured tool and its lane, as the integrations room leaves them."""
    integration_id = new_id()
    async with db.transaction() as tx:
        await tx.execute(
            "INSERT INTO integrations_integration (workspace_id, id, tool, name, settings, secrets, state, created_at,"
            " updated_at) VALUES ($1, $2, 'omnisend', $3, '{}', '', 'ready', $4, $4)",
            shop.id,
            integration_id,
            name,
            clock.now(),
        )
        await delivery.open_lane(tx, shop.id, integration_id, "omnisend", 400, clock.now())
    return integration_id


async def append(tx: Tx, shop: Workspace, clock: HandClock, topic: str, **body: object) -> UUID:
    text = msgspec.json.encode(body).decode()
    (event_id,) = await events.append(tx, shop.id, [NewEvent(topic, new_id(), text, clock.now())], clock.now())
    return event_id


async def test_a_rule_is_made_shown_changed_and_deleted(
    db: Database, shop: Workspace, omnisend: UUID, clock: HandClock
) -> None:
    async with db.transaction() as tx:
        made = await dispatch.create_rule(
            tx, shop.id, topic="walletreward_create", integration_id=omnisend, condition=AT_LEAST_100, now=clock.now()
        )
        assert (made.event_name, made.tool, made.integration_name) == ("walletreward_create", "omnisend", "Omnisend")
        assert await dispatch.list_rules(tx, shop.id) == [made]
        assert dispatch.rule_sentence(made) == (
            "When coins are rewarded and the amount is at least 100 coins, send walletreward_create to Omnisend"
        )
        now = clock.advance(seconds=5)
        changes = {"prefix": "Nector:", "condition": None, "active": False}
        changed = await dispatch.change_rule(tx, shop.id, made.id, changes, now)
        assert (changed.event_name, changed.condition, changed.active) == ("Nector:walletreward_create", None, False)
        assert changed.updated_at == now
        assert dispatch.rule_sentence(changed) == (
            "When coins are rewarded, send Nector:walletreward_create to Omnisend"
        )
        await dispatch.delete_rule(tx, shop.id, made.id, now)
        assert await dispatch.list_rules(tx, shop.id) == []
        assert (await dispatch.get_rule(tx, shop.id, made.id)).deleted_at == now
        for act in (
            dispatch.delete_rule(tx, shop.id, made.id, now),
            dispatch.change_rule(tx, shop.id, made.id, {"prefix": ""}, now),
            dispatch.get_rule(tx, new_id(), made.id),
        ):
            with pytest.raises(NotFound):
                await act


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"topic": "walletreward"}, "topic"),
        ({"topic": None}, "topic"),
        ({"integration_id": new_id()}, "integration_id"),
        ({"integration_id": "x"}, "integration_id"),
        ({"prefix": "x" * (limits.PREFIX_CHARS_MAX + 1)}, "prefix"),
        ({"prefix": "a\nb"}, "prefix"),
        ({"prefix": "<b>"}, "prefix"),
        ({"prefix": 5}, "prefix"),
        ({"active": "yes"}, "active"),
        ({"condition": {"property": "amount", "operator": "at_least", "value": "many"}}, "condition.value"),
        ({"condition": {"property": "nonsense", "operator": "is", "value": 1}}, "condition.property"),
        ({"condition": []}, "condition"),
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused_naming_the_field(
    db: Database, shop: Workspace, omnisend: UUID, clock: HandClock, given: Mapping[str, Any], field: str
) -> None:
    whole: dict[str, Any] = {"topic": "walletreward_create", "integration_id": omnisend, **given}
    async with db.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await dispatch.create_rule(tx, shop.id, now=clock.now(), **whole)
        assert list(refused.value.fields) == [field]
        assert await dispatch.list_rules(tx, shop.id) == []
        if field != "topic":
            good = await dispatch.create_rule(
                tx, shop.id, topic="walletreward_create", integration_id=omnisend, now=clock.now()
            )
            with pytest.raises(Invalid) as refused:
                await dispatch.change_rule(tx, shop.id, good.id, given, clock.now())
            assert list(refused.value.fields) == [field]


async def test_a_rules_event_stays_what_it_is(db: Database, shop: Workspace, omnisend: UUID, clock: HandClock) -> None:
    async with db.transaction() as tx:
        rule = await dispatch.create_rule(tx, shop.id, topic="order_create", integration_id=omnisend, now=clock.now())
        with pytest.raises(Invalid):
            await dispatch.change_rule(tx, shop.id, rule.id, {"topic": "order_update"}, clock.now())


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_has_its_words(topic: str, clock: HandClock) -> None:
    rule = dispatch.Rule(
        new_id(), topic, new_id(), "", None, True, clock.now(), clock.now(), None, "omnisend", "Omnisend"
    )
    sentence = dispatch.rule_sentence(rule)
    assert sentence.endswith(f", send {topic} to Omnisend")
    assert "happens" not in sentence


async def test_each_event_goes_where_its_rules_say(
    db: Database, shop: Workspace, omnisend: UUID, clock: HandClock
) -> None:
    webhook = await integration(db, shop, clock, "Webhook")
    async with db.transaction() as tx:
        now = clock.now()
        make: Callable[..., Any] = dispatch.create_rule
        everything = await make(tx, shop.id, topic="walletreward_create", integration_id=webhook, now=now)
        large = await make(
            tx, shop.id, topic="walletreward_create", integration_id=omnisend, prefix="Big ", condition=AT_LEAST_100,
            now=now,
        )  # fmt: skip
        await make(tx, shop.id, topic="walletreward_create", integration_id=omnisend, active=False, now=now)
        gone = await make(tx, shop.id, topic="walletreward_create", integration_id=omnisend, now=now)
        await dispatch.delete_rule(tx, shop.id, gone.id, now)
        small_event = await append(tx, shop, clock, "walletreward_create", amount=99)
        large_event = await append(tx, shop, clock, "walletreward_create", amount="100.00")
        await append(tx, shop, clock, "order_create", amount=500)
        count = await dispatch.fan_out(tx, shop, now)
        assert (count.events, count.deliveries, count.lanes) == (2, 3, {omnisend, webhook})
        assert (await dispatch.fan_out(tx, shop, now)).events == 0
        page = await delivery.search_deliveries(tx, shop.id)
    assert {(one.event_id, one.rule_id, one.lane_id, one.event_name) for one in page.items} == {
        (small_event, everything.id, webhook, "walletreward_create"),
        (large_event, everything.id, webhook, "walletreward_create"),
        (large_event, large.id, omnisend, "Big walletreward_create"),
    }
    assert {one.state for one in page.items} == {"queued"}


async def test_a_rule_sends_an_event_once_however_often_it_is_fanned_out(
    db: Database, shop: Workspace, omnisend: UUID, clock: HandClock
) -> None:
    async with db.transaction() as tx:
        await dispatch.create_rule(tx, shop.id, topic="order_create", integration_id=omnisend, now=clock.now())
        event_id = await append(tx, shop, clock, "order_create")
        assert (await dispatch.fan_out(tx, shop, clock.now())).deliveries == 1
        await tx.execute(
            "INSERT INTO events_pending (workspace_id, reader, event_id, topic)"
            " VALUES ($1, 'dispatch', $2, 'order_create')",
            shop.id,
            event_id,
        )
        again = await dispatch.fan_out(tx, shop, clock.now())
    assert (again.events, again.deliveries) == (1, 0)


async def test_fan_outs_side_by_side_share_the_events(
    db: Database, shop: Workspace, omnisend: UUID, clock: HandClock
) -> None:
    webhook = await integration(db, shop, clock, "Webhook")
    async with db.transaction() as tx:
        for integration_id in (omnisend, webhook):
            await dispatch.create_rule(
                tx, shop.id, topic="order_create", integration_id=integration_id, now=clock.now()
            )
        for _ in range(60):
            await append(tx, shop, clock, "order_create")

    async def some() -> int:
        async with db.transaction() as tx:
            return (await dispatch.fan_out(tx, shop, clock.now(), 7)).deliveries

    assert sum(await asyncio.gather(*(some() for _ in range(12)))) == 120


async def test_while_events_are_off_nothing_is_queued_and_nothing_kept(
    db: Database, shop: Workspace, omnisend: UUID, clock: HandClock
) -> None:
    async with db.transaction() as tx:
        await dispatch.create_rule(tx, shop.id, topic="order_create", integration_id=omnisend, now=clock.now())
        event_id = await append(tx, shop, clock, "order_create")
        off = await tenancy.change_workspace(tx, shop.id, {"events_on": False}, clock.now())
        await append(tx, shop, clock, "order_create")
        count = await dispatch.fan_out(tx, off, clock.now())
        assert (count.events, count.deliveries) == (1, 0)
        on = await tenancy.change_workspace(tx, shop.id, {"events_on": True}, clock.now())
        assert (await dispatch.fan_out(tx, on, clock.now())).events == 0
        assert (await events.get(tx, shop.id, event_id)).id == event_id


async def test_a_restriction_that_can_no_longer_be_read_sends_nothing_and_stops_nobody(
    db: Database, shop: Workspace, omnisend: UUID, clock: HandClock
) -> None:
    async with db.transaction() as tx:
        make: Callable[..., Any] = dispatch.create_rule
        odd = await make(tx, shop.id, topic="order_create", integration_id=omnisend, now=clock.now())
        await make(tx, shop.id, topic="order_create", integration_id=omnisend, now=clock.now())
        await tx.execute(
            "UPDATE dispatch_rule SET condition = $3 WHERE workspace_id = $1 AND id = $2",
            shop.id,
            odd.id,
            {"property": "gone", "operator": "is", "value": "x"},
        )
        await append(tx, shop, clock, "order_create")
        assert (await dispatch.fan_out(tx, shop, clock.now())).deliveries == 1
        odd = await dispatch.get_rule(tx, shop.id, odd.id)
        assert "can't be read any more" in dispatch.rule_sentence(odd)
        assert not (await dispatch.change_rule(tx, shop.id, odd.id, {"active": False}, clock.now())).active


async def test_a_shop_can_have_so_many_rules_and_no_more(
    db: Database, shop: Workspace, omnisend: UUID, clock: HandClock
) -> None:
    async with db.transaction() as tx:
        await tx.execute(
            "INSERT INTO dispatch_rule (workspace_id, id, topic, integration_id, created_at, updated_at)"
            " SELECT $1, gen_random_uuid(), 'order_create', $2, $3, $3 FROM generate_series(1, $4)",
            shop.id,
            omnisend,
            clock.now(),
            limits.RULES_MAX,
        )
        with pytest.raises(Conflict):
            await dispatch.create_rule(tx, shop.id, topic="order_create", integration_id=omnisend, now=clock.now())
