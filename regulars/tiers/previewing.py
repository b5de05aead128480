"""What a changed ladder would do, before it does it."""

from collections import Counter
from datetime import datetime

import msgspec

from regulars import customers, limits
from regulars.kit import BEFORE_ALL_IDS, Reading, TooMany
from regulars.tenancy import Workspace
from regulars.tiers import store
from regulars.tiers.changing import check
from regulars.tiers.measuring import measured
from regulars.tiers.model import Ladder, Standing, judge


class Moved(msgspec.Struct, frozen=True):
    """So many customers would go from one tier to another; '' is none."""

    from_tier: str
    to_tier: str
    direction: str
    customers: int


class Named(msgspec.Struct, frozen=True):
    id: str
    name: str
    from_tier: str
    to_tier: str


class Preview(msgspec.Struct, frozen=True):
    """Of `judged` customers, how many would move where, the first of them by name, and how many would then stand on
    each tier. `whole`: these are all customers there are; otherwise those who came first."""

    judged: int
    whole: bool
    moved: list[Moved]
    named: list[Named]
    then: dict[str, int]


_at_work = 0


async def preview(tx: Reading, workspace: Workspace, ladder: Ladder, now: datetime) -> Preview:
    """Nothing is written. A page of customers after the other, limits.TIERS_PREVIEWED_MAX at most. Raises Invalid, and
    TooMany while others look at theirs: it reads a whole shop."""
    global _at_work
    check(ladder)
    if _at_work >= limits.TIERS_PREVIEWS_AT_ONCE:
        raise TooMany("Others look at their ladders just now. Wait some seconds, then try again.", retry_after_s=5)
    _at_work += 1
    try:
        return await _preview(tx, workspace, ladder, now)
    finally:
        _at_work -= 1


async def _preview(tx: Reading, workspace: Workspace, ladder: Ladder, now: datetime) -> Preview:
    after, judged, whole = BEFORE_ALL_IDS, 0, True
    moved: Counter[tuple[str, str]] = Counter()
    then: Counter[str] = Counter()
    named: list[Named] = []
    while judged < limits.TIERS_PREVIEWED_MAX:
        people = await customers.after(tx, workspace.id, after, limits.TIERS_JUDGED_MAX)
        if not people:
            break
        there = await store.standings(tx, workspace.id, [person.id for person in people], locked=False)
        reached = await measured(tx, workspace, ladder, people, now)
        for person in people:
            was = there.get(person.id) or Standing(person.id, "", now)
            to = judge(ladder, was, reached[person.id], now, workspace.zone).standing.tier
            then[to] += 1
            if to != was.tier:
                moved[was.tier, to] += 1
                if len(named) < limits.TIERS_PREVIEWED_NAMED:
                    named.append(Named(str(person.id), person.name, was.tier, to))
        judged, after = judged + len(people), people[-1].id
    else:
        whole = not await customers.after(tx, workspace.id, after, 1)
    came = [
        Moved(was, to, "up" if ladder.place(to) > ladder.place(was) else "down", count)
        for (was, to), count in moved.most_common()
    ]
    return Preview(judged, whole, came, named, dict(then))
