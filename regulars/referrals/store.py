"""Typed functions over the statements that more than one act uses."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars.kit import Queries, Reading, Tx
from regulars.referrals.model import Referral

sql = Queries(__file__)
_FIELDS = Referral.__struct_fields__


async def read(tx: Reading, statement: str, workspace_id: UUID, *arguments: Any) -> list[Referral]:
    """What a statement that answers whole rows finds."""
    rows = await tx.fetch(statement, workspace_id, *arguments)
    return [Referral(**dict(zip(_FIELDS, row, strict=True))) for row in rows]


async def lock(tx: Tx, workspace_id: UUID, ids: Iterable[UUID]) -> list[Referral]:
    """In the order of their ids; each locked until the transaction ends."""
    wanted = sorted(set(ids))
    return await read(tx, sql.lock, workspace_id, wanted) if wanted else []


def save(tx: Tx, workspace_id: UUID, of: Sequence[Referral], now: datetime) -> None:
    """As they are now: new ones, and locked ones. Raises, when it is sent, the driver's UniqueViolationError where
    another has brought that friend along meanwhile: run again."""
    if of:
        rows = [msgspec.structs.replace(one, updated_at=now) for one in of]
        tx.write(sql.save, workspace_id, *([getattr(one, name) for one in rows] for name in _FIELDS))
