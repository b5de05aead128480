"""A campaign by a mail server that refuses, asks to come later, drops and is slow: each has its outcome, nobody two."""

from typing import Any

from regulars import limits, worker
from regulars.kit.clock import HandClock
from regulars.sandbox import Fault, Sandbox
from regulars.wiring import App
from regulars.worker import Carriers
from tests.doors import Shop
from tests.stories.test_senders import app, outside, ready, shop

__all__ = ["app", "outside", "shop"]


async def test_each_answer_of_a_mail_server_is_counted_and_a_finished_campaign_has_nothing_open(
    app: App, shop: Shop, outside: Sandbox, clock: HandClock
) -> None:
    async def work(patience_s: float) -> dict[str, Any]:
        await worker.drain(
            app.db, Carriers(app.box), app.http, clock=app.clock, random=lambda: 0.5, patience_s=patience_s
        )
        found: dict[str, Any] = (await shop.manage("GET", f"/campaigns/{one['id']}")).json()
        return found

    await ready(shop, outside)
    names = ("nobody", "later", "drop", "asha", "bo")
    for name in names:
        await shop.manage(
            "POST", "/customers", json={"customer_id": f"customer-{name}", "email": f"{name}@example.com"}
        )
    await shop.manage("PATCH", "/workspace", json={"settings": {"messages": {"quiet_from": 0, "quiet_until": 0}}})
    content = {"subject": "Spring", "body": "<p>Come by, {{ user_name | default: 'you' }}</p>"}
    template = (await shop.manage("POST", "/templates", json={"name": "Spring", "content": content})).json()
    body = {"name": "Spring", "variants": [{"template_id": template["id"]}]}
    one = (await shop.manage("POST", "/campaigns", json=body)).json()
    outside.shop("blue-cups").faults.put(Fault(tool="smtp", fault="slow", times=2, seconds=0.2))
    assert (await shop.manage("POST", f"/campaigns/{one['id']}/launch")).status_code == 200
    assert (await work(5.0))["state"] == "sending", "one of them is to come later, so it is not finished"
    done = await work(limits.GREYLISTED_S + 30)
    assert (done["state"], done["over"], done["recipients"]) == ("finished", 5, 5)
    came = (await shop.manage("GET", f"/campaigns/{one['id']}/report")).json()["came"]
    assert (came["sent"], came["failed"], came["uncertain"]) == (3, 1, 1)
    inbox = sorted(message.to for message in outside.shop("blue-cups").memory.messages)
    assert inbox == [f"{name}@example.com" for name in ("asha", "bo", "drop", "later")], "each of them once"
    rows = (await shop.manage("GET", f"/campaigns/{one['id']}/recipients", params={"state": "failed"})).json()["items"]
    assert "5.1.1" in rows[0]["reason"]
    stopped = (await shop.manage("GET", "/suppressions")).json()["items"]
    assert [each["address"] for each in stopped] == ["nobody@example.com"]
