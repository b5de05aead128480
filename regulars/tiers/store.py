"""Typed functions over the statements that more than one act uses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars.kit import Queries, Reading, Tx
from regulars.tiers.model import Ladder, Move, Standing

sql = Queries(__file__)


class LadderVersion(msgspec.Struct, frozen=True):
    """Version 0 is a shop without a ladder."""

    version: int
    ladder: Ladder
    actor: str = ""
    created_at: datetime | None = None


NONE = LadderVersion(0, Ladder())


async def ladders(tx: Reading, workspace_id: UUID, limit: int) -> list[LadderVersion]:
    """Newest first."""
    rows = await tx.fetch(sql.ladder, workspace_id, limit)
    return [LadderVersion(version, msgspec.convert(ladder, Ladder), *rest) for version, ladder, *rest in rows]


async def newest(tx: Reading, workspace_id: UUID) -> LadderVersion:
    return next(iter(await ladders(tx, workspace_id, 1)), NONE)


async def standings(tx: Reading, workspace_id: UUID, ids: Sequence[UUID], *, locked: bool) -> dict[UUID, Standing]:
    """Those that there are; `locked` until the transaction ends, in the order of their customers' ids."""
    rows = await tx.fetch(sql.lock_standings if locked else sql.standings, workspace_id, sorted(set(ids)))
    return {row["customer_id"]: Standing(*row) for row in rows}


def save_standings(tx: Tx, workspace_id: UUID, of: Sequence[Standing]) -> None:
    if of:
        tx.write(sql.save_standings, workspace_id, *_columns(of))


def insert_moves(tx: Tx, workspace_id: UUID, moves: Sequence[Move]) -> None:
    if moves:
        tx.write(sql.insert_moves, workspace_id, *_columns(moves))


def _columns(of: Sequence[msgspec.Struct]) -> list[list[Any]]:
    return [[getattr(one, name) for one in of] for name in of[0].__struct_fields__]
