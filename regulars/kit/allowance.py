"""How often something may be done: an allowance that fills evenly and is drawn from by every process alike.

A process that does a thing often draws for a while at once, so that being counted costs next to nothing. After a crash
of the database all allowances are full.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from regulars.kit.db import Tx
from regulars.kit.queries import Queries

_sql = Queries(__file__)


class Drawn(msgspec.Struct, frozen=True, gc=False):
    """How many were granted, and how many are left in the allowance: a fraction less than one fills up to the next."""

    granted: int
    left: float


async def draw(tx: Tx, workspace_id: UUID, name: str, now: datetime, *, wanted: int, most: int, per_s: float) -> Drawn:
    """As many of `wanted` as there are; fewer than none are given back. An allowance holds `most` at first, and again
    when nothing was drawn for long; it gains `per_s`. A clock that is set back does not fill it."""
    row = await tx.fetchrow(_sql.draw_allowance, workspace_id, name, now, most, per_s, wanted)
    if row is None:
        # Two that open it at once wait for each other here, and draw from one.
        await tx.execute(_sql.open_allowance, workspace_id, name, now, most)
        row = await tx.fetchrow(_sql.draw_allowance, workspace_id, name, now, most, per_s, wanted)
    assert row is not None
    return Drawn(*row)


async def forget_unused(tx: Tx, workspace_id: UUID, now: datetime, *, unused_s: float) -> None:
    """Drop those that nobody has drawn from for so long that they are full again."""
    tx.write(_sql.drop_allowances, workspace_id, now - timedelta(seconds=unused_s))


async def forget(tx: Tx, workspace_id: UUID, beginning: str) -> None:
    """Those whose names begin so are full again."""
    await tx.execute(_sql.forget_allowances, workspace_id, beginning)
