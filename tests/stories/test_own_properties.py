"""What a shop keeps of its customers itself: tags and properties, set at every door, asked for wherever conditions are,
and changed by automations."""

import re
from typing import Any

from regulars.kit import HandClock
from tests.doors import ASHA, Shop
from tests.selling import connected
from tests.stories.browsing import form_of, person, signed_in
from tests.stories.test_automations import COINS, coins, counted, launched
from tests.stories.test_management_imports import handed
from tests.stories.test_messages_sent import BO
from tests.stories.test_segments import customer_id, followed, made, members

SIZE = "customer_properties.shirt_size"
OWN = {"shirt_size": "text", "visits": "number", "wholesale": "yes_no", "since": "date"}


async def declare(shop: Shop, status: int = 200, **types: str | None) -> Any:
    answer = await shop.manage("PATCH", "/workspace", json={"settings": {"customer_properties": types}})
    assert answer.status_code == status, answer.text
    return answer.json()


async def change(shop: Shop, id: str, status: int = 200, **said: Any) -> Any:
    answer = await shop.manage("PATCH", f"/customers/{id}", json=said)
    assert answer.status_code == status, answer.text
    return answer.json()


def asks(name: str, operator: str, *value: Any) -> dict[str, Any]:
    return {"property": name, "operator": operator} | ({"value": value[0]} if value else {})


async def test_tags_and_properties_are_kept_as_declared_and_asked_for_everywhere(shop: Shop) -> None:
    await declare(shop, **OWN)
    await declare(shop, 422, shirt_size="number")
    await declare(shop, 422, **{"Shirt Size": "text"})
    body = ASHA | {"tags": ["VIP", " vip ", "Émile"], "properties": {"shirt_size": "M", "since": "2020-02-29"}}
    one = (await shop.manage("POST", "/customers", json=body)).json()
    assert (one["tags"], one["properties"]) == (["VIP", "Émile"], {"shirt_size": "M", "since": "2020-02-29"})
    id = one["id"]
    no = await change(shop, id, 422, properties={"visits": "many", "since": "2026-02-30", "shoe": 1}, tags=["x" * 255])
    assert no["fields"].keys() == {"properties.visits", "properties.since", "properties.shoe"}
    assert "shirt_size, since, visits, wholesale" in no["fields"]["properties.shoe"]
    changed = await change(
        shop,
        id,
        tags_added=["Wholesale"],
        tags_removed=["vip"],
        properties={"visits": "7", "wholesale": True, "since": None},
    )
    assert changed["tags"] == ["Émile", "Wholesale"]
    assert changed["properties"] == {"shirt_size": "M", "visits": 7, "wholesale": True}
    bo = (await shop.manage("POST", "/customers", json=BO)).json()["id"]
    tree = {"all": [
        asks("customer_tags", "any_of", ["ÉMILE"]),
        asks("customer_properties.shirt_size", "one_of", ["m", "L"]),
        asks("customer_properties.visits", "between", [7, 8]),
        asks("customer_properties.wholesale", "is", True),
        asks("customer_properties.since", "is_not_set"),
    ]}  # fmt: skip
    segment = await made(shop, "Mine", tree)
    assert await members(shop, segment) == {ASHA["customer_id"]}
    why = (await shop.manage("GET", f"/segments/{segment['id']}/why/{bo}")).json()
    assert (why["holds"], why["why"]["items"][2]["found_words"]) == (False, "empty")
    # It follows what changes, and a name that nobody has declared is refused by name, wherever conditions are.
    await change(shop, bo, tags=["Émile"], properties={"shirt_size": "L", "visits": 8, "wholesale": "yes"})
    await followed(shop)
    assert await members(shop, segment) == {ASHA["customer_id"], BO["customer_id"]}
    strange = asks("customer_properties.shoe", "is", "M")
    refused = await shop.manage("POST", "/segments", json={"name": "No", "condition": strange})
    assert list(refused.json()["fields"]) == ["condition.property"]
    rule = {"name": "No", "source": "api", "rule": {"coins_min": 1, "condition": strange}}
    assert (await shop.manage("POST", "/triggers", json=rule)).status_code == 422
    rule["rule"] = {"coins_min": 10, "condition": asks("customer_properties.visits", "at_least", 8)}
    trigger = (await shop.manage("POST", "/triggers", json=rule)).json()
    for who in (ASHA, BO):
        body = {"trigger_id": trigger["id"], "customer_id": who["customer_id"]}
        await shop.merchant("POST", "/activities", json=body)
    assert [(await shop.lead(who["customer_id"]))["available"] for who in (ASHA, BO)] == ["0", "10"]
    listed = (await shop.manage("GET", "/trigger-properties", params={"source": "api"})).json()["items"]
    assert {one["name"] for one in listed} >= {"customer_tags", *(f"customer_properties.{name}" for name in OWN)}
    said = "{{ customer.tags | join: ', ' }}: {{ customer.properties.shirt_size }}{{ customer.properties.since }}"
    preview = {"customer_id": ASHA["customer_id"], "channel": "sms", "content": {"body": said}}
    assert (await shop.manage("POST", "/templates/preview", json=preview)).json() == {"text": "Émile, Wholesale: M"}
    # Merged, who stays keeps their own; taken out, all is told; erased, nothing is left.
    merged = (await shop.manage("POST", f"/customers/{bo}/merge", json={"into": id})).json()
    assert (set(merged["tags"]), merged["properties"]["visits"]) == ({"Émile", "Wholesale"}, 7)
    person_of = (await shop.manage("GET", f"/customers/{id}/export")).json()
    assert person_of["customer"]["properties"]["shirt_size"] == "M"
    await shop.manage("DELETE", f"/customers/{id}")
    async with shop.app.db.reading() as tx:
        left = await tx.fetch("SELECT tags, properties, asked FROM customers_customer WHERE workspace_id = $1",
                              shop.workspace.id)  # fmt: skip
    assert {str(tuple(row)) for row in left} == {"([], {}, {})"}


async def test_an_automation_gives_tags_and_sets_properties_and_what_asks_for_them_follows(
    shop: Shop, clock: HandClock
) -> None:
    await declare(shop, **OWN)
    for who in (ASHA, BO):
        await shop.manage("POST", "/customers", json=who)
    segment = await made(shop, "Tagged", asks("customer_tags", "any_of", ["Big"]))
    steps = [
        {"id": "tag", "kind": "property", "property": "add_tag", "value": "Big"},
        {"id": "last", "kind": "property", "property": "properties.visits", "value": "{{ event.amount }}"},
        {"id": "day", "kind": "property", "property": "properties.since", "value": "{{ customer.name }}"},
        {"id": "where", "kind": "property", "property": "country", "value": "deu"},
        {"id": "mail", "kind": "property", "property": "accept_email", "value": "{{ customer.name }}"},
    ]  # fmt: skip
    wrong = [
        {"id": "a", "kind": "property", "property": "properties.shoe", "value": "x"},
        {"id": "b", "kind": "property", "property": "properties.visits", "value": "many"},
        {"id": "c", "kind": "property", "property": "add_tag", "value": " "},
        {"id": "d", "kind": "property", "property": "country", "value": "Germany"},
        {"id": "size", "kind": "property", "property": "properties.shirt_size", "value": "{{ event.no_such }}"},
    ]
    wrong += [
        {"id": "block", "kind": "property", "property": "add_tag", "value": "{% if true %}x{% endif %}"},
        {"id": "asked", "kind": "property", "property": "add_tag", "value": "{{ customer.properties.shoe }}"},
        {"id": "mail", "kind": "property", "property": "accept_email", "value": "perhaps"},
    ]
    for id, asked in (("e", asks("customer_properties.shoe", "is_set")), ("kind", asks(SIZE, "is", 5))):
        wrong.append({"id": id, "kind": "branch", "condition": asked, "yes": [], "no": []})
    draft = {"trigger": COINS, "steps": wrong}
    found = (await shop.manage("POST", "/automations", json={"name": "No", "definition": draft})).json()["findings"]
    assert {(one["step"], one["field"]) for one in found} == {
        *(
            ("a", "property"),
            ("b", "value"),
            ("c", "value"),
            ("d", "value"),
            ("size", "value"),
            ("e", "condition.property"),
            *((step, "value") for step in ("block", "asked", "mail")),
            ("kind", "condition.value"),
        )
    }
    one = await launched(shop, {"trigger": COINS, "again": "always", "steps": steps})
    await coins(shop, 50)
    await coins(shop, 70, BO)
    await followed(shop)
    came = await counted(shop, one)
    assert came["tag"] == (2, 0, {"set": 2})
    assert came["day"] == came["mail"] == (2, 0, {"refused invalid": 2})
    for who, amount in ((ASHA, 50), (BO, 70)):
        now = (await shop.manage("GET", f"/customers/{await customer_id(shop, who)}")).json()
        assert (now["tags"], now["properties"], now["country"]) == (["Big"], {"visits": amount}, "deu")
    assert await members(shop, segment) == {ASHA["customer_id"], BO["customer_id"]}
    tried = await shop.manage("POST", f"/automations/{one['id']}/dry-run", json={"days": 1})
    assert [step["outcome"] for step in tried.json()["people"][0]["steps"]] == ["set"] * 5
    # What it changes may start it again, but not for ever.
    circle = [{"id": "x", "kind": "property", "property": "name", "value": "{{ customer.name }}!"}]
    two = await launched(
        shop, {"trigger": {"kind": "event", "topic": "lead_update"}, "again": "always", "steps": circle}
    )
    await change(shop, await customer_id(shop), name="Asha")
    for _ in range(12):
        await followed(shop)
    assert (await shop.manage("GET", f"/automations/{two['id']}")).json()["stuck"]


async def test_files_platforms_and_pages_set_them_too(shop: Shop) -> None:
    await declare(shop, **OWN)
    file = 'customer_id,Tags,Shirt size,Visits\nshop-00001,"VIP, New",M,3\nshop-00002,,,many\n'
    seen, run = await handed(shop, "customers", file, "people.csv")
    assert [one["field"] for one in seen["columns"]][1:] == ["tags", "properties.shirt_size", "properties.visits"]
    assert (run["created"], [one["line"] for one in run["left_out"]]) == (1, [3])
    await handed(shop, "customers", "customer_id,Tags,Shirt size,Visits\nshop-00001,Old,L,4\n", "more.csv")
    [one] = (await shop.manage("GET", "/customers")).json()["items"]
    assert (one["tags"], one["properties"]) == (["VIP", "New", "Old"], {"shirt_size": "M", "visits": 3})
    how = {"format": {"dates": "day_first", "decimal": ","}, "replaces": True}
    file = "customer_id;properties.since;Visits\nshop-00001;03/04/2025;1.234,5\n"
    seen, run = await handed(shop, "customers", file, "again.csv", **how)
    # What is kept under a name that is not declared any more is in nobody's way; too many tags are, by their row.
    await declare(shop, shirt_size=None)
    tags = ";".join(f"tag {n}" for n in range(248))
    seen, run = await handed(shop, "customers", f"customer_id,Tags\nshop-00001,{tags}\n", "tags.csv")
    for left_out in (seen["progress"]["unusable"], run["left_out"]):
        assert [(one["line"], one["reason"]) for one in left_out] == [(2, "tags: expected at most 250")]
    _, run = await handed(shop, "customers", "customer_id,Wholesale\nshop-00001,yes\n", "last.csv")
    assert run["updated"] == 1
    [one] = (await shop.manage("GET", "/customers")).json()["items"]
    kept = {"shirt_size": "M", "visits": 1234.5, "since": "2025-04-03", "wholesale": True}
    assert (one["tags"], one["properties"]) == (["VIP", "New", "Old"], kept)
    # Some of many may go as others come; and of two who are one, whose tags are too many, the other's stay.
    await change(shop, one["id"], tags=[f"tag {n}" for n in range(250)])
    changed = await change(shop, one["id"], tags_added=["VIP", "new"], tags_removed=["tag 0", "tag 1"])
    assert len(changed["tags"]) == 250
    two = (await shop.manage("POST", "/customers", json=BO | {"tags": ["NEW", "Bo"]})).json()
    await shop.manage("POST", f"/customers/{two['id']}/merge", json={"into": one["id"]})
    [both] = (await shop.manage("GET", "/customers")).json()["items"]
    assert both["tags"] == changed["tags"]
    await change(
        shop, one["id"], tags=["VIP", "New", "Old"], properties={"visits": 3, "since": None, "wholesale": None}
    )
    await declare(shop, shirt_size="text")
    website = await connected(shop, "website", signed="no")
    said = {"customer_id": "shop-00001", "tags": ["vip", "Web"]}
    await shop.client.post(website.path, json=said, headers={"x-custom-website-topic": "customers/updated"})
    await website.handled()
    [one] = (await shop.manage("GET", "/customers")).json()["items"]
    assert one["tags"] == ["VIP", "New", "Old", "Web"]
    owner = await signed_in(shop, await person(shop, "owner"))
    settings = (await owner.get("/settings/customers")).text
    assert re.findall(r'name="names" value="(\w*)"', settings) == [*sorted(OWN), "", "", ""]
    kept = await owner.post(
        "/settings/customers", names=["Shirt size", "", "visits", "VIP since"], types=["text", "text", "number", "date"]
    )
    assert kept.status_code == 303, kept.text
    wrong = await owner.post("/settings/customers", names="visits", types="text")
    assert (wrong.status_code, "to stay a number" in wrong.text) == (422, True)
    page = (await owner.get(f"/customers/{one['id']}/edit")).text
    form = form_of(page, f"/customers/{one['id']}/edit")
    assert (form["tags"], form["properties.visits"], form["properties.vip_since"]) == ("VIP\nNew\nOld\nWeb", "3", "")
    bad = await owner.post(f"/customers/{one['id']}/edit", **form | {"properties.visits": "many"})
    assert (bad.status_code, "a number such as 42" in bad.text) == (422, True)
    answer = await owner.post(
        f"/customers/{one['id']}/edit", **form | {"tags": "VIP", "properties.vip_since": "2026-01-02"}
    )
    assert answer.status_code == 303
    shown = (await owner.get(f"/customers/{one['id']}")).text
    assert "<bdi>2026-01-02</bdi>" in shown
    exported = (await owner.get("/customers.csv")).text
    assert exported.splitlines()[0].endswith("Tags,shirt_size,vip_since,visits")
    assert exported.splitlines()[1].endswith("VIP,M,2026-01-02,3")
    builder = (await owner.get("/segments/new")).text
    builder = (await owner.post("/segments/new", name="x", kind="live", **{"condition.add_row": "condition"})).text
    assert "Customer&#39;s vip since" in builder
