"""A store rewards its customers by a trigger."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from regulars import customers, events
from regulars.kit.clock import HandClock
from regulars.kit.ids import new_id
from tests import make
from tests.doors import Shop, a_shop

ASHA = {
    "referral_code": "asha-2026",
    "name": "Asha Rao",
    "metadetail": {
        "email": "asha@example.com",
        "mobile": "9876543210",
        "country": "ind",
        "gender": "female",
        "dob": "1990-05-26",
    },
}


async def test_an_unknown_customer_is_created_with_all_details(shop: Shop) -> None:
    trigger = await shop.trigger("Sign-up")
    answer = await shop.reward(trigger, "shopify-1001", json=ASHA)

    assert answer.status_code == 200
    data = answer.json()["data"]
    lead_id = UUID(data["activity"]["lead_id"])
    assert data["activity"] == {
        "_id": data["activity"]["_id"],
        "trigger_id": str(trigger.id),
        "lead_id": str(lead_id),
        "status": "success",
        "reason": "",
        "created_at": "2026-03-14T09:26:53.589Z",
        "updated_at": "2026-03-14T09:26:53.589Z",
    }
    reward = data["wallet_reward"]
    said = ("lead_id", "title", "amount", "operation", "type", "status", "closing_balance")
    assert [reward[name] for name in said] == [str(lead_id), "Sign-up", 10, "cr", "reward", "success", 10]
    assert (reward["consolidated_cr"], reward["consolidated_dr"], len(reward["hash"])) == (10, 0, 40)
    async with shop.app.db.reading() as tx:
        customer = (await customers.by_ids(tx, shop.workspace.id, [lead_id]))[lead_id]
        logged = await events.recent(tx, shop.workspace.id, customer_id=lead_id, limit=10)
    assert (customer.customer_id, customer.name, customer.email) == ("shopify-1001", "Asha Rao", "asha@example.com")
    assert (customer.mobile, customer.country, customer.gender) == ("9876543210", "ind", "female")
    assert (customer.dob, customer.referral_code) == (date(1990, 5, 26), "asha-2026")
    assert sorted(event.topic for event in logged) == ["lead_create", "walletreward_create"]


async def test_a_referral_code_is_drawn_when_none_is_given(shop: Shop) -> None:
    trigger = await shop.trigger()
    await shop.reward(trigger, "shopify-1001")
    assert len((await shop.lead("shopify-1001"))["referral_code"]) == 10


async def test_details_of_a_known_customer_are_left_alone(shop: Shop) -> None:
    trigger = await shop.trigger()
    await shop.reward(trigger, "shopify-1001", json=ASHA)
    again = await shop.reward(trigger, "shopify-1001", json={"name": "Somebody Else", "referral_code": "other"})
    assert again.json()["data"]["wallet_reward"]["closing_balance"] == 20
    assert (await shop.lead("shopify-1001"))["name"] == "Asha Rao"


async def test_a_customer_can_be_named_by_lead_id(shop: Shop) -> None:
    trigger = await shop.trigger()
    lead_id = (await shop.reward(trigger, "shopify-1001")).json()["data"]["activity"]["lead_id"]
    body = {"trigger_id": str(trigger.id), "lead_id": lead_id}
    answer = await shop.merchant("POST", "/activities", json=body)
    assert answer.json()["data"]["wallet_reward"]["closing_balance"] == 20


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"lead_id": str(new_id())}, "Lead does not exists"),
        ({"trigger_id": str(new_id()), "customer_id": "shopify-1001"}, "This trigger does not exist."),
        ({}, "lead_id: expected a lead_id or a customer_id"),
        ({"customer_id": "short"}, "customer_id: expected text of length >= 8"),
        ({"customer_id": "shopify-1001", "metadetail": {"mobile": "9876543210"}}, "metadetail.country: expected three"),
        (
            {"customer_id": "shopify-1001", "metadetail": {"gender": "x"}},
            "metadetail.gender: expected one of male, female",
        ),
        ({"customer_id": "shopify-1001", "colour": "red"}, "colour: expected only trigger_id, lead_id"),
    ],
)
async def test_what_can_not_be_rewarded_says_why_and_changes_nothing(
    shop: Shop, body: dict[str, Any], message: str
) -> None:
    trigger = await shop.trigger()
    answer = await shop.merchant("POST", "/activities", json={"trigger_id": str(trigger.id), **body})
    assert answer.status_code == 422
    assert answer.json()["data"]["message"].startswith(message)
    async with shop.app.db.reading() as tx:
        assert await customers.search(tx, shop.workspace.id) == []


async def test_a_trigger_that_is_switched_off_gives_nothing_and_keeps_why(shop: Shop) -> None:
    trigger = await shop.trigger(active=False)
    answer = await shop.reward(trigger, "shopify-1001")
    data = answer.json()["data"]
    assert (answer.status_code, data["code"], data["message"]) == (
        422,
        "trigger_inactive",
        "The trigger is switched off.",
    )
    assert "wallet_reward" not in data
    kept = (await shop.manage("GET", "/firings", params={"state": "refused"})).json()["items"]
    assert [(one["id"], one["reason"]) for one in kept] == [(data["activity"]["_id"], "trigger_inactive")]


async def test_a_trigger_gives_as_often_as_it_may(shop: Shop, clock: HandClock) -> None:
    trigger = await shop.trigger(rule={"per_day_max": 1})
    assert (await shop.reward(trigger, "shopify-1001")).status_code == 200
    again = await shop.reward(trigger, "shopify-1001")
    assert (again.status_code, again.json()["data"]["code"]) == (422, "day_limit_reached")
    clock.advance(days=1)
    assert (await shop.reward(trigger, "shopify-1001")).status_code == 200


async def test_coins_of_a_range_stay_within_it(shop: Shop) -> None:
    trigger = await shop.trigger(coins=(3, 5))
    answers = [await shop.reward(trigger, "shopify-1001") for _ in range(40)]
    assert {answer.json()["data"]["wallet_reward"]["amount"] for answer in answers} == {3, 4, 5}


OVERRIDE = {
    "trace": {
        "via_api_for_wallet": {
            "title": "For you",
            "description": "Thank you",
            "operation": "cr",
            "coin_range": {"min": 77, "max": 77},
        }
    }
}


async def test_an_override_is_honoured_where_the_trigger_allows_it(shop: Shop) -> None:
    trigger = await shop.trigger(allow_override=True)
    reward = (await shop.reward(trigger, "shopify-1001", json=OVERRIDE)).json()["data"]["wallet_reward"]
    assert (reward["title"], reward["description"], reward["amount"]) == ("For you", "Thank you", 77)


async def test_an_override_is_ignored_elsewhere(shop: Shop) -> None:
    trigger = await shop.trigger("Bonus")
    reward = (await shop.reward(trigger, "shopify-1001", json=OVERRIDE)).json()["data"]["wallet_reward"]
    assert (reward["title"], reward["amount"]) == ("Bonus", 10)
    other_kind = {"trace": {"via_api_for_offer": {"offer_id": str(new_id())}}}
    free = await shop.trigger("Free", allow_override=True)
    reward = (await shop.reward(free, "shopify-1001", json=other_kind)).json()["data"]["wallet_reward"]
    assert (reward["title"], reward["amount"]) == ("Free", 10)


async def test_a_range_turned_round_is_refused(shop: Shop) -> None:
    trigger = await shop.trigger(allow_override=True)
    trace = {"via_api_for_wallet": {"coin_range": {"min": 5, "max": 4}}}
    answer = await shop.reward(trigger, "shopify-1001", json={"trace": trace})
    assert answer.status_code == 422
    assert list(answer.json()["data"]["fields"]) == ["trace.via_api_for_wallet.coin_range.max"]


async def test_a_debit_needs_the_coins(shop: Shop) -> None:
    trigger = await shop.trigger(rule={"operation": "dr"})
    answer = await shop.reward(trigger, "shopify-1001")
    assert (answer.status_code, answer.json()["data"]["code"]) == (422, "insufficient_balance")


async def test_the_same_call_twice_happens_once(shop: Shop) -> None:
    trigger = await shop.trigger(coins=(1, 1_000_000))
    first = await shop.reward(trigger, "shopify-1001", send={"idempotency-key": "order-1"})
    again = await shop.reward(trigger, "shopify-1001", send={"idempotency-key": "order-1"})
    assert "idempotency-hit" not in first.headers
    assert again.headers["idempotency-hit"] == "true"
    assert (again.status_code, again.content) == (200, first.content)


async def test_the_same_key_with_another_body_is_refused(shop: Shop) -> None:
    trigger = await shop.trigger()
    await shop.reward(trigger, "shopify-1001", send={"idempotency-key": "order-1"})
    other = await shop.reward(trigger, "shopify-1002", send={"idempotency-key": "order-1"})
    assert (other.status_code, other.json()["data"]["code"]) == (422, "idempotency_key_reused")


async def test_a_call_that_races_its_own_retries_happens_once(shop: Shop) -> None:
    trigger = await shop.trigger(coins=(1, 1_000_000))
    calls = [shop.reward(trigger, "shopify-1001", send={"idempotency-key": "order-1"}) for _ in range(20)]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-hit" not in answer.headers for answer in answers) == 1
    reward = answers[0].json()["data"]["wallet_reward"]
    assert (await shop.lead("shopify-1001"))["available"] == str(reward["amount"])


async def test_a_refused_call_keeps_its_key_free(shop: Shop) -> None:
    trigger = await shop.trigger()
    unknown = {"trigger_id": str(trigger.id), "lead_id": str(new_id())}
    refused = await shop.merchant("POST", "/activities", json=unknown, send={"idempotency-key": "k"})
    assert refused.status_code == 422
    assert (await shop.reward(trigger, "shopify-1001", send={"idempotency-key": "k"})).status_code == 200


async def test_a_call_that_comes_again_when_its_answer_is_gone_is_told_so_and_gives_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger, send = await shop.trigger(), {"idempotency-key": "order-1"}
    body = {"name": "Bonus", "source": "api", "rule": {"coins_min": 1, "coins_max": 1}}
    async with make.ids_of(shop.app.db, monkeypatch, datetime.now(UTC) - timedelta(days=100)):
        assert (await shop.reward(trigger, "shopify-1001", send=send)).status_code == 200
        assert (await shop.manage("POST", "/triggers", json=body, send={"idempotency-key": "k"})).is_success
    late = await shop.reward(trigger, "shopify-1001", send=send)
    assert (late.status_code, late.json()["data"]["code"]) == (422, "idempotency_answer_gone")
    assert "nothing was done again" in late.json()["data"]["message"]
    assert (await shop.lead("shopify-1001"))["available"] == "10"
    late = await shop.manage("POST", "/triggers", json=body, send={"idempotency-key": "k"})
    assert (late.status_code, late.json()["code"]) == (409, "idempotency_answer_gone")
    assert (await shop.reward(trigger, "shopify-1002", send=send)).json()["data"]["code"] == "idempotency_key_reused"
    longer = {"settings": {"retention": {"answers_months": 12}}}
    assert (await shop.manage("PATCH", "/workspace", json=longer)).is_success
    assert (await shop.reward(trigger, "shopify-1001", send=send)).headers["idempotency-hit"] == "true"


async def test_two_shops_may_use_one_idempotency_key(shop: Shop, clock: HandClock) -> None:
    other = await a_shop(shop.app, shop.client, clock.now(), "Other Shop")
    for one in (shop, other):
        answer = await one.reward(await one.trigger(), "shopify-1001", send={"idempotency-key": "k"})
        assert (answer.status_code, "idempotency-hit" in answer.headers) == (200, False)


async def test_many_calls_for_one_customer_all_count(shop: Shop) -> None:
    trigger = await shop.trigger()
    answers = await asyncio.gather(*(shop.reward(trigger, "shopify-1001") for _ in range(50)))
    assert sorted(a.json()["data"]["wallet_reward"]["closing_balance"] for a in answers) == list(range(10, 501, 10))
