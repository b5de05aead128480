"""What was given so far, counted beside the firings: these may be dropped when they are old, and what counts on all of
them must not.

A counter is of a trigger and a customer, or of a trigger alone for its budget, and of a stretch of the shop's calendar:
'' is all time, '2026-03-14' a day, '2026-W11' a week, '2026-03' a month, '2026' a year. Only those that a rule asks for
are kept. What happened counts in the stretch in which it happened, whenever it is written down.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from regulars.kit.db import Reading, Tx
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.rule import Rule

EVER = ""
Key = tuple[UUID, UUID, str]
"""Trigger, customer (or, of a budget, the trigger again) and stretch."""

_STRETCHES = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "year": "%Y"}


class Counter(msgspec.Struct, gc=False):
    """`activities` and `amount`, in thousandths, are of what got as far as being counted; `granted` and `coins` of what
    was given, `last_at` when that which was given last had happened."""

    activities: int = 0
    amount: int = 0
    granted: int = 0
    coins: int = 0
    last_at: datetime | None = None


class Tally:
    """The counters of one batch: as they stand, with what the batch adds to them."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._now: dict[Key, Counter] = {}
        self._added: dict[Key, Counter] = {}
        self._locals: dict[datetime, datetime] = {}

    def __getitem__(self, key: Key) -> Counter:
        return self._now.setdefault(key, Counter())

    def local(self, at: datetime) -> datetime:
        """By the shop's clock. A batch of calls happens at one instant, so it is worked out once."""
        found = self._locals.get(at)
        if found is None:
            found = self._locals[at] = at.astimezone(self._workspace.zone)
        return found

    def stretch(self, name: str, at: datetime) -> str:
        return self.local(at).strftime(_STRETCHES[name])

    def customers_keys(self, trigger_id: UUID, rule: Rule, customer_id: UUID, at: datetime) -> list[Key]:
        """The counters of a customer that the rule asks for."""
        return [(trigger_id, customer_id, s and self.stretch(s, at)) for s in customers_stretches(rule)]

    def budgets_keys(self, trigger_id: UUID, rule: Rule, at: datetime) -> list[Key]:
        return [(trigger_id, trigger_id, s and self.stretch(s, at)) for s in budgets_stretches(rule)]

    async def read(self, tx: Reading, keys: Iterable[Key], *, locked: bool = False) -> None:
        """Those that are not known yet; `locked` ones nobody else changes until the transaction ends. Lock order: by
        key."""
        missing = sorted(set(keys) - self._now.keys())
        if missing:
            found = await (store.lock_counters if locked else store.counters)(tx, self._workspace.id, missing)
            self._now |= {key: Counter(*values) for key, values in found.items()}
            self._now |= {key: Counter() for key in missing if key not in found}

    def add(self, keys: Iterable[Key], *, activities: int = 0, amount: int = 0, granted: int = 0, coins: int = 0,
            at: datetime | None = None) -> None:  # fmt: skip
        for key in keys:
            for counter in (self[key], self._added.setdefault(key, Counter())):
                counter.activities += activities
                counter.amount += amount
                counter.granted += granted
                counter.coins += coins
                if at is not None:
                    counter.last_at = max(at, counter.last_at or at)

    def tell(self, trigger_id: UUID, rule: Rule, customer_id: UUID, at: datetime, coins: int, sign: int) -> None:
        """Count what is given, or, with a sign of -1, what then was not, or not for good."""
        if rule.limited or rule.counts_activities:
            keys = self.customers_keys(trigger_id, rule, customer_id, at)
            self.add(keys, granted=sign, coins=sign * coins, at=at if sign > 0 else None)
        if rule.budgeted:
            self.add(self.budgets_keys(trigger_id, rule, at), granted=sign, coins=sign * coins)

    def write(self, tx: Tx) -> None:
        rows = [(*key, *msgspec.structs.astuple(counter)) for key, counter in sorted(self._added.items())]
        self._added = {}
        if rows:
            store.add_to_counters(tx, self._workspace.id, rows)


def customers_stretches(rule: Rule) -> list[str]:
    """By their names; '' for ever."""
    kept = set()
    if (
        rule.per_customer_max
        or rule.cool_down_minutes
        or rule.on_activity_count_reached
        or rule.on_activity_amount_reached
    ):
        kept.add(EVER)
    if rule.per_day_max:
        kept.add("day")
    if rule.per_month_max:
        kept.add("month")
    if rule.on_timeline_count_reached or rule.on_timeline_amount_reached:
        kept.add(rule.timeline)
    return sorted(kept)


def budgets_stretches(rule: Rule) -> list[str]:
    return [name for name, most in ((EVER, rule.budget_in_all), ("day", rule.budget_per_day)) if most]
