"""The switch of a shop: whether tools are told of its events."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from regulars import tenancy
from regulars.events.readers import drop_pending
from regulars.kit.db import Tx
from regulars.tenancy import Workspace


async def switch(tx: Tx, workspace_id: UUID, on: bool, now: datetime) -> Workspace:
    """What happened while it was off is not sent afterwards: what still waits is dropped in the transaction that
    switches on. Events themselves stay in the log. Raises NotFound."""
    before = await tenancy.get_workspace(tx, workspace_id)
    changed = await tenancy.change_workspace(tx, workspace_id, {"events_on": on}, now)
    if on and not before.events_on:
        await drop_pending(tx, workspace_id)
    return changed
