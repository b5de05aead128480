"""The bench measures, checks what it measured, and leaves nothing behind. How fast anything is, no test says."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import asyncpg
import msgspec
import pytest
from rich.console import Console

from regulars.bench import crowd, figures, load
from regulars.bench.beside import compare
from regulars.bench.children import BenchFailed, finished, listening, python, running
from regulars.bench.figures import Row
from regulars.bench.load import Task, request
from regulars.bench.plan import Plan
from regulars.bench.running import run
from regulars.bench.sink import arrivals
from regulars.bench.turns import loaded
from regulars.kit.ids import new_id
from regulars.kit.ports import free_port
from regulars.kit.settings import Settings
from tests.tooling.test_up import descendants, gone

CHECKOUT = Path(__file__).resolve().parents[2]
QUICK = Plan(
    rounds=1,
    measure_s=1,
    warm_up_s=0,
    customers=100,
    connections=8,
    pgbench_scale=1,
    pgbench_clients=4,
    turn_s=1,
    book_wallets=50,
    book_txns_each=3,
    expiring_wallets=20,
    hooks=300,
    backlog_events=500,
    bare_s=1,
    feed_s=1,
    endpoints=10,
    rules=20,
    attempts_times=2,
    orders=300,
    coupons=120,
    codes=200,
    members=120,
    segment_customers=300,
    live_segments=10,
    mails=100,
    runs=150,
)


async def test_every_figure_is_measured_and_checked_on_a_database_that_is_gone_afterwards(server_url: str) -> None:
    said: list[str] = []
    rows = await run(Settings(DATABASE_URL=server_url), say=said.append, plan=QUICK)
    assert [row for row in rows if row.value <= 0] == []
    assert {row.name: row.bar for row in rows if row.limit and not row.name.endswith("as data grows")} == {
        "rewards over HTTP, to pgbench -N": 0.5,
        "rewards over HTTP, to TPC-B": 0.8,
        "deliveries": 0.45,
        "deliveries, many endpoints": 0.4,
        "deliveries, many endpoints, by Zipf": 0.4,
        "deliveries, many endpoints, two workers": 1.5,
        "p99 of many endpoints": 0.67,
        "deliveries, 20 rules on one event": 0.7,
        "deliveries, a transaction held open": 0.7,
        "deliveries, 1,500 attempts in the log": 0.8,
        "orders imported, with coins and events": None,
        "orders imported, with lines": 0.9,
        "orders a rule is tried on, as it is": None,
        "orders a rule is tried on, with a daily cap": None,
        "rewards, with conditions, limits and a daily cap": 0.8,
        "rewards, with 150 txns in the book": 0.8,
        "rewards, one customer taking half of all": 0.5,
        "rewards, two keys in turn": 0.95,
        "coins held and captured, pairs": 0.6,
        "coupons redeemed": 0.5,
        "codes uploaded": None,
        "hooks taken in": 0.5,
        "orders handled, of hooks": 0.4,
        "txns audited": None,
        "lots expired": 0.1,
        "customers judged anew": 0.3,
        "reminders found due": 0.5,
        "customers a segment is found of": 0.8,
        "rewards, 50 segments and 5 automations listening": 0.8,
        "e-mails of a campaign": 0.5,
        "recipients found": 0.3,
        "runs started, message reserved": 0.3,
    }
    assert "worker memory, peak" in {row.name for row in rows}
    assert said[-1].startswith("measured in")
    connection = await asyncpg.connect(server_url)
    left = await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname LIKE 'bench%'")
    await connection.close()
    assert left == 0


async def test_what_an_event_costs_is_said_for_each_number_of_shops(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "_IDLE_S", 0.1)
    rows = await crowd.measure(Settings(DATABASE_URL=server_url), 3, say=[].append, events=40)
    assert [row.name for row in rows[:2]] == ["event taken in, 1 shops", "event carried, 1 shops"]
    assert [(row.name, row.against) for row in rows[3:5]] == [
        ("event taken in, 3 shops", "1 shops"),
        ("event carried, 3 shops", "1 shops"),
    ]
    assert all(row.value > 0 for row in rows if "looks" not in row.name)


def test_a_bench_that_is_told_to_stop_ends_all_that_it_started() -> None:
    with tempfile.TemporaryDirectory(prefix="regulars-test-") as folder:
        Path(folder).chmod(0o755)
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        environment |= {"TMPDIR": folder, "PYTHONPATH": str(CHECKOUT)}
        command = [sys.executable, "-m", "regulars.cli", "bench", "--json"]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            assert any("filling" in line for line in process.stderr)
            family = descendants(process.pid)
            assert len(family) >= 3
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
        assert all(gone(pid) for pid in family)
        assert list(Path(folder).iterdir()) == []


async def test_a_load_generator_counts_what_was_answered(tmp_path: Path) -> None:
    port = free_port()
    command = python("regulars.bench.sink", str(port))
    requests = [request("POST", f"/{n}", {"webhook-id": str(new_id())}, f"body {n}", named="x-n") for n in range(9)]
    task = Task(port=port, connections=4, seconds=1, requests=requests, prefix="k")
    async with running(command, environment=os.environ, log=tmp_path / "sink.log", talking=True) as sink:
        await listening(port, sink)
        report = await load.generate(task)
        came = len((await arrivals(sink)).ids)
    assert (report.failed, report.answered) == (0, came)
    assert 0 < report.rate <= came / task.seconds
    assert 0 < report.p50_ms <= report.p99_ms
    assert 0 < report.cpu_s < 10


async def test_what_may_be_sent_but_once_is(tmp_path: Path) -> None:
    port = free_port()
    requests = [request("POST", f"/{n}", {"webhook-id": str(new_id())}, named="x-n") for n in range(9)]
    task = Task(port=port, connections=4, seconds=60, requests=requests, once=True)
    command = python("regulars.bench.sink", str(port))
    async with running(command, environment=os.environ, log=tmp_path / "sink.log", talking=True) as sink:
        await listening(port, sink)
        report = await load.generate(task)
        assert sorted(str(id) for id in (await arrivals(sink)).ids) == [
            head.partition("webhook-id: ")[2][:36] for head, _ in requests
        ]
    assert (report.answered, report.failed) == (9, 0)


async def test_the_first_answer_that_was_no_success_is_told() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 7\r\n\r\nlater, ")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        task = Task(port=port, connections=1, seconds=9, requests=[request("POST", "/", {}, named="x-n")], once=True)
        report = await load.generate(task)
        assert (report.answered, report.failed, report.why[:9], report.why[-7:]) == (0, 1, "HTTP/1.1 ", "later, ")
        with pytest.raises(BenchFailed, match="1 requests were not answered with success, the first of them: HTTP"):
            await loaded(task, 9)


async def test_a_process_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match="code 3: out of ink"):
        await finished(["sh", "-c", "echo out of ink >&2; exit 3"], within_s=10)
    with pytest.raises(BenchFailed, match="did not end within"):
        await finished(["sh", "-c", "exec sleep 30"], within_s=0.1)
    with pytest.raises(BenchFailed, match="out of ink"):
        async with running(
            ["sh", "-c", "echo out of ink; exit 3"], environment=os.environ, log=tmp_path / "quill.log"
        ) as process:
            await process.wait()


def test_a_figure_says_whether_its_bar_was_met() -> None:
    def row(value: float, bar: float | None = 0.5) -> Row:
        return Row(name="rewards", value=value, unit="1/s", against="pgbench", limit=1_000, bar=bar, aim=0.8)

    assert [row(value).verdict for value in (499, 500, 799, 800)] == ["missed", "met", "met", "aim"]
    assert row(499, bar=None).verdict == ""
    assert json.loads(figures.as_json([row(1234.56), Row(name="memory", value=0.01234, unit="MB")])) == [
        {
            "name": "rewards",
            "value": 1234.6,
            "unit": "1/s",
            "against": "pgbench",
            "limit": 1000.0,
            "ratio": 1.235,
            "bar": 0.5,
        },
        {"name": "memory", "value": 0.01234, "unit": "MB", "against": "", "limit": None, "ratio": None, "bar": None},
    ]
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(figures.table([row(499), row(900)]))
    shown = console.export_text()
    assert "missed" in shown
    assert "aim" in shown


async def test_two_versions_are_measured_beside_each_other_at_their_doors() -> None:
    said: list[str] = []
    versions = {"this version": Path(sys.executable), "the other": Path(sys.executable)}
    rows = await compare(versions, say=said.append, plan=msgspec.structs.replace(QUICK, warm_up_s=1))
    assert [(row.against, row.ratio is not None and row.ratio > 0) for row in rows] == [("the other", True)] * 2
    rounds = [line.split(": ")[1] for line in said if line.startswith("round")]
    assert rounds == ["this version", "the other", "the other", "this version"]
