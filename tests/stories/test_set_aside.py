"""What was due and could not be done is seen, with why, and tried again: in the dashboard and by a program."""

from collections.abc import Sequence
from datetime import datetime

from regulars import schedule
from regulars.kit.clock import HandClock
from regulars.kit.db import Tx
from regulars.kit.errors import Conflict
from regulars.schedule import Due
from regulars.tenancy import Workspace
from tests import make
from tests.doors import Shop
from tests.stories.browsing import person, signed_in


async def test_what_could_not_be_done_is_seen_and_tried_again(shop: Shop, clock: HandClock) -> None:
    browser = await signed_in(shop, await person(shop, "aside-owner"))
    assert "Nothing is set aside" in (await browser.get("/set-aside")).text
    assert (await shop.manage("GET", "/set-aside")).json() == {"items": [], "next": None}
    assert "could not be done" not in (await browser.get("/")).text
    failing = {"a", "b", "c"}

    async def handler(tx: Tx, workspace: Workspace, due: Sequence[Due], now: datetime) -> None:
        for one in due:
            if one.key in failing:
                raise Conflict(f"The <drawer> of {one.key} is stuck.")

    async def done() -> None:
        await make.done(shop.app.db, clock, {"tests.first": handler, "tests.second": handler})

    kinds = {"a": "tests.first", "b": "tests.second", "c": "tests.second"}
    async with shop.app.db.transaction() as tx:
        dues = [Due(kind, key, clock.now(), {"shelf": 7}) for key, kind in kinds.items()]
        await schedule.put(tx, shop.workspace.id, dues)
    await done()

    page = (await browser.get("/set-aside")).text
    assert "The &lt;drawer&gt; of a is stuck." in page
    assert "Tests: first" in page
    assert "Try all 3 again" in page
    assert "Try it again" in (await browser.get("/set-aside?kind=tests.first")).text
    assert "3 things could not be done." in (await browser.get("/")).text
    assert "The <drawer> of b is stuck." in (await browser.get("/set-aside.csv")).text
    first = (await shop.manage("GET", "/set-aside?limit=2")).json()
    rest = (await shop.manage("GET", f"/set-aside?before={first['next']}")).json()
    assert {one["key"] for one in first["items"] + rest["items"]} == failing
    assert rest["next"] is None
    (of_kind,) = (await shop.manage("GET", "/set-aside?kind=tests.first")).json()["items"]
    assert (of_kind["key"], of_kind["payload"], of_kind["reason"]) == ("a", {"shelf": 7}, "The <drawer> of a is stuck.")

    failing.discard("b")
    reader = await signed_in(shop, await person(shop, "aside-reader", role="reader"))
    assert "Try all" not in (await reader.get("/set-aside")).text
    answer = await shop.manage("POST", "/set-aside/retry", json={"kind": "tests.second"})
    assert answer.json() == {"due": 2}
    await done()
    assert {one["key"] for one in (await shop.manage("GET", "/set-aside")).json()["items"]} == {"a", "c"}
    failing.clear()
    assert (await browser.post("/set-aside/retry", kind="")).status_code == 303
    await done()
    assert (await shop.manage("GET", "/set-aside")).json()["items"] == []
    assert "Tried again what was set aside" in (await browser.get("/audit")).text
    wrong = await shop.manage("POST", "/set-aside/retry", json={"kind": 7})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["kind"])
