"""What a rehearsal says comes true, and nothing of it is written."""

from datetime import timedelta
from random import Random

import msgspec
import pytest

from regulars import orders, triggers
from regulars.customers import NewCustomer
from regulars.kit.errors import Refusal
from regulars.orders import Correcting, OrderReport
from regulars.triggers import Rule, Taken
from tests.rooms.triggers.till import Till

TABLES = ("orders_order", "customers_customer", "triggers_firing", "ledger_txn", "events_event")
FACTS = frozenset({"amount_minor", "currency_code", "placed_at", "financial_status"})


def a_report(till: Till, random: Random) -> OrderReport:
    return till.order(
        str(random.randrange(12)),
        str(random.randrange(30)),
        customer=NewCustomer(f"customer-{random.randrange(8)}"),
        currency_code=random.choice(["usd", "usd", "eur"]),
        financial_status=random.choice(["paid", "pending", "refunded"]),
        placed_at=till.now - timedelta(days=random.randrange(5)),
        source_version=till.now + timedelta(days=random.choice([-3, -2, -1, -1, 0, 40])),
    )


@pytest.mark.parametrize("seed", range(6))
async def test_a_rehearsal_says_what_happens(till: Till, seed: int) -> None:
    random = Random(seed)
    await till.trigger(Rule(title="Paid", coins_per_unit=1, earn_when="paid"))
    await till.trigger(Rule(title="Purchase", coins_per_unit=2))
    for _ in range(3):
        reports = [a_report(till, random) for _ in range(20)]
        correcting = Correcting(FACTS, replace=random.random() < 0.5)
        before = await counts(till)
        async with till.db.reading() as tx:
            said = await triggers.rehearse_orders(tx, till.workspace, reports, till.now, correcting=correcting)
        assert await counts(till) == before
        async with till.db.transaction() as tx:
            came = await triggers.take_orders(tx, till.workspace, reports, till.now, correcting=correcting)
        assert [told(answer) for answer in said.answers] == [told(answer) for answer in came]
        after = await counts(till)
        assert said.new_customers == after["customers_customer"] - before["customers_customer"]
        assert said.triggers_asked == 2
        till.clock.advance(hours=1)
    await till.audited()


def told(answer: Taken | Refusal) -> object:
    if isinstance(answer, Refusal):
        return answer.message
    order = msgspec.structs.asdict(answer.recorded.order)
    kept = {name: order[name] for name in ("reference_id", "amount_minor", "placed_at", "financial_status")}
    return kept, answer.recorded.change, sorted((f.state, f.reason, f.amount) for f in answer.firings)


async def counts(till: Till) -> dict[str, int]:
    async with till.db.reading() as tx:
        return {
            table: await tx.fetchval(f"SELECT count(*) FROM {table} WHERE workspace_id = $1", till.workspace.id)
            for table in TABLES
        }


async def test_only_what_a_file_says_is_held_against_what_is_kept(till: Till) -> None:
    order = till.order("1", "84.95", financial_status="refunded")
    await till.take(order)
    older = msgspec.structs.replace(
        order, amount_minor=8_000, financial_status="paid", source_version=till.now - timedelta(days=1)
    )
    [stale] = await till.take(older)
    facts = frozenset({"amount_minor", "currency_code"})
    assert stale.recorded.change == "stale"
    assert orders.differences(stale.recorded.order, older, facts, till.workspace.zone) == "amount from 84.95 to 80.00"
    async with till.db.transaction() as tx:
        [won] = await triggers.take_orders(
            tx, till.workspace, [older], till.now, correcting=Correcting(facts, replace=True)
        )
    assert isinstance(won, Taken)
    assert (won.recorded.change, won.recorded.order.amount_minor) == ("updated", 8_000)
    assert won.recorded.order.financial_status == "refunded"
    assert won.recorded.order.source_version == order.source_version
