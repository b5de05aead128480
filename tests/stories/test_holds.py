"""A checkout holds coins, and spends them or gives them back; what a wallet holds is told lot by lot."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from regulars import limits
from regulars.kit.clock import HandClock, wire_time
from regulars.kit.db import Reading
from regulars.kit.ids import new_id
from tests import make
from tests.doors import ASHA, Shop, an_order
from tests.stories.browsing import person, signed_in


async def _customer(shop: Shop, coins: int) -> str:
    id: str = (await shop.manage("POST", "/customers", json=ASHA)).json()["id"]
    body = {"operation": "cr", "amount": coins, "reason": "Welcome"}
    assert (await shop.manage("POST", f"/customers/{id}/transactions", json=body)).status_code == 201
    return id


async def _coins(shop: Shop, id: str) -> list[int]:
    coins = (await shop.manage("GET", f"/customers/{id}")).json()["wallets"]["coins"]
    return [coins[name] for name in ("available", "pending", "held", "debt")]


async def _told(shop: Shop) -> list[tuple[str, Any, Any, Any]]:
    events = (await shop.manage("GET", "/events")).json()["items"]
    return [
        (event["topic"], event["body"]["status"], event["body"]["amount"], event["body"]["closing_balance"])
        for event in reversed(events)
        if event["topic"].startswith("wallet")
    ]


async def test_calls_that_come_at_once_share_a_commit_and_each_has_its_own_answer(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, commits = await _customer(shop, 100), []
    begin = shop.app.db.transaction
    monkeypatch.setattr(shop.app.db, "transaction", lambda **how: commits.append(1) or begin(**how))

    async def asked(id: object, amount: float, reference: str, key: str = "") -> tuple[int, str]:
        body, send = {"amount": amount, "reference": reference}, {"idempotency-key": key} if key else {}
        answer = await shop.manage("POST", f"/customers/{id}/holds", json=body, send=send)
        return answer.status_code, answer.json().get("id") or answer.json()["code"]

    calls = [
        *(asked(id, 10, f"cart-{n}", f"key-{n}") for n in range(9)),
        *(asked(id, 10, "cart-0"), asked(id, 10, "cart-1", "key-1"), asked(id, 7, "cart-2")),
        *(asked(new_id(), 1, "nobody"), asked("17", 1, "nobody"), asked(id, 50, "too-much"), asked(id, 1.5, "half")),
    ]
    said = await asyncio.gather(*calls)
    held = [hold for status, hold in said[:9] if status == 201]
    assert len(set(held)) == 9
    assert said[9:] == [
        *((201, held[0]), (201, held[1]), (422, "key_taken")),
        *((404, "not_found"), (422, "invalid"), (422, "insufficient_balance"), (422, "invalid")),
    ]
    assert len(commits) < 12
    assert await _coins(shop, id) == [10, 0, 90, 0]
    audit = (await shop.manage("GET", "/audit")).json()["items"]
    assert [line["act"] for line in audit].count("hold.create") == 9
    captured = await asyncio.gather(*(shop.manage("POST", f"/holds/{hold}/capture", json={}) for hold in held * 2))
    assert [(one.status_code, one.json()["status"]) for one in captured] == [(200, "success")] * 18
    gone = await asyncio.gather(*(shop.manage("POST", f"/holds/{hold}/void") for hold in [*held, new_id()]))
    assert [(one.status_code, one.json()["code"]) for one in gone] == [*[(409, "hold_ended")] * 9, (404, "not_found")]
    assert await make.audited(shop.app.db, shop.workspace.id) is None


async def test_a_batch_reads_once_what_it_needs(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    id, reads = await _customer(shop, 100), []
    fetch = Reading.fetch
    monkeypatch.setattr(Reading, "fetch", lambda *asked: reads.append(asked[1]) or fetch(*asked))

    async def at_once(path: str, *bodies: dict[str, Any]) -> list[str]:
        reads.clear()
        answers = await asyncio.gather(*(shop.manage("POST", path, json=body) for body in bodies))
        return [answer.json()["id"] for answer in answers]

    await at_once(f"/customers/{id}/holds", {"amount": 1, "reference": "the key is known from now on"})
    [hold] = await at_once(f"/customers/{id}/holds", {"amount": 9, "reference": "cart"})
    assert len(reads) <= 5
    await at_once(f"/holds/{hold}/capture", {"amount": 3})
    assert len(reads) <= 6


async def test_what_is_wrong_with_a_call_is_said_as_at_every_door(shop: Shop) -> None:
    path = f"/holds/{new_id()}/capture"
    long = {"amount": 1, "reference": "x" * limits.BODY_BYTES_MAX}
    said = [
        await shop.manage("GET", path),
        await shop.manage("POST", path, json=long),
        await shop.manage("POST", path, content=b"{", send={"content-type": "application/json"}),
        await shop.manage("POST", path, content=b"a=1", send={"content-type": "application/x-www-form-urlencoded"}),
        await shop.manage("POST", "/holds/17/capture", json={}),
    ]
    assert [answer.status_code for answer in said] == [405, 413, 400, 415, 422]
    assert {answer.headers["content-type"] for answer in said} == {"application/problem+json"}
    assert {answer.headers["x-content-type-options"] for answer in said} == {"nosniff"}
    assert not any("access-control-allow-origin" in answer.headers for answer in said)


async def test_held_coins_are_spent_in_part_and_the_rest_comes_back(shop: Shop) -> None:
    id = await _customer(shop, 100)
    body = {"amount": 60, "reference": "checkout-1"}
    held = await shop.manage("POST", f"/customers/{id}/holds", json=body)
    assert (held.status_code, held.json()["status"], await _coins(shop, id)) == (201, "pending", [40, 0, 60, 0])
    again = await shop.manage("POST", f"/customers/{id}/holds", json=body)
    assert again.json() == held.json()
    other = await shop.manage("POST", f"/customers/{id}/holds", json={**body, "amount": 5})
    assert (other.status_code, other.json()["code"]) == (422, "key_taken")
    too_much = await shop.manage("POST", f"/customers/{id}/holds", json={"amount": 41, "reference": "checkout-2"})
    assert (too_much.status_code, too_much.json()["code"]) == (422, "insufficient_balance")
    [lot] = (await shop.manage("GET", f"/customers/{id}/lots")).json()["items"]
    assert (lot["amount"], lot["available"], lot["held"], lot["expires_at"]) == (100, 40, 60, None)
    path = f"/holds/{held.json()['id']}"
    over = await shop.manage("POST", f"{path}/capture", json={"amount": 61})
    assert (over.status_code, list(over.json()["fields"])) == (422, ["amount"])
    captured = await shop.manage("POST", f"{path}/capture", json={"amount": 45})
    assert (captured.json()["status"], captured.json()["amount"], await _coins(shop, id)) == (
        *("success", 45),
        [55, 0, 0, 0],
    )
    assert (await shop.manage("POST", f"{path}/capture", json={"amount": 45})).json() == captured.json()
    for call, json in (("capture", {"amount": 44}), ("void", None)):
        refused = await shop.manage("POST", f"{path}/{call}", json=json)
        assert (refused.status_code, refused.json()["code"]) == (409, "hold_ended")
    assert (await shop.manage("GET", path)).json() == captured.json()
    [line, _] = (await shop.manage("GET", f"/customers/{id}/transactions")).json()["items"]
    assert (line["id"], line["type"], line["operation"], line["amount"], line["status"]) == (
        *(held.json()["id"], "redeem", "dr", 45, "success"),
    )
    assert (await _told(shop))[1:] == [
        ("walletreward_create", "pending", 60, 40),
        ("wallettrasaction_update", "success", 45, 55),
    ]


async def test_a_hold_is_void_by_request_or_when_its_time_is_over(shop: Shop, clock: HandClock) -> None:
    id = await _customer(shop, 100)
    until = clock.now() + timedelta(minutes=5)
    first, second = [
        (await shop.manage("POST", f"/customers/{id}/holds", json={"amount": 30, "reference": f"c-{n}", **more})).json()
        for n, more in enumerate([{}, {"expires_at": wire_time(until)}])
    ]
    voided = (await shop.manage("POST", f"/holds/{first['id']}/void")).json()
    assert (voided["status"], voided["amount"], await _coins(shop, id)) == ("cancelled", 30, [70, 0, 30, 0])
    assert (await shop.manage("POST", f"/holds/{first['id']}/void")).json() == voided
    clock.advance(minutes=5)
    assert await _coins(shop, id) == [100, 0, 0, 0]
    late = await shop.manage("POST", f"/holds/{second['id']}/capture", json={})
    assert (late.status_code, late.json()["code"]) == (409, "hold_ended")
    assert (await shop.manage("POST", f"/holds/{new_id()}/void")).status_code == 404
    for bad in (
        {"amount": 5},
        {"amount": 1.5, "reference": "x"},
        {"amount": 5, "reference": "x", "expires_at": wire_time(until)},
    ):
        refused = await shop.manage("POST", f"/customers/{id}/holds", json=bad)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


async def test_what_falls_due_is_written_down_by_the_schedule(shop: Shop, clock: HandClock) -> None:
    rules = {"expiry": "per_lot", "expire_after": 10, "expire_unit": "days"}
    changed = await shop.manage("PATCH", "/workspace", json={"settings": {"book": rules}})
    assert changed.json()["settings"]["book"] == rules
    wrong = await shop.manage("PATCH", "/workspace", json={"settings": {"book": {"expiry": "sometimes"}}})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["settings.book.expiry"])
    id = await _customer(shop, 100)
    await shop.manage("POST", f"/customers/{id}/holds", json={"amount": 30, "reference": "checkout-1"})
    clock.advance(hours=1)
    await make.done(shop.app.db, clock)
    assert (await _told(shop))[-1] == ("wallettrasaction_update", "cancelled", 30, 100)
    clock.advance(days=11)
    assert await _coins(shop, id) == [0, 0, 0, 0]
    await make.done(shop.app.db, clock)
    assert (await _told(shop))[-2:] == [
        ("walletreward_create", "success", 100, 0),
        ("wallettrasaction_update", "expired", 100, 0),
    ]
    lines = (await shop.manage("GET", f"/customers/{id}/transactions")).json()["items"]
    assert [(line["type"], line["status"]) for line in lines] == [
        ("expire", "success"),
        ("redeem", "cancelled"),
        ("adjust", "expired"),
    ]


async def test_coins_of_who_was_away_for_long_expire_and_not_before_the_rule_could_be_known(
    shop: Shop, clock: HandClock
) -> None:
    id = await _customer(shop, 100)
    clock.advance(days=400)
    rules = {"expiry": "inactivity", "expire_after": 6}
    await shop.manage("PATCH", "/workspace", json={"settings": {"book": rules}})
    assert await _coins(shop, id) == [100, 0, 0, 0]
    await make.done(shop.app.db, clock)
    clock.advance(days=170)
    await make.done(shop.app.db, clock)
    assert await _coins(shop, id) == [100, 0, 0, 0]
    clock.advance(days=20)
    assert await _coins(shop, id) == [0, 0, 0, 0]
    await make.done(shop.app.db, clock)
    assert (await _told(shop))[-2][:3] == ("walletreward_create", "success", 100)


async def test_where_each_coin_of_a_lot_went_is_told(shop: Shop, clock: HandClock) -> None:
    trigger = await shop.trigger("Coins", source="order", rule={"coins_per_unit": 1}, coins=(0, 0))
    placed = an_order("5012", "100.00", updated_at="2026-03-14T09:10:00Z")
    order = (await shop.manage("POST", "/orders", json=placed)).json()["items"][0]["order"]
    (customer,) = (await shop.manage("GET", "/customers")).json()["items"]
    path = f"/customers/{customer['id']}"
    (lot,) = (await shop.manage("GET", f"{path}/lots")).json()["items"]
    hold = {"amount": 30, "reference": "cart-1"}
    held = (await shop.manage("POST", f"{path}/holds", json=hold)).json()
    clock.advance(minutes=1)
    await shop.manage("POST", f"/holds/{held['id']}/capture", json={"amount": 10})
    for refunds in ([{"refund_id": "r1", "amount": "20.00"}], []):
        clock.advance(minutes=1)
        said = placed | {"refunds": refunds, "updated_at": clock.now().isoformat()}
        assert (await shop.manage("POST", "/orders", json=said)).status_code == 200
    told = (await shop.manage("GET", f"{path}/lots/{lot['id']}")).json()
    assert (told["amount"], told["available"], told["given"]["reference"], told["given"]["trigger_version"]) == (
        *(100, 90, f"order:{order['id']}", 1),
    )
    assert [(one["from_account"], one["to_account"], one["amount"], one["act"]) for one in told["moves"]] == [
        ("available", "held", 30, "hold"),
        ("held", "redeemed", 10, "capture"),
        ("held", "available", 20, "capture"),
        ("available", "clawed_back", 20, "claw_back"),
        ("clawed_back", "available", 20, "give_back"),
    ]
    assert [one["title"] for one in told["moves"]][-2:] == ["Order refunded", "Refund withdrawn"]
    assert (await shop.manage("GET", f"{path}/lots/{order['id']}")).status_code == 404
    owner = await signed_in(shop, await person(shop, "olga"))
    assert f"{path}/lots/{lot['id']}" in (await owner.get(path)).text
    page = (await owner.get(f"{path}/lots/{lot['id']}")).text
    for words in ("Held no longer", "Taken back", "Given again", f"/triggers/{trigger.id}", f"/orders/{order['id']}"):
        assert words in page


async def test_a_hold_that_is_asked_for_again_is_answered_as_the_first_time(shop: Shop) -> None:
    id = (await shop.manage("POST", "/customers", json=ASHA)).json()["id"]
    coins = {"operation": "cr", "amount": 100, "reason": "A gift"}
    await shop.manage("POST", f"/customers/{id}/transactions", json=coins)
    key, body = {"Idempotency-Key": "hold-1"}, {"amount": 40, "reference": "cart-1"}
    first, again = [await shop.manage("POST", f"/customers/{id}/holds", json=body, send=key) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotency-hit"] == "true"
