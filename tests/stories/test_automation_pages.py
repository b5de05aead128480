"""Automations as a shop's people make them, without scripts: begun from the gallery, built by buttons, published,
launched, and looked into."""

from functools import reduce
from html import unescape
from typing import Any

from tests.doors import ASHA, Shop
from tests.stories.browsing import Browser, form_of, person, signed_in


def deep(blocks: int) -> dict[str, Any]:
    none: list[Any] = []
    return {"steps": reduce(lambda inside, n: [{"id": f"b{n}", "kind": "branch", "yes": inside}], range(blocks), none)}


class Builder:
    """The page of one automation, and its form as it stands."""

    def __init__(self, owner: Browser, path: str) -> None:
        self.owner, self.path, self.page = owner, path, ""

    async def look(self, query: str = "step=start") -> str:
        answer = await self.owner.get(f"{self.path}?{query}")
        assert answer.status_code == 200
        self.page = answer.text
        return self.page

    async def press(self, act: str = "", **typed: str) -> Any:
        form = form_of(self.page, self.path) | typed | ({"act": act} if act else {})
        answer = await self.owner.post(self.path, **form)
        if answer.status_code == 303:
            assert answer.headers["location"].startswith(self.path)
            await self.look(answer.headers["location"].partition("?")[2])
        return answer

    async def add(self, place: str, index: int, kind: str, **typed: str) -> str:
        """The id of a block that was put in and set."""
        await self.look(f"put={place}:{index}")
        assert "What is put in here?" in self.page
        await self.press(f"add:{place}:{index}:{kind}")
        id = form_of(self.page, self.path)["step"]
        if typed:
            assert (await self.press(**typed)).status_code == 303
        return id

    async def item(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.owner.shop.manage("GET", self.path)).json()
        return found


def order(steps: list[dict[str, Any]]) -> list[Any]:
    """Ids, and inside of them lists."""
    inside = ("yes", "no", "came", "otherwise")
    return [[one["id"], *(order(one[name]) for name in inside if name in one)] for one in steps]


async def test_each_of_the_gallery_works_as_it_is(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "owner"))
    assert "No automations yet" in (await owner.get("/automations")).text
    gallery = (await owner.get("/automations/new")).text
    listed = (await shop.manage("GET", "/automations/gallery")).json()["items"]
    assert len(listed) == 9
    for key, name, words in ((one["key"], one["name"], one["words"]) for one in listed):
        assert name in gallery
        assert words in unescape(gallery)
        made = await owner.post("/automations/new", **{"from": key})
        assert made.status_code == 303, made.text
        builder = Builder(owner, made.headers["location"])
        assert 'class="findings"' not in await builder.look(), key
        await builder.press("publish")
        assert (await builder.item())["version"] == 1, key
        launched = await owner.post(f"{builder.path}/launch", people="stay")
        assert launched.status_code == 303
        assert (await builder.item())["state"] == "running"
    assert (await owner.post("/automations/new", **{"from": "none"})).status_code == 422


async def test_blocks_are_put_in_set_and_moved_by_buttons(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "owner"))
    builder = Builder(owner, (await owner.post("/automations/new", **{"from": ""})).headers["location"])
    assert "What is put in here?" not in await builder.look("put=:\u00b2")
    wait = await builder.add("", 0, "wait", for_s="2 hours")
    branch = await builder.add("", 1, "branch")
    await builder.press("condition.add_row")
    message = await builder.add(f"{branch}.yes", 0, "message")
    definition = (await builder.item())["definition"]
    assert order(definition["steps"]) == [[wait], [branch, [[message]], []]]
    assert definition["steps"][0]["for_s"] == 7_200
    assert "Choose a template." in builder.page
    assert "Say what is asked." in builder.page
    # Moved to the other way, out, down (where it can't), in again, and up into the other way.
    for press, expected in (
        ("down", [[wait], [branch, [], [[message]]]]),
        ("out", [[wait], [branch, [], []], [message]]),
        ("down", [[wait], [branch, [], []], [message]]),
        ("in", [[wait], [branch, [[message]], []]]),
        ("out", [[wait], [branch, [], []], [message]]),
        ("up", [[wait], [message], [branch, [], []]]),
    ):
        await builder.press(f"{press}:{message}")
        assert order((await builder.item())["definition"]["steps"]) == expected, press
    await builder.press(f"move:{wait}:{branch}.no:0")
    assert order((await builder.item())["definition"]["steps"]) == [[message], [branch, [], [[wait]]]]
    # A block can't be inside of itself, nor where nothing is; nothing changes then.
    for act in (f"move:{branch}:{branch}.no:0", f"move:{wait}:gone.yes:0", "add::x:wait", "add::0:dance", "drop:gone"):
        answer = await builder.press(act)
        assert (answer.status_code, "Load the page again" in answer.text) == (422, True), act
    await builder.press(f"drop:{branch}")
    assert order((await builder.item())["definition"]["steps"]) == [[message]]
    await builder.press("undo")
    assert order((await builder.item())["definition"]["steps"]) == [[message], [branch, [], [[wait]]]]


async def test_a_draft_is_set_checked_published_launched_and_compared(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "owner"))
    builder = Builder(owner, (await owner.post("/automations/new", **{"from": "birthday"})).headers["location"])
    template = (await builder.item())["definition"]["steps"][0]["template_id"]
    await builder.look()
    await builder.press(called="Orders", how="event")
    assert (await builder.item())["name"] == "Orders"
    assert 'name="topic"' in builder.page
    restriction = {
        "condition.match": "all",
        "condition.0.property": "fiat_amount",
        "condition.0.operator": "at_least",
        "condition.0.value": "100",
    }
    await builder.press(topic="order_create", again="after", again_days="7", **restriction)
    definition = (await builder.item())["definition"]
    assert definition["trigger"] == {"kind": "event", "topic": "order_create"}
    assert (definition["again"], definition["again_days"]) == ("after", 7)
    assert definition["filter"] == {"all": [{"property": "fiat_amount", "operator": "at_least", "value": 100}]}
    assert "Again after 7 days" in builder.page
    # What can't be read stays as it was typed, and changes nothing.
    wrong = await builder.press(again_days="soon")
    assert (wrong.status_code, 'value="soon"' in wrong.text) == (422, True)
    assert "Give a whole number" in wrong.text
    # Unfinished, it is kept as a draft, and not published.
    message = await builder.add("", 0, "message")
    split = await builder.add("", 1, "split", **{"share.0": "30", "share.1": "60"})
    await builder.press("publish")
    assert (await builder.item())["version"] == 0
    assert "Choose a template." in builder.page
    assert "The shares must come to 100." in builder.page
    await builder.press(f"way:{split}")
    await builder.press(**{"share.2": "10"})
    waited = await builder.add(f"{split}.2", 0, "wait_event", topic="order_update", longest_s="2 weeks")
    await builder.look(f"step={message}")
    await builder.press("publish", template_id=template)
    assert (await builder.item())["version"] == 1
    assert (await owner.post(f"{builder.path}/launch", people="stay")).status_code == 303
    # Another window's draft is not written over.
    await builder.look(f"step={waited}")
    late = await builder.press(longest_s="1 day", revision="1")
    assert "was changed since it was read" in late.text
    assert 'value="1 day"' in late.text
    # What differs is said, and a version is launched for those inside, too.
    await builder.look(f"step={waited}")
    await builder.press(longest_s="3 days")
    await builder.press(f"drop:{message}")
    await builder.look("step=leave")
    await builder.press("exit")
    await builder.press(topic="lead_update")
    await builder.look("step=goal")
    await builder.press("publish", topic="review_create")
    differs = (await owner.get(f"{builder.path}/versions?before=1&after=2")).text
    for words in (
        "for 2 weeks at most",
        "for 3 days at most",
        "Removed",
        "a customer is updated",
        "When a review is created",
    ):
        assert words in differs, words
    assert "Nothing differs" in (await owner.get(f"{builder.path}/versions")).text
    assert (await owner.post(f"{builder.path}/launch", people="move")).status_code == 303
    assert (await builder.item())["launched"] == 2
    assert (await owner.post(f"{builder.path}/pause")).status_code == 303
    assert (await owner.post(f"{builder.path}/delete")).status_code == 303
    assert "No automations yet" in (await owner.get("/automations")).text


async def test_a_programs_draft_is_shown_whatever_it_is_and_readers_only_look(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "owner"))
    made = (await shop.manage("POST", "/automations", json={"name": "Odd"})).json()
    path = f"/automations/{made['id']}"
    assert "Say what starts it." in (await owner.get(path)).text
    odd: list[Any] = [
        {"steps": 5},
        {"steps": [{"id": "a", "kind": "wait", "for_s": "long"}]},
        {"steps": [{"kind": "wait"}]},
        {"trigger": {"kind": "schedule", "every": "week", "weekday": 99}},
        {"goal": {"topic": ["x"]}},
        {"steps": [{"id": "a", "kind": "split", "ways": [{"share": "x", "steps": []}]}]},
        {"exits": [{"topic": "order_create", "where": {"all": 5}}]},
        deep(49),
    ]
    for revision, definition in enumerate(odd, 1):
        changes = {"definition": definition, "revision": revision}
        assert (await shop.manage("PATCH", path, json=changes)).status_code == 200
        for place in (path, f"{path}?step=exits.0", f"{path}/versions"):
            answer = await owner.get(place)
            assert answer.status_code in (200, 409), (definition, place)
        for place in (f"{path}/people", f"{path}/try?days=7"):
            assert (await owner.get(place)).status_code == 200, (definition, place)
    too_deep = {"definition": deep(50), "revision": len(odd) + 1}
    refused = await shop.manage("PATCH", path, json=too_deep)
    assert refused.status_code == 422
    assert "100 deep" in refused.json()["fields"]["definition"]
    reader = await signed_in(shop, await person(shop, "reader", "reader"))
    page = (await reader.get((await owner.post("/automations/new", **{"from": "welcome"})).headers["location"])).text
    assert "You can look here, but not change." in page
    assert 'class="plus' not in page


async def test_a_draft_is_tried_on_the_past_and_with_a_customer(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "owner"))
    path = (await owner.post("/automations/new", **{"from": "welcome"})).headers["location"]
    assert (await owner.get(f"{path}/try?days=7")).status_code == 200
    assert (await shop.manage("POST", "/customers", json=ASHA)).status_code == 201
    dry = await owner.get(f"{path}/try?days=7")
    assert (dry.status_code, "Asha" in dry.text, "Welcome to" in dry.text) == (200, True, True)
    tried = await owner.post(f"{path}/try", about="", test_to="")
    assert (tried.status_code, "The way of" in tried.text, "It did not come" in tried.text) == (200, True, True)
    scratch = (await owner.post("/automations/new", **{"from": ""})).headers["location"]
    assert "The draft is not finished." in (await owner.get(f"{scratch}/try?days=7")).text
    assert "The draft is not finished." in (await owner.post(f"{scratch}/try", about="")).text
    assert (await owner.post(f"{scratch}/try", about="nobody@example.com")).status_code == 404
