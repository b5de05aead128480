"""Each day counted once, and read as often as one likes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from regulars import delivery, events, ledger, limits, orders, rewards, schedule
from regulars.days import coins
from regulars.kit import Queries, Reading, Tx, midnight
from regulars.schedule import Due
from regulars.tenancy import Workspace

_sql = Queries(__file__)

COUNT = "days.count"

# What is written down is committed a little later, at most as late as a statement may take.
_SETTLED = timedelta(seconds=2 * limits.DB_STATEMENT_TIMEOUT_S)

_Bounds = tuple[datetime, datetime]


class Day(msgspec.Struct, frozen=True):
    """What was written down from `starts_at` until `ends_at`: customers created, orders, all events, coins given, coins
    spent or taken, deliveries that arrived, coupons used and what is left of the orders they were used for (in minor
    units of the shop's currency), customers who ordered, and those of them who had ordered before."""

    starts_at: datetime
    ends_at: datetime
    customers: int = 0
    orders: int = 0
    events: int = 0
    coins_given: int = 0
    coins_spent: int = 0
    deliveries: int = 0
    coupons_used: int = 0
    coupon_revenue_minor: int = 0
    buyers: int = 0
    buyers_again: int = 0


def midnights(now: datetime, zone: ZoneInfo, count: int) -> list[datetime]:
    """The last `count` beginnings of days there, the last of them today's."""
    today = now.astimezone(zone).date()
    return [midnight(today - timedelta(days=back), zone) for back in range(count - 1, -1, -1)]


async def days_before(tx: Reading, workspace: Workspace, now: datetime, count: int) -> list[Day]:
    """The `count` days before today, the oldest first. What no worker has counted yet is counted now, up to the limits
    of the rooms, which then means "at least"."""
    moments = midnights(now, workspace.zone, count + 1)
    kept = await kept_days(tx, workspace.id, moments)
    if missing := missing_days(workspace, moments, kept):
        counted = await count_between(tx, workspace, between(missing, moments))
        kept = {(day.starts_at, day.ends_at): day for day in counted} | kept
    return [kept.get(one) or Day(*one) for one in pairwise(moments)]


async def begin(tx: Tx, shop: Workspace, now: datetime) -> None:
    """Have the days counted that are over, and each from then on: for a shop that is new, or has a new time zone."""
    await schedule.put(tx, shop.id, [Due(COUNT, "", now)])


async def count(tx: Tx, shop: Workspace, _: Sequence[Due], now: datetime) -> None:
    """Count days that are over and were not counted yet, to the last thing that happened, and come back: at once while
    there are more, or else after the end of today."""
    moments = midnights(now - _SETTLED, shop.zone, limits.DAYS_KEPT + 1)
    missing = missing_days(shop, moments, await kept_days(tx, shop.id, moments))
    some = missing[: limits.DAYS_COUNTED_AT_ONCE]
    if some:
        counted = await count_between(tx, shop, between(some, moments), at_most=limits.DAY_COUNTED_MAX)
        columns = zip(*map(msgspec.structs.astuple, counted), strict=True)
        await tx.execute(_sql.keep, shop.id, *map(list, columns))
        await coins.keep(tx, shop, between(some, moments), now)
    tomorrow = midnights(now - _SETTLED + timedelta(days=1), shop.zone, 1)[0] + _SETTLED
    await schedule.put(tx, shop.id, [Due(COUNT, "", now if len(missing) > len(some) else tomorrow)])


async def kept_days(tx: Reading, workspace_id: UUID, moments: Sequence[datetime]) -> dict[_Bounds, Day]:
    rows = await tx.fetch(_sql.kept, workspace_id, moments[0], moments[-1])
    return {(row["starts_at"], row["ends_at"]): Day(*row) for row in rows}


def missing_days(shop: Workspace, moments: Sequence[datetime], kept: dict[_Bounds, Day]) -> list[_Bounds]:
    """Nothing was written down before the shop was made."""
    return [one for one in pairwise(moments) if one not in kept and one[1] > shop.created_at]


def between(missing: Sequence[_Bounds], moments: Sequence[datetime]) -> list[datetime]:
    """From the first day to the last of them, those between that are known already too."""
    return [at for at in moments if missing[0][0] <= at <= missing[-1][1]]


async def count_between(
    tx: Reading, shop: Workspace, moments: Sequence[datetime], *, at_most: int = limits.EVENTS_COUNTED_MAX
) -> list[Day]:
    """Of each stretch between two neighbouring moments."""
    workspace_id = shop.id
    created = await events.counts_between(tx, workspace_id, moments, topic="lead_create", at_most=at_most)
    ordered = await events.counts_between(tx, workspace_id, moments, topic="order_create", at_most=at_most)
    logged = await events.counts_between(tx, workspace_id, moments, at_most=at_most)
    flows = await ledger.flow(tx, workspace_id, moments, at_most=at_most)
    delivered = await delivery.delivered_between(tx, workspace_id, moments)
    used = await rewards.used_between(tx, shop, moments, at_most=at_most)
    buyers = await orders.buyers_between(tx, workspace_id, moments, at_most=at_most)
    return [
        Day(
            *bounds, created[n], ordered[n], logged[n], flows[n].credited, flows[n].debited, delivered[n], *used[n],
            *buyers[n],
        )
        for n, bounds in enumerate(pairwise(moments))
    ]  # fmt: skip
