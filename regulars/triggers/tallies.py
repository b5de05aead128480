"""What was given so far, counted beside the firings: these may be dropped when they are old, and what counts on all of
them must not.

A counter is of a trigger and a customer, or of a trigger alone for its budget, and of a stretch of the shop's calendar:
'' is all time, '2026-03-14' a day, '2026-W11' a week, '2026-03' a month, '2026' a year. Only those that a rule asks for
are kept. What happened counts in the stretch in which it happened, whenever it is written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars.kit import Overtaken, Reading, Tx
from regulars.tenancy import Workspace
from regulars.triggers.model import Trigger
from regulars.triggers.rule import Rule
from regulars.triggers.store import sql

EVER = ""
Key = tuple[UUID, UUID, str]
"""Trigger, customer (or, of a budget, the trigger again) and stretch."""

_STRETCHES = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "year": "%Y"}
AS_TO_CHAR = {"": "", "day": "YYYY-MM-DD", "week": 'IYYY-"W"IW', "month": "YYYY-MM", "year": "YYYY"}
"""The same as the database writes them."""


class Counter(msgspec.Struct, gc=False):
    """`activities` and `amount`, in thousandths, are of what got as far as being counted; `granted` and `coins` of what
    was given, `last_at` when that which was given last had happened."""

    activities: int = 0
    amount: int = 0
    granted: int = 0
    coins: int = 0
    last_at: datetime | None = None

    def beyond(self, before: Before) -> tuple[int, str, int, int, datetime | None]:
        """What was added to it, as a row says it."""
        activities, amount, granted, coins = before
        return (
            self.activities - activities,
            str(self.amount - amount),
            self.granted - granted,
            self.coins - coins,
            self.last_at,
        )


Before = tuple[int, int, int, int]
"""What a counter came to: activities, amount, granted and coins."""


class Tally:
    """The counters of one batch: as they stand, with what the batch adds to them."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._zone = workspace.zone
        self._now: dict[Key, Counter] = {}
        self._before: dict[Key, Before] = {}
        """Those that the batch has changed, as they were written last."""
        self._locked: set[Key] = set()
        self._stretches: dict[tuple[str, datetime], str] = {}

    def __getitem__(self, key: Key) -> Counter:
        found = self._now.get(key)
        if found is None:
            found = self._now[key] = Counter()
        return found

    def local(self, at: datetime) -> datetime:
        """By the shop's clock."""
        return at.astimezone(self._zone)

    def stretch(self, name: str, at: datetime) -> str:
        # A batch of calls happens at one instant, so it is worked out once.
        found = self._stretches.get((name, at))
        if found is None:
            found = self._stretches[name, at] = self.local(at).strftime(_STRETCHES[name]) if name else EVER
        return found

    def customers_keys(self, trigger_id: UUID, rule: Rule, customer_id: UUID, at: datetime) -> list[Key]:
        """The counters of a customer that the rule asks for."""
        if not (rule.limited or rule.counts_activities):
            return []
        return [(trigger_id, customer_id, self.stretch(name, at)) for name in customers_stretches(rule)]

    def budgets_keys(self, trigger_id: UUID, rule: Rule, at: datetime) -> dict[Key, int]:
        """Each with the most that it may come to."""
        if not rule.budgeted:
            return {}
        return {
            (trigger_id, trigger_id, self.stretch(name, at)): most for name, most in budgets_stretches(rule).items()
        }

    async def read(self, tx: Reading, keys: Iterable[Key]) -> None:
        """Those that are not known yet."""
        missing = sorted(set(keys) - self._now.keys())
        if missing:
            rows = await tx.fetch(sql.counters, self._workspace.id, *zip(*missing, strict=True))
            self.know({missing[place - 1]: found for place, *found in rows})

    async def lock(self, tx: Tx, keys: Iterable[Key]) -> None:
        """As they are now, and nobody else changes them until the transaction ends. Lock order: by key."""
        missing = sorted(set(keys) - self._locked)
        if missing:
            await self._add(tx, [(*key, 0, "0", 0, 0, None) for key in missing])
            self._locked.update(missing)

    def take(self, tx: Tx, most: Mapping[Key, int]) -> None:
        """Write what was added, at last to these, which were read without a lock. The commit raises Overtaken where
        others added so much meanwhile that one is beyond its most. Lock order: by key."""
        taken = {key: self._before.pop(key) for key in sorted(most.keys() & self._before.keys())}
        rows = [(*key, *self._now[key].beyond(before)) for key, before in taken.items()]
        self.write(tx)

        async def add() -> None:
            await self._add(tx, rows)
            if any(self._now[key].coins > most[key] for key in taken):
                raise Overtaken

        if taken:
            tx.at_last.append(add)

    async def _add(self, tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
        """To budgets, which count what was granted and its coins."""
        for row in await tx.fetch(sql.lock_counters, self._workspace.id, rows):
            self.know({(row[0], row[1], row[2]): row[3:]})

    def know(self, found: Mapping[Key, Sequence[Any]]) -> None:
        """These are how they stand."""
        for key, (activities, amount, *rest) in found.items():
            self._now[key] = Counter(activities, int(amount), *rest)

    def add(self, keys: Iterable[Key], *, activities: int = 0, amount: int = 0, granted: int = 0, coins: int = 0,
            at: datetime | None = None) -> None:  # fmt: skip
        for key in keys:
            counter = self[key]
            if key not in self._before:
                self._before[key] = (counter.activities, counter.amount, counter.granted, counter.coins)
            counter.activities += activities
            counter.amount += amount
            counter.granted += granted
            counter.coins += coins
            if at is not None and (counter.last_at is None or counter.last_at < at):
                counter.last_at = at

    def forget(self, at: datetime) -> None:
        """What nobody asks for who only goes on from then, and what would have been written."""
        going_on = {EVER, *(self.stretch(name, at) for name in _STRETCHES)}
        self._now = {key: counter for key, counter in self._now.items() if key[2] in going_on}
        self._before, self._stretches = {}, {}

    def write(self, tx: Tx) -> None:
        """What was added; others may have added meanwhile to those that are not locked."""
        rows = [(*key, *self._now[key].beyond(self._before[key])) for key in sorted(self._before)]
        self._before = {}
        if rows:
            tx.write(sql.add_to_counters, self._workspace.id, rows)


def customers_stretches(rule: Rule) -> list[str]:
    """By their names; '' for ever."""
    ever = (
        rule.per_customer_max
        or rule.cool_down_minutes
        or rule.on_activity_count_reached
        or rule.on_activity_amount_reached
    )
    timeline = rule.timeline if rule.on_timeline_count_reached or rule.on_timeline_amount_reached else ""
    kept = [EVER] if ever else []
    if rule.per_day_max or timeline == "day":
        kept.append("day")
    if rule.per_month_max or timeline == "month":
        kept.append("month")
    return [*kept, timeline] if timeline in ("week", "year") else kept


async def left(
    tx: Reading, workspace: Workspace, triggers: Iterable[Trigger], customer_id: UUID, now: datetime
) -> dict[UUID, dict[str, int]]:
    """By trigger: how often it may still give to the customer, in each stretch that it has a limit for."""
    tally, limited = Tally(workspace), [one for one in triggers if one.rule.limited]
    await tally.read(tx, [key for one in limited for key in tally.customers_keys(one.id, one.rule, customer_id, now)])
    return {
        one.id: {
            name: max(0, most - tally[one.id, customer_id, tally.stretch(stretch, now)].granted)
            for name, stretch in (("day", "day"), ("month", "month"), ("customer", EVER))
            if (most := getattr(one.rule, f"per_{name}_max"))
        }
        for one in limited
    }


def budgets_stretches(rule: Rule) -> dict[str, int]:
    """Each with its budget."""
    return {name: most for name, most in ((EVER, rule.budget_in_all), ("day", rule.budget_per_day)) if most}
