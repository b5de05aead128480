"""One function per statement of `queries.sql`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from regulars.kit.db import Reading, Tx
from regulars.kit.queries import Queries
from regulars.triggers.model import Content, Firing, Trigger, Version
from regulars.triggers.rule import Rule, as_json

_sql = Queries(__file__)
_PARTS = {Trigger.__struct_fields__.index(name): type_ for name, type_ in (("rule", Rule), ("content", Content))}


async def by_ids(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Trigger]:
    return {row["id"]: _trigger(row) for row in await tx.fetch(_sql.by_ids, workspace_id, ids)}


async def all_triggers(tx: Reading, workspace_id: UUID) -> list[Trigger]:
    return [_trigger(row) for row in await tx.fetch(_sql.all, workspace_id)]


async def reacting(tx: Reading, workspace_id: UUID) -> list[Trigger]:
    """The active ones that react to what happens by themselves, oldest first."""
    return [_trigger(row) for row in await tx.fetch(_sql.reacting, workspace_id)]


async def count(tx: Reading, workspace_id: UUID) -> int:
    found: int = await tx.fetchval(_sql.count, workspace_id)
    return found


async def lock(tx: Tx, workspace_id: UUID, trigger_id: UUID) -> Trigger | None:
    row = await tx.fetchrow(_sql.lock, workspace_id, trigger_id)
    return _trigger(row) if row else None


async def save(tx: Tx, workspace_id: UUID, trigger: Trigger) -> None:
    values = [getattr(trigger, field) for field in Trigger.__struct_fields__]
    for position in _PARTS:
        values[position] = as_json(values[position])
    await tx.execute(_sql.save, workspace_id, *values)
    tx.say_changed(workspace_id)


async def insert_version(tx: Tx, workspace_id: UUID, trigger: Trigger, actor: str, now: datetime) -> None:
    await tx.execute(_sql.insert_version, workspace_id, trigger.id, trigger.version, as_json(trigger.rule), actor, now)


async def versions(tx: Reading, workspace_id: UUID, trigger_id: UUID) -> list[Version]:
    rows = await tx.fetch(_sql.versions, workspace_id, trigger_id)
    return [Version(r["version"], msgspec.convert(r["rule"], Rule), r["actor"], r["created_at"]) for r in rows]


Key = tuple[UUID, UUID, str]


async def counters(tx: Reading, workspace_id: UUID, keys: Sequence[Key]) -> dict[Key, Sequence[Any]]:
    """Those that exist, as (activities, amount, granted, coins, last_at)."""
    return _counters(await tx.fetch(_sql.counters, workspace_id, *_columns(keys)))


async def lock_counters(tx: Reading, workspace_id: UUID, keys: Sequence[Key]) -> dict[Key, Sequence[Any]]:
    """All of them, made if they were not there, and locked until the transaction ends. `keys` are in the lock order."""
    return _counters(await tx.fetch(_sql.lock_counters, workspace_id, *_columns(keys)))


def _columns(keys: Sequence[Key]) -> list[list[Any]]:
    return [[key[n] for key in keys] for n in range(3)]


def _counters(rows: Iterable[Any]) -> dict[Key, Sequence[Any]]:
    return {(trigger, subject, stretch): (activities, int(amount), *rest)
            for trigger, subject, stretch, activities, amount, *rest in rows}  # fmt: skip


def add_to_counters(tx: Tx, workspace_id: UUID, rows: Sequence[Sequence[Any]]) -> None:
    """`rows` are a key each and what is added to its counter."""
    tx.write(_sql.add_to_counters, workspace_id, *([row[n] for row in rows] for n in range(8)))


async def count_back(tx: Tx, workspace_id: UUID, trigger_id: UUID, budget: bool, form: str, zone: str) -> None:
    """Make the counters of one kind of stretch, of each customer or of the budget, from the firings that are kept:
    `form` writes the stretch as to_char does."""
    await tx.execute(_sql.count_back, workspace_id, trigger_id, budget, form, zone)


async def counted_back(tx: Reading, workspace_id: UUID, key: Key, form: str, zone: str) -> Sequence[Any]:
    """What `count_back` would make that counter of."""
    row = await tx.fetchrow(_sql.counted_back, workspace_id, *key, form, zone)
    assert row is not None
    return tuple(row)


async def last_about(
    tx: Reading, workspace_id: UUID, wanted: Sequence[tuple[UUID, UUID, str]]
) -> dict[tuple[UUID, str], str]:
    """Of each (customer, trigger, reference), by trigger and reference: why it was refused last, '' for a grant or what
    waits to be one, 'reversed:' and its id for one that was taken back. Those that never led to a firing are
    missing."""
    columns = [[row[n] for row in wanted] for n in range(3)]
    rows = await tx.fetch(_sql.last_about, workspace_id, *columns)
    return {
        (row["trigger_id"], row["reference"]): f"reversed:{row['id']}" if row["state"] == "reversed" else row["reason"]
        for row in rows
    }


async def rules(tx: Reading, workspace_id: UUID, versions: Iterable[tuple[UUID, int]]) -> dict[tuple[UUID, int], Rule]:
    """By trigger and version."""
    ordered = sorted(versions)
    rows = await tx.fetch(_sql.rules, workspace_id, [one[0] for one in ordered], [one[1] for one in ordered])
    return {(row["trigger_id"], row["version"]): msgspec.convert(row["rule"], Rule) for row in rows}


async def settle_firings(tx: Tx, workspace_id: UUID, firings: Sequence[Firing]) -> None:
    """What became of them: state, reason and words, amount and txn, what they count. Their wallets are locked."""
    columns = [[getattr(firing, name) for firing in firings] for name in _SETTLED]
    await tx.execute(_sql.settle_firings, workspace_id, *columns)


_SETTLED = ("id", "state", "reason", "explanation", "txn_id", "amount", "activities", "counted")


async def insert_facts(tx: Tx, workspace_id: UUID, facts: Sequence[Any], now: datetime) -> list[str]:
    """The ids of those that were not there; `facts` are rows in the order of the columns."""
    columns = [[astuple(fact)[n] for fact in facts] for n in range(6)]
    rows = await tx.fetch(_sql.insert_facts, workspace_id, *columns, now)
    return [row["outside_id"] for row in rows]


async def facts(tx: Reading, workspace_id: UUID, outside_ids: Sequence[str]) -> list[Sequence[Any]]:
    return [tuple(row) for row in await tx.fetch(_sql.facts, workspace_id, outside_ids)]


async def firings_about(tx: Reading, workspace_id: UUID, wanted: Sequence[tuple[UUID, str]]) -> list[Firing]:
    """All firings about each (customer, reference), oldest first."""
    columns = [[one[n] for one in wanted] for n in range(2)]
    return [Firing(*row) for row in await tx.fetch(_sql.firings_about, workspace_id, *columns)]


def insert_firings(tx: Tx, workspace_id: UUID, firings: Sequence[Firing]) -> None:
    tx.write(_sql.insert_firings, workspace_id, [astuple(firing) for firing in firings])


async def firings(
    tx: Reading,
    workspace_id: UUID,
    trigger_id: UUID | None,
    customer_id: UUID | None,
    state: str | None,
    within: tuple[UUID, UUID],
    limit: int,
) -> list[Firing]:
    before, first = within
    arguments = (workspace_id, before, limit, first)
    if customer_id is not None:
        rows = await tx.fetch(_sql.firings_of_customer, *arguments, customer_id, state)
    elif trigger_id is None and state == "refused":
        rows = await tx.fetch(_sql.refusals, *arguments)
    elif trigger_id is None:
        rows = await tx.fetch(_sql.firings, *arguments, state)
    elif state == "refused":
        rows = await tx.fetch(_sql.refusals_of_trigger, *arguments, trigger_id)
    else:
        rows = await tx.fetch(_sql.firings_of_trigger, *arguments, trigger_id, state)
    return [Firing(*row) for row in rows]


async def asked_about(tx: Reading, workspace_id: UUID, customer_id: UUID, references: Sequence[str]) -> set[str]:
    rows = await tx.fetch(_sql.asked_about, workspace_id, customer_id, references)
    return {row["reference"] for row in rows}


async def firings_of_reference(tx: Reading, workspace_id: UUID, customer_id: UUID, reference: str) -> list[Firing]:
    return [Firing(*row) for row in await tx.fetch(_sql.firings_of_reference, workspace_id, customer_id, reference)]


def _trigger(row: Iterable[Any]) -> Trigger:
    values = list(row)
    for position, type_ in _PARTS.items():
        values[position] = msgspec.convert(values[position], type_)
    return Trigger(*values)


async def tally(tx: Reading, workspace_id: UUID) -> dict[str, int]:
    return {row["state"]: row["firings"] for row in await tx.fetch(_sql.tally, workspace_id)}


async def move_customer(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> None:
    await tx.execute(_sql.move_firings, workspace_id, from_id, into_id)
    await tx.execute(_sql.move_counters, workspace_id, from_id, into_id)
    await tx.execute(_sql.move_facts, workspace_id, from_id, into_id)


async def forget_found(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
    words = "A condition did not hold. What it found was erased with the customer."
    await tx.execute(_sql.forget_firings, workspace_id, customer_ids, words, "conditions_not_met")
    await tx.execute(_sql.forget_facts, workspace_id, customer_ids)
