"""Who is told that coins lie unused: again and again, until something moves."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from regulars import customers, events, ledger, limits, schedule
from regulars.kit.clock import midnight
from regulars.kit.db import Tx
from regulars.ledger import Txn
from regulars.reminders.rules import ReminderRules, next_at, reminder_rules
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


async def tell_unused(tx: Tx, shop: Workspace, dues: Sequence[Due], now: datetime) -> None:
    for due in dues:
        await schedule.put(tx, shop.id, [await _sweep(tx, shop, due, now)])


async def _sweep(tx: Tx, shop: Workspace, due: Due, now: datetime) -> Due:
    """Tell of wallets that moved last within the stretches which end so many days ago; where to go on."""
    rules, kept = reminder_rules(shop), msgspec.convert(due.payload, _Round)
    if rules.unused_days is None:
        off = msgspec.structs.replace(kept, to={}, after=None, off=True)
        return Due(due.kind, due.key, next_at(shop, now), msgspec.to_builtins(off))
    stretches = _stretches(shop, rules, kept, now.astimezone(shop.zone).date())
    asked = [(since, until) for nth, (since, until) in stretches.items() if int(nth) <= rules.unused_times]
    found = await ledger.untouched(tx, shop.id, asked, kept.after or UUID(int=0), limits.REMINDERS_AT_ONCE)
    await _tell(tx, shop, asked, rules.unused_balance_min, found.txns, now)
    until = {nth: ends_at for nth, (_, ends_at) in stretches.items()}
    if found.after is None:
        return Due(due.kind, due.key, next_at(shop, now), msgspec.to_builtins(_Round(until)))
    since = {nth: begins_at for nth, (begins_at, _) in stretches.items()}
    return Due(due.kind, due.key, now, msgspec.to_builtins(_Round(since, until, found.after)))


def _stretches(
    shop: Workspace, rules: ReminderRules, kept: _Round, today: date
) -> dict[str, tuple[datetime, datetime]]:
    """By reminder: from where the stretch before ended, or as if there had been one yesterday. Those that the shop does
    not give now go on too, so that nobody is told of a year ago when it gives them again."""
    stretches = {}
    for nth in map(str, range(1, limits.REMINDER_TIMES_MAX + 1)):
        yesterday, ends_at = (_moved_until(shop, rules, int(nth), day) for day in (today - timedelta(days=1), today))
        since = kept.until.get(nth, yesterday)
        if kept.off:
            since = max(since, yesterday)
        stretches[nth] = since, kept.to.get(nth) or max(since, ends_at)
    return stretches


def _moved_until(shop: Workspace, rules: ReminderRules, nth: int, today: date) -> datetime:
    """What moved before has lain for long enough today."""
    assert rules.unused_days is not None
    days = rules.unused_days + (nth - 1) * rules.unused_gap_days
    return midnight(today - timedelta(days=days - 1), shop.zone)


async def _tell(
    tx: Tx,
    shop: Workspace,
    stretches: Sequence[tuple[datetime, datetime]],
    balance_min: int,
    untouched: Sequence[tuple[datetime, Txn]],
    now: datetime,
) -> None:
    """Whoever has several due, since the rules were changed, is told once, of the last of them."""
    ids = sorted({txn.customer_id for _, txn in untouched})
    if not ids:
        return
    available = await ledger.available(tx, shop, ids, now)
    people = await customers.by_ids(tx, shop.id, ids)
    business = events.business(shop)
    told = []
    for moved_at, txn in untouched:
        id = txn.customer_id
        if id in people and available[id] >= balance_min:
            nth = max(n for n, (since, until) in enumerate(stretches, start=1) if since <= moved_at < until)
            told.append(unused_event(business, people[id], txn, nth, available[id], now))
    await events.append(tx, shop.id, told, now)
