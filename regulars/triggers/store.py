"""Typed functions over the statements that more than one act uses."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from regulars.kit import Queries, Reading, Tx
from regulars.triggers.model import Content, Firing, Trigger
from regulars.triggers.rule import Rule, as_json

sql = Queries(__file__)
S = TypeVar("S", bound=msgspec.Struct)
_PARTS = {Trigger.__struct_fields__.index(name): type_ for name, type_ in (("rule", Rule), ("content", Content))}


def trigger_of(*columns: Any) -> Trigger:
    """As a row of the statements that read triggers."""
    values = list(columns)
    for position, type_ in _PARTS.items():
        values[position] = msgspec.convert(values[position], type_)
    return Trigger(*values)


async def by_ids(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Trigger]:
    return {trigger.id: trigger for trigger in await tx.all(trigger_of, sql.by_ids, workspace_id, ids)}


async def all_triggers(tx: Reading, workspace_id: UUID) -> list[Trigger]:
    """The oldest first: a shop has tens."""
    return await tx.all(trigger_of, sql.all, workspace_id)


async def reacting(tx: Reading, workspace_id: UUID) -> list[Trigger]:
    """The active ones that react to what happens by themselves, oldest first."""
    return await tx.all(trigger_of, sql.reacting, workspace_id)


async def save(tx: Tx, workspace_id: UUID, trigger: Trigger) -> None:
    values = [getattr(trigger, field) for field in Trigger.__struct_fields__]
    for position in _PARTS:
        values[position] = as_json(values[position])
    await tx.execute(sql.save, workspace_id, *values)
    tx.say_changed(workspace_id)


async def insert_version(tx: Tx, workspace_id: UUID, trigger: Trigger, actor: str, now: datetime) -> None:
    await tx.execute(sql.insert_version, workspace_id, trigger.id, trigger.version, as_json(trigger.rule), actor, now)


async def last_about(
    tx: Reading, workspace_id: UUID, wanted: Sequence[tuple[UUID, UUID, str]]
) -> dict[tuple[UUID, str], str]:
    """Of each (customer, trigger, reference), by trigger and reference: why it was refused last, '' for a grant, also
    one that was taken back, or what waits to be one, and 'reversed' for what waits no more. Those that never led to a
    firing are missing."""
    if not wanted:
        return {}
    rows = await tx.fetch(sql.last_about, workspace_id, *map(list, zip(*wanted, strict=True)))
    return {(trigger_id, reference): why for trigger_id, reference, why in rows}


async def rules(tx: Reading, workspace_id: UUID, versions: Iterable[tuple[UUID, int]]) -> dict[tuple[UUID, int], Rule]:
    """By trigger and version."""
    ordered = sorted(versions)
    rows = await tx.fetch(sql.rules, workspace_id, [one[0] for one in ordered], [one[1] for one in ordered])
    return {(trigger_id, version): msgspec.convert(rule, Rule) for trigger_id, version, rule in rows}


async def settle_firings(tx: Tx, workspace_id: UUID, firings: Sequence[Firing]) -> None:
    """What became of them: state, reason and words, amount and txn, what they count. Their wallets are locked."""
    columns = [[getattr(firing, name) for firing in firings] for name in _SETTLED]
    await tx.execute(sql.settle_firings, workspace_id, *columns)


_SETTLED = ("id", "state", "reason", "explanation", "txn_id", "amount", "activities", "counted")


async def firings_about(tx: Reading, workspace_id: UUID, wanted: Sequence[tuple[UUID, str]]) -> list[Firing]:
    """All firings about each (customer, reference), oldest first."""
    about = [one[0] for one in wanted], [one[1] for one in wanted]
    return await tx.all(Firing, sql.firings_about, workspace_id, *about)


def insert_firings(tx: Tx, workspace_id: UUID, firings: Sequence[Firing]) -> None:
    tx.write(sql.insert_firings, workspace_id, [astuple(firing) for firing in firings])


async def in_segments(tx: Reading, workspace_id: UUID, facts: Sequence[S]) -> list[S]:
    """Each with the segments that its customer is in."""
    ids = sorted({fact.customer_id for fact in facts})  # type: ignore[attr-defined]
    rows = await tx.fetch(sql.segments_of, workspace_id, ids) if ids else []
    inside = {row["customer_id"]: row["segments"] for row in rows}
    return [msgspec.structs.replace(one, segments=tuple(inside.get(one.customer_id, ()))) for one in facts]  # type: ignore[attr-defined]
