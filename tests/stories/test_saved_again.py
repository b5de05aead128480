"""What is saved as it is already changes nothing and leaves no line in the audit log, at every door: a second press, or
a call that is made again, is no act."""

from typing import Any

import pytest

from regulars.kit.clock import HandClock
from tests.doors import ASHA, Shop, per_dollar
from tests.stories.browsing import form_of, person, signed_in

RULES = "/send-events"


async def acts(shop: Shop) -> list[str]:
    lines = (await shop.manage("GET", "/audit", params={"limit": 100})).json()["items"]
    return [line["act"] for line in reversed(lines)]


async def things(shop: Shop) -> dict[str, str]:
    """One of each thing that can be changed, by the names in the tables below."""

    async def made(path: str, **body: Any) -> str:
        answer = await shop.manage("POST", path, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json().get("integration", answer.json())["id"])

    gift = {"title": "A gift", "coins_min": 5, "coins_max": 9}
    tool = await made("/integrations", tool="webhook", settings={"url": "https://tool.example/hook"})
    condition = {"all": [{"property": "amount", "operator": "at_least", "value": 20}]}
    return {
        "tool": tool,
        "rule": await made(RULES, topic="walletreward_create", integration_id=tool, condition=condition),
        "gift": await made("/triggers", name="Gift", source="api", rule=gift, content={"title": "A gift"}),
        "order": await per_dollar(shop),
        "first": await made("/triggers", name="Hello", source="customer_created", rule={"coins_min": 5}),
        "customer": await made("/customers", **ASHA, mobile="9800000000", country="ind", dob="1990-05-26"),
        "person": str((await person(shop, "rita", "reader")).id),
    }


FORMS = [
    ("/settings/shop", "/settings/shop", {"name": "Another name", "uri": "https://a.example"}, "workspace.update"),
    ("/settings/programs", "/settings/programs", {"utm_source": "shop"}, "workspace.update"),
    ("/settings/kept", "/settings/kept", {"firings_months": "14"}, "workspace.update"),
    ("/settings/coins", "/settings/coins", {"expiry": "per_lot"}, "workspace.update"),
    ("/settings/reminders", "/settings/reminders", {"at_hour": "9"}, "workspace.update"),
    ("/settings/earning", "/settings/earning", {"tags_excluded": "gift", "net_of_discount": ""}, "workspace.update"),
    ("/customers/{customer}/edit", "/customers/{customer}/edit", {"name": "Asha R."}, "customer.update"),
    ("/triggers/{gift}", "/triggers/{gift}", {"coins_max": "12"}, "trigger.update"),
    ("/triggers/{order}", "/triggers/{order}", {"coins_per_unit": "3"}, "trigger.update"),
    ("/triggers/{first}", "/triggers/{first}", {"content.title": "Hello"}, "trigger.update"),
    ("/integrations/{tool}", "/integrations/{tool}", {"name": "Till"}, "integration.update"),
    ("/events/send/{rule}", "/events/send/{rule}", {"prefix": "Shop "}, "rule.update"),
    ("/staff/{person}", "/staff/{person}", {"role": "editor"}, "staff.update"),
    ("/events", "/events/switch", {"on": "yes"}, "events.switch_on"),
]


@pytest.mark.parametrize(("page", "action", "change", "act"), FORMS, ids=[form[0] for form in FORMS])
async def test_a_form_that_changes_nothing_is_no_act(
    shop: Shop, page: str, action: str, change: dict[str, str], act: str
) -> None:
    ids, owner = await things(shop), await signed_in(shop, await person(shop, "asha"))
    page, action, before = page.format(**ids), action.format(**ids), await acts(shop)
    drawn = form_of((await owner.get(page)).text, action)
    assert change.keys() <= drawn.keys() or act == "events.switch_on", drawn
    if act != "events.switch_on":
        assert (await owner.post(action, **drawn)).status_code == 303
        assert await acts(shop) == before
    for _ in range(2):
        assert (await owner.post(action, **drawn | change)).status_code == 303
        assert await acts(shop) == [*before, act]


CALLS = [
    ("/workspace", {"name": "Another name", "settings": {"utm_source": None, "country": "ind"}}, "workspace.update"),
    ("/workspace", {"events_on": True}, "events.switch_on"),
    ("/customers/{customer}", {"name": "Asha R.", "accept_email": False}, "customer.update"),
    ("/triggers/{gift}", {"rule": {"coins_max": 12}}, "trigger.update"),
    ("/integrations/{tool}", {"name": "Till", "settings": {"rate_per_minute": 7}}, "integration.update"),
    ("/send-events/{rule}", {"active": False}, "rule.update"),
    ("/staff/{person}", {"role": "editor"}, "staff.update"),
]


@pytest.mark.parametrize(("path", "change", "act"), CALLS, ids=[act for *_, act in CALLS])
async def test_a_call_that_changes_nothing_is_no_act(
    shop: Shop, clock: HandClock, path: str, change: dict[str, Any], act: str
) -> None:
    ids = await things(shop)
    path, before = path.format(**ids), await acts(shop)
    first = await shop.manage("PATCH", path, json=change)
    assert first.status_code == 200, first.text
    clock.advance(minutes=5)
    again = await shop.manage("PATCH", path, json=change)
    assert (again.status_code, again.json()) == (200, first.json())
    assert await acts(shop) == [*before, act]


async def test_what_is_paused_is_not_paused_again(shop: Shop) -> None:
    tool, before = (await things(shop))["tool"], await acts(shop)
    for _ in range(2):
        paused = (await shop.manage("POST", f"/integrations/{tool}/pause")).json()
        assert (paused["state"], paused["state_reason"]) == ("paused", "Paused by the key Office. Initialize to go on.")
    nothing = await shop.manage("POST", "/deliveries/replay", json={"integration_id": tool})
    assert nothing.json() == {"queued": 0, "left": 0, "refused": []}
    assert await acts(shop) == [*before, "integration.pause"]
