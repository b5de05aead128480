"""At the dashboard: how a trigger is shown in the rewards widget."""

from __future__ import annotations

import pytest

from tests.doors import Shop
from tests.stories.browsing import person, signed_in

FORM = {"name": "Follow us", "source": "api", "operation": "cr", "coins_min": "5", "coins_max": "5", "active": "yes"}
CONTENT = {"type": "social", "title": "Follow", "description": "Five coins", "icon": "heart", "link": "/social"}


def in_form(content: dict[str, str]) -> dict[str, str]:
    return {f"content.{name}": value for name, value in content.items()}


async def test_what_the_widget_draws_is_edited_with_the_trigger(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    made = await owner.post("/triggers/new", **FORM, show_in_widget="yes", **in_form(CONTENT))
    assert made.status_code == 303
    (item,) = (await shop.manage("GET", "/triggers")).json()["items"]
    assert item["content"] == CONTENT
    page = (await owner.get(f"/triggers/{item['id']}")).text
    assert 'value="Follow"' in page
    assert 'value="/social"' in page
    changed = CONTENT | {"title": "Follow us", "link": "https://social.example"}
    assert (await owner.post(f"/triggers/{item['id']}", **FORM, **in_form(changed))).status_code == 303
    (item,) = (await shop.manage("GET", "/triggers")).json()["items"]
    assert (item["content"], item["version"]) == (changed, 1)


@pytest.mark.parametrize("wrong", [{"link": "javascript:alert(1)"}, {"icon": "data:text/html,x"}, {"title": "x" * 201}])
async def test_what_a_widget_can_not_draw_is_said_beside_its_field(shop: Shop, wrong: dict[str, str]) -> None:
    owner = await signed_in(shop, await person(shop, "asha"))
    answer = await owner.post("/triggers/new", **FORM, **in_form(wrong))
    assert answer.status_code == 422
    assert f'id="content.{next(iter(wrong))}-wrong"' in answer.text
    rule = {"coins_min": 5, "coins_max": 5}
    by_api = await shop.manage("POST", "/triggers", json={"name": "x", "source": "api", "rule": rule, "content": wrong})
    assert (by_api.status_code, list(by_api.json()["fields"])) == (422, [f"content.{next(iter(wrong))}"])
