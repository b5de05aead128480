"""A large book: made as quickly as rows can be written, read through, and emptied by time."""

import time
from datetime import UTC, datetime, timedelta

from regulars import ledger
from regulars.bench import postgres
from regulars.bench.children import BenchFailed, python, running
from regulars.bench.figures import Row
from regulars.bench.stage import Stage, Watch, sql
from regulars.kit import HandClock
from regulars.kit.processes import spare_collector
from regulars.tenancy import Workspace

COINS = 10


async def fill(
    stage: Stage, shop: Workspace, wallets: int, each: int, expires_at: datetime | None = None, *, spread: int = 1
) -> None:
    """So many customers, each of whom was given coins so often, by rows as the book would have written them: calls
    would take hours. The audit finds it to hold. What expires stands in the schedule. With a `spread` some are given
    twice as many coins, some three times, up to so many times."""
    at = datetime.now(UTC).replace(microsecond=0)
    said, ends = at.isoformat().replace("+00:00", "Z"), expires_at and expires_at.isoformat().replace("+00:00", "Z")
    async with stage.filling() as connection:
        await connection.execute(sql.fill_customers, shop.id, wallets, at)
        for seq in range(1, each + 1):
            await connection.execute(sql.fill_txns, shop.id, seq, COINS, said, ends, wallets, spread)
        await connection.execute(sql.fill_wallets, shop.id, each, expires_at)
        if expires_at:
            await connection.execute(sql.fill_schedule, shop.id, ledger.SETTLE, expires_at)


async def measure(stage: Stage) -> list[Row]:
    """`regulars audit` of all there is; and a shop whose lots all expire at one instant."""
    wallets, each = stage.plan.expiring_wallets, 5
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    stage.say(f"filling a shop with {wallets * each:,} lots that expire")
    shop = await stage.shop("Expiring")
    await fill(stage, shop, wallets, each, expires_at)
    await postgres.settle(stage.url)
    rows = await _audited(stage)
    stage.say("letting them expire")
    spare_collector()  # as a worker does
    took_s = await stage.done_s({ledger.SETTLE: ledger.settle}, HandClock(expires_at))
    async with stage.app.db.snapshot() as tx:
        left, told = await tx.fetchval(sql.available, shop.id), await tx.fetchval(sql.count_expiries, shop.id)
        found = await ledger.verify(tx, shop.id)
    if (left, told, found) != (0, wallets, None):
        raise BenchFailed(f"{left:,} coins are left in {wallets:,} wallets, of which {told:,} expired; {found or ''}")
    update_s = await postgres.last_statement_s(
        stage.url,
        "CREATE TABLE bench_lot (LIKE ledger_lot INCLUDING ALL)",
        f"INSERT INTO bench_lot SELECT * FROM ledger_lot WHERE workspace_id = '{shop.id}'",
        f"UPDATE bench_lot SET available = {COINS}",
        "VACUUM (ANALYZE) bench_lot",
        "CHECKPOINT",
        "UPDATE bench_lot SET available = 0",
    )
    many = wallets * each
    against = f"one UPDATE of as many rows, {many:,}"
    return [*rows, Row("lots expired", many / took_s, against, many / update_s, 0.1)]


async def _audited(stage: Stage) -> list[Row]:
    """Against a scan of the same tables that looks at each row."""
    watch = Watch("audit")
    async with stage.app.db.reading() as tx:
        txns = await tx.fetchval(sql.count_all_txns)
    stage.say(f"auditing {txns:,} txns")
    command = python("regulars.cli", "audit")
    began = time.monotonic()
    async with (
        running(command, environment=stage.environment, log=stage.folder / "audit.log") as process,
        watch.on(process.pid),
    ):
        with watch.load():
            if await process.wait():
                raise BenchFailed("the book does not hold")
    took_s = time.monotonic() - began
    tables = ", ".join(
        f"(SELECT sum(octet_length({one}::text)) FROM {table})"
        for table, one in (("ledger_txn", "hash"), ("ledger_transfer", "lot_id"), ("ledger_lot", "extended_to"))
    )
    scan_s = await postgres.last_statement_s(stage.url, f"SELECT {tables}")
    return [
        Row("txns audited", txns / took_s, f"a sequential scan of the book, {txns:,} txns", txns / scan_s),
        *watch.rows(),
    ]
