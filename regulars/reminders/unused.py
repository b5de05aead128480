"""Who is told that coins or a coupon lie unused: again and again, until something moves, or the coupon ends."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from regulars import customers, events, ledger, limits, rewards, schedule
from regulars.events import NewEvent
from regulars.kit import Reading, Tx, midnight
from regulars.ledger import Txn
from regulars.reminders.rules import COUPONS, Again, next_at, reminder_rules
from regulars.reminders.wire import unused_event
from regulars.schedule import Due
from regulars.tenancy import Workspace


class _Round(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the row of the schedule holds. `until`: by reminder, from 1, those who moved last before then had it, or
    never will. Of a sweep that goes on, it ends at `to`, and all up to `after` were told. `off`: nobody was asked."""

    until: dict[str, datetime] = {}
    to: dict[str, datetime] = {}
    after: UUID | None = None
    off: bool = False


class Waiting(NamedTuple):
    """What is told, and after whom to go on, if there may be others."""

    told: Sequence[NewEvent]
    after: UUID | None


async def tell_unused(tx: Tx, shop: Workspace, dues: Sequence[Due], now: datetime) -> None:
    for due in dues:
        await schedule.put(tx, shop.id, [await _sweep(tx, shop, due, now)])


async def _sweep(tx: Tx, shop: Workspace, due: Due, now: datetime) -> Due:
    """Tell of what began to lie unused within the stretches which end so many days ago; where to go on."""
    of, kept = reminder_rules(shop).of(due.kind), msgspec.convert(due.payload, _Round)
    if of.days is None:
        off = msgspec.structs.replace(kept, to={}, after=None, off=True)
        return Due(due.kind, due.key, next_at(shop, now), msgspec.to_builtins(off))
    stretches = _stretches(shop, of, kept, now.astimezone(shop.zone).date())
    found = await waiting(tx, shop, due, now)
    await events.append(tx, shop.id, found.told, now)
    until = {nth: ends_at for nth, (_, ends_at) in stretches.items()}
    if found.after is None:
        return Due(due.kind, due.key, next_at(shop, now), msgspec.to_builtins(_Round(until)))
    since = {nth: begins_at for nth, (begins_at, _) in stretches.items()}
    return Due(due.kind, due.key, now, msgspec.to_builtins(_Round(since, until, found.after)))


async def waiting(tx: Reading, shop: Workspace, due: Due, now: datetime) -> Waiting:
    """Whom the sweep would tell now, the next so many."""
    rules, kept = reminder_rules(shop), msgspec.convert(due.payload, _Round)
    of, after, most = rules.of(due.kind), kept.after or UUID(int=0), limits.REMINDERS_AT_ONCE
    if of.days is None:
        return Waiting([], None)
    stretches = _stretches(shop, of, kept, now.astimezone(shop.zone).date())
    asked = [stretch for nth, stretch in stretches.items() if int(nth) <= of.times]
    if due.kind == COUPONS:
        return Waiting(*await rewards.unused(tx, shop, asked, now, after, most))
    found = await ledger.untouched(tx, shop.id, asked, after, most)
    return Waiting(await _of_coins(tx, shop, asked, rules.unused_balance_min, found.txns, now), found.after)


def _stretches(shop: Workspace, of: Again, kept: _Round, today: date) -> dict[str, tuple[datetime, datetime]]:
    """By reminder: from where the stretch before ended, or as if there had been one yesterday. Those that the shop does
    not give now go on too, so that nobody is told of a year ago when it gives them again."""
    stretches = {}
    for nth in map(str, range(1, limits.REMINDER_TIMES_MAX + 1)):
        yesterday, ends_at = (_began_until(shop, of, int(nth), day) for day in (today - timedelta(days=1), today))
        since = kept.until.get(nth, yesterday)
        if kept.off:
            since = max(since, yesterday)
        stretches[nth] = since, kept.to.get(nth) or max(since, ends_at)
    return stretches


def _began_until(shop: Workspace, of: Again, nth: int, today: date) -> datetime:
    """What began before has lain for long enough today."""
    days = (of.days or 0) + (nth - 1) * of.gap_days
    return midnight(today - timedelta(days=days - 1), shop.zone)


async def _of_coins(
    tx: Reading,
    shop: Workspace,
    stretches: Sequence[tuple[datetime, datetime]],
    balance_min: int,
    untouched: Sequence[tuple[datetime, Txn]],
    now: datetime,
) -> list[NewEvent]:
    """Whoever has several due, since the rules were changed, is told once, of the last of them."""
    ids = sorted({txn.customer_id for _, txn in untouched})
    if not ids:
        return []
    available = await ledger.available(tx, shop, ids, now)
    people = await customers.by_ids(tx, shop.id, ids)
    business = events.business(shop)
    told = []
    for moved_at, txn in untouched:
        id = txn.customer_id
        if id in people and available[id] >= balance_min:
            nth = max(n for n, (since, until) in enumerate(stretches, start=1) if since <= moved_at < until)
            told.append(unused_event(business, people[id], txn, nth, available[id], now))
    return told
