"""Who is told that coins expire: one notice for each customer and day."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from regulars import customers, events, ledger, limits, schedule
from regulars.kit import Reading, Tx
from regulars.ledger import Expiring, Found
from regulars.reminders.rules import Sweep, reminder_rules, stretch, swept
from regulars.reminders.wire import expiry_event
from regulars.schedule import Due
from regulars.tenancy import Workspace


async def tell_expiring(tx: Tx, shop: Workspace, dues: Sequence[Due], now: datetime) -> None:
    for due in dues:
        await schedule.put(tx, shop.id, [await _sweep(tx, shop, due, now)])


async def _sweep(tx: Tx, shop: Workspace, due: Due, now: datetime) -> Due:
    """Tell of what expires within the stretch that ends with the day a month, a week or a day ahead; where to go on."""
    since, until, found = await _found(tx, shop, due, now)
    await _tell(tx, shop, due.key.partition(",")[0], by_day(shop, found.coins), now)
    if found.after is None:
        return swept(shop, due, until, now)
    return Due(due.kind, due.key, now, msgspec.to_builtins(Sweep(since, until, found.after)))


async def _found(tx: Reading, shop: Workspace, due: Due, now: datetime) -> tuple[datetime, datetime, Found]:
    unit, _, idle = due.key.partition(", ")
    sweep = msgspec.convert(due.payload, Sweep)
    since, until = stretch(unit, sweep.until, now, shop.zone)
    until = sweep.to or until
    if not reminder_rules(shop).expiry_notices:
        return since, until, Found([], None)
    find, after = ledger.expiring_idle if idle else ledger.expiring, sweep.after or UUID(int=0)
    return since, until, await find(tx, shop, max(since, now), until, after, limits.REMINDERS_AT_ONCE)


Days = dict[tuple[UUID, date], list[Expiring]]


async def upcoming(tx: Reading, shop: Workspace, due: Due, now: datetime) -> tuple[Days, bool]:
    """Which customers the sweep would tell now, and of which day, the first so many; whether there may be more."""
    *_, found = await _found(tx, shop, due, now)
    return by_day(shop, found.coins), found.after is not None


def by_day(shop: Workspace, coins: Sequence[Expiring]) -> Days:
    days: Days = {}
    for one in coins:
        # From that instant on they can't be spent: at midnight the day before was the last.
        last = (one.ends_at - timedelta(microseconds=1)).astimezone(shop.zone).date()
        days.setdefault((one.customer_id, last), []).append(one)
    return days


async def _tell(tx: Tx, shop: Workspace, unit: str, days: Days, now: datetime) -> None:
    ids = sorted({id for id, _ in days})
    if not ids:
        return
    people = await customers.by_ids(tx, shop.id, ids)
    available = await ledger.available(tx, shop, ids, now)
    business = events.business(shop)
    notices = [
        expiry_event(shop, business, people[id], unit, of_day, available[id], now)
        for (id, _), of_day in days.items()
        if id in people
    ]
    await events.append(tx, shop.id, notices, now)
