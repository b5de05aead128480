"""A person as a whole, at every door: two records become one, all is taken out, all is forgotten and the book stays."""

from base64 import b64encode
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from regulars import ledger, limits, worker
from regulars.kit.clock import HandClock
from regulars.ledger import Entry
from regulars.shops.model import signed
from regulars.triggers import Trigger
from regulars.worker import Carriers
from tests.doors import ASHA, Shop, an_order, per_dollar
from tests.selling import SECRET, connected
from tests.stories.browsing import person, signed_in

BO = {
    "customer_id": "woo-2002",
    "name": "Bo Lind",
    "email": "bo@b.example",
    "mobile": "0151 12345678",
    "country": "deu",
}


async def made(shop: Shop, **details: Any) -> str:
    answer = await shop.manage("POST", "/customers", json=details)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def coins(shop: Shop, id: str) -> int:
    return int((await shop.manage("GET", f"/customers/{id}")).json()["wallets"]["coins"]["available"])


async def audited(shop: Shop) -> None:
    async with shop.app.db.snapshot() as tx:
        assert await ledger.verify(tx, shop.workspace.id) is None


async def everything(shop: Shop) -> str:
    """All that the shop's tables hold, as text, but for what sessions and keys are."""
    async with shop.app.db.reading() as tx:
        tables = await tx.fetch(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'workspace_id' AND table_schema = "
            "current_schema() AND table_name NOT LIKE 'tenancy_s%'"
        )
        texts = [
            str(
                [
                    tuple(row)
                    for row in await tx.fetch(f"SELECT * FROM {table[0]} WHERE workspace_id = $1", shop.workspace.id)
                ]
            )
            for table in tables
        ]
    return "\n".join(texts)


async def test_two_records_of_one_person_become_one(shop: Shop, clock: HandClock) -> None:
    await per_dollar(shop)
    once = await shop.trigger("Once", rule={"per_customer_max": 1})
    asha, bo = await made(shop, **ASHA), await made(shop, **BO)
    for customer_id in (ASHA["customer_id"], BO["customer_id"]):
        assert (await fired(shop, once, customer_id)).status_code == 200
    orders = [an_order("1", "30"), an_order("2", "12", customer={"customer_id": "woo-2002"})]
    assert (await shop.manage("POST", "/orders", json=orders)).status_code == 200
    await expiring(shop, bo, 5, clock, days=10)
    had = await coins(shop, asha) + await coins(shop, bo)
    answer = await shop.manage("POST", f"/customers/{bo}/merge", json={"into": asha})
    assert answer.status_code == 200, answer.text
    one = answer.json()
    assert (one["id"], one["wallets"]["coins"]["available"], one["orders_count"], one["spent"]) == (asha, had, 2, 42)
    assert (one["email"], one["mobile"], one["country"]) == (ASHA["email"], "0151 12345678", "deu")
    # Either id answers, at both doors; the list has them once.
    assert (await shop.manage("GET", f"/customers/{bo}")).json()["id"] == asha
    assert (await shop.lead("woo-2002"))["_id"] == asha
    listed = (await shop.manage("GET", "/customers")).json()["items"]
    assert [item["customer_id"] for item in listed] == [ASHA["customer_id"]]
    story = (await shop.manage("GET", f"/customers/{bo}/timeline", params={"limit": 100})).json()["items"]
    assert {fact["order"]["reference_id"] for fact in story if fact["kind"] == "order"} == {"1", "2"}
    assert len([fact for fact in story if fact["kind"] == "event" and fact["event"]["topic"] == "order_create"]) == 2
    # Both had it once, so the one has had it; an order reported for the old id is theirs.
    refused = (await fired(shop, once, "woo-2002")).json()
    assert "customer_limit_reached" in str(refused)
    third = an_order("3", "8", customer={"customer_id": "woo-2002", "name": "Bo"})
    item = (await shop.manage("POST", "/orders", json=third)).json()["items"][0]
    assert (item["order"]["customer"]["id"], item["coins"]) == (asha, 8)
    assert await coins(shop, bo) == had + 8
    clock.advance(days=11)
    assert await coins(shop, asha) == had + 8 - 5
    again = await shop.manage("POST", f"/customers/{bo}/merge", json={"into": ASHA["customer_id"]})
    assert (again.status_code, again.json()["wallets"]["coins"]["available"]) == (200, had + 3)
    acts = [line["act"] for line in (await shop.manage("GET", "/audit")).json()["items"]]
    assert acts.count("customer.merge") == 1
    await audited(shop)


async def fired(shop: Shop, trigger: Trigger, customer_id: str) -> httpx.Response:
    body = {"trigger_id": str(trigger.id), "customer_id": customer_id}
    return await shop.merchant("POST", "/activities", json=body)


async def expiring(shop: Shop, id: str, amount: int, clock: HandClock, *, days: int) -> None:
    now = clock.now()
    async with shop.app.db.transaction() as tx:
        given = Entry(
            customer_id=UUID(id),
            operation="cr",
            amount=amount,
            type="reward",
            occurred_at=now,
            title="Soon gone",
            expires_at=now + timedelta(days=days),
        )
        await ledger.post(tx, shop.workspace, [given], now)


@pytest.mark.parametrize(
    ("into", "status", "code"),
    [("self", 422, "invalid"), ("woo-9999", 422, "invalid"), ("erased", 409, "customer_erased")],
)
async def test_a_merge_that_can_not_be_changes_nothing(shop: Shop, into: str, status: int, code: str) -> None:
    asha, bo = await made(shop, **ASHA), await made(shop, **BO)
    if into == "erased":
        assert (await shop.manage("DELETE", f"/customers/{bo}")).status_code == 204
    named = {"self": asha, "erased": bo}.get(into, into)
    answer = await shop.manage("POST", f"/customers/{asha}/merge", json={"into": named})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await shop.manage("GET", f"/customers/{asha}")).json()["name"] == ASHA["name"]


HOLDS = {
    "forgotten at once, by their id": [
        *("customers_customer", "customers_words", "delivery_attempt", "delivery_delivery", "events_event"),
        *("messages_consent", "messages_message", "messages_suppression", "orders_order", "referrals_referral"),
        *("reviews_picture", "reviews_post", "shops_hook", "tenancy_audit", "tiers_move", "tiers_standing"),
        *("triggers_fact", "triggers_firing"),
    ],
    "looked through for them after that": ["imports_part", "imports_run", "once_answer", "shops_hook"],
    "names a customer by our id alone, which becomes nobody's": [
        *("checkout_payment", "days_coins", "days_standing", "dispatch_aside", "events_pending", "ledger_lot"),
        *("ledger_transfer", "ledger_txn", "ledger_wallet", "reviews_ask", "rewards_coupon", "schedule_due"),
        *("automations_run", "automations_passage"),
        "triggers_counter",
    ],
    "is the shop's own, or its staff's": [
        *("channels_sender", "checkout_connection", "dispatch_rule", "dispatch_rule_version"),
        *("campaigns_campaign", "campaigns_tally"),
        *("integrations_integration", "messages_template", "messages_version", "reviews_sum", "rewards_code"),
        *("automations_automation", "automations_count", "automations_draft", "automations_mention"),
        *("automations_version", "rewards_partnership"),
        *("rewards_offer", "rewards_version", "shops_source", "tenancy_api_key", "tenancy_session", "tenancy_staff"),
        *(
            "tenancy_workspace",
            "segments_segment",
            "segments_mention",
            "segments_topic",
            "tiers_ladder",
            "triggers_trigger",
            "triggers_version",
        ),
    ],
    "is a hash, a number, or gone within the hour": ["kit_allowance", "kit_loop", "once_call", "schema_migration"],
    "says what a tool answered last": ["delivery_lane"],
}
"""What becomes of each table's texts when a person is erased."""


async def test_every_table_that_holds_texts_says_what_an_erasure_does_to_them(shop: Shop) -> None:
    async with shop.app.db.reading() as tx:
        found = await tx.fetch(
            "SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
            " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')"
            "   AND NOT c.relispartition"
            "   AND a.atttypid::regtype::text IN ('text', 'json', 'jsonb', 'bytea', 'tsvector', 'text[]', 'bytea[]')"
        )
    told = {table for tables in HOLDS.values() for table in tables}
    assert {row[0] for row in found} == told


async def drained(shop: Shop) -> None:
    app = shop.app
    await worker.drain(app.db, Carriers(app.box), app.http, clock=app.clock, random=lambda: 0.5)


TEXTS = [
    '{"id": 5, "email": "ASHA@example.com", "total_price": "x"}',
    '{"id": 6, "email": "asha\\u0040example.com"}',
    '{"id": 7, "phone": "0049 (151) 234-56789"}',
    '{"id": 8, "email": "natasha@example.com"}',
    '{"id": 9, "email": "bo@b.example"}',
    "no json, and asha@example.com.",
]


async def _handed_over(shop: Shop) -> dict[str, str]:
    """Files, one of which was taken in, with a line left out that names her."""
    head = "order_id;customer_id;email;amount;placed_at\n"
    files = {
        "asha": (head + "1;shop-00001;asha@example.com;12;2026-03-01\n").encode("utf-16"),
        "bo": (head + "2;shop-00002;bo@b.example;12;2026-03-01\n").encode(),
        "done": (
            head + "3;shop-00003;x@example.com;12;2026-03-01\n4;asha@example.com;x@y.example;nothing;never\n"
        ).encode(),
    }
    runs: dict[str, str] = {}
    for name, content in files.items():
        answer = await shop.manage("POST", f"/imports?filename={name}.csv", content=content)
        runs[name] = answer.json()["run"]["id"]
    async with shop.app.db.transaction() as tx:
        words = (
            '{"unusable": [{"line": 3, "reason": "asha@example.com is no number"}, {"line": 4, "reason": "nothing"}]}'
        )
        await tx.execute(
            "UPDATE imports_run SET state = 'done', progress = progress || $2::text::jsonb"
            " WHERE workspace_id = $1 AND filename = 'done.csv'",
            shop.workspace.id,
            words,
        )
    return runs


async def test_who_is_erased_stands_in_no_text_that_was_kept_whole(
    shop: Shop, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hooks that failed or were not for us, stored answers, files in any encoding and what was said of them."""
    monkeypatch.setattr(limits, "TRACED_ROWS_MAX", 2)
    monkeypatch.setattr(limits, "TRACED_RUNS_MAX", 1)
    there = await connected(shop, "shopify")
    asha, bo = await made(shop, **ASHA | {"mobile": "+49 151 23456789", "country": "deu"}), await made(shop, **BO)
    adjust = {"operation": "cr", "amount": 5, "reason": "Hello"}
    for id in (asha, bo):
        key = {"idempotency-key": f"gift-{id}"}
        sent = await shop.manage("POST", f"/customers/{id}/transactions", json=adjust, send=key)
        assert sent.status_code == 201, sent.text
    for number, text in enumerate(TEXTS):
        (hook,) = there.hooks("orders")
        more = {"x-shopify-hmac-sha256": b64encode(signed(text.encode(), SECRET)).decode()}
        more["x-shopify-webhook-id"] = f"hook-{number}"
        topic = {"x-shopify-topic": "checkouts/create"} if number == 2 else {}
        assert (await there.post(text.encode(), hook.headers | more | topic)).status_code == 200
    assert {hook["state"] for hook in await there.handled()} == {"failed", "ignored"}
    runs = await _handed_over(shop)
    traces = ["asha@example.com", "ASHA@example.com", "asha\\\\u0040example", "234-56789", ASHA["customer_id"]]
    before = await everything(shop)
    assert [trace for trace in traces if trace not in before] == []
    assert (await shop.manage("DELETE", f"/customers/{asha}")).status_code == 204
    await drained(shop)
    left = await everything(shop)
    assert [trace for trace in traces if trace in left.replace("natasha@example.com", "")] == []
    kept = [(await shop.manage("GET", f"/hooks/{hook['id']}")).json()["body"] for hook in await there.log()]
    assert kept == ["", "", "", TEXTS[3], TEXTS[4], ""]
    again = [
        await shop.manage("POST", f"/customers/{id}/transactions", json=adjust, send={"idempotency-key": f"gift-{id}"})
        for id in (asha, bo)
    ]
    assert [one.status_code for one in again] == [409, 201]
    assert again[0].json()["code"] == "idempotency_answer_gone"
    assert (await shop.manage("POST", f"/imports/{runs['asha']}/preview", json={})).json()["code"] == "file_gone"
    assert (await shop.manage("POST", f"/imports/{runs['bo']}/preview", json={})).status_code == 200
    said = (await shop.manage("GET", f"/imports/{runs['done']}")).json()["run"]["left_out"]
    assert [(one["line"], one["reason"]) for one in said] == [(3, "The customer was erased."), (4, "nothing")]
    # A file that is being taken in at that moment is waited for.
    assert await coins(shop, bo) == 5
    async with shop.app.db.transaction() as tx:
        await tx.execute(
            "UPDATE imports_run SET state = 'running', seen_at = $2 WHERE workspace_id = $1 AND filename = 'bo.csv'",
            shop.workspace.id,
            clock.now(),
        )
    assert (await shop.manage("DELETE", f"/customers/{bo}")).status_code == 204
    await drained(shop)
    assert "bo@b.example" in await everything(shop)
    clock.advance(seconds=61)
    await drained(shop)
    assert "bo@b.example" not in await everything(shop)


async def test_somebody_unknown_whom_a_platform_wants_erased_stands_in_no_hook(shop: Shop) -> None:
    there = await connected(shop, "shopify")
    (hook,) = there.hooks("orders")
    texts = {
        "orders/create": '{"id": 5, "email": "eve@example.com", "total_price": "x"}',
        "customers/redact": '{"customer": {"id": 77, "email": "eve@example.com", "phone": ""}}',
    }
    for topic, text in texts.items():
        more = {"x-shopify-hmac-sha256": b64encode(signed(text.encode(), SECRET)).decode(), "x-shopify-topic": topic}
        await there.post(text.encode(), hook.headers | more | {"x-shopify-webhook-id": topic})
        await there.handled()
    assert "eve@example.com" not in await everything(shop)


async def test_who_is_erased_is_nowhere_and_the_book_still_audits(shop: Shop, clock: HandClock) -> None:
    await per_dollar(shop)
    asha, bo = await made(shop, **ASHA), await made(shop, **BO)
    assert (await shop.manage("POST", f"/customers/{bo}/merge", json={"into": asha})).status_code == 200
    told = an_order("1", "30", note="Ring at Bo's", cart_token="cart-77", redirect_link="https://corner.example/o/77")
    assert (await shop.manage("POST", "/orders", json=told)).status_code == 200
    assert (await shop.manage("PATCH", f"/customers/{asha}", json={"name": "Asha R."})).status_code == 200
    await expiring(shop, asha, 5, clock, days=10)
    traces = [ASHA["email"], "Asha", "Bo Lind", "bo@b.example", "12345678", "cart-77", "Ring at", "woo-2002"]
    traces += [ASHA["customer_id"], "corner.example/o/77"]
    before = await everything(shop)
    assert [trace for trace in traces if trace not in before] == []
    had = await coins(shop, asha)
    for _ in range(2):
        assert (await shop.manage("DELETE", f"/customers/{bo}")).status_code == 204
    await drained(shop)
    left = await everything(shop)
    assert [trace for trace in traces if trace in left] == []
    gone = (await shop.manage("GET", f"/customers/{asha}")).json()
    assert (gone["customer_id"], gone["name"], gone["spent"], gone["wallets"]["coins"]["available"]) == (
        f"erased-{asha}",
        "",
        30,
        had,
    )
    assert (await shop.manage("PATCH", f"/customers/{asha}", json={"name": "Asha"})).json()["code"] == "customer_erased"
    await audited(shop)
    # What the platform reports of their order later makes nobody a customer again; a new order makes a new one.
    clock.advance(days=1)
    late = (await shop.manage("POST", "/orders", json=told | {"delivery_status": "fulfilled"})).json()["items"][0]
    assert (late["change"], late["order"]["customer"]["id"], late["order"]["note"]) == ("updated", asha, "")
    assert [trace for trace in traces if trace in await everything(shop)] == []
    new = (await shop.manage("POST", "/orders", json=an_order("2", "10"))).json()["items"][0]["order"]["customer"]
    assert new["id"] != asha
    assert new["customer_id"] == ASHA["customer_id"]


async def test_all_that_is_kept_of_somebody_is_taken_out(shop: Shop) -> None:
    await per_dollar(shop)
    asha, bo = await made(shop, **ASHA), await made(shop, **BO)
    assert (
        await shop.manage("POST", "/orders", json=an_order("2", "12", customer={"customer_id": "woo-2002"}))
    ).status_code == 200
    assert (await shop.manage("POST", f"/customers/{bo}/merge", json={"into": asha})).status_code == 200
    told = (await shop.manage("GET", f"/customers/{asha}/export")).json()
    assert (told["customer"]["id"], told["also_known_as"], told["cut"]) == (asha, ["woo-2002"], [])
    assert [order["reference_id"] for order in told["orders"]] == ["2"]
    assert {"reward", "adjust"} <= {txn["type"] for txn in told["coins"]}
    assert [firing["state"] for firing in told["firings"]] == ["granted"]
    assert {"lead_create", "order_create", "walletreward_create"} <= {event["topic"] for event in told["events"]}


async def test_the_customers_page_says_what_will_happen_and_does_it(shop: Shop) -> None:
    asha, bo = await made(shop, **ASHA), await made(shop, **BO)
    browser = await signed_in(shop, await person(shop, "olga"))
    page = (await browser.get(f"/customers/{bo}")).text
    for address in ("merge", "erase", "export"):
        assert f"/customers/{bo}/{address}" in page
    assert (await browser.post(f"/customers/{bo}/merge", into="nobody@b.example")).status_code == 422
    looked = await browser.post(f"/customers/{bo}/merge", into=ASHA["email"])
    assert (looked.status_code, f'name="confirmed" value="{asha}"' in looked.text) == (200, True)
    assert (await shop.manage("GET", f"/customers/{bo}")).json()["id"] == bo
    done = await browser.post(f"/customers/{bo}/merge", into=asha, confirmed=asha)
    assert (done.status_code, done.headers["location"]) == (303, f"/customers/{asha}")
    moved = await browser.get(f"/customers/{bo}")
    assert (moved.status_code, moved.headers["location"]) == (303, f"/customers/{asha}")
    file = await browser.get(f"/customers/{asha}/export")
    assert "attachment" in file.headers["content-disposition"]
    assert file.json()["also_known_as"] == ["woo-2002"]
    assert "can&#39;t be undone" in (await browser.get(f"/customers/{asha}/erase")).text
    assert (await browser.post(f"/customers/{asha}/erase")).status_code == 303
    assert "was erased" in (await browser.get(f"/customers/{asha}")).text


async def test_who_asks_their_platform_to_be_erased_is(shop: Shop, clock: HandClock) -> None:
    there = await connected(shop, "shopify")
    await there.tell("orders")
    placed = await there.order()
    who = (await shop.manage("GET", f"/customers/{placed['customer']['id']}")).json()
    traces = [trace for trace in (who["email"], who["name"], who["customer_id"]) if trace]
    assert len(traces) == 3
    clock.advance(seconds=10)
    log = await there.tell("customers", 1001, "erase")
    assert (log[-1]["topic"], log[-1]["state"], log[-1]["outcome"]) == (
        "customers/redact",
        "done",
        "The customer was erased.",
    )
    async with shop.app.db.reading() as tx:
        bodies = await tx.fetch("SELECT body FROM shops_hook WHERE workspace_id = $1", shop.workspace.id)
    assert {bytes(row["body"]) for row in bodies} == {b""}
    left = await everything(shop)
    assert [trace for trace in traces if trace in left] == []
    clock.advance(seconds=10)
    await there.tell("orders", there.order_id, "pay")
    assert (await there.order())["financial_status"] == "paid"
    assert [one["id"] for one in (await shop.manage("GET", "/customers")).json()["items"]] == [who["id"]]
    acts = [line["act"] for line in (await shop.manage("GET", "/audit")).json()["items"]]
    assert acts.count("customer.erase") == 1
    await audited(shop)
