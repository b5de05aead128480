"""What reports would change, found out without a row written."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars import customers
from regulars.kit import Reading, Refusal, new_id
from regulars.orders import store
from regulars.orders.correcting import Correcting
from regulars.orders.model import Order, OrderReport, Recorded, not_from_the_future
from regulars.orders.recording import compare, new_order


class Foresight:
    """Says of checked reports what `record` would: each knows what those before it would have changed."""

    def __init__(self, tx: Reading, workspace_id: UUID, now: datetime, correcting: Correcting) -> None:
        self._tx, self._workspace_id, self._now, self._correcting = tx, workspace_id, now, correcting
        self._customers: dict[str, UUID] = {}
        self._orders: dict[tuple[str, str], Order] = {}
        self.new_customers = 0

    async def record(self, reports: Sequence[OrderReport]) -> list[Recorded | Refusal]:
        """No order may be reported twice in one call."""
        people = {report.customer.customer_id for report in reports} - self._customers.keys()
        known = await customers.by_customer_ids(self._tx, self._workspace_id, sorted(people))
        self._customers |= {id: customer.id for id, customer in known.items()}
        names = [name for r in reports if (name := (r.source, r.reference_id)) not in self._orders]
        self._orders |= await store.named(self._tx, self._workspace_id, names)
        fit = {report.customer.customer_id for report in reports if report.unfit is None} | self._customers.keys()
        return [
            not_from_the_future(report, self._now)
            or (report.unfit if report.customer.customer_id not in fit else None)
            or self._recorded(report)
            for report in reports
        ]

    def _recorded(self, report: OrderReport) -> Recorded:
        name, customer_id = (report.source, report.reference_id), report.customer.customer_id
        if customer_id not in self._customers:
            self._customers[customer_id] = new_id()
            self.new_customers += 1
        kept = self._orders.get(name)
        if kept is None:
            recorded = Recorded(new_order(report, self._customers[customer_id], self._now), "created")
        else:
            recorded = compare(kept, report, self._now, self._correcting)
        self._orders[name] = recorded.order
        return recorded
