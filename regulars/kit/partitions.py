"""Tables that grow with every call are partitioned by the months of their ids, which hold the time they were made.

Promises: there is a partition for an id that is made now, and for one of each of the PARTITIONS_AHEAD_MONTHS to come;
none that takes "the rest", which nobody could drop. What is said to have happened long ago has an id of now, so nothing
is ever written into an old month. A partition is made beside its table and then attached, which stops no reader and no
writer; `regulars.retention` drops it, whole.

The names of tables and months are put into statements here: parameters can't stand there, and all come from this file.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from regulars import limits
from regulars.kit.clock import midnight, months_later
from regulars.kit.db import Reading, Tx
from regulars.kit.ids import first_id_at
from regulars.kit.queries import Queries

_sql = Queries(__file__)
_ADVISORY_LOCK = 0x5245_4758  # "REGX"


class Growing(msgspec.Struct, frozen=True):
    """A partitioned table. `kind` is what shops choose a time for; `storage` and `column` are what a table can't hand
    down to its partitions."""

    table: str
    kind: str
    storage: str = ""
    column: str = ""


GROWING = (
    # Vacuumed by rows added, not by a share of all, so that counting today's events reads the index alone however long
    # the log has grown. PostgreSQL 18 finds an id in the index by topic too, skipping from one topic to the next, and
    # believes that to be cheap when it knows of few topics. Told of many, it goes by the key. Nor is it told how many
    # events each shop has: of one that came since it would believe in none, and that any index of them does for an id.
    Growing(
        "events_event",
        "events",
        "autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000",
        "ALTER COLUMN topic SET (n_distinct = 1000), ALTER COLUMN workspace_id SET STATISTICS 0",
    ),
    Growing("delivery_delivery", "deliveries", "fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05"),
    # Bodies stay in the row as they are up to a page: compressing those above 2 kB would cost more than all the rest.
    Growing("delivery_attempt", "deliveries", "toast_tuple_target = 8160"),
    Growing("automations_passage", "deliveries"),
    Growing("triggers_firing", "firings"),
    Growing("once_answer", "answers"),
    Growing("shops_hook", "hooks"),
)


class Partition(msgspec.Struct, frozen=True):
    """One month of a table. `notice`: what its comment says, which is when it may be dropped."""

    growing: Growing
    name: str
    starts_at: datetime
    notice: str | None = None

    @property
    def ends_at(self) -> datetime:
        return month(self.starts_at, 1)

    @property
    def dropped_from(self) -> datetime:
        assert self.notice is not None, "nobody gave notice of it"
        return datetime.fromisoformat(self.notice)


def month(at: datetime, later: int = 0) -> datetime:
    """The beginning of that month in UTC, or of one so many months later."""
    return midnight(months_later(at.astimezone(UTC).date().replace(day=1), later), UTC)


def named(growing: Growing, starts_at: datetime) -> str:
    return f"{growing.table}_{starts_at:%Y_%m}"


async def partitions(tx: Reading) -> list[Partition]:
    """Those there are."""
    by_table = {growing.table: growing for growing in GROWING}
    found = []
    for row in await tx.fetch(_sql.partitions, list(by_table)):
        growing = by_table[row["table"]]
        starts_at = datetime.strptime(row["name"], f"{growing.table}_%Y_%m").replace(tzinfo=UTC)
        found.append(Partition(growing, row["name"], starts_at, row["notice"]))
    return found


async def make(tx: Tx, now: datetime) -> list[str]:
    """Make what is missing for ids of now and of the months to come; the names of those made. `now` is the time that
    ids are made by."""
    wanted = [
        Partition(growing, named(growing, starts_at), starts_at)
        for growing in GROWING
        for starts_at in (month(now, later) for later in range(limits.PARTITIONS_AHEAD_MONTHS + 1))
    ]
    known = {one.name for one in await partitions(tx)}
    if known.issuperset(one.name for one in wanted):
        return []
    await tx.fetchval(_sql.take_turns, _ADVISORY_LOCK)
    known = {one.name for one in await partitions(tx)}
    missing = [one for one in wanted if one.name not in known]
    await give_way(tx)
    for one in missing:
        for statement in _making(one):
            await tx.execute(statement)
    return [one.name for one in missing]


async def give_way(tx: Tx) -> None:
    """A statement of this transaction that would wait for others' locks fails soon, since all would wait behind it."""
    await tx.execute(f"SET LOCAL lock_timeout = '{limits.PARTITION_LOCK_TIMEOUT_MS}ms'")


def _making(one: Partition) -> Sequence[str]:
    table, first, end = one.growing.table, first_id_at(one.starts_at), first_id_at(one.ends_at)
    storage = f" WITH ({one.growing.storage})" if one.growing.storage else ""
    return [
        f"CREATE TABLE {one.name} (LIKE {table} INCLUDING ALL){storage}",
        *([f"ALTER TABLE {one.name} {one.growing.column}"] if one.growing.column else []),
        f"ALTER TABLE {table} ATTACH PARTITION {one.name} FOR VALUES FROM ('{first}') TO ('{end}')",
    ]
