"""Adding, changing, initializing and removing a configured tool."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from regulars import delivery, integrations, sandbox
from regulars.integrations import Integration, Shown
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.errors import Conflict, Invalid, NotFound
from regulars.kit.mail import Outside
from regulars.kit.secrets import SecretBox, Unreadable
from regulars.tenancy import Workspace, create_workspace

BOX = SecretBox("a key of the tests, which is long enough")


@pytest.fixture
async def look_alikes() -> AsyncIterator[sandbox.Sandbox]:
    async with sandbox.running() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[Outside]:
    async with Outside(allow_loopback=True, deadline_s=5) as client:
        yield client


async def add(db: Database, workspace: Workspace, clock: HandClock, tool: str, **given: Any) -> Shown:
    async with db.transaction() as tx:
        return await integrations.add(tx, workspace.id, BOX, tool=tool, name="", given=given, now=clock.now())


async def lane(db: Database, integration: Integration, clock: HandClock) -> delivery.LaneHealth:
    async with db.reading() as tx:
        lanes = await delivery.lane_health(tx, integration.workspace_id, clock.now())
    return next(one for one in lanes if one.lane_id == integration.id)


async def initialize(db: Database, integration: Integration, http: Outside, clock: HandClock) -> Integration:
    """As a door does it: the tool is asked between the transactions."""
    result = await integrations.check(http, integrations.carrier(integration, BOX), clock.now())
    async with db.transaction() as tx:
        return await integrations.conclude(tx, integration, result, clock.now())


async def test_a_new_one_waits_for_initialize(db: Database, workspace: Workspace, clock: HandClock) -> None:
    shown = await add(db, workspace, clock, "omnisend", api_key="sandbox-1")

    made = shown.integration
    assert (made.state, made.name, made.settings["primary_selector"]) == ("new", "Omnisend", "email")
    assert shown.new_secrets == {}, "a secret that was given is not said again"
    assert b"sandbox-1" not in made.sealed
    its_lane = await lane(db, made, clock)
    assert (its_lane.paused, its_lane.rate_per_minute) == (True, 400)
    async with db.reading() as tx:
        assert await integrations.list_integrations(tx, workspace.id) == [made]
        assert await integrations.get_integration(tx, workspace.id, made.id) == made


async def test_a_secret_that_is_made_is_shown_once(db: Database, workspace: Workspace, clock: HandClock) -> None:
    shown = await add(db, workspace, clock, "webhook", url="https://shop.example/hook")
    assert shown.new_secrets["secret"].startswith("whsec_")


async def test_wrong_settings_change_nothing(db: Database, workspace: Workspace, clock: HandClock) -> None:
    with pytest.raises(Invalid) as refused:
        await add(db, workspace, clock, "omnisend", host="ftp://x", primary_selector="name")
    assert set(refused.value.fields) == {"host", "primary_selector", "api_key"}
    with pytest.raises(Invalid):
        await add(db, workspace, clock, "carrier pigeon")
    async with db.reading() as tx:
        assert await integrations.list_integrations(tx, workspace.id) == []


async def test_initialize_makes_it_ready(
    db: Database, workspace: Workspace, clock: HandClock, http: Outside, look_alikes: sandbox.Sandbox
) -> None:
    host = f"{look_alikes.base_url}/omnisend"
    made = (await add(db, workspace, clock, "omnisend", api_key="sandbox-1", host=host)).integration

    ready = await initialize(db, made, http, clock)

    assert (ready.state, ready.state_reason) == ("ready", "")
    assert not (await lane(db, made, clock)).paused


async def test_initialize_that_fails_pauses_and_says_why_until_it_is_mended(
    db: Database, workspace: Workspace, clock: HandClock, http: Outside, look_alikes: sandbox.Sandbox
) -> None:
    host = f"{look_alikes.base_url}/omnisend"
    made = (await add(db, workspace, clock, "omnisend", api_key="mistyped", host=host)).integration

    paused = await initialize(db, made, http, clock)
    why = "Omnisend answered 401: the API key was refused. Paste a new key, then Initialize."
    assert (paused.state, paused.state_reason) == ("paused", why)
    its_lane = await lane(db, made, clock)
    assert (its_lane.paused, its_lane.paused_reason) == (True, why)

    clock.advance(seconds=1)
    async with db.transaction() as tx:
        given = {"api_key": "sandbox-2"}
        mended = await integrations.change(tx, workspace.id, made.id, BOX, given=given, now=clock.now())
    assert mended.settings["host"] == host
    assert (await initialize(db, mended, http, clock)).state == "ready"


HTTPS = "https://loyalty.example"


@pytest.mark.parametrize(
    ("tool", "first", "then", "refused"),
    [
        ("omnisend", {"api_key": "sandbox-1"}, {"host": HTTPS}, {"api_key"}),
        ("omnisend", {"api_key": "sandbox-1"}, {"host": HTTPS, "api_key": "  "}, {"api_key"}),
        ("omnisend", {"api_key": "sandbox-1"}, {"host": HTTPS, "api_key": "sandbox-1"}, set()),
        ("omnisend", {"api_key": "sandbox-1"}, {"host": "https://api.omnisend.com"}, set()),
        ("omnisend", {"api_key": "sandbox-1"}, {"host": "http://loyalty.example", "api_key": "sandbox-1"}, {"host"}),
        # Nobody learns a secret from what it signs.
        ("webhook", {"url": "https://a.example"}, {"url": HTTPS}, set()),
        # Receivers of the older style are sent its hash, which some take for a proof.
        ("webhook", {"url": "https://a.example", "style": "nector"}, {"url": HTTPS}, {"secret"}),
        ("webhook", {"url": "https://a.example"}, {"url": HTTPS, "style": "nector"}, {"secret"}),
        (
            "webhook",
            {"url": "https://a.example"},
            {"url": HTTPS, "style": "nector", "secret": "any-16-letters-do"},
            set(),
        ),
        ("webhook", {"url": "https://a.example", "style": "nector"}, {"url": HTTPS, "style": "standard"}, set()),
    ],
)
async def test_whoever_changes_where_a_secret_is_sent_gives_it_again(
    db: Database,
    workspace: Workspace,
    clock: HandClock,
    tool: str,
    first: dict[str, str],
    then: dict[str, str],
    refused: set[str],
) -> None:
    made = (await add(db, workspace, clock, tool, **first)).integration
    wrong: set[str] = set()
    try:
        async with db.transaction() as tx:
            await integrations.change(tx, workspace.id, made.id, BOX, given=then, now=clock.now())
    except Invalid as refusal:
        wrong = set(refusal.fields)
    assert wrong == refused


async def test_a_check_of_what_was_changed_meanwhile_counts_for_nothing(
    db: Database, workspace: Workspace, clock: HandClock, http: Outside
) -> None:
    made = (await add(db, workspace, clock, "omnisend", api_key="sandbox-1")).integration
    clock.advance(seconds=1)
    async with db.transaction() as tx:
        given = {"api_key": "another"}
        await integrations.change(tx, workspace.id, made.id, BOX, given=given, now=clock.now())

    with pytest.raises(Conflict):
        async with db.transaction() as tx:
            await integrations.conclude(tx, made, delivery.CheckResult(True, "Well."), clock.now())


async def test_the_tools_answer_pauses_it(db: Database, workspace: Workspace, clock: HandClock) -> None:
    made = (await add(db, workspace, clock, "webhook", url="https://shop.example/hook")).integration
    async with db.transaction() as tx:
        await integrations.pause(tx, workspace.id, made.id, "Your receiver answered 410.")
        paused = await integrations.get_integration(tx, workspace.id, made.id)
    assert (paused.state, paused.state_reason) == ("paused", "Your receiver answered 410.")
    its_lane = await lane(db, made, clock)
    assert (its_lane.paused, its_lane.paused_reason) == (True, "Your receiver answered 410.")


@pytest.mark.parametrize("first", ["conclude", "pause", "change", "remove"])
async def test_whoever_locks_both_locks_the_integration_before_its_lane(
    db: Database, workspace: Workspace, clock: HandClock, first: str
) -> None:
    """Else two of them that come at once wait in a circle. Each must wait for the integration, which is held here,
    while the lane is still free."""
    made = (await add(db, workspace, clock, "webhook", url="https://shop.example/hook")).integration
    now = clock.now()

    async def act() -> None:
        async with db.transaction() as tx:
            if first == "conclude":
                await integrations.conclude(tx, made, delivery.CheckResult(False, "It answered 500."), now)
            elif first == "pause":
                await integrations.pause(tx, workspace.id, made.id, "By hand.")
            elif first == "change":
                given = {"rate_per_minute": 90}
                await integrations.change(tx, workspace.id, made.id, BOX, given=given, now=now)
            else:
                await integrations.remove(tx, workspace.id, made.id, now)

    async with db.transaction() as tx:
        await tx.execute(
            "SELECT 1 FROM integrations_integration WHERE workspace_id = $1 AND id = $2 FOR UPDATE",
            workspace.id,
            made.id,
        )
        acting = asyncio.create_task(act())
        own = await tx.fetchval("SELECT pg_backend_pid()")
        async with asyncio.timeout(10):
            while not await _somebody_waits_for(db, own):
                pass
        await delivery.resume_lane(tx, workspace.id, made.id, now)
    await acting


async def _somebody_waits_for(db: Database, backend: int) -> bool:
    async with db.reading() as tx:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))"
        return bool(await tx.fetchval(waiting, backend))


async def test_a_new_rate_reaches_the_lane(db: Database, workspace: Workspace, clock: HandClock) -> None:
    made = (await add(db, workspace, clock, "webhook", url="https://shop.example/hook")).integration
    async with db.transaction() as tx:
        given = {"rate_per_minute": "120"}
        changed = await integrations.change(
            tx, workspace.id, made.id, BOX, given=given, name="  Till  ", now=clock.now()
        )
    assert (changed.name, changed.settings["rate_per_minute"]) == ("Till", 120)
    assert (await lane(db, made, clock)).rate_per_minute == 120


async def test_rotating_keeps_the_old_secret_for_a_day(db: Database, workspace: Workspace, clock: HandClock) -> None:
    shown = await add(db, workspace, clock, "webhook", url="https://shop.example/hook")
    made = shown.integration
    async with db.transaction() as tx:
        rotated = await integrations.rotate(tx, workspace.id, made.id, BOX, field="secret", now=clock.now())

    stored = BOX.open(rotated.integration.sealed, workspace_id=workspace.id, thing_id=made.id)
    assert stored == {"secret": rotated.new_secrets["secret"], "secret_previous": shown.new_secrets["secret"]}
    assert rotated.integration.settings["secret_previous_until"] == "2026-03-15T09:26:53.589Z"
    integrations.carrier(rotated.integration, BOX)
    async with db.transaction() as tx:
        with pytest.raises(Invalid):
            await integrations.rotate(tx, workspace.id, made.id, BOX, field="url", now=clock.now())


async def test_what_is_removed_is_gone_with_its_secrets(db: Database, workspace: Workspace, clock: HandClock) -> None:
    made = (await add(db, workspace, clock, "webhook", url="https://shop.example/hook")).integration
    async with db.transaction() as tx:
        await integrations.remove(tx, workspace.id, made.id, clock.now())

    async with db.reading() as tx:
        assert await integrations.list_integrations(tx, workspace.id) == []
        with pytest.raises(NotFound):
            await integrations.carrier_of(tx, workspace.id, made.id, BOX)
        sealed = await tx.fetchval(
            "SELECT secrets FROM integrations_integration WHERE workspace_id = $1 AND id = $2", workspace.id, made.id
        )
    assert sealed == b""
    assert (await lane(db, made, clock)).paused


async def test_another_shop_sees_none_of_it(db: Database, workspace: Workspace, clock: HandClock) -> None:
    made = (await add(db, workspace, clock, "webhook", url="https://shop.example/hook")).integration
    async with db.transaction() as tx:
        other = await create_workspace(tx, "Another shop", now=clock.now())
    async with db.transaction() as tx:
        assert await integrations.list_integrations(tx, other.id) == []
        for act in (
            integrations.get_integration(tx, other.id, made.id),
            integrations.change(tx, other.id, made.id, BOX, given={}, now=clock.now()),
            integrations.rotate(tx, other.id, made.id, BOX, field="secret", now=clock.now()),
            integrations.remove(tx, other.id, made.id, clock.now()),
        ):
            with pytest.raises(NotFound):
                await act
    with pytest.raises(Unreadable):
        BOX.open(made.sealed, workspace_id=other.id, thing_id=made.id)


async def test_another_server_key_can_read_nothing_until_the_secrets_are_pasted_again(
    db: Database, workspace: Workspace, clock: HandClock
) -> None:
    made = (await add(db, workspace, clock, "omnisend", api_key="sandbox-1")).integration
    other_box = SecretBox("another key of the tests, long enough")
    with pytest.raises(Unreadable):
        integrations.carrier(made, other_box)
    async with db.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await integrations.change(tx, workspace.id, made.id, other_box, given={}, now=clock.now())
        assert set(refused.value.fields) == {"api_key"}
        given = {"api_key": "sandbox-2"}
        changed = await integrations.change(tx, workspace.id, made.id, other_box, given=given, now=clock.now())
    integrations.carrier(changed, other_box)
