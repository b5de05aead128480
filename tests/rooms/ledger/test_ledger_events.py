"""Each txn is told once, in its own transaction, with the numbers it left."""

import json
from datetime import timedelta
from typing import Any

from regulars import events, ledger, tenancy
from regulars.customers import Customer
from regulars.events import Event
from regulars.kit.clock import HandClock, wire_time
from regulars.kit.db import Database
from regulars.kit.ids import new_id
from regulars.ledger import Posted
from tests import make


async def _told(db: Database, workspace: tenancy.Workspace) -> list[Event]:
    """Every pending event of coins, oldest first; they stay pending."""
    async with db.snapshot() as tx:
        logged = await events.recent(tx, workspace.id, topic="walletreward_create", limit=1_000)
        sql = "SELECT event_id FROM events_pending WHERE workspace_id = $1"
        pending = {row["event_id"] for row in await tx.fetch(sql, workspace.id)}
    assert {event.id for event in logged} <= pending
    return logged[::-1]


async def test_one_event_for_each_new_txn(
    db: Database, workspace: tenancy.Workspace, asha: Customer, clock: HandClock
) -> None:
    now = clock.now()
    batches = [
        [make.credit(asha.id, 100, now, key="a", title="Hello", description="At last")],
        [make.credit(asha.id, 100, now, key="a"), make.debit(asha.id, 40, now), make.debit(asha.id, 400, now)],
        [make.credit(asha.id, 5, now, wire_hash="given"), make.debit(asha.id, 65, now)],
    ]
    posted = [
        outcome
        for batch in batches
        for outcome in await make.posted(db, workspace, batch, now)
        if isinstance(outcome, Posted) and not outcome.repeated
    ]
    told = await _told(db, workspace)
    assert [event.id for event in told] == [outcome.event_id for outcome in posted]
    for event, outcome in zip(told, posted, strict=True):
        txn, body = outcome.txn, json.loads(event.body)
        assert event.customer_id == asha.id
        assert event.body == events.body(event.topic, body)  # to the byte, in the order of the catalogue
        expected: dict[str, Any] = {
            "entity_id": str(workspace.id),
            "wallettransaction_id": str(txn.id),
            "lead_id": str(asha.id),
            "amount": txn.amount,
            "closing_balance": txn.closing_balance,
            "user_available_balance": txn.closing_balance,
            "user_balance": txn.closing_balance,
            "consolidated_cr": txn.credited,
            "consolidated_dr": txn.debited,
            "operation": txn.operation,
            "type": txn.type,
            "title": txn.title,
            "description": txn.description,
            "hash": txn.wire_hash,
            "status": "success",
            "wallet": "coins",
            "meta__lead_name": asha.name,
            "user_email": asha.email,
            "created_at": wire_time(now),
        }
        assert {name: body[name] for name in expected} == expected
    assert [json.loads(event.body)["closing_balance"] for event in told] == [100, 60, 65, 0]


async def test_what_led_to_it(db: Database, workspace: tenancy.Workspace, asha: Customer, clock: HandClock) -> None:
    now = clock.now()
    firing, cause, happened = new_id(), new_id(), now - timedelta(days=3)
    entry = make.credit(asha.id, 1, happened, firing_id=firing, cause_id=cause, depth=2)
    await make.posted(db, workspace, [entry], now)
    [event] = await _told(db, workspace)
    assert (event.cause_id, event.depth, event.occurred_at, event.recorded_at) == (cause, 2, happened, now)
    assert json.loads(event.body)["activity_id"] == str(firing)


async def test_credits_are_told_in_the_shops_currency_beside_the_customers_coins(
    db: Database, workspace: tenancy.Workspace, asha: Customer, clock: HandClock
) -> None:
    now = clock.now()
    await make.posted(db, workspace, [make.credit(asha.id, 70, now)], now)
    entries = [make.credit(asha.id, 1250, now, kind="credits"), make.debit(asha.id, 250, now, kind="credits")]
    await make.posted(db, workspace, entries, now)
    bodies = [json.loads(event.body) for event in (await _told(db, workspace))[1:]]
    assert [(b["wallet"], b["amount"], b["closing_balance"]) for b in bodies] == [
        ("credits", 12.5, 12.5),
        ("credits", 2.5, 10),
    ]
    assert {(b["user_available_balance"], b["user_balance"]) for b in bodies} == {(70, 70)}


async def test_customers_the_caller_knows_are_told_as_the_caller_knows_them(
    db: Database, workspace: tenancy.Workspace, asha: Customer, clock: HandClock
) -> None:
    now = clock.now()
    bela = await make.a_customer(db, workspace, now, "Belinda")
    async with db.transaction() as tx:
        entries = [make.credit(asha.id, 1, now), make.credit(bela.id, 1, now)]
        await ledger.post(tx, workspace, entries, now, known={asha.id: asha})
    assert [json.loads(event.body)["user_name"] for event in await _told(db, workspace)] == ["Asha", "Belinda"]
