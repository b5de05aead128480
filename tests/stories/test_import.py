"""`regulars import orders` as a person runs it: what it says, run twice, killed in the middle, read from a pipe."""

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from regulars import commands, ledger, tenancy, triggers
from regulars.kit.clock import SystemClock
from regulars.kit.csv_file import Format
from regulars.kit.db import Database
from regulars.kit.errors import Refusal
from regulars.kit.settings import Settings
from regulars.triggers import Rule
from tests.conftest import fresh_database
from tests.stories.crashing import PATIENCE_S
from tests.stories.killing import CHECKOUT, kill_9

HEADER = "order_id,customer_id,amount,placed_at,financial_status,updated_at,customer_name\n"
TABLES = (
    *("orders_order", "customers_customer", "triggers_firing", "ledger_txn", "ledger_lot", "ledger_transfer"),
    *("events_event", "events_pending"),
)


@dataclass
class Counter:
    """A database with one shop that rewards orders, and the command line over it."""

    url: str
    shop: UUID
    directory: Path
    kind: str = "orders"

    def file(self, content: str | bytes) -> Path:
        path = self.directory / "orders.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "DATABASE_URL": self.url,
            "REGULARS_DATA_DIR": str(self.directory),
            "PYTHONPATH": str(CHECKOUT),
            "COLUMNS": "200",
        }

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "regulars.cli", "import", self.kind, *map(str, arguments)]

    def run(self, *arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            cwd="/",
            text=True,
            capture_output=True,
            check=False,
            **more,
        )

    def ask(self, sql: str) -> list[Any]:
        async def fetch() -> list[Any]:
            connection = await asyncpg.connect(self.url)
            try:
                return await connection.fetch(sql)
            finally:
                await connection.close()

        return asyncio.run(fetch())

    def counts(self) -> dict[str, int]:
        return {table: self.ask(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in TABLES}

    def standing(self) -> list[tuple[Any, ...]]:
        """What each customer has in the end, whenever and in whatever batches it came about."""
        rows = self.ask(
            "SELECT c.customer_id, c.name, c.spent, c.orders_count, c.last_order_at, w.available, w.txn_count,"
            "       (SELECT count(*) FROM triggers_firing f WHERE f.customer_id = c.id AND f.state = 'refused'),"
            "       (SELECT count(*) FROM events_event e WHERE e.customer_id = c.id)"
            "  FROM customers_customer c LEFT JOIN ledger_wallet w ON w.customer_id = c.id ORDER BY 1"
        )
        return [tuple(row) for row in rows]

    def sound(self) -> bool:
        async def verify() -> bool:
            db = await Database.connect(self.url, connections_max=1)
            try:
                async with db.snapshot() as tx:
                    return await ledger.verify(tx, self.shop) is None
            finally:
                await db.close()

        return asyncio.run(verify())


async def a_counter(server_url: str, directory: Path) -> Counter:
    url = await fresh_database(server_url)
    db, now = await Database.connect(url, connections_max=1), SystemClock().now()
    try:
        async with db.transaction() as tx:
            shop = await tenancy.create_workspace(tx, "Corner Shop", now=now, time_zone="Europe/Vilnius")
            await triggers.create_trigger(tx, shop, "Purchase", "order", Rule(coins_per_unit=1), now)
    finally:
        await db.close()
    return Counter(url, shop.id, directory)


@pytest.fixture
def counter(server_url: str, tmp_path: Path) -> Counter:
    return asyncio.run(a_counter(server_url, tmp_path))


def many(count: int) -> str:
    random = Random(count)
    rows = (
        f"{n},customer-{random.randrange(count // 4)},{random.randrange(20_000) / 100:.2f},2026-03-{n % 28 + 1:02},paid"
        for n in range(count)
    )
    return HEADER + ",,\n".join(rows) + ",,\n"


def test_what_it_says_and_that_running_it_twice_changes_nothing(counter: Counter) -> None:
    file = counter.file(
        HEADER.encode()
        + b"1,customer-1,12.50,2026-03-14,paid,,Asha\n"
        + b"2,customer-2,-4,2026-03-14,paid,,\n"
        + b"3,customer-2,0,2026-03-14,paid,,M\xfcller\n"
        + b'4,customer-2,5,2026-03-14,paid,,"never closed\n'
        + b"5,customer-2,80,2026-03-14,pending,2026-03-14T10:00:00Z,\n"
        + b"5,customer-2,80,2026-03-14,paid,2026-03-15T10:00:00Z,\n"
        + b"5,customer-2,90,2026-03-14,paid,2026-03-14T11:00:00Z,\n"
    )
    done = counter.run(file)
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            "Read as Central European (Windows-1250); --encoding chooses another.",
            "7 rows: 3 orders created, 1 updated, 1 unchanged, 2 not usable; "
            "2 rewarded with 92 coins, 2 earned nothing",
            "earned nothing, 1: The order's amount is $0.",
            "earned nothing, 1: The order is not paid yet; it earns when it is.",
            "line 3: amount: expected an amount such as 12.34, of at least 0",
            "line 5: a quote that is not closed",
            "1 say otherwise than what is kept and newer; --replace has the file win",
            "line 8: order 5: amount from 80.00 to 90.00",
        ],
    )
    assert "orders:" in done.stderr
    assert "100%" in done.stderr
    assert "/s" in done.stderr
    counts, standing = counter.counts(), counter.standing()
    assert counter.ask("SELECT name FROM customers_customer WHERE customer_id = 'customer-2'")[0]["name"] == "Müller"
    [at] = counter.ask("SELECT placed_at FROM orders_order WHERE reference_id = '1'")
    assert at["placed_at"].isoformat() == "2026-03-13T22:00:00+00:00"
    again = counter.run(file, "--workspace", str(counter.shop))
    assert again.stdout.splitlines()[1] == (
        "7 rows: 0 orders created, 0 updated, 5 unchanged, 2 not usable; 0 rewarded with 0 coins, 0 earned nothing"
    )
    assert (counter.counts(), counter.standing()) == (counts, standing)
    assert counter.sound()


@pytest.mark.parametrize(
    ("content", "workspace", "said"),
    [
        (b"", "", "file: expected a CSV file with a header line; this one is empty"),
        (bytes(range(256)), "", "file: expected a CSV file with a header line; in this one, a NUL byte"),
        (b"order_id\n1\n", "", "customer_id, amount, placed_at is missing"),
        (HEADER.encode(), "corner", "--workspace: expected the id of a workspace"),
        (HEADER.encode(), "00000000-0000-0000-0000-000000000000", "This workspace does not exist"),
    ],
)
def test_what_can_not_be_taken_is_refused(counter: Counter, content: bytes, workspace: str, said: str) -> None:
    settings = Settings(DATABASE_URL=counter.url, data_dir=counter.directory)  # type: ignore[call-arg]
    lines: list[str] = []
    with pytest.raises(Refusal) as refused:
        asyncio.run(
            commands.import_csv(
                settings,
                counter.file(content),
                Format(),
                kind="orders",
                workspace=workspace,
                preview=False,
                replace=False,
                say=lines.append,
            )
        )
    assert said in refused.value.message
    assert lines == []
    assert counter.counts()["orders_order"] == 0


def test_what_the_file_does_not_say_is_chosen_on_the_command_line(counter: Counter) -> None:
    header = "Number;Customer;Total;Day;Customer name\n"
    rows = "1;customer-1;1.000;03/04/2026;naïve\n2;customer-2;12.50;03/14/2026;naïve\n"
    file = counter.file((header + rows).encode("cp1252"))
    choices = ["--map", "order_id=Number", "--map", "placed_at=Day", "--encoding", "cp1252"]
    asked = counter.run(file, *choices)
    assert asked.stdout.splitlines() == [
        "2 rows: 1 orders created, 0 updated, 0 unchanged, 1 not usable; 1 rewarded with 12 coins, 0 earned nothing",
        "line 2: placed_at: expected day or month first, chosen for the whole file: 03/04/2026 could be "
        "3 April or 4 March; amount: expected a decimal sign chosen for the whole file: 1.000 could be 1 or 1000",
    ]
    asked = counter.run(file, *choices, "--dates", "day-first")
    assert asked.stdout.splitlines()[1:] == [
        "line 2: amount: expected a decimal sign chosen for the whole file: 1.000 could be 1 or 1000",
        "line 3: placed_at: expected a date such as 2026-03-14, or a time such as 2026-03-14T09:26:53Z",
    ]
    assert counter.run(file, *choices, "--dates", "month-first", "--decimal", ".").stdout.startswith("2 rows: 1 orders")
    assert [row["amount_minor"] for row in counter.ask("SELECT amount_minor FROM orders_order ORDER BY 1")] == [
        *(100, 1250)
    ]
    assert counter.ask("SELECT DISTINCT name FROM customers_customer")[0]["name"] == "naïve"
    wrong = counter.run(file, "--map", "Total")
    assert (wrong.returncode, wrong.stderr) == (
        *(1, "regulars: --map: expected a field and the file's column, such as amount=Total\n"),
    )


def test_a_preview_says_what_a_file_would_give_and_imports_nothing(counter: Counter) -> None:
    file = counter.file(HEADER + "1,customer-1,12.50,2026-03-14,paid,,Asha\n2,customer-2,1.000,2026-03-14,pending,,\n")
    before = counter.counts()
    shown = counter.run(file, "--preview")
    assert counter.counts() == before
    assert shown.stdout.splitlines() == [
        "Letters: UTF-8. Columns are parted by a comma. Times that don't say theirs are of Europe/Vilnius.",
        "order_id is order_id: 1, 2",
        "customer_id is customer_id: customer-1, customer-2",
        "amount is amount: 12.50, 1.000",
        "placed_at is placed_at: 2026-03-14, 2026-03-14",
        "financial_status is financial_status: paid, pending",
        "updated_at is updated_at: ",
        "customer_name is customer_name: Asha",
        "1 rows wait for a choice: --decimal",
        "line 2: order 1, customer customer-1, name Asha, amount 12.50 USD, placed 2026-03-14 00:00 EET",
        "Worked out from all 2 rows; nothing was imported.",
        "2 rows: 1 orders created, 0 updated, 0 unchanged, 1 not usable; 1 rewarded with 12 coins, 0 earned nothing",
        "line 3: amount: expected a decimal sign chosen for the whole file: 1.000 could be 1 or 1000",
        "1 new customers",
    ]
    counter.run(file)
    moved = counter.file(HEADER + "1,customer-1,12.50,2026-03-10,paid,,Asha\n")
    told = [
        "1 say otherwise than what is kept and newer; --replace has the file win",
        "line 2: order 1: date from 2026-03-14 00:00 to 2026-03-10 00:00",
    ]
    assert counter.run(moved).stdout.splitlines()[1:] == told
    assert counter.run(moved, "--replace").stdout.startswith("1 rows: 0 orders created, 1 updated")
    [at] = counter.ask("SELECT placed_at FROM orders_order")
    assert at["placed_at"].isoformat() == "2026-03-09T22:00:00+00:00"


def test_a_file_that_is_not_there_is_told_in_a_sentence(counter: Counter) -> None:
    done = counter.run(counter.directory / "nothing.csv")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("regulars: ")
    assert "nothing.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pipe_is_read_like_a_file(counter: Counter) -> None:
    done = counter.run("/dev/stdin", input=many(2_500))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2,500 rows: 2,500 orders created")


def test_killed_in_the_middle_and_run_again_it_is_as_if_run_once(
    counter: Counter, server_url: str, tmp_path: Path
) -> None:
    file = counter.file(many(8_000))
    for part in (1_000, 4_000):
        process = subprocess.Popen(
            counter.command(file),
            env=counter.environment(),
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE_S
        while counter.ask("SELECT count(*) AS n FROM orders_order")[0]["n"] < part:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        kill_9(process.pid)
        assert process.wait() < 0
    stopped_at = counter.counts()["orders_order"]
    assert 4_000 <= stopped_at < 8_000
    assert counter.sound()
    done = counter.run(file)
    assert done.stdout.startswith(
        f"8,000 rows: {8_000 - stopped_at:,} orders created, 0 updated, {stopped_at:,} unchanged"
    )
    other = asyncio.run(a_counter(server_url, tmp_path))
    assert other.run(file).returncode == 0
    assert counter.counts() == other.counts()
    assert counter.standing() == other.standing()
    assert counter.sound()


def test_customers_and_coins_come_from_files_too(counter: Counter) -> None:
    counter.kind = "customers"
    people = counter.file("customer_id,name,email\ncustomer-1,Asha,asha@example.com\ncustomer-2,Bela,bela\n")
    assert counter.run(people).stdout.splitlines() == [
        "2 rows: 1 customers created, 0 updated, 0 unchanged, 1 not usable",
        "line 3: email: expected an e-mail address",
    ]
    counter.kind = "coins"
    coins = counter.file("email,coins,reference\nasha@example.com,25,old-1\nnobody@example.com,5,old-2\n")
    looked = counter.run(coins, "--preview").stdout
    assert "line 2: customer asha@example.com, amount 25, reason Imported" in looked
    assert counter.counts()["ledger_txn"] == 0
    for given in ("1 credits created, 0 updated, 0 unchanged", "0 credits created, 0 updated, 1 unchanged"):
        said = counter.run(coins).stdout.splitlines()
        assert said[0].startswith(f"2 rows: {given}, 1 not usable")
        assert said[1] == "line 3: No customer has the email nobody@example.com. Import the customers first."
    assert counter.counts()["ledger_txn"] == 1
