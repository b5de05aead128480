"""What somebody wrote, when customers are merged or erased."""

from collections.abc import Sequence
from uuid import UUID

from regulars.kit import Tx
from regulars.reviews.model import Post
from regulars.reviews.store import add_to_sums, sql


async def move(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> None:
    """What both wrote of the same product stays, of both."""
    await tx.execute(sql.move_posts, workspace_id, from_id, into_id)


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """What they wrote is gone, with its pictures, and is counted no more."""
    gone = await tx.all(Post, sql.of_customers, workspace_id, customer_ids)
    ids = [post.id for post in gone]
    if ids:
        await tx.execute(sql.delete_pictures, workspace_id, ids)
        await tx.execute(sql.delete, workspace_id, ids)
        add_to_sums(tx, workspace_id, [(post, None) for post in gone])
