"""A shop can have so many triggers and no more, and only those that react are looked at with each order."""

import pytest

from regulars import limits, tenancy
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.errors import Conflict
from regulars.triggers import Rule, store
from tests.rooms.triggers.till import Till


async def test_a_shop_can_have_so_many_triggers_and_no_more(
    db: Database, workspace: tenancy.Workspace, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TRIGGERS_MAX", 3)
    till = Till(db, workspace, clock)
    for _ in range(3):
        await till.trigger(Rule(coins_min=1, coins_max=1), "api")
    with pytest.raises(Conflict, match="3 triggers at most"):
        await till.trigger(Rule(coins_min=1, coins_max=1), "api")


async def test_only_what_reacts_is_read_with_orders(
    db: Database, workspace: tenancy.Workspace, clock: HandClock
) -> None:
    till = Till(db, workspace, clock)
    await till.trigger(Rule(coins_min=1, coins_max=1), "api")
    off = await till.trigger(Rule(coins_per_unit=1))
    await till.change(off, active=False)
    earning = await till.trigger(Rule(coins_per_unit=1))
    async with db.reading() as tx:
        assert [trigger.id for trigger in await store.reacting(tx, workspace.id)] == [earning.id]
