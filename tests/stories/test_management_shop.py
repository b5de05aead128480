"""A program manages a shop: its settings, keys and staff, and reads who changed what."""

from typing import Any

import pytest

from regulars import events, tenancy
from regulars.kit.clock import HandClock
from regulars.kit.errors import Unauthenticated
from tests import make
from tests.doors import Shop


async def test_the_shop_is_read_and_changed(shop: Shop) -> None:
    before = (await shop.manage("GET", "/workspace")).json()
    assert (before["id"], before["name"], before["events_on"]) == (shop.id, "Corner Shop", False)
    changes = {"coin_name": "stars", "currency_code": "EUR", "time_zone": "Europe/Vilnius"}
    after = (await shop.manage("PATCH", "/workspace", json=changes)).json()
    assert (after["coin_name"], after["currency_code"], after["currency_symbol"]) == ("stars", "eur", "€")
    assert (await shop.manage("GET", "/workspace")).json() == after
    lines = (await shop.manage("GET", "/audit")).json()["items"]
    assert [(line["actor"], line["act"]) for line in lines] == [("key:Office", "workspace.update")]
    assert lines[0]["detail"] == changes


async def test_how_long_things_are_kept_is_chosen_by_kind(shop: Shop) -> None:
    usual = (await shop.manage("GET", "/workspace")).json()["retention"]
    assert usual == {
        "events_months": 13,
        "deliveries_months": 6,
        "firings_months": 13,
        "answers_months": 3,
        "hooks_months": 6,
    }

    async def chosen(retention: dict[str, int | None] | None) -> tuple[Any, Any]:
        after = (await shop.manage("PATCH", "/workspace", json={"settings": {"retention": retention}})).json()
        return after["settings"].get("retention"), after["retention"]

    assert await chosen({"events_months": 24}) == ({"events_months": 24}, usual | {"events_months": 24})
    both = {"events_months": 24, "deliveries_months": 20}
    assert await chosen({"deliveries_months": 20}) == (both, usual | both)
    assert await chosen({"deliveries_months": None}) == ({"events_months": 24}, usual | {"events_months": 24})
    assert await chosen(None) == (None, usual)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"uri": "ftp://shop.example"}, "uri"),
        ({"name": ""}, "name"),
        ({"settings": {"calls_per_minute": 0}}, "settings.calls_per_minute"),
        ({"settings": {"colour": "red"}}, "settings.colour"),
        ({"settings": {"retention": {"events_months": 6}}}, "settings.retention.events_months"),
        ({"settings": {"retention": {"deliveries_months": 14}}}, "settings.retention.deliveries_months"),
        ({"id": "x"}, "id"),
    ],
)
async def test_what_is_wrong_is_a_problem_document(shop: Shop, changes: dict[str, Any], field: str) -> None:
    answer = await shop.manage("PATCH", "/workspace", json=changes)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    problem = answer.json()
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", "Unprocessable Entity", 422)
    assert (problem["code"], list(problem["fields"])) == ("invalid", [field])
    assert (await shop.manage("GET", "/audit")).json()["items"] == []


async def test_what_happened_while_events_were_off_is_not_sent_later(shop: Shop) -> None:
    await shop.reward(await shop.trigger(), "shopify-1001")
    answer = await shop.manage("PATCH", "/workspace", json={"events_on": True})
    assert answer.json()["events_on"] is True
    async with shop.app.db.transaction() as tx:
        assert await events.claim_pending(tx, shop.workspace.id, "dispatch", 10) == []
    acts = [line["act"] for line in (await shop.manage("GET", "/audit")).json()["items"]]
    assert acts == ["events.switch_on"]
    assert len((await shop.manage("GET", "/events")).json()["items"]) == 2


async def test_a_key_is_said_once(shop: Shop) -> None:
    rights = {"access": "WRITE", "areas": {"settings": "READ"}}
    made = await shop.manage("POST", "/keys", json={"name": "Import", **rights})
    assert made.status_code == 201
    key, record = made.json()["key"], made.json()["record"]
    assert (await shop.manage("GET", "/workspace", key=key)).status_code == 200
    assert record["areas"] == {"staff": "NONE", "settings": "READ", "rules": "NONE", "data": "NONE"}
    assert (record["made_by"], record["last_used_at"]) == ("key:Office", None)
    listed = await shop.manage("GET", "/keys")
    assert record | {"last_used_at": "2026-03-14T09:26:53.589000Z"} in listed.json()["items"]
    assert key not in listed.text
    wrong = await shop.manage("POST", "/keys", json={"name": "Page", "access": "WRITE", "purpose": "STOREFRONT"})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["purpose"])


async def test_staff_may_sign_in(shop: Shop) -> None:
    body = {"email": "ben@shop.example", "password": "correct horse", "role": "reader"}
    made = await shop.manage("POST", "/staff", json=body)
    assert (made.status_code, made.json()["name"]) == (201, "ben")
    assert made.json() in (await shop.manage("GET", "/staff")).json()["items"]
    assert "correct horse" not in (await shop.manage("GET", "/audit")).text


async def test_staff_are_changed_and_removed_but_for_the_last_owner(shop: Shop) -> None:
    async def add(name: str, role: str) -> str:
        body = {"email": f"{name}@{shop.id}.example", "password": "correct horse", "role": role}
        made: str = (await shop.manage("POST", "/staff", json=body)).json()["id"]
        return made

    asha, ben = await add("asha", "owner"), await add("ben", "reader")
    for refused in (
        await shop.manage("DELETE", f"/staff/{asha}"),
        await shop.manage("PATCH", f"/staff/{asha}", json={"role": "editor"}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "last_owner")
    promoted = await shop.manage("PATCH", f"/staff/{ben}", json={"role": "owner"})
    assert (promoted.status_code, promoted.json()["role"]) == (200, "owner")
    assert (await shop.manage("PUT", f"/staff/{ben}/password", json={"password": "battery staple"})).status_code == 204
    assert (await shop.manage("DELETE", f"/staff/{asha}")).status_code == 204
    assert (await shop.manage("DELETE", f"/staff/{asha}")).status_code == 404
    assert [person["id"] for person in (await shop.manage("GET", "/staff")).json()["items"]] == [ben]
    async with shop.app.db.transaction() as tx:
        now = shop.app.clock.now()
        assert await make.signed_in(tx, f"ben@{shop.id}.example", "battery staple", now)
        with pytest.raises(Unauthenticated):
            await make.signed_in(tx, f"asha@{shop.id}.example", "correct horse", now)
    audit = await shop.manage("GET", "/audit")
    acts = [(line["act"], line["target"].partition("@")[0]) for line in audit.json()["items"]]
    assert acts[:3] == [("staff.delete", "asha"), ("staff.new_password", "ben"), ("staff.update", "ben")]
    assert "battery staple" not in audit.text


async def test_a_merchant_key_makes_no_owner_and_no_key(shop: Shop) -> None:
    for method, path, body in (
        ("POST", "/staff", {"email": "eve@shop.example", "password": "correct horse", "role": "owner"}),
        ("POST", "/keys", {"name": "More", "access": "WRITE", "areas": {"staff": "WRITE"}}),
        ("GET", "/workspace/storefront-secret", None),
        ("GET", "/customers", None),
    ):
        answer = await shop.manage(method, path, key=shop.write_key, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await shop.manage("GET", "/staff")).json()["items"] == []


async def test_when_a_key_was_last_used_is_noted_once_a_minute(shop: Shop, clock: HandClock) -> None:
    async def last_used() -> str:
        keys = (await shop.manage("GET", "/keys")).json()["items"]
        at: str = next(key["last_used_at"] for key in keys if key["name"] == "Till")
        return at

    assert await last_used() is None
    await shop.merchant("GET", "/triggers", key=shop.write_key)
    first = await last_used()
    clock.advance(seconds=30)
    await shop.merchant("GET", "/triggers", key=shop.write_key)
    assert await last_used() == first == "2026-03-14T09:26:53.589000Z"
    clock.advance(seconds=31)
    await shop.merchant("GET", "/triggers", key=shop.write_key)
    assert await last_used() == "2026-03-14T09:27:54.589000Z"


async def test_whoever_leaves_can_leave_no_key_behind(shop: Shop, clock: HandClock) -> None:
    body = {"email": f"ben@{shop.id}.example", "password": "correct horse", "role": "editor"}
    ids = []
    for n in range(2):
        person = (await shop.manage("POST", "/staff", json=body)).json()
        async with shop.app.db.transaction() as tx:
            made_by = f"staff:{person['email']}"
            issued = await tenancy.issue_key(
                tx, shop.workspace.id, f"Of Ben {n}", access="READ", made_by=made_by, now=clock.now()
            )
        ids.append(str(issued.record.id))
        query = {"revoke_keys": "true"} if n else {}
        assert (await shop.manage("DELETE", f"/staff/{person['id']}", params=query)).status_code == 204
        live = {key["id"] for key in (await shop.manage("GET", "/keys")).json()["items"] if not key["revoked_at"]}
        assert live.isdisjoint(ids) == bool(n)
    assert len(live) == 4


@pytest.mark.parametrize("key", ["read_key", "storefront_key"])
async def test_only_keys_with_the_right_manage(shop: Shop, key: str) -> None:
    answer = await shop.manage("GET", "/customers", key=getattr(shop, key))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_who_is_unknown_is_told_so(shop: Shop) -> None:
    bare = await shop.client.get("/api/v1/workspace")
    assert (bare.status_code, bare.headers["www-authenticate"]) == (401, "Bearer")
    assert list(bare.json()["fields"]) == ["Authorization"]
    by_header = await shop.client.get("/api/v1/workspace", headers=shop.headers(shop.admin_key))
    assert by_header.status_code == 200
    nowhere = await shop.manage("GET", "/nowhere")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "route_not_found")


async def test_the_audit_log_is_read_in_pages(shop: Shop) -> None:
    for name in ("One", "Two", "Three"):
        await shop.manage("PATCH", "/workspace", json={"name": name})
    first = (await shop.manage("GET", "/audit", params={"limit": 2})).json()
    second = (await shop.manage("GET", "/audit", params={"limit": 2, "before": first["next"]})).json()
    names = [line["detail"]["name"] for line in (*first["items"], *second["items"])]
    assert (names, second["next"]) == (["Three", "Two", "One"], None)


async def test_the_day_is_told_hour_by_hour(shop: Shop) -> None:
    today = (await shop.manage("GET", "/overview")).json()
    assert len(today["hours"]) == 24
    assert today["hours"][0]["starts_at"] == "2026-03-14T00:00:00Z"
    counted = {"customers", "orders", "events", "coins_given", "coins_spent", "deliveries", "buyers", "buyers_again"}
    assert set(today["hours"][0]) == {"starts_at", "ends_at", "coupons_used", "coupon_revenue_minor", *counted}
    assert (today["days"], today["integrations"]) == ([], [])
    week = (await shop.manage("GET", "/overview", params={"days": 7})).json()["days"]
    assert [day["starts_at"] for day in week[:2]] == ["2026-03-07T00:00:00Z", "2026-03-08T00:00:00Z"]
    assert (len(week), week[-1]["ends_at"]) == (7, "2026-03-14T00:00:00Z")
    refused = await shop.manage("GET", "/overview", params={"days": 1_000})
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["days"])
