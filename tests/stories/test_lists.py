"""Lists: narrowed by day, state and source, gone through to their end, and taken out as CSV, in the dashboard and by a
program."""

import csv
import html
import io
import re
from typing import Any

import pytest

from regulars import limits, tenancy
from tests.doors import Shop, an_order, per_dollar
from tests.stories.browsing import Browser, person, signed_in

ASHA = {"customer_id": "shopify-1001", "name": "Asha Rao", "email": "asha@example.com"}


async def owner_of(shop: Shop) -> Browser:
    return await signed_in(shop, await person(shop, "ann"))


async def some_orders(shop: Shop) -> None:
    await per_dollar(shop)
    for reference_id, amount, source, status, placed_at in (
        ("1", "10.50", "shopify", "paid", "2026-03-10T12:00:00Z"),
        ("2", "9.50", "shopify", "refunded", "2026-03-12T12:00:00Z"),
        ("3", "10.50", "till", "paid", "2026-03-11T12:00:00Z"),
    ):
        order = an_order(reference_id, amount, source=source, financial_status=status, placed_at=placed_at)
        more = {"name": f"#{reference_id}", "customer": ASHA, "updated_at": placed_at}
        assert (await shop.manage("POST", "/orders", json=order | more)).status_code == 200


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


async def listed(owner: Browser, query: str) -> list[str]:
    """The orders of a page and of its file, which must be the same."""
    page = (await owner.get(f"/orders?{query}")).text
    names = re.findall(r'<a class="whole" href="/orders/[^"]+"><span class="clip"><bdi>(#\d)</bdi>', page)
    assert [row["Order"] for row in rows((await owner.get(f"/orders.csv?{query}")).text)] == names
    return names


@pytest.mark.parametrize(
    ("query", "found", "asked"),
    [
        ("", ["#2", "#3", "#1"], {}),
        ("from=2026-03-11", ["#2", "#3"], {"since": "2026-03-11T00:00:00Z"}),
        ("until=2026-03-11", ["#3", "#1"], {"until": "2026-03-12T00:00:00Z"}),
        ("source=shopify", ["#2", "#1"], {"source": "shopify"}),
        ("payment=refunded", ["#2"], {"financial_status": "refunded"}),
        ("source=till&payment=refunded", [], {"source": "till", "financial_status": "refunded"}),
        ("q=%233", ["#3"], {"reference_id": "#3"}),
        ("payment=nonsense&from=2026-99-99", ["#2", "#3", "#1"], {}),
        ("sort=oldest", ["#1", "#3", "#2"], {"sort": "oldest"}),
        ("sort=largest", ["#3", "#1", "#2"], {"sort": "largest"}),
        ("sort=smallest", ["#2", "#1", "#3"], {"sort": "smallest"}),
        ("sort=oldest&source=shopify", ["#1", "#2"], {"sort": "oldest", "source": "shopify"}),
        ("sort=largest&until=2026-03-11", ["#3", "#1"], {"sort": "largest", "until": "2026-03-12T00:00:00Z"}),
        ("sort=smallest&payment=paid", ["#1", "#3"], {"sort": "smallest", "financial_status": "paid"}),
        ("sort=smallest&q=%233", ["#3"], {"reference_id": "#3"}),
    ],
)
async def test_orders_are_narrowed_alike_on_a_page_in_a_file_and_by_a_program(
    shop: Shop, query: str, found: list[str], asked: dict[str, str]
) -> None:
    await some_orders(shop)
    assert await listed(await owner_of(shop), query) == found
    if "reference_id" not in asked:
        items = (await shop.manage("GET", "/orders", params=asked)).json()["items"]
        assert [item["name"] for item in items] == found
        one_by_one, before = [], {}
        while before is not None:
            page = (await shop.manage("GET", "/orders", params={**asked, **before, "limit": "1"})).json()
            one_by_one += [item["name"] for item in page["items"]]
            before = {"before": page["next"]} if page["next"] else None  # type: ignore[assignment]
        assert one_by_one == found


async def test_a_filter_that_is_set_is_shown_and_can_be_taken_away(shop: Shop) -> None:
    await some_orders(shop)
    page = (await (await owner_of(shop)).get("/orders?source=till&payment=refunded")).text
    assert 'href="/orders?source=till">Payment: Refunded' in page
    assert 'href="/orders?payment=refunded">Source: till' in page
    assert "Nothing fits all of these filters." in page


async def test_a_page_of_a_rare_state_looks_no_further_than_its_limit_and_goes_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await some_orders(shop)
    monkeypatch.setattr(limits, "SEARCH_ROWS_MAX", 2)
    params = {"source": "shopify", "financial_status": "paid"}
    first = (await shop.manage("GET", "/orders", params=params)).json()
    assert (first["items"], bool(first["next"])) == ([], True)
    second = (await shop.manage("GET", "/orders", params=params | {"before": first["next"]})).json()
    assert ([item["name"] for item in second["items"]], second["next"]) == (["#1"], None)
    owner = await owner_of(shop)
    page = (await owner.get("/orders?source=shopify&payment=paid")).text
    assert "Look further back" in page
    assert [row["Order"] for row in rows((await owner.get("/orders.csv?source=shopify&payment=paid")).text)] == ["#1"]


@pytest.mark.parametrize(
    ("query", "found", "asked"),
    [
        ("", ["asha", "", "Zoe", "Bert"], {}),
        ("sort=oldest", ["Bert", "Zoe", "", "asha"], {"sort": "oldest"}),
        ("sort=name", ["asha", "Bert", "Zoe", ""], {"sort": "name"}),
        ("from=2001-01-01", ["asha", "", "Zoe", "Bert"], {"since": "2001-01-01T00:00:00Z"}),
        ("until=2001-01-01", [], {"until": "2001-01-02T00:00:00Z"}),
        (
            "q=customer&from=2001-01-01",
            ["asha", "", "Zoe", "Bert"],
            {"text": "customer", "since": "2001-01-01T00:00:00Z"},
        ),
        ("q=customer&until=2001-01-01", [], {"text": "customer", "until": "2001-01-01T00:00:00Z"}),
        # An order of the whole list gives way to what narrows it.
        ("q=customer&sort=name", ["asha", "", "Zoe", "Bert"], {"text": "customer"}),
        ("sort=nonsense", ["asha", "", "Zoe", "Bert"], {}),
    ],
)
async def test_customers_are_sorted_and_kept_to_days_alike_at_every_door(
    shop: Shop, query: str, found: list[str], asked: dict[str, str]
) -> None:
    for number, name in enumerate(("Bert", "Zoe", "", "asha")):
        await shop.manage("POST", "/customers", json={"customer_id": f"customer-{number}", "name": name})
    owner = await owner_of(shop)
    assert [row["Name"] for row in rows((await owner.get(f"/customers.csv?{query}")).text)] == found
    page = (await owner.get(f"/customers?{query}")).text
    ids = re.findall(r'class="whole" href="/customers/([^"]+)"', page)
    paged: list[dict[str, Any]] = []
    before: dict[str, str] = {}
    while before is not None:
        part = (await shop.manage("GET", "/customers", params={**asked, **before, "limit": "1"})).json()
        paged += part["items"]
        before = {"before": part["next"]} if part["next"] else None  # type: ignore[assignment]
    assert [one["name"] for one in paged] == found
    assert [one["id"] for one in paged] == ids


async def test_only_the_whole_list_of_customers_is_sorted(shop: Shop) -> None:
    for narrowed in ({"text": "asha"}, {"since": "2001-01-01T00:00:00Z"}):
        answer = await shop.manage("GET", "/customers", params={"sort": "name"} | narrowed)
        assert answer.json()["fields"] == {"sort": "expected newest, where a text or a time narrows the list"}
    for path, narrowed in (("/orders", {"customer_id": "customer-1"}), ("/deliveries", {"customer_id": "customer-1"})):
        answer = await shop.manage(
            "GET", path, params={"sort": "oldest" if path == "/orders" else "next_try"} | narrowed
        )
        assert answer.json()["fields"]["sort"].startswith("expected newest, where "), answer.text
    page = (await (await owner_of(shop)).get("/customers?sort=name")).text
    assert 'href="/customers">Sorted: By name' in page


@pytest.mark.parametrize(
    "path", ["/customers", "/orders", "/events", "/deliveries", "/rewards", "/audit", "/keys", "/staff", "/triggers"]
)
async def test_every_list_has_a_file_with_a_line_for_each_row(shop: Shop, path: str) -> None:
    await some_orders(shop)
    owner = await owner_of(shop)
    page = (await owner.get(path)).text
    answer = await owner.get(f"{path}.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{path[1:]}.csv"'
    assert answer.text.startswith("\ufeff")
    shown = page.count("<tr>") - 1 if path != "/deliveries" else 0
    assert len(rows(answer.text)) == shown
    assert ("Download as CSV" in page) == (shown > 0)


async def test_a_list_that_never_held_anything_says_how_to_begin(shop: Shop) -> None:
    owner = await owner_of(shop)
    for path, button in (
        ("/orders", "/orders/import"),
        ("/customers", "/customers/new"),
        ("/deliveries", "/events/send"),
        ("/triggers", "/triggers/new"),
    ):
        page = (await owner.get(path)).text
        assert f'href="{button}"' in page[page.index('<div class="empty">') :], path


async def test_keys_staff_and_triggers_are_lists_as_others_are(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, reader = await owner_of(shop), await signed_in(shop, await person(shop, "rita", "reader"))
    await per_dollar(shop)
    off = {"name": "Off", "source": "api", "rule": {"coins_min": 5}, "active": False}
    assert (await shop.manage("POST", "/triggers", json=off)).status_code == 201
    for query, names in (("", {"Purchase", "Off"}), ("state=off", {"Off"}), ("source=order", {"Purchase"})):
        assert {row["Name"] for row in rows((await owner.get(f"/triggers.csv?{query}")).text)} == names
    await owner.post(f"/keys/{(await shop.manage('GET', '/keys')).json()['items'][0]['id']}/revoke")
    revoked = rows((await owner.get("/keys.csv?state=revoked")).text)
    live = rows((await owner.get("/keys.csv")).text)
    assert (len(revoked), len(live)) == (1, 3)
    assert all(row["Revoked"] for row in revoked)
    assert {row["Name"] for row in revoked}.isdisjoint(row["Name"] for row in live)
    for path, act in (("/keys", "/keys/new"), ("/staff", "/staff/new"), ("/triggers", "/triggers/new")):
        assert f'href="{act}"' in (await owner.get(path)).text
        assert f'href="{act}"' not in (await reader.get(path)).text
    assert "/revoke" in (await owner.get("/keys")).text
    looked = (await reader.get("/keys")).text
    assert "/revoke" not in looked
    assert "Only owners create and revoke API keys." in looked
    monkeypatch.setattr(limits, "PAGE_ITEMS_DEFAULT", 1)
    first = (await owner.get("/staff")).text
    assert first.count("<tr>") == 2
    after = re.search(r'href="(/staff\?after=[^"]+)"', first)
    assert after is not None
    second = (await owner.get(html.unescape(after[1]))).text
    assert ("rita@" in first, "rita@" in second) in ((True, False), (False, True))


async def test_a_file_goes_on_to_the_end_of_the_list(shop: Shop) -> None:
    async with shop.app.db.transaction() as tx:
        tx.wrote = True
        tx.wrote = True
        for number in range(2 * limits.PAGE_ITEMS_MAX + 7):
            await tenancy.audit(tx, shop.workspace.id, "cli", "key.create", f"key {number}", now=shop.app.clock.now())
    targets = [row["To what"] for row in rows((await (await owner_of(shop)).get("/audit.csv")).text)]
    assert targets == [f"key {number}" for number in reversed(range(2 * limits.PAGE_ITEMS_MAX + 7))]


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)"])
async def test_a_name_that_a_spreadsheet_would_carry_out_is_defused(shop: Shop, name: str) -> None:
    await shop.manage("POST", "/customers", json=ASHA | {"name": name})
    file = rows((await (await owner_of(shop)).get("/customers.csv")).text)
    assert [row["Name"] for row in file] == [f"'{name}"]
    answer = await shop.manage("GET", "/customers", send={"accept": "text/csv"})
    assert [row["name"] for row in rows(answer.text)] == [f"'{name}"]


async def test_a_program_takes_any_list_as_csv_and_goes_on(shop: Shop) -> None:
    await some_orders(shop)
    answer = await shop.manage("GET", "/orders", params={"limit": 2}, send={"accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert [(row["name"], row["amount"], row["customer.name"]) for row in rows(answer.text)] == [
        ("#2", "9.5", "Asha Rao"),
        ("#3", "10.5", "Asha Rao"),
    ]
    params = {"limit": 2, "before": answer.headers["x-next"]}
    last = await shop.manage("GET", "/orders", params=params, send={"accept": "text/csv"})
    assert [row["name"] for row in rows(last.text)] == ["#1"]
    assert last.headers["x-next"] == ""


async def test_what_is_logged_can_be_kept_to_some_days(shop: Shop) -> None:
    await some_orders(shop)
    owner = await owner_of(shop)
    for path in ("/events", "/rewards", "/audit"):
        everything = rows((await owner.get(f"{path}.csv")).text)
        assert rows((await owner.get(f"{path}.csv?from=2001-01-01")).text) == everything != []
        assert rows((await owner.get(f"{path}.csv?until=2001-01-01")).text) == []
        operation = {"/rewards": "/firings"}.get(path, path)
        for params, some in (({"since": "2001-01-01T00:00:00Z"}, True), ({"until": "2001-01-01T00:00:00Z"}, False)):
            assert bool((await shop.manage("GET", operation, params=params)).json()["items"]) == some
