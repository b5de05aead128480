"""Typed functions over the statements that more than one act uses."""

from uuid import UUID

from regulars.integrations.model import Integration
from regulars.kit import Queries, Reading

sql = Queries(__file__)
MISSING = "This integration does not exist."


async def integration(tx: Reading, workspace_id: UUID, integration_id: UUID, *, locked: bool = False) -> Integration:
    """Raises NotFound; so does one that was removed."""
    statement = sql.lock_integration if locked else sql.integration
    return await tx.the(MISSING, Integration, statement, workspace_id, integration_id)
