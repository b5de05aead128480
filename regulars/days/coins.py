"""What came into wallets and went out of them on days that are over, and what stood in them then."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from uuid import UUID

import msgspec

from regulars import ledger, limits
from regulars.kit import Queries, Reading, Tx
from regulars.ledger import Standing, Turnover
from regulars.tenancy import Workspace

_sql = Queries(__file__)

Moved = list[tuple[datetime, Turnover]]
"""With the beginning of the day on which it moved."""


async def keep(tx: Tx, shop: Workspace, moments: Sequence[datetime], now: datetime) -> None:
    """Of each day between two neighbouring moments, once; and what stands now in place of what stood."""
    turned = await ledger.turnover(tx, shop.id, moments, at_most=limits.DAY_COUNTED_MAX)
    days = zip(pairwise(moments), turned, strict=True)
    rows = [(*day, *msgspec.structs.astuple(one)) for day, found in days for one in found]
    if rows:
        await tx.execute(_sql.keep_coins, shop.id, *map(list, zip(*rows, strict=True)))
    await tx.execute(_sql.drop_standing, shop.id)
    parts = [msgspec.structs.astuple(one) for one in await ledger.standing(tx, shop.id, now, shop.zone)]
    if parts:
        await tx.execute(_sql.keep_standing, shop.id, *map(list, zip(*parts, strict=True)), now)


async def kept_moves(tx: Reading, workspace_id: UUID, since: datetime, until: datetime) -> Moved:
    return [(row[0], Turnover(*row[2:])) for row in await tx.fetch(_sql.kept_coins, workspace_id, since, until)]


async def standing(tx: Reading, shop: Workspace, now: datetime) -> tuple[datetime, list[Standing]]:
    """What customers have, and as of when: now, unless they are so many that it is read as it was kept."""
    rows = await tx.fetch(_sql.standing, shop.id)
    if sum(row["lots"] for row in rows) > limits.LIABILITY_LOTS_LIVE_MAX:
        return rows[0]["counted_at"], [Standing(*row[:5]) for row in rows]
    return now, await ledger.standing(tx, shop.id, now, shop.zone)
