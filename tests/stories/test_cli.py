"""The command line: a shop from nothing, and the audit's verdict as an exit code."""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from regulars import commands, embedded, tenancy
from regulars.cli import whereabouts
from regulars.kit.clock import SystemClock
from regulars.kit.db import Database
from regulars.kit.errors import Refusal, Unauthenticated
from regulars.kit.settings import Settings
from regulars.tenancy import Areas
from tests import make
from tests.conftest import fresh_database
from tests.stories.killing import CHECKOUT


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "regulars.cli", *arguments],
        env=inherited | {"PYTHONPATH": str(CHECKOUT)} | environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def directory() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="regulars-test-") as name:
        Path(name).chmod(0o755)  # a root's server runs as another account and has to get through
        yield name


def test_a_shop_from_nothing(directory: str) -> None:
    done = run("workspace", "create", "Corner Shop", "--email", "asha@a.shop", "--json", REGULARS_DATA_DIR=directory)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made.keys() == {"workspace_id", "write_key", "read_key", "admin_key", "email", "password"}

    async def look(url: str) -> None:
        db = await Database.connect(url, connections_max=1)
        try:
            async with db.transaction() as tx:
                shop = await tenancy.get_workspace(tx, UUID(made["workspace_id"]))
                assert shop.name == "Corner Shop"
                office = Areas(settings="WRITE", rules="WRITE", data="WRITE")
                for name, access, areas in (
                    ("write_key", "WRITE", office),
                    ("read_key", "READ", Areas()),
                    ("admin_key", "WRITE", tenancy.EVERY_AREA),
                ):
                    found = await tenancy.find_key(tx, shop.id, made[name])
                    assert found is not None
                    assert (found.access, found.areas, found.made_by) == (access, areas, "cli")
                assert await make.signed_in(tx, made["email"], made["password"], SystemClock().now())
        finally:
            await db.close()

    with embedded.running(Path(directory) / "postgres") as server_url:
        asyncio.run(look(asyncio.run(embedded.ensure_database(server_url, "regulars"))))
        # The server that runs already is used, and left running.
        audited = run("audit", REGULARS_DATA_DIR=directory)
        assert (audited.returncode, audited.stdout) == (0, f"Corner Shop ({made['workspace_id']}): ok\n")


def test_a_shop_is_called_by_the_id_that_was_chosen_for_it(database_url: str, directory: str) -> None:
    made = run("workspace", "create", "Corner Shop", "--id", "shopify-corner", "--json", DATABASE_URL=database_url)
    assert json.loads(made.stdout)["workspace_id"] == "shopify-corner", made.stderr
    again = run("workspace", "create", "Another", "--id", "shopify-corner", DATABASE_URL=database_url)
    assert (again.returncode, again.stderr) == (1, "regulars: Another workspace has the id shopify-corner.\n")
    file = Path(directory) / "orders.csv"
    file.write_text("order_id,customer_id,amount,placed_at\n1001,shopify-1001,10,2026-03-14\n")
    for workspace, code in (("shopify-corner", 0), ("shopify-other", 1)):
        done = run("import", "orders", str(file), "--workspace", workspace, DATABASE_URL=database_url)
        assert done.returncode == code, done.stderr
    assert (
        "1 rows: 1 orders created"
        in run(
            "import",
            "orders",
            str(file),
            "--workspace",
            "shopify-corner",
            "--source",
            "till",
            DATABASE_URL=database_url,
        ).stdout
    )
    assert "(shopify-corner): ok" in run("audit", DATABASE_URL=database_url).stdout


def test_a_shop_that_can_not_be_is_told_in_a_sentence(database_url: str) -> None:
    settings = Settings(DATABASE_URL=database_url)  # type: ignore[call-arg]
    for name, email in ((" ", ""), ("x" * 201, ""), ("Corner Shop", "no address")):
        said: list[str] = []
        with pytest.raises(Refusal):
            asyncio.run(commands.create_workspace(settings, name, id="", email=email, as_json=True, say=said.append))
        assert said == []


def test_no_server_is_told_in_a_sentence() -> None:
    done = run("workspace", "create", "Corner Shop", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.startswith("regulars: cannot connect to the database")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["serve", "work"])
def test_what_works_on_a_shared_database_says_that_it_needs_one(command: str, directory: str) -> None:
    done = run(command, REGULARS_DATA_DIR=directory)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "regulars: DATABASE_URL is not set, and this works on a PostgreSQL that it names;"
        " `regulars up` runs one of its own.\n"
    )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://ann:secret@db.internal:5432/shop?sslmode=require", "shop on db.internal"),
        ("postgresql:///shop", "shop on this machine"),
        ("postgresql://postgres@/shop?host=/run/pg&port=5432", "shop on /run/pg"),
        ("postgresql://db.internal", "the default database on db.internal"),
    ],
)
def test_a_database_is_named_without_what_opens_it(url: str, said: str) -> None:
    assert whereabouts(url) == said


def test_the_audit_reads_on_past_a_book_that_is_broken_or_unreadable_and_ends_with_1(server_url: str) -> None:
    url = asyncio.run(fresh_database(server_url))

    async def prepare() -> tuple[UUID, UUID]:
        db, now = await Database.connect(url, connections_max=2), SystemClock().now()
        try:
            shops = [await make.a_workspace(db, now, name) for name in ("Unreadable", "Broken", "Sound")]
            for shop in shops:
                customer = await make.a_customer(db, shop, now)
                await make.posted(db, shop, [make.credit(customer.id, 10, now), make.debit(customer.id, 4, now)], now)
            return shops[0].id, shops[1].id
        finally:
            await db.close()

    async def tamper(unreadable: UUID, broken: UUID) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("UPDATE ledger_txn SET amount = 11 WHERE workspace_id = $1 AND seq = 1", broken)
        # A year that no program can say.
        sql = "UPDATE ledger_txn SET occurred_at = '20000-01-01' WHERE workspace_id = $1"
        await connection.execute(sql, unreadable)
        await connection.close()

    shops = asyncio.run(prepare())
    assert run("audit", DATABASE_URL=url).returncode == 0
    asyncio.run(tamper(*shops))
    done = run("audit", DATABASE_URL=url)
    assert done.returncode == 1
    verdicts = [(line.split(" (")[0], re.split("[:,] ", line)[1]) for line in sorted(done.stdout.splitlines())]
    assert verdicts == [("Broken", "BROKEN"), ("Sound", "ok"), ("Unreadable", "UNREADABLE")]
    assert "Traceback" not in done.stderr


def test_whoever_forgot_their_password_is_given_a_new_one(server_url: str) -> None:
    url = asyncio.run(fresh_database(server_url))
    first = run("workspace", "create", "Corner Shop", "--email", "asha@a.shop", "--json", DATABASE_URL=url)
    made = json.loads(first.stdout)
    added = run("staff", "add", "Ben@a.shop", "--role", "reader", DATABASE_URL=url)
    assert re.fullmatch(r"ben@a\.shop signs in to Corner Shop with the password \S{16}\n", added.stdout), added.stderr
    listed = run("staff", "list", DATABASE_URL=url).stdout.splitlines()
    whose = f"Corner Shop ({made['workspace_id']})"
    assert listed == [f"asha@a.shop  owner  {whose}", f"ben@a.shop  reader  {whose}"]
    given = run("staff", "password", "ASHA@a.shop", DATABASE_URL=url)
    password = given.stdout.split()[6]

    async def look() -> None:
        db = await Database.connect(url, connections_max=1)
        async with db.transaction() as tx:
            assert (await make.signed_in(tx, "asha@a.shop", password, SystemClock().now())).person.role == "owner"
            with pytest.raises(Unauthenticated):
                await make.signed_in(tx, "asha@a.shop", made["password"], SystemClock().now())
            acts = [(line.actor, line.act) for line in await tenancy.audit_log(tx, UUID(made["workspace_id"]), limit=9)]
        await db.close()
        assert acts[:2] == [("cli", "staff.new_password"), ("cli", "staff.create")]

    asyncio.run(look())
    unknown = run("staff", "password", "nobody@a.shop", DATABASE_URL=url)
    assert (unknown.returncode, unknown.stderr) == (
        1,
        "regulars: Nobody signs in as nobody@a.shop: `regulars staff list` says who does.\n",
    )
    twice = run("staff", "add", "ben@a.shop", DATABASE_URL=url)
    assert (twice.returncode, "on the staff already" in twice.stderr) == (1, True)
    forged = run("staff", "password", "x\nregulars: \x1b[2Jall is well", DATABASE_URL=url)
    assert "\x1b" not in forged.stderr
    second = run("workspace", "create", "Second Shop", "--email", "asha@a.shop", DATABASE_URL=url)
    assert second.stdout.endswith("needs: http://127.0.0.1:8000\n")
    both = run("staff", "password", "asha@a.shop", DATABASE_URL=url)
    assert (both.returncode, made["workspace_id"] in both.stderr) == (1, True)
    one = run("staff", "password", "asha@a.shop", "--workspace", made["workspace_id"], DATABASE_URL=url)
    assert one.returncode == 0, one.stderr
