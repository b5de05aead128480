"""How many coins were given and taken over a stretch of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit.db import Reading
from regulars.kit.ids import first_id_at
from regulars.kit.queries import Queries
from regulars.ledger.model import Kind

_sql = Queries(__file__)


class Flow(msgspec.Struct, frozen=True, gc=False):
    """What was recorded from `starts_at` until the next of the moments asked for."""

    starts_at: datetime
    credited: int
    debited: int


async def flow(
    tx: Reading,
    workspace_id: UUID,
    moments: Sequence[datetime],
    *,
    kind: Kind = "coins",
    at_most: int = limits.FLOW_TXNS_MAX,
) -> list[Flow]:
    """For each stretch between two neighbouring moments (in rising order, at least two).

    Adding up stops at `at_most` txns in a stretch: such a sum means "at least". It goes by the ids, which
    hold the time the system's clock showed.
    """
    bounds = [first_id_at(at) for at in moments]
    rows = await tx.fetch(_sql.flow, workspace_id, bounds[:-1], bounds[1:], kind, at_most)
    return [Flow(at, row["credited"], row["debited"]) for at, row in zip(moments, rows, strict=False)]
