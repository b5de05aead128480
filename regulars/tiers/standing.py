"""Who stands where."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import limits, schedule
from regulars.customers import Customer
from regulars.kit import AFTER_ALL_IDS, Reading, Tx
from regulars.tenancy import Workspace
from regulars.tiers import store
from regulars.tiers.changing import RECALCULATE
from regulars.tiers.model import Measures, Move, Standing
from regulars.tiers.placing import measured
from regulars.tiers.store import sql


class Stands(msgspec.Struct, frozen=True):
    """Where a customer stands, what they have reached within the window, and what is missing to the next tier by each
    of its needs."""

    standing: Standing
    reached: Measures
    next_tier: str
    missing: dict[str, float]


class Progress(msgspec.Struct, frozen=True):
    """How far judging everybody anew has come."""

    version: int
    done: int


async def standing_of(tx: Reading, workspace: Workspace, customer: Customer, now: datetime) -> Stands:
    ladder = (await store.newest(tx, workspace.id)).ladder
    there = await store.standings(tx, workspace.id, [customer.id], locked=False)
    standing = there.get(customer.id) or Standing(customer.id, "", customer.created_at)
    reached = (await measured(tx, workspace, ladder, [customer], now))[customer.id]
    place = ladder.place(standing.tier) + 1
    if place >= len(ladder.tiers):
        return Stands(standing, reached, "", {})
    following = ladder.tiers[place]
    missing = {name: max(0, least - getattr(reached, name)) for name, least in following.enter.asked().items()}
    return Stands(standing, reached, following.key, missing)


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Drop the words with which they were moved and placed."""
    for statement in (sql.forget_moves, sql.forget_standings):
        await tx.execute(statement, workspace_id, customer_ids)


async def moves_of(tx: Reading, workspace_id: UUID, customer_id: UUID) -> list[Move]:
    """Newest first."""
    return await tx.all(Move, sql.moves_of, workspace_id, customer_id, limits.PAGE_ITEMS_MAX)


async def counts(tx: Reading, workspace_id: UUID) -> dict[str, int]:
    """How many stand on each tier."""
    return {row["tier"]: row["customers"] for row in await tx.fetch(sql.counts, workspace_id)}


async def members(
    tx: Reading, workspace_id: UUID, tier: str, *, before_id: UUID | None = None, limit: int
) -> list[Standing]:
    """Those who joined last first; for the next page `before_id` is the last one's customer_id."""
    return await tx.all(Standing, sql.members, workspace_id, tier, before_id or AFTER_ALL_IDS, limit)


async def progress(tx: Reading, workspace_id: UUID) -> Progress | None:
    """None when nobody is being judged anew."""
    due = await schedule.find(tx, workspace_id, RECALCULATE, "")
    return Progress(due.payload["version"], due.payload["done"]) if due else None
