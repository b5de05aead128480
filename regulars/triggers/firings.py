"""What came of firings, for whoever asks why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars.kit.db import Reading
from regulars.kit.ids import bounds
from regulars.triggers import store
from regulars.triggers.model import Firing, State


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
    """Newest first; of a customer, of a trigger, or of the whole shop.

    `reference`, given with the customer, keeps those about one thing: "order:<id>".
    """
    if customer_id is not None and reference:
        return await store.firings_of_reference(tx, workspace_id, customer_id, reference)
    within = bounds(before_id, since, until)
    return await store.firings(tx, workspace_id, trigger_id, customer_id, state, within, limit)


async def never_asked(tx: Reading, workspace_id: UUID, customer_id: UUID, references: Sequence[str]) -> set[str]:
    """Those of the references, all about one customer, of which no firing is kept."""
    return set(references) - await store.asked_about(tx, workspace_id, customer_id, references)


async def tally(tx: Reading, workspace_id: UUID) -> dict[str, int]:
    """How many firings were granted and how many refused, ever. Reads every row: for reports, not for pages."""
    return {"granted": 0, "refused": 0} | await store.tally(tx, workspace_id)
