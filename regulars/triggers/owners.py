"""What was given, and what it counts for, when customers are merged or erased."""

from collections.abc import Sequence
from uuid import UUID

from regulars.kit import Tx
from regulars.triggers.store import sql


async def move(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> None:
    """One customer's firings and facts are another's, and what both had counted together for their limits."""
    for statement in (sql.move_firings, sql.move_counters, sql.move_facts):
        await tx.execute(statement, workspace_id, from_id, into_id)


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Drop what conditions found of these customers, and what facts about them said."""
    words = "A condition did not hold. What it found was erased with the customer."
    await tx.execute(sql.forget_firings, workspace_id, customer_ids, words, "conditions_not_met")
    await tx.execute(sql.forget_facts, workspace_id, customer_ids)
