"""Send Test Event."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from regulars import customers, delivery, dispatch, events, limits, tenancy
from regulars.customers import Customer, NewCustomer
from regulars.dispatch import PreparedTest, Rule
from regulars.events import NewEvent
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.errors import Conflict, Invalid, NotFound, Refusal
from regulars.kit.ids import new_id
from regulars.worker import drain
from tests.rooms.delivery.street import Corner, answer, corner


@pytest.fixture
async def shop(db: Database, clock: HandClock) -> AsyncIterator[Corner]:
    async with corner(db, clock) as made:
        yield made


@pytest.fixture
async def asha(shop: Corner) -> Customer:
    async with shop.db.transaction() as tx:
        new = NewCustomer("shopify-1234567", name="Asha Rao", email="asha@example.com")
        await customers.ensure(tx, shop.workspace, [new], shop.clock.now())
        found = await customers.find(tx, shop.workspace.id, email="asha@example.com")
    assert found is not None
    return found


@pytest.fixture
async def rule(shop: Corner) -> Rule:
    lane_id = await shop.lane()
    async with shop.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO integrations_integration (workspace_id, id, tool, name, settings, secrets, state, created_at,"
            " updated_at) VALUES ($1, $2, 'webhook', 'Webhook', '{}', '', 'ready', $3, $3)",
            shop.workspace.id,
            lane_id,
            shop.clock.now(),
        )
        return await dispatch.create_rule(
            tx,
            shop.workspace.id,
            topic="walletreward_create",
            integration_id=lane_id,
            prefix="Shop:",
            condition={"property": "amount", "operator": "at_least", "value": 1_000_000},
            now=shop.clock.now(),
        )


async def prepare(shop: Corner, rule_id: UUID, customer: Customer | None, **more: Any) -> PreparedTest:
    given: dict[str, Any] = {"by": "email", "address": "asha@example.com", "available": 42, **more}
    async with shop.db.transaction() as tx:
        workspace = await tenancy.get_workspace(tx, shop.workspace.id)
        return await dispatch.prepare_test(tx, workspace, rule_id, customer=customer, now=shop.clock.now(), **given)


async def test_a_customer_without_such_an_event_gets_one_made_from_their_data(
    shop: Corner, rule: Rule, asha: Customer
) -> None:
    test = await prepare(shop, rule.id, asha)
    assert not test.real
    assert test.parcel.test
    assert test.parcel.event_name == "Shop:walletreward_create"
    body = msgspec.json.decode(test.parcel.body)
    assert (body["user_email"], body["user_available_balance"]) == ("asha@example.com", 42)
    made = await delivery.attempt(shop.street.carriers[test.lane_id], shop.street, test.parcel)
    async with shop.db.transaction() as tx:
        now = shop.clock.now()
        (verdict,) = await delivery.record(
            tx, shop.workspace.id, test.lane_id, [(made, 0)], now=now, random=random.random
        )
    assert verdict.state == "delivered"
    found, (attempt,) = await shop.found(test.parcel.delivery_id)
    assert (found.test, found.state, found.rule_id) == (True, "delivered", rule.id)
    assert attempt.request_body == test.parcel.body
    # It was sent at once, so the lane leaves it alone; and it can be replayed like any other.
    await drain(shop.db, shop.street, shop.street, clock=shop.clock, patience_s=600)
    assert len(shop.street.received) == 1
    async with shop.db.transaction() as tx:
        await delivery.replay(tx, shop.workspace.id, found.id, shop.clock.now())
    await drain(shop.db, shop.street, shop.street, clock=shop.clock)
    _, (_, replayed) = await shop.found(found.id)
    assert replayed.request_body == test.parcel.body


async def test_the_newest_real_event_is_sent_with_its_own_bytes(shop: Corner, rule: Rule, asha: Customer) -> None:
    now = shop.clock.now()
    async with shop.db.transaction() as tx:
        new = [
            NewEvent("walletreward_create", asha.id, '{"amount": 1}', now - timedelta(days=2)),
            NewEvent("walletreward_create", asha.id, '{"amount":   2}', now - timedelta(days=1)),
            NewEvent("order_create", asha.id, "{}", now),
            NewEvent("walletreward_create", new_id(), "{}", now),
        ]
        event_ids = await events.append(tx, shop.workspace.id, new, now)
    test = await prepare(shop, rule.id, asha)
    assert test.real
    assert (test.parcel.event_id, test.parcel.body) == (event_ids[1], '{"amount":   2}')
    assert test.parcel.occurred_at == now - timedelta(days=1)
    again = await prepare(shop, rule.id, asha)
    assert again.parcel.delivery_id != test.parcel.delivery_id


async def test_a_test_that_fails_is_not_tried_again(shop: Corner, rule: Rule, asha: Customer) -> None:
    shop.street.always["http://tool/"] = answer(500, b"oops")
    test = await prepare(shop, rule.id, asha)
    made = await delivery.attempt(shop.street.carriers[test.lane_id], shop.street, test.parcel)
    async with shop.db.transaction() as tx:
        now = shop.clock.now()
        (verdict,) = await delivery.record(
            tx, shop.workspace.id, test.lane_id, [(made, 0)], now=now, random=random.random
        )
    assert (verdict.state, verdict.reason) == ("failed", "The tool answered 500: oops A test is not tried again.")
    assert await shop.states([test.parcel.delivery_id]) == ["failed"]
    async with shop.db.reading() as tx:
        health = await delivery.lane_health(tx, shop.workspace.id, now)
    # Whoever sent it has seen it, and no event is missed: the lane is as well as before.
    (lane,) = [lane for lane in health if lane.lane_id == test.lane_id]
    assert (lane.failed, lane.failed_last_hour, lane.mean_ms_last_hour, lane.last_error) == (0, 0, None, "")
    assert lane.retried_last_hour == 0


async def test_a_test_whose_sender_died_is_sent_by_the_lane(shop: Corner, rule: Rule, asha: Customer) -> None:
    test = await prepare(shop, rule.id, asha)
    await drain(shop.db, shop.street, shop.street, clock=shop.clock)
    assert shop.street.received == []
    await drain(shop.db, shop.street, shop.street, clock=shop.clock, patience_s=4 * limits.CALL_TIMEOUT_S)
    assert await shop.states([test.parcel.delivery_id]) == ["delivered"]


async def test_a_test_that_can_not_be_is_refused_in_words(shop: Corner, rule: Rule, asha: Customer) -> None:
    async def refused(kind: type[Refusal], rule_id: UUID, customer: Customer | None, **more: Any) -> str:
        with pytest.raises(kind) as no:
            await prepare(shop, rule_id, customer, **more)
        return no.value.message

    said = await refused(NotFound, rule.id, None, address="nobody@example.com")
    assert said == (
        "No customer of this shop has the e-mail address nobody@example.com. A test goes to a customer who exists."
    )
    assert "mobile number 99" in await refused(NotFound, rule.id, None, by="mobile", address="99")
    await refused(Invalid, rule.id, None, address=" ")
    await refused(NotFound, new_id(), asha)
    async with shop.db.transaction() as tx:
        await tenancy.change_workspace(tx, shop.workspace.id, {"events_on": False}, shop.clock.now())
    assert "Turn them on" in await refused(Conflict, rule.id, asha)
    async with shop.db.transaction() as tx:
        await tenancy.change_workspace(tx, shop.workspace.id, {"events_on": True}, shop.clock.now())
        await dispatch.delete_rule(tx, shop.workspace.id, rule.id, shop.clock.now())
    await refused(NotFound, rule.id, asha)
    async with shop.db.reading() as tx:
        assert (await delivery.search_deliveries(tx, shop.workspace.id)).items == []
