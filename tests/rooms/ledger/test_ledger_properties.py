"""Random batches on a real database, against a book kept by hand."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars import ledger, tenancy
from regulars.kit.db import Database
from regulars.kit.errors import Refusal
from regulars.ledger.model import Entry, Kind
from tests import make
from tests.rooms.ledger.naive import NaiveBook
from tests.rooms.ledger.tables import START

PEOPLE = ("asha", "bela", "cyra")
KINDS: tuple[Kind, Kind] = ("coins", "credits")


class Act(NamedTuple):
    customer: str
    kind: Kind
    operation: Literal["cr", "dr"]
    amount: int
    key: str | None
    expires_in_h: int | None


class Batch(NamedTuple):
    after_h: int
    acts: list[Act]


ACTS = st.builds(
    Act,
    customer=st.sampled_from(PEOPLE),
    kind=st.sampled_from(("coins", "coins", "credits")),
    operation=st.sampled_from(("cr", "dr", "dr")),
    amount=st.integers(0, 40),
    key=st.none() | st.sampled_from("abcdefgh"),
    # Few values, so that lots expire together, and at the very hour of a batch.
    expires_in_h=st.none() | st.integers(0, 6),
)
BATCHES = st.lists(st.builds(Batch, st.integers(0, 3), st.lists(ACTS, min_size=1, max_size=12)), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=BATCHES)
def test_the_book_is_the_one_kept_by_hand(database_url: str, batches: list[Batch]) -> None:
    asyncio.run(_compare(database_url, batches))


async def _compare(database_url: str, batches: Sequence[Batch]) -> None:
    db = await Database.connect(database_url, connections_max=1)
    try:
        workspace = await make.a_workspace(db, START)
        people = await make.some_customers(db, workspace, START, *(f"customer-{name}" for name in PEOPLE))
        ids = {name: people[f"customer-{name}"].id for name in PEOPLE}
        paper = NaiveBook()
        now = START
        for batch in batches:
            now += timedelta(hours=batch.after_h)
            entries: list[Entry] = []
            expected: list[str] = []
            for act in batch.acts:
                paper.expire((act.customer, act.kind), now)
            for act in batch.acts:
                expires_at = None if act.expires_in_h is None else now + timedelta(hours=act.expires_in_h)
                how = make.credit if act.operation == "cr" else make.debit
                entries.append(
                    how(ids[act.customer], act.amount, now, kind=act.kind, key=act.key, expires_at=expires_at)
                )
                wallet = (act.customer, act.kind)
                expected.append(paper.post(wallet, act.operation, act.amount, act.key, expires_at, now))
            outcomes = await make.posted(db, workspace, entries, now)
            assert [_said(outcome) for outcome in outcomes] == expected
            await _same(db, workspace, ids, paper, now)
            assert await make.audited(db, workspace.id) is None
    finally:
        await db.close()


def _said(outcome: ledger.Outcome) -> str:
    if isinstance(outcome, Refusal):
        return outcome.code
    return "repeated" if outcome.repeated else "posted"


async def _same(
    db: Database, workspace: tenancy.Workspace, ids: dict[str, UUID], paper: NaiveBook, at: datetime
) -> None:
    async with db.snapshot() as tx:
        balances = await ledger.balances(tx, workspace, list(ids.values()), at)
        lots = await tx.fetch(
            """SELECT customer_id, kind, pending + available + held AS remaining FROM ledger_lot
                WHERE workspace_id = $1 ORDER BY id""",
            workspace.id,
        )
        posted = await tx.fetch(
            """SELECT account, sum(amount)::bigint
                 FROM (SELECT to_account AS account, amount FROM ledger_transfer WHERE workspace_id = $1
                       UNION ALL SELECT from_account, -amount FROM ledger_transfer WHERE workspace_id = $1) AS sides
                GROUP BY account""",
            workspace.id,
        )
    for name, customer_id in ids.items():
        for kind in KINDS:
            wallet, balance = (name, kind), balances[customer_id][kind]
            assert balance.available == paper.spendable(wallet, at)
            gone = sum(paper.remains(wallet)) - paper.spendable(wallet, at)  # whether or not it was written down
            credited, debited = paper.credited.get(wallet, 0), paper.debited.get(wallet, 0) + gone
            assert (balance.credited, balance.debited) == (credited, debited)
            remains = [row["remaining"] for row in lots if (row["customer_id"], row["kind"]) == (customer_id, kind)]
            assert remains == paper.remains(wallet)
    accounts = Counter(dict(map(tuple, posted)))
    left = sum(sum(paper.remains(wallet)) for wallet in paper.lots)
    assert accounts["available"] == left
    assert accounts["issued"] == -sum(paper.credited.values())
    assert accounts["redeemed"] == sum(paper.debited.values()) - sum(paper.expired.values())
    assert accounts["expired"] == sum(paper.expired.values())
    assert sum(accounts.values()) == 0
