"""What was given, and what it counts for, when customers are merged or erased."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from regulars.kit.db import Tx
from regulars.triggers import store


async def move(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> None:
    """One customer's firings and facts are another's, and what both had counts together for their limits."""
    await store.move_customer(tx, workspace_id, from_id, into_id)


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Drop what conditions found of these customers, and what facts about them said."""
    await store.forget_found(tx, workspace_id, customer_ids)
