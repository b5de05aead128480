"""A till: what a shop with triggers reports and fires, each in a transaction of its own."""

import json
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from regulars import customers, events, ledger, orders, tenancy, triggers
from regulars.customers import Customer, NewCustomer
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from regulars.kit.errors import Refusal
from regulars.orders import OrderReport
from regulars.triggers import Fire, Fired, Firing, Rule, Taken, Trigger


@dataclass
class Till:
    db: Database
    workspace: tenancy.Workspace
    clock: HandClock

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def trigger(self, rule: Rule, source: Any = "order", **more: Any) -> Trigger:
        async with self.db.transaction() as tx:
            return await triggers.create_trigger(tx, self.workspace, "A trigger", source, rule, self.now, **more)

    async def change(self, trigger: Trigger, **changes: Any) -> Trigger:
        async with self.db.transaction() as tx:
            return await triggers.change_trigger(tx, self.workspace, trigger.id, changes, self.now)

    def order(self, reference: str = "1", amount: str = "12.99", **fields: Any) -> OrderReport:
        given = {
            "source": "till",
            "reference_id": reference,
            "customer": NewCustomer("customer-asha", email="asha@a.shop"),
            "amount_minor": orders.minor_units("amount", amount),
            "currency_code": "usd",
            "placed_at": self.now,
            "source_version": self.now,
        }
        return orders.check(OrderReport(**{**given, **fields}))

    async def take(self, *orders: OrderReport) -> list[Taken]:
        async with self.db.transaction() as tx:
            taken = await triggers.take_orders(tx, self.workspace, orders, self.now)
        assert not any(isinstance(answer, Refusal) for answer in taken)
        return taken  # type: ignore[return-value]

    async def fire(
        self, trigger: Trigger, *, times: int = 1, random: Random | None = None, **more: Any
    ) -> list[Fired | Refusal]:
        given = {"trigger_id": trigger.id, "customer": NewCustomer("customer-asha", email="asha@a.shop"), **more}
        async with self.db.transaction() as tx:
            return await triggers.fire(tx, self.workspace, [Fire(**given)] * times, self.now, random or Random(1))

    async def customer(self, customer_id: str = "customer-asha") -> Customer | None:
        async with self.db.reading() as tx:
            return await customers.find(tx, self.workspace.id, customer_id=customer_id)

    async def coins(self, customer_id: str = "customer-asha") -> int:
        found = await self.customer(customer_id)
        assert found is not None
        async with self.db.reading() as tx:
            balances = await ledger.balances(tx, self.workspace, [found.id], self.now)
        return balances[found.id]["coins"].available

    async def firings(self) -> list[Firing]:
        """Oldest first."""
        async with self.db.reading() as tx:
            return (await triggers.firings(tx, self.workspace.id))[::-1]

    async def told(self) -> list[tuple[events.Event, dict[str, Any]]]:
        """Every event with its body, oldest first."""
        async with self.db.reading() as tx:
            newest = await events.recent(tx, self.workspace.id, limit=500)
        return [(event, json.loads(event.body)) for event in newest[::-1]]

    async def txn(self, txn_id: UUID) -> ledger.Txn:
        async with self.db.reading() as tx:
            return await ledger.find_txn(tx, self.workspace.id, txn_id)

    async def audited(self) -> None:
        async with self.db.snapshot() as tx:
            assert await ledger.verify(tx, self.workspace.id) is None


def again(report: OrderReport, **fields: Any) -> OrderReport:
    return msgspec.structs.replace(report, **fields)
