"""The ladder, changed in versions; what follows from a changed one is worked out beside the shop's work."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import customers, limits, schedule, tenancy
from regulars.kit import BEFORE_ALL_IDS, Faults, Reading, Tx
from regulars.schedule import Due
from regulars.tenancy import Workspace
from regulars.tiers import store
from regulars.tiers.model import Ladder
from regulars.tiers.placing import put_in_place
from regulars.tiers.store import LadderVersion, sql
from regulars.tiers.watching import begin

RECALCULATE = "tiers.recalculate"


async def ladder_of(tx: Reading, workspace_id: UUID) -> LadderVersion:
    return await store.newest(tx, workspace_id)


async def versions_of(tx: Reading, workspace_id: UUID) -> list[LadderVersion]:
    """Newest first."""
    return await store.ladders(tx, workspace_id, limits.PAGE_ITEMS_MAX)


async def change_ladder(
    tx: Tx, workspace: Workspace, ladder: Ladder, now: datetime, *, actor: str = ""
) -> LadderVersion:
    """The ladder from now on. Everybody is judged anew, a page after the other; if that is under way already, it begins
    again. Raises Invalid naming each field. Two at once: one runs into the other's version, and is run again."""
    check(ladder)
    was = await store.newest(tx, workspace.id)
    if was.ladder == ladder:
        return was
    new = LadderVersion(was.version + 1, ladder, actor, now)
    await tx.execute(sql.insert_ladder, workspace.id, new.version, msgspec.to_builtins(ladder), actor, now)
    # Triggers read them with the shop, which every batch has at hand.
    factors = [(tier.key, source, factor) for tier in ladder.tiers for source, factor in tier.factors.items()]
    await tenancy.change_workspace(tx, workspace.id, {"settings": {"tier_factors": factors or None}}, now)
    await begin(tx, workspace, now)
    await schedule.put(tx, workspace.id, [_page(new.version, BEFORE_ALL_IDS, 0, now)])
    return new


async def recalculate(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule: a page of customers by their ids, and the next one after it."""
    for due in dues:
        after, done = UUID(due.payload["after"]), due.payload["done"]
        people = await customers.after(tx, workspace.id, after, limits.TIERS_JUDGED_MAX)
        await put_in_place(tx, workspace, [person.id for person in people], now)
        if people:
            last = people[-1].id
            await schedule.put(tx, workspace.id, [_page(due.payload["version"], last, done + len(people), now)])


def check(ladder: Ladder) -> None:
    """Raises Invalid naming each field."""
    faults = Faults()
    keys = [tier.key for tier in ladder.tiers]
    for n, tier in enumerate(ladder.tiers):
        if keys.index(tier.key) != n:
            faults.add(f"tiers[{n}].key", "one that no other tier has")
        if not tier.enter.asked():
            faults.add(f"tiers[{n}].enter", "what must have been reached, at least one thing above 0")
        for name, least in (tier.leave.asked() if tier.leave else {}).items():
            if least > getattr(tier.enter, name):
                faults.add(f"tiers[{n}].leave.{name}", "at most what it takes to get in")
    if ladder.window == "rolling" and not ladder.window_months:
        faults.add("window_months", "how many months count, at least 1")
    faults.check()


def _page(version: int, after: UUID, done: int, now: datetime) -> Due:
    return Due(RECALCULATE, "", now, {"version": version, "after": str(after), "done": done})
