"""Which loops of the workers turn: each worker says so now and then, so that others can tell one that stands still.

Loops are of no shop: what is known of them stands under the workspace of all zeros.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars.kit.db import Reading, Tx
from regulars.kit.queries import Queries

_sql = Queries(__file__)
_NOBODYS = UUID(int=0)


async def beat(tx: Tx, turned: Sequence[str], known: Sequence[str], now: datetime) -> None:
    """These of the loops that there are have come to a good end of a round by now."""
    await tx.execute(_sql.forget_loops, _NOBODYS, known)
    await tx.execute(_sql.loops_turned, _NOBODYS, turned, now)


async def loops(tx: Reading) -> dict[str, datetime]:
    """When each turned last, in any worker."""
    return {row["name"]: row["turned_at"] for row in await tx.fetch(_sql.loops, _NOBODYS)}
