"""Typed functions over the statements that more than one act uses."""

from uuid import UUID

from regulars.channels.model import Sender
from regulars.kit import Queries, Reading

sql = Queries(__file__)
MISSING = "This sender does not exist."


async def sender(tx: Reading, workspace_id: UUID, sender_id: UUID, *, locked: bool = False) -> Sender:
    """Raises NotFound; so does one that was removed."""
    return await tx.the(MISSING, Sender, sql.lock_sender if locked else sql.sender, workspace_id, sender_id)


async def find_sender(tx: Reading, workspace_id: UUID, sender_id: UUID) -> Sender | None:
    return await tx.one(Sender, sql.sender, workspace_id, sender_id)


async def sender_of_hook(tx: Reading, hook_id: UUID) -> Sender | None:
    """Whose provider reports at this address."""
    return await tx.one(Sender, sql.sender_of_hook, hook_id)
