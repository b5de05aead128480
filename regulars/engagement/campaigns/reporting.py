"""What came of a campaign: how many got it, who, what they did, and which orders followed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from regulars import limits, schedule
from regulars.engagement.campaigns.authoring import find_campaign
from regulars.engagement.campaigns.model import FOLLOW, Campaign, sql
from regulars.kit import AFTER_ALL_IDS, Reading, Tx
from regulars.schedule import Due
from regulars.tenancy import Workspace


class Came(msgspec.Struct):
    """Of all, or of those who got a template. `skipped` by the code of the reason. `opened` and `clicked` count people,
    once each; `worth_minor` is what the orders came to, in the shop's currency."""

    template_id: UUID | None = None
    sent: int = 0
    skipped: dict[str, int] = {}
    failed: int = 0
    uncertain: int = 0
    opened: int = 0
    clicked: int = 0
    orders: int = 0
    worth_minor: int = 0

    @property
    def over(self) -> int:
        return self.sent + sum(self.skipped.values()) + self.failed + self.uncertain

    def count(self, what: str, code: str, many: int) -> None:
        if what == "skipped":
            self.skipped = self.skipped | {code: self.skipped.get(code, 0) + many}
        else:
            setattr(self, what, getattr(self, what) + many)


class Hour(msgspec.Struct, frozen=True):
    """In the hour that began `at`, so many were `sent`, `opened`, `clicked`, or `orders`."""

    at: datetime
    what: str
    count: int


class Report(msgspec.Struct):
    """`over` of `recipients` are done, at a `pace` of so many a second lately, the rest in `left_s` seconds.
    `by_template`: the same for each of two variants. `hours`: those in which something happened."""

    recipients: int
    over: int
    pace: float
    left_s: float | None
    came: Came
    by_template: list[Came]
    hours: list[Hour] = []


async def reports(tx: Reading, workspace_id: UUID, found: Sequence[Campaign]) -> list[Report]:
    """Of each, in their order, without the hours."""
    known = {one.id: {None: Came()} for one in found}
    for id, template_id, what, code, many in await tx.fetch(sql.tallies, workspace_id, list(known)):
        for of in (None, template_id):
            known[id].setdefault(of, Came(of)).count(what, code, many)
    return [_report(one, *known[one.id].values()) for one in found]


async def report(tx: Reading, workspace_id: UUID, one: Campaign) -> Report:
    (whole,) = await reports(tx, workspace_id, [one])
    whole.hours = await tx.all(Hour, sql.by_slot, workspace_id, one.id)
    return whole


def _report(one: Campaign, came: Came, *by: Came) -> Report:
    rest = max(0, one.recipients - came.over)
    if rest and one.state in ("finished", "cancelled"):
        # Without a message of their own: the campaign says why, or they were erased or merged meanwhile.
        code = "cancelled" if one.state == "cancelled" else "too_late" if one.state_reason else "customer_gone"
        came.count("skipped", code, rest)
    paces = [pace for pace in (one.pace, (one.terms.per_minute or 0) / 60) if pace]
    left_s = rest / min(paces) if paces and rest and one.state == "sending" else None
    return Report(one.recipients, came.over, one.pace, left_s, came, list(by))


class Recipient(msgspec.Struct, frozen=True, gc=False):
    """`state` is its message's, or `waiting`, or why there is none."""

    customer_id: UUID
    variant: int
    message_id: UUID | None
    due_at: datetime
    state: str
    reason: str
    reason_code: str
    sent_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None


async def recipients_of(
    tx: Reading, workspace_id: UUID, one: Campaign, *, state: str | None = None, before: UUID | None = None, limit: int
) -> tuple[list[Recipient], UUID | None]:
    """Those who became customers last come first; of a state (or `opened`, `clicked`) alone. And where to go on: a page
    looks at SEARCH_ROWS_MAX at most, so it may hold fewer and still go on."""
    most = limits.SEARCH_ROWS_MAX if state else limit
    none = "skipped" if one.state in ("finished", "cancelled") else "waiting"
    rows = await tx.fetch(sql.recipients, workspace_id, one.id, before or AFTER_ALL_IDS, most, state, none, limit)
    found = [Recipient(*row[:10]) for row in rows if row["customer_id"]]
    found = [
        msgspec.structs.replace(each, reason=one.state_reason) if each.message_id is None else each for each in found
    ]
    last = found[-1].customer_id if len(found) == limit else rows[0]["last_id"] if rows[0]["seen"] == most else None
    return found, last


async def count_to(tx: Reading, workspace_id: UUID, segment_id: UUID | None, minus_segment_id: UUID | None) -> int:
    """How many a campaign would be to, now."""
    return int(await tx.fetchval(sql.count_to, workspace_id, segment_id, minus_segment_id))


async def follow(tx: Tx, workspace: Workspace, dues: Sequence[Due], now: datetime) -> None:
    """A handler of the schedule: the orders that followed are counted anew, until none can follow any more."""
    due, *others = dues
    one = await find_campaign(tx, workspace.id, UUID(due.key))
    span = (one.began_at, now, one.terms.orders_days, workspace.currency_code)
    await tx.execute(sql.drop_followed, workspace.id, one.id)
    await tx.execute(sql.followed, workspace.id, one.id, *span)
    over = one.finished_at and one.finished_at + timedelta(days=one.terms.orders_days) <= now
    again = [] if over else [Due(FOLLOW, due.key, now + timedelta(seconds=limits.CAMPAIGN_FOLLOWED_S), {})]
    await schedule.put(tx, workspace.id, [*others, *again])


async def move(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> None:
    """Whoever was to get it as both gets it once."""
    await tx.execute(sql.move, workspace_id, from_id, into_id)


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Nothing more is made for them; what they got names our id alone."""
    await tx.execute(sql.forget, workspace_id, customer_ids)
