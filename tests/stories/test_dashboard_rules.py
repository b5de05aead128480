"""At the dashboard: what a Send Events rule asks for, as it is made, changed, and kept until its owner has decided."""

from uuid import UUID

import pytest

from regulars import dispatch, integrations
from tests.doors import Shop
from tests.stories.browsing import Browser, form_of, person, signed_in


async def a_tool(shop: Shop) -> str:
    given = {"url": "https://tool.example/hook"}
    async with shop.app.db.transaction() as tx:
        made = await integrations.add(
            tx, shop.workspace.id, shop.app.box, tool="webhook", name="Tool", given=given, now=shop.app.clock.now()
        )
    return str(made.integration.id)


async def an_owner(shop: Shop) -> Browser:
    return await signed_in(shop, await person(shop, "asha"))


async def rules(shop: Shop) -> list[dispatch.Rule]:
    async with shop.app.db.reading() as tx:
        return await dispatch.list_rules(tx, shop.workspace.id)


def row(number: int, name: str = "amount", operator: str = "at_least", value: str = "20") -> dict[str, str]:
    at = f"condition.{number}"
    return {f"{at}.property": name, f"{at}.operator": operator, f"{at}.value": value, f"{at}.shown": name}


def sent_again(page: str) -> dict[str, str]:
    """What the page's builder would send as it stands: what was typed, in every control."""
    return {name: value for name, value in form_of(page).items() if name.startswith("condition")}


@pytest.mark.parametrize(
    ("unfinished", "field"),
    [
        ({"condition.0.property": ""}, "condition.0.property"),
        (row(0, operator=""), "condition.0.operator"),
        (row(0, value=""), "condition.0.value"),
        (row(0, "operation", "is", ""), "condition.0.value"),
        ({"condition.0.match": "any"}, "condition.0.match"),
    ],
)
async def test_a_restriction_that_was_begun_is_asked_about_and_never_dropped(
    shop: Shop, unfinished: dict[str, str], field: str
) -> None:
    owner, tool = await an_owner(shop), await a_tool(shop)
    form = {"topic": "walletreward_create", "integration_id": tool, "prefix": "Shop ", "condition.match": "all"}
    answer = await owner.post("/events/send/new", **form, **unfinished, **row(1, "user_email", "contains", "@example"))
    assert answer.status_code == 422
    assert await rules(shop) == []
    assert answer.text.count('class="wrong" role="alert"') == 1
    drawn = sent_again(answer.text)
    assert unfinished.items() <= drawn.items() or field not in unfinished
    assert row(1, "user_email", "contains", "@example").items() <= drawn.items()
    assert 'value="Shop "' in answer.text
    # Taken away by the owner, the rest is created.
    kept = {name: value for name, value in drawn.items() if not name.startswith("condition.0")}
    assert (await owner.post("/events/send/new", **form | kept)).status_code == 303
    (rule,) = await rules(shop)
    assert rule.condition == {"all": [{"property": "user_email", "operator": "contains", "value": "@example"}]}


async def test_another_event_keeps_what_fits_it_and_names_what_does_not(shop: Shop) -> None:
    owner, tool = await an_owner(shop), await a_tool(shop)
    form = {"topic": "coupon_create", "integration_id": tool, "prefix": "", "condition.match": "all"}
    asked = row(0) | row(1, "user_email", "contains", "@example") | row(2, "type", "one_of", "reward")
    page = (await owner.post("/events/send/new", **form, **asked, **{"condition.redraw": "yes"})).text
    assert "There is no “Amount” here." in page
    assert "user email" not in page
    drawn = sent_again(page)
    assert asked.items() <= drawn.items()
    refused = await owner.post("/events/send/new", **form | drawn)
    assert refused.status_code == 422
    assert "There is no “Amount” here." in refused.text
    assert await rules(shop) == []
    # Back at the first event all of it fits again, as it was typed.
    back = await owner.post("/events/send/new", **form | drawn | {"topic": "walletreward_create"})
    assert back.status_code == 303
    (rule,) = await rules(shop)
    assert rule.condition == {
        "all": [
            {"property": "amount", "operator": "at_least", "value": 20},
            {"property": "user_email", "operator": "contains", "value": "@example"},
            {"property": "type", "operator": "one_of", "value": ["reward"]},
        ]
    }


async def test_a_value_that_another_event_does_not_know_is_kept_and_named(shop: Shop) -> None:
    owner, tool = await an_owner(shop), await a_tool(shop)
    form = {"topic": "walletreward_create", "integration_id": tool, "prefix": "", "condition.match": "all"}
    asked = row(0, "type", "is", "manual_redeem") | row(1, "type", "contains", "redeem")
    page = (await owner.post("/events/send/new", **form, **asked, **{"condition.redraw": "yes"})).text
    assert "manual_redeem: not one of these" in page
    assert "contains: does not fit here" in page
    assert asked.items() <= sent_again(page).items()
    refused = await owner.post("/events/send/new", **form | sent_again(page))
    assert refused.status_code == 422
    assert refused.text.count('class="wrong" role="alert"') == 2
    assert asked.items() <= sent_again(refused.text).items()


async def test_a_rule_that_asks_for_what_is_no_longer_known_can_be_stopped_and_put_right(shop: Shop) -> None:
    owner, tool = await an_owner(shop), await a_tool(shop)
    odd = {"all": [{"property": "shoe_size", "operator": "at_least", "value": 40}]}
    async with shop.app.db.transaction() as tx:
        rule = await dispatch.create_rule(
            tx, shop.workspace.id, topic="lead_create", integration_id=UUID(tool), now=shop.app.clock.now()
        )
        sql = "UPDATE dispatch_rule SET condition = $2 WHERE workspace_id = $1"
        await tx.execute(sql, shop.workspace.id, odd)
    path = f"/events/send/{rule.id}"
    page = (await owner.get(path)).text
    assert "There is no “shoe_size” here." in page
    form = {"integration_id": tool, "prefix": "", "active": ""} | sent_again(page)
    assert (await owner.post(path, **form)).status_code == 303
    (stopped,) = await rules(shop)
    assert (stopped.active, stopped.condition) == (False, odd)
    changed = form | {"condition.1.property": "user_email", "condition.1.operator": "is_set"}
    assert (await owner.post(path, **changed)).status_code == 422
    removed = {name: value for name, value in changed.items() if not name.startswith("condition.0")}
    assert (await owner.post(path, **removed)).status_code == 303
    (mended,) = await rules(shop)
    assert mended.condition == {"all": [{"property": "user_email", "operator": "is_set"}]}


async def test_the_api_refuses_what_does_not_fit_by_its_path(shop: Shop) -> None:
    tree = {"all": [{"property": "amount", "operator": "at_least", "value": 20}, {"operator": "is"}, {"any": []}]}
    rule = {"topic": "coupon_create", "integration_id": await a_tool(shop), "condition": tree}
    answer = await shop.manage("POST", "/send-events", json=rule)
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {
        *("condition.all[0].property", "condition.all[1].property", "condition.all[2].any")
    }
    assert await rules(shop) == []
