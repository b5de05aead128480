"""One typed function per statement of queries.sql that is used by more than one act."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from regulars.integrations.model import Integration
from regulars.kit.db import Reading, Record, Tx
from regulars.kit.errors import NotFound
from regulars.kit.queries import Queries

sql = Queries(__file__)


async def integration(tx: Reading, workspace_id: UUID, integration_id: UUID) -> Integration:
    """Raises NotFound; so does one that was removed."""
    return _found(await tx.fetchrow(sql.integration, workspace_id, integration_id))


async def lock_integration(tx: Tx, workspace_id: UUID, integration_id: UUID) -> Integration:
    """Raises NotFound, as `integration`."""
    return _found(await tx.fetchrow(sql.lock_integration, workspace_id, integration_id))


def _found(row: Record | None) -> Integration:
    if row is None:
        raise NotFound("This integration does not exist.")
    return Integration(*row)


async def change(
    tx: Tx, known: Integration, name: str, settings: dict[str, Any], sealed: bytes, now: datetime
) -> Integration:
    await tx.execute(sql.change_integration, known.workspace_id, known.id, name, settings, sealed, now)
    return Integration(
        known.id,
        known.workspace_id,
        known.tool,
        name,
        settings,
        sealed,
        known.state,
        known.state_reason,
        known.created_at,
        now,
    )
