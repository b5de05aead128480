"""The round that keeps months coming and going."""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from regulars import limits
from regulars.kit import Database, Queries, Reading, ids, partitions
from regulars.kit.db import IN_USE
from regulars.kit.partitions import Partition

_sql = Queries(__file__)
_log = structlog.get_logger(__name__)
_WAITS = {
    "events": _sql.events_wait,
    "deliveries": _sql.deliveries_wait,
    "firings": _sql.firings_wait,
    "hooks": _sql.hooks_wait,
}


async def sweep(db: Database, now: datetime) -> list[str]:
    """Make the months to come and drop those whose time has passed; the names of those dropped.

    Where others hold a table for longer than PARTITION_LOCK_TIMEOUT_MS, that is left to the next round.
    """
    dropped = []
    try:
        async with db.transaction() as tx:
            await partitions.make(tx, ids.now())
    except IN_USE:
        _log.warning("partitions_not_made", why="a table is locked by others")
    async with db.reading() as read:
        floors: dict[str, UUID] = {row["kind"]: row["first_id"] for row in await read.fetch(_sql.floors)}
        found = await partitions.partitions(read)
    for one in found:
        floor = floors.get(one.growing.kind)
        over = floor is not None and ids.first_id_at(one.ends_at) <= floor
        if over != bool(one.notice):
            at = now + timedelta(seconds=limits.PARTITION_NOTICE_S)
            notice = f"'{at.isoformat()}'" if over else "NULL"
            await _give_way(db, one, f"COMMENT ON TABLE {one.name} IS {notice}")
        elif over and one.dropped_from <= now:
            async with db.reading() as read:
                waits = await _waits(read, one)
            if waits:
                _log.warning("partition_held", partition=one.name, why="something in it is still to be sent or handled")
            elif await _give_way(db, one, f"DROP TABLE IF EXISTS {one.name}"):
                dropped.append(one.name)
                _log.info("partition_dropped", partition=one.name)
    return dropped


async def held(tx: Reading, now: datetime) -> dict[str, int]:
    """By table, how many months should be gone and are still there."""
    counted = Counter({growing.table: 0 for growing in partitions.GROWING})
    counted.update(
        one.growing.table for one in await partitions.partitions(tx) if one.notice and one.dropped_from <= now
    )
    return counted


async def _waits(tx: Reading, one: Partition) -> bool:
    """Whether something in that month is still to be done. Once nothing is, that is so for good: no shop sees the
    month, so nothing in it can be sent again."""
    if one.growing.kind not in _WAITS:
        return False
    bounds = ids.first_id_at(one.starts_at), ids.first_id_at(one.ends_at)
    waits: bool = await tx.fetchval(_WAITS[one.growing.kind], *bounds)
    return waits


async def _give_way(db: Database, one: Partition, statement: str) -> bool:
    """Whether it was done: not when others hold the table."""
    try:
        async with db.transaction() as tx:
            await partitions.give_way(tx)
            await tx.execute(statement)
    except IN_USE:
        _log.info("partition_in_use", partition=one.name)
        return False
    return True
