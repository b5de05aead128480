"""What a changed ladder would do, before it does it."""

from collections import Counter
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import customers, limits
from regulars.kit import BEFORE_ALL_IDS, Reading, TooMany
from regulars.tenancy import Workspace
from regulars.tiers import store
from regulars.tiers.changing import check
from regulars.tiers.model import Ladder, Standing, judge
from regulars.tiers.placing import measured


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
    each tier. `next`: there are more; asked again with this one, the answer is of these and of some after them."""

    judged: int = 0
    next: UUID | None = None
    moved: list[Moved] = []
    named: list[Named] = []
    then: dict[str, int] = {}


_NOTHING = Preview()
_at_work = 0


async def preview(
    tx: Reading, workspace: Workspace, ladder: Ladder, now: datetime, so_far: Preview | None = None
) -> Preview:
    """Nothing is written. Of a large shop a part: whoever asks goes on with what was found `so_far`. Raises Invalid,
    and TooMany while others look at theirs."""
    global _at_work
    check(ladder)
    if _at_work >= limits.TIERS_PREVIEWS_AT_ONCE:
        raise TooMany("Others look at their ladders just now. Wait some seconds, then try again.", retry_after_s=5)
    _at_work += 1
    try:
        return await _preview(tx, workspace, ladder, now, so_far or _NOTHING)
    finally:
        _at_work -= 1


async def _preview(tx: Reading, workspace: Workspace, ladder: Ladder, now: datetime, so_far: Preview) -> Preview:
    judged, next_id = so_far.judged, so_far.next or BEFORE_ALL_IDS
    moved = Counter({(one.from_tier, one.to_tier): one.customers for one in so_far.moved})
    then, named, more = Counter(so_far.then), list(so_far.named), True
    while more and judged < so_far.judged + limits.TIERS_PREVIEWED_MAX:
        people = await customers.after(tx, workspace.id, next_id, limits.TIERS_JUDGED_MAX)
        more = len(people) == limits.TIERS_JUDGED_MAX
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
        judged, next_id = judged + len(people), people[-1].id if people else next_id
    came = [
        Moved(was, to, "up" if ladder.place(to) > ladder.place(was) else "down", count)
        for (was, to), count in moved.most_common()
    ]
    return Preview(judged, next_id if more else None, came, named, dict(then))
