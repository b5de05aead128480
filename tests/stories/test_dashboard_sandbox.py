"""The sandbox in the dashboard: what a shop's look-alikes received is that shop's to see, and its faults befall it
alone."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from regulars import integrations, sandbox
from regulars.delivery import CheckResult
from regulars.kit.clock import HandClock
from regulars.kit.ports import free_port
from regulars.wiring import App
from tests.doors import Shop, a_shop, client_of, opened
from tests.stories.browsing import person, signed_in


@pytest.fixture
async def app(pool: Any, clock: HandClock) -> AsyncIterator[App]:
    port = free_port()
    async with sandbox.running(port=port), opened(pool, clock, sandbox_port=port, allow_loopback=True) as application:
        yield application


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as opened_client:
        yield opened_client


async def asks_omnisend(shop: Shop) -> CheckResult:
    app, now = shop.app, shop.app.clock.now()
    given = {"api_key": "sandbox-key", "host": f"{app.settings.sandbox_address(shop.workspace.id)}/omnisend"}
    async with app.db.transaction() as tx:
        shown = await integrations.add(tx, shop.workspace.id, app.box, tool="omnisend", name="", given=given, now=now)
    return await integrations.check(app.http, integrations.carrier(shown.integration, app.box), now)


async def test_another_shops_reader_sees_nothing_and_its_faults_befall_nobody_else(
    shop: Shop, client: httpx.AsyncClient, clock: HandClock
) -> None:
    other = await a_shop(shop.app, client, clock.now(), "Other Shop")
    owner = await signed_in(shop, await person(shop, "owner"))
    reader = await signed_in(other, await person(other, "reader", "reader"))

    done = await owner.post("/sandbox/faults", tool="omnisend", fault="401", times="2")
    assert done.status_code == 303
    assert not (await asks_omnisend(shop)).ok
    assert (await asks_omnisend(other)).ok

    mine, theirs = (await owner.get("/sandbox")).text, (await reader.get("/sandbox")).text
    assert mine.count("GET /omnisend/") == theirs.count("GET /omnisend/") == 1
    assert "told to answer 401" in mine
    assert "told to answer 401" not in theirs
    assert "Goes wrong" not in theirs
    assert shop.app.settings.sandbox_address(shop.workspace.id) not in theirs
    for path in ("/sandbox/faults", "/sandbox/faults/stop", "/sandbox/clear"):
        assert (await reader.post(path, tool="omnisend", fault="500")).status_code == 403


async def test_what_goes_wrong_is_shown_counted_down_and_stopped(shop: Shop) -> None:
    owner = await signed_in(shop, await person(shop, "owner"))
    assert "Goes wrong" not in (await owner.get("/sandbox")).text
    await owner.post("/sandbox/faults", tool="omnisend", fault="401", times="3")
    assert "answer 401: key refused, 3 calls to go" in (await owner.get("/sandbox")).text
    assert not (await asks_omnisend(shop)).ok
    page = (await owner.get("/sandbox")).text
    assert "answer 401: key refused, 2 calls to go" in page
    assert 'action="/sandbox/faults/stop"' in page

    assert (await owner.post("/sandbox/faults/stop", tool="omnisend")).status_code == 303

    assert "Goes wrong" not in (await owner.get("/sandbox")).text
    assert (await asks_omnisend(shop)).ok


async def test_an_editor_does_not_have_a_tools_key_sent_to_themselves(shop: Shop) -> None:
    editor = await signed_in(shop, await person(shop, "ben", "editor"))
    made = (
        await shop.manage("POST", "/integrations", json={"tool": "omnisend", "settings": {"api_key": "of-the-shop"}})
    ).json()
    path, host = f"/integrations/{made['integration']['id']}", shop.app.settings.sandbox_address(shop.workspace.id)

    by_program = await shop.manage("PATCH", path, key=shop.admin_key, json={"settings": {"host": f"{host}/omnisend"}})
    assert (by_program.status_code, list(by_program.json()["fields"])) == (422, ["api_key"])
    settings = {"name": "Omnisend"} | {name: str(value) for name, value in made["integration"]["settings"].items()}
    by_form = await editor.post(path, **settings | {"host": f"{host}/omnisend", "api_key": "", "act": "initialize"})
    assert by_form.status_code == 422
    assert "Give it once more, since it would be sent somewhere else than before." in by_form.text
    assert "No call yet" in (await editor.get("/sandbox")).text

    known = await editor.post(
        path, **settings | {"host": f"{host}/omnisend", "api_key": "sandbox-1", "act": "initialize"}
    )
    assert known.status_code == 303
    assert "No call yet" not in (await editor.get("/sandbox")).text
