"""API keys: shown once, kept as a hash, of one workspace."""

from hashlib import sha256
from typing import Any

import pytest

from regulars import tenancy
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.errors import Invalid, NotFound
from regulars.kit.ids import new_id
from regulars.tenancy import Areas
from tests import make


async def test_a_key_is_found_until_it_is_revoked(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    async with db.transaction() as tx:
        issued = await tenancy.issue_key(tx, workspace.id, " Shop ", access="WRITE", made_by="cli", now=clock.now())
        record = issued.record
        assert (record.name, record.access, record.purpose, record.revoked_at) == ("Shop", "WRITE", "SERVER", None)
        assert await tenancy.find_key(tx, workspace.id, issued.key) == record
        await tenancy.revoke_key(tx, workspace.id, record.id, clock.now())
        assert await tenancy.find_key(tx, workspace.id, issued.key) is None
        with pytest.raises(NotFound):
            await tenancy.revoke_key(tx, workspace.id, record.id, clock.now())
        [listed] = await tenancy.list_keys(tx, workspace.id)
        assert (listed.id, listed.revoked_at) == (record.id, clock.now())


async def test_only_the_hash_is_stored(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    async with db.transaction() as tx:
        issued = await tenancy.issue_key(tx, workspace.id, "Shop", access="READ", made_by="cli", now=clock.now())
        row = await tx.fetchrow(
            "SELECT t.*, t::text AS all FROM tenancy_api_key t WHERE workspace_id = $1", workspace.id
        )
    assert row is not None
    assert row["hash"] == sha256(issued.key.encode()).digest()
    assert issued.key not in row["all"]
    assert row["hint"].rstrip("…") == issued.key[:12]
    assert len(issued.key) >= 43, "256 random bits"


async def test_a_key_is_of_one_workspace(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> None:
    other = await make.a_workspace(db, clock.now())
    async with db.transaction() as tx:
        issued = await tenancy.issue_key(tx, workspace.id, "Shop", access="WRITE", made_by="cli", now=clock.now())
        assert await tenancy.find_key(tx, other.id, issued.key) is None
        assert await tenancy.list_keys(tx, other.id) == []
        with pytest.raises(NotFound):
            await tenancy.revoke_key(tx, other.id, issued.record.id, clock.now())
        assert await tenancy.find_key(tx, workspace.id, issued.key) == issued.record
        for stranger in ("", issued.key[:-1], issued.key + " ", issued.key.upper(), "rg_write_", "ключ", "a\x00b"):
            assert await tenancy.find_key(tx, workspace.id, stranger) is None
        with pytest.raises(NotFound):
            await tenancy.revoke_key(tx, workspace.id, new_id(), clock.now())


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"access": "ALL"}, "access"),
        ({"access": "NONE"}, "access"),
        ({"areas": Areas(data="ALL")}, "areas.data"),  # type: ignore[arg-type]
        ({"areas": Areas(data="READ"), "purpose": "STOREFRONT"}, "purpose"),
        ({"access": "NONE", "areas": Areas(data="READ"), "purpose": "STOREFRONT"}, "purpose"),
        ({"purpose": "PHONE"}, "purpose"),
        ({"access": "WRITE", "purpose": "STOREFRONT"}, "purpose"),
    ],
)
async def test_a_wrong_key_is_not_issued(
    db: Database, workspace: tenancy.Workspace, clock: HandClock, given: dict[str, Any], field: str
) -> None:
    async with db.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await tenancy.issue_key(
                tx, workspace.id, **{"name": "Shop", "access": "READ", "made_by": "cli", "now": clock.now(), **given}
            )
        assert list(refused.value.fields) == [field]
        assert await tenancy.list_keys(tx, workspace.id) == []
