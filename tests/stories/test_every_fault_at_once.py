"""Whatever is wrong with what was sent is told at once, field by field, at both APIs and in every form."""

import re
from typing import Any

import pytest

from regulars.dashboard import security
from tests.doors import Shop
from tests.stories.browsing import person, signed_in

NOBODY = "00000000-0000-0000-0000-000000000000"


def named(body: dict[str, Any]) -> set[str]:
    return set(body.get("data", body)["fields"])


async def test_the_management_api_names_every_field_of_a_body(shop: Shop) -> None:
    rule = {"coins_min": -1, "coins_max": "many", "operation": "lend", "colour": "red"}
    answer = await shop.manage("POST", "/triggers", json={"name": "", "source": "moon", "rule": rule})
    assert answer.status_code == 422
    assert named(answer.json()) == {
        *("name", "source", "rule.coins_min", "rule.coins_max", "rule.operation", "rule.colour")
    }
    assert answer.json()["fields"]["source"].startswith("expected one of api, order")
    assert "name: " in answer.json()["detail"]


async def test_what_a_room_refuses_is_named_at_once_too(shop: Shop) -> None:
    person_ = {"customer_id": "shopify-1", "email": "asha", "mobile": "call me", "referral_code": "-"}
    answer = await shop.manage("POST", "/customers", json=person_)
    assert named(answer.json()) == {"email", "mobile", "country", "referral_code"}
    rule = {"topic": "nothing_create", "integration_id": NOBODY, "prefix": "#"}
    answer = await shop.manage("POST", "/send-events", json=rule)
    assert named(answer.json()) == {"topic", "integration_id", "prefix"}


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        (
            "/customers",
            {"customer_id": "1", "name": 5, "email": "asha", "mobile": "x", "accept": 1},
            {"customer_id", "name", "email", "mobile", "country", "accept"},
        ),
        ("/triggers", {"name": "", "source": "api", "rule": {"coins_min": 9, "coins_max": 5}}, {"name", "coins_max"}),
        (
            "/triggers",
            {"name": "Page", "source": "api", "open": True, "rule": {"coins_min": 5, "per_day_max": "x"}},
            {"rule.per_day_max"},
        ),
        (
            "/integrations",
            {"tool": "nats", "settings": {"servers": None, "subject": "a b"}},
            {"settings[...]", "servers", "subject"},
        ),
        (
            "/send-events",
            {"topic": "x_create", "integration_id": 5, "prefix": "#", "active": "?"},
            {"topic", "integration_id", "prefix", "active"},
        ),
        (
            "/keys",
            {"name": "", "access": "READ", "purpose": "STOREFRONT", "areas": {"data": "READ"}},
            {"name", "purpose"},
        ),
        ("/integrations", {"tool": "webhook", "name": 5, "settings": {"url": "ftp://a"}}, {"name", "url"}),
        ("/staff", {"email": "asha", "password": "password1234", "role": "king"}, {"email", "password", "role"}),
    ],
)
async def test_what_can_not_be_read_is_named_beside_what_a_room_refuses(
    shop: Shop, path: str, body: dict[str, Any], fields: set[str]
) -> None:
    answer = await shop.manage("POST", path, json=body)
    assert answer.status_code == 422
    assert named(answer.json()) == fields
    listed = (await shop.manage("GET", path)).json()["items"]
    assert len(listed) == {"/keys": 4, "/staff": 0}.get(path, 0)
    assert (await shop.manage("GET", "/audit")).json()["items"] == []


async def test_of_a_list_all_faults_of_each_item_are_named(shop: Shop) -> None:
    customer = {"customer_id": "shopify-1001"}
    good = {"source": "shopify", "reference_id": "1", "customer": customer, "amount": "9", "currency_code": "eur"}
    good["placed_at"] = "2026-03-14T09:26:53Z"
    wrong = {**good, "reference_id": 5, "updated_at": "2999-01-01T00:00:00Z", "amount": "9.999", "colour": "red"}
    answer = (await shop.manage("POST", "/orders", json=[wrong, good, wrong])).json()
    assert [one["change"] for one in answer["items"]] == ["refused", "created", "refused"]
    for one in (answer["items"][0]["refusal"], answer["items"][2]["refusal"]):
        assert set(one["fields"]) == {"reference_id", "updated_at", "amount", "colour"}


@pytest.mark.parametrize(
    ("method", "path", "body", "fields"),
    [
        ("PUT", "/staff/nobody/password", {"password": "short"}, {"id", "password"}),
        ("POST", "/send-events/none/test", {"by": "post", "address": ""}, {"id", "by", "address"}),
        ("POST", "/triggers/none/applications", {"announced": "yes"}, {"id", "announced"}),
        ("POST", "/imports/none/preview", {"replaces": "yes"}, {"id", "replaces"}),
    ],
)
async def test_an_address_that_names_nothing_is_told_beside_what_can_not_be_read(
    shop: Shop, method: str, path: str, body: dict[str, Any], fields: set[str]
) -> None:
    """Of acts that open transactions of their own, which can't be asked without doing something."""
    answer = await shop.manage(method, path, json=body)
    assert answer.status_code == 422
    assert named(answer.json()) == fields


async def test_a_reward_says_what_can_not_be_read_beside_what_would_be_refused(shop: Shop) -> None:
    answer = await shop.merchant("POST", "/activities", json={"trigger_id": "?", "name": 5})
    assert named(answer.json()) == {"trigger_id", "name", "lead_id"}
    details = {"email": "asha", "mobile": "me", "dob": 5}
    someone = {"trigger_id": "?", "customer_id": "shopify-1001", "referral_code": "-", "metadetail": details}
    unfit = {"referral_code", *(f"metadetail.{name}" for name in ("email", "mobile", "country", "dob"))}
    answer = await shop.merchant("POST", "/activities", json=someone)
    assert named(answer.json()) == {"trigger_id", *unfit}
    customer = {"customer_id": "shopify-1001", "email": "asha@example.com"}
    assert (await shop.manage("POST", "/customers", json=customer)).status_code == 201
    answer = await shop.merchant("POST", "/activities", json=someone)
    assert named(answer.json()) == {"trigger_id", "metadetail.dob"}, "what is known of a customer is ignored"
    for body in (b"[]", b"5", b'"x"'):
        answer = await shop.merchant("POST", "/activities", content=body)
        assert answer.status_code == 422


async def test_parameters_are_named_at_once(shop: Shop) -> None:
    answer = await shop.manage("GET", "/events", params={"limit": "1000", "customer_id": "asha", "colour": "red"})
    assert named(answer.json()) == {"limit", "customer_id", "colour"}


async def test_the_merchant_api_names_every_field_by_its_path(shop: Shop) -> None:
    lead = {"customer_id": "shopify-1001", "metadetail": {"email": "asha", "mobile": "me", "dob": "1700-01-01"}}
    answer = await shop.merchant("POST", "/leads", json=lead)
    assert answer.status_code == 422
    assert named(answer.json()) == {*("metadetail.email", "metadetail.mobile", "metadetail.country", "metadetail.dob")}
    lead = {"customer_id": "shopify-1001", "metadetail": {"email": 5, "mobile": "me", "dob": "1700-01-01"}}
    answer = await shop.merchant("POST", "/leads", json=lead)
    assert named(answer.json()) == {*("metadetail.email", "metadetail.mobile", "metadetail.country", "metadetail.dob")}
    activity = {"trigger_id": "?", "trace": {"via_api_for_wallet": {"operation": "lend", "coin_range": {"max": "x"}}}}
    answer = await shop.merchant("POST", "/activities", json=activity)
    wallet = "trace.via_api_for_wallet"
    assert {"trigger_id", f"{wallet}.operation", f"{wallet}.coin_range.max"} <= named(answer.json())


async def test_no_more_faults_are_listed_than_somebody_reads(shop: Shop) -> None:
    body = {"customer_id": "shopify-1001", **{f"x{n}": n for n in range(2_000)}}
    answer = await shop.manage("POST", "/customers", json=body)
    assert len(named(answer.json())) == 50


def wrong(page: str) -> set[str]:
    """The fields that the page complains about."""
    return set(re.findall(r'id="([^"]+)-wrong"', page))


@pytest.mark.parametrize(
    ("path", "form", "fields"),
    [
        (
            "/triggers/new",
            {"source": "api", "name": " ", "operation": "lend", "coins_min": "few", "per_day_max": "-1"},
            {"name", "operation", "coins_min", "per_day_max"},
        ),
        (
            "/triggers/new",
            {"source": "order", "name": "", "coins_per_unit": "", "earn_when": "never"},
            {"name", "coins_per_unit", "earn_when"},
        ),
        (
            "/customers/new",
            {"customer_id": "1", "email": "asha", "mobile": "x", "dob": "soon"},
            {"customer_id", "email", "mobile", "country", "dob"},
        ),
        (
            "/settings/shop",
            {"name": "", "uri": "shop", "coin_name": "", "country": "xyz", "currency_code": "usd", "time_zone": "UTC"},
            {"name", "uri", "coin_name", "country"},
        ),
        ("/settings/programs", {"calls_per_minute": "0", "utm_source": "a b"}, {"calls_per_minute", "utm_source"}),
        (
            "/settings/kept",
            {"events_months": "6", "deliveries_months": "61", "answers_months": "a few"},
            {"events_months", "deliveries_months", "answers_months"},
        ),
        (
            "/settings/coins",
            {
                "expiry": "per_lot",
                "expire_after": "0",
                "claw_back": "none",
                "hold_minutes": "1",
                "hold_grace_days": "x",
            },
            {"expire_after", "expire_unit", "claw_back", "hold_grace_days", "give_back_grace_days"},
        ),
        ("/staff/new", {"email": "asha", "password": "short", "role": "king"}, {"email", "password", "role"}),
        ("/integrations/new/webhook", {"name": "x" * 201, "url": "ftp://a"}, {"name", "url"}),
    ],
)
async def test_a_form_says_all_that_is_wrong_and_keeps_what_was_typed(
    shop: Shop, path: str, form: dict[str, str], fields: set[str]
) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    answer = await owner.post(path, **form)
    assert answer.status_code == 422
    assert fields <= wrong(answer.text)
    assert "Nothing was saved; what you typed is still here" in answer.text


async def test_a_form_that_asks_for_a_password_again_says_so(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    form = {"email": "ben", "role": "editor", "_again": "password"}
    again = "except passwords, keys and files: give those again"
    assert 'name="_again" value="password"' in (await owner.get("/staff/new")).text
    assert again in (await owner.post("/staff/new", **form, password="long enough")).text
    assert again not in (await owner.post("/staff/new", **form, password="")).text
    refused = await owner.upload("/orders/import", "orders.xlsx", b"PK\x03\x04 a workbook", _again="file")
    assert refused.status_code == 422
    assert again in refused.text


async def test_what_was_saved_before_does_not_stand_beside_what_was_not(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    saved = await owner.post(
        "/settings/shop", name="Corner", uri="", coin_name="coins", currency_code="usd", time_zone="UTC"
    )
    said = saved.headers["set-cookie"].partition(";")[0]
    shop.client.cookies.clear()
    headers = {"cookie": f"{security.SESSION_COOKIE}={owner.token}; {said}"}
    form = {"name": "", "_csrf": security.csrf_token(owner.token)}
    answer = await shop.client.post("/settings/shop", headers=headers, data=form)
    assert answer.status_code == 422
    assert "Saved." not in answer.text
    assert "Saved." in (await shop.client.get("/settings/shop", headers=headers)).text
