"""Rows put in, and taken out before their time."""

from collections.abc import Collection, Sequence
from uuid import UUID

from regulars.kit import Queries, Tx
from regulars.schedule.model import Due

_sql = Queries(__file__)


async def put(tx: Tx, workspace_id: UUID, dues: Sequence[Due]) -> None:
    """Have them done at their times. One that is there already, by its kind and key, takes the new time and payload,
    and is not set aside any more. Of two of a list the later one counts.

    Rows are written in the order of their kinds and keys, so that two who put the same ones don't wait in a circle.
    """
    if dues:
        last = {(due.kind, due.key): due for due in dues}
        columns = zip(*((due.kind, due.key, due.due_at, due.payload) for _, due in sorted(last.items())), strict=True)
        tx.write(_sql.put, workspace_id, *map(list, columns))


async def drop(tx: Tx, workspace_id: UUID, kind: str, keys: Collection[str]) -> None:
    """Those that are there are not done any more. One that a worker has in hand is waited for, and was done then."""
    if keys:
        tx.write(_sql.drop, workspace_id, kind, list(keys))
