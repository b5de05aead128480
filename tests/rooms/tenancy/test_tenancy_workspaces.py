"""Workspaces and their settings, and the log of who changed what."""

import asyncio
from typing import Any

import pytest

from regulars import tenancy
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.errors import Conflict, Invalid, NotFound
from regulars.kit.ids import new_id
from tests import make


async def test_a_new_workspace(db: Database, clock: HandClock) -> None:
    made = await make.a_workspace(
        db, clock.now(), " Corner Shop ", uri="https://corner.example/ ", currency_code="INR", time_zone="Asia/Kolkata"
    )
    kept = (
        made.name,
        made.uri,
        made.currency_code,
        made.currency_symbol,
        made.time_zone,
        made.coin_name,
        made.events_on,
    )
    assert kept == ("Corner Shop", "https://corner.example", "inr", "₹", "Asia/Kolkata", "coins", False)
    assert str(made.zone) == "Asia/Kolkata"
    async with db.reading() as tx:
        assert await tenancy.get_workspace(tx, made.id) == made
        assert made in await tenancy.list_workspaces(tx)
        with pytest.raises(NotFound):
            await tenancy.get_workspace(tx, new_id())


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": " "}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"name": "a\x00b"}, "name"),
    ({"coin_name": ""}, "coin_name"),
    ({"coin_name": "x" * 41}, "coin_name"),
    ({"coin_name": "a\x00b"}, "coin_name"),
    ({"uri": "corner.example"}, "uri"),
    ({"uri": "javascript:alert(1)"}, "uri"),
    ({"uri": "https://a\x00b"}, "uri"),
    ({"currency_code": "dollar"}, "currency_code"),
    ({"currency_code": "us"}, "currency_code"),
    ({"currency_code": "us1"}, "currency_code"),
    ({"currency_code": "ббб"}, "currency_code"),
    ({"time_zone": ""}, "time_zone"),
    ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ({"time_zone": "../../etc/passwd"}, "time_zone"),
    ({"time_zone": "/etc/localtime"}, "time_zone"),
    ({"time_zone": "UTC\x00"}, "time_zone"),
    ({"time_zone": "Europe"}, "time_zone"),
    ({"time_zone": "x" * 5_000}, "time_zone"),
]


@pytest.mark.parametrize(("given", "field"), WRONG, ids=lambda value: str(value)[:40])
async def test_a_wrong_detail_is_named(
    db: Database, workspace: tenancy.Workspace, clock: HandClock, given: dict[str, Any], field: str
) -> None:
    async with db.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await tenancy.create_workspace(tx, **{"name": "Shop", "now": clock.now(), **given})
        assert list(refused.value.fields) == [field]
        with pytest.raises(Invalid) as refused:
            await tenancy.change_workspace(tx, workspace.id, given, clock.now())
        assert list(refused.value.fields) == [field]
        assert await tenancy.get_workspace(tx, workspace.id) == workspace


@pytest.mark.parametrize(
    "chosen",
    [
        "",
        "ab",
        "x" * 65,
        "Shopify-Corner",
        "shopify corner",
        "shopify-corner\n",
        "019aa8a1-5c2e-7b1f-9c3d-2f6a1e8b4d70",
    ],
)
async def test_an_id_that_can_not_be_chosen(db: Database, clock: HandClock, chosen: str) -> None:
    async with db.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await tenancy.create_workspace(tx, "Shop", now=clock.now(), chosen_id=chosen)
        assert list(refused.value.fields) == ["id"]


async def test_a_chosen_id_is_had_by_one(db: Database, clock: HandClock) -> None:
    made = await make.a_workspace(db, clock.now(), chosen_id="shopify-one-only")
    async with db.transaction() as tx:
        assert await tenancy.get_workspace(tx, made.id) == made
        for text, id in (
            ("shopify-one-only", made.id),
            (str(made.id), made.id),
            ("shopify-nobody", None),
            ("x\0", None),
        ):
            assert await tenancy.workspace_id_of(tx, text) == id
        with pytest.raises(Conflict):
            await tenancy.create_workspace(tx, "Another", now=clock.now(), chosen_id="shopify-one-only")


async def test_a_change(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    later = clock.advance(hours=1)
    changes = {
        "name": " New ",
        "uri": " https://new.example/ ",
        "time_zone": "Europe/Vilnius",
        "currency_code": "EUR",
        "coin_name": " stars ",
        "events_on": True,
        "settings": {"a": 1, "b": {"c": [1, 2]}},
    }
    async with db.transaction() as tx:
        changed = await tenancy.change_workspace(tx, workspace.id, changes, later)
        assert (changed.name, changed.uri, changed.time_zone) == ("New", "https://new.example", "Europe/Vilnius")
        assert (changed.currency_code, changed.currency_symbol) == ("eur", "€")
        assert (changed.coin_name, changed.events_on, changed.updated_at) == ("stars", True, later)
        assert changed.created_at == workspace.created_at
        assert await tenancy.get_workspace(tx, workspace.id) == changed
        merged = await tenancy.change_workspace(tx, workspace.id, {"settings": {"b": None}}, later)
        assert merged.settings == {"a": 1}
        assert (
            await tenancy.change_workspace(tx, workspace.id, {"currency_code": "sek"}, later)
        ).currency_symbol == "SEK "


@pytest.mark.parametrize(
    "changes", [{"id": new_id()}, {"currency_symbol": "€"}, {"events_on": "yes"}, {"events_on": 1}]
)
async def test_what_can_not_be_changed(
    db: Database, workspace: tenancy.Workspace, clock: HandClock, changes: dict[str, Any]
) -> None:
    async with db.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await tenancy.change_workspace(tx, workspace.id, changes, clock.now())
        assert list(refused.value.fields) == list(changes)
        with pytest.raises(NotFound):
            await tenancy.change_workspace(tx, new_id(), {"name": "Nobody's"}, clock.now())


async def test_settings_changed_at_once_are_all_kept(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    async def change(n: int) -> None:
        async with db.transaction() as tx:
            await tenancy.change_workspace(tx, workspace.id, {"settings": {f"key{n}": n}}, clock.now())

    await asyncio.gather(*map(change, range(12)))
    async with db.reading() as tx:
        kept = (await tenancy.get_workspace(tx, workspace.id)).settings
    assert kept == {f"key{n}": n for n in range(12)}


async def test_the_audit_log_is_read_newest_first_and_paged(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    other = await make.a_workspace(db, clock.now())
    async with db.transaction() as tx:
        await tenancy.audit(tx, workspace.id, "cli", "trigger.update", "no act", now=clock.now())
        tx.wrote = True
        for n in range(7):
            detail = {"n": n, "name": "Zoë"} if n else None
            await tenancy.audit(tx, workspace.id, "cli", "trigger.update", f"t{n}", now=clock.now(), detail=detail)
        await tenancy.audit(tx, other.id, "cli", "key.issue", "k", now=clock.now())
        everything = await tenancy.audit_log(tx, workspace.id)
        assert [line.target for line in everything] == [f"t{n}" for n in range(6, -1, -1)]
        first = everything[0]
        assert (first.actor, first.act, first.created_at) == ("cli", "trigger.update", clock.now())
        assert (first.detail, everything[-1].detail) == ({"n": 6, "name": "Zoë"}, {})
        paged: list[tenancy.AuditLine] = []
        while page := await tenancy.audit_log(tx, workspace.id, before_id=paged[-1].id if paged else None, limit=3):
            assert len(page) <= 3
            paged += page
        assert paged == everything
        assert [line.target for line in await tenancy.audit_log(tx, other.id)] == ["k"]
