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
from regulars.triggers.model import Content, Firing, Rule, Trigger, Version, as_json

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


async def granted_since(
    tx: Reading,
    workspace_id: UUID,
    pairs: Iterable[tuple[UUID, UUID]],
    today: datetime,
    this_month: datetime,
    *,
    ever: bool,
) -> dict[tuple[UUID, UUID], tuple[int, int, int]]:
    """Granted firings per (customer, trigger), as (since `today`, since `this_month`, and, if asked, `ever`); none is
    missing."""
    ordered = sorted(pairs)
    rows = await tx.fetch(
        _sql.granted_since, workspace_id, [p[0] for p in ordered], [p[1] for p in ordered], today, this_month, ever
    )
    return {(r["customer_id"], r["trigger_id"]): (r["today"], r["this_month"], r["ever"]) for r in rows}


async def last_about(
    tx: Reading, workspace_id: UUID, wanted: Sequence[tuple[UUID, UUID, str]]
) -> dict[tuple[UUID, str], str]:
    """Of each (customer, trigger, reference), by trigger and reference: why it was refused last, '' for a grant. Those
    that never led to a firing are missing."""
    columns = [[row[n] for row in wanted] for n in range(3)]
    rows = await tx.fetch(_sql.last_about, workspace_id, *columns)
    return {(row["trigger_id"], row["reference"]): row["reason"] for row in rows}


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
