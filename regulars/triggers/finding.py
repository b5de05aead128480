"""Triggers and what came of their firings, read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars.kit import Reading, bounds
from regulars.triggers.errors import UnknownTrigger
from regulars.triggers.model import Firing, State, Trigger, Version
from regulars.triggers.rule import Rule
from regulars.triggers.store import by_ids, sql
from regulars.triggers.wording import differences


async def find_trigger(tx: Reading, workspace_id: UUID, trigger_id: UUID) -> Trigger:
    """Raises UnknownTrigger."""
    trigger = (await by_ids(tx, workspace_id, [trigger_id])).get(trigger_id)
    if trigger is None:
        raise UnknownTrigger
    return trigger


async def versions_of(tx: Reading, workspace_id: UUID, trigger_id: UUID) -> list[tuple[Version, list[str]]]:
    """Newest first, each with what was changed to make it, in words."""
    trigger = await find_trigger(tx, workspace_id, trigger_id)
    rows = await tx.fetch(sql.versions, workspace_id, trigger_id)
    found = [Version(version, msgspec.convert(rule, Rule), *made) for version, rule, *made in rows]
    before = [*found[1:], *found[-1:]]
    pairs = zip(found, before, strict=True)
    return [(one, differences(trigger.source, older.rule, one.rule)) for one, older in pairs]


async def firings(
    tx: Reading,
    workspace_id: UUID,
    *,
    trigger_id: UUID | None = None,
    customer_id: UUID | None = None,
    reference: str = "",
    state: State | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: UUID | None = None,
    limit: int = 50,
) -> list[Firing]:
    """Newest first; of a customer, of a trigger, of both, or of the whole shop.

    `reference`, given with the customer, keeps those about one thing: "order:<id>".
    """
    asked: tuple[str, *tuple[Any, ...]]
    if customer_id is not None:
        asked = sql.firings_of_customer, customer_id, state, trigger_id, reference
    elif state == "refused":
        asked = (sql.refusals_of_trigger, trigger_id) if trigger_id else (sql.refusals,)
    else:
        asked = (sql.firings_of_trigger, trigger_id, state) if trigger_id else (sql.firings, state)
    statement, *about = asked
    before, first = bounds(before_id, since, until)
    return await tx.all(Firing, statement, workspace_id, before, limit, first, *about)


async def never_asked(tx: Reading, workspace_id: UUID, customer_id: UUID, references: Sequence[str]) -> set[str]:
    """Those of the references, all about one customer, of which no firing is kept."""
    return set(references).difference(await tx.all(str, sql.asked_about, workspace_id, customer_id, references))


async def tally(tx: Reading, workspace_id: UUID) -> dict[str, int]:
    """How many firings were granted and how many refused, ever. Reads every row: for reports, not for pages."""
    kept = {state: count for state, count in await tx.fetch(sql.tally, workspace_id)}  # noqa: C416
    return {"granted": 0, "refused": 0} | kept
