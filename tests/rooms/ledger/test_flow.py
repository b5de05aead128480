"""What was given and taken over stretches of time."""

from datetime import UTC, datetime, timedelta

from regulars import customers, ledger
from regulars.customers import NewCustomer
from regulars.kit.db import Database
from regulars.ledger import Entry
from regulars.tenancy import Workspace


async def test_coins_are_summed_by_stretch(db: Database, workspace: Workspace) -> None:
    # The ids hold the system's time, so the stretches are laid around it.
    now = datetime.now(UTC)
    async with db.transaction() as tx:
        customer = await customers.create(tx, workspace, NewCustomer("shop-00000001", email="a@example.com"), now)
        entries = [
            Entry(customer_id=customer.id, operation="cr", amount=100, type="reward", occurred_at=now),
            Entry(customer_id=customer.id, operation="cr", amount=20, type="reward", occurred_at=now),
            Entry(customer_id=customer.id, operation="dr", amount=30, type="redeem", occurred_at=now),
            Entry(customer_id=customer.id, operation="cr", amount=7, type="reward", occurred_at=now, kind="credits"),
        ]
        await ledger.post(tx, workspace, entries, now)
        moments = [now - timedelta(hours=1), now - timedelta(minutes=1), now + timedelta(minutes=1)]
        flows = await ledger.flow(tx, workspace.id, moments)
        credits = await ledger.flow(tx, workspace.id, moments, kind="credits")
    assert [(flow.starts_at, flow.credited, flow.debited) for flow in flows] == [
        (moments[0], 0, 0),
        (moments[1], 120, 30),
    ]
    assert [flow.credited for flow in credits] == [0, 7]
