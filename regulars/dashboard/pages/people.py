"""What lists that can be narrowed to a customer share."""

from uuid import UUID

from regulars import customers
from regulars.dashboard.desk import Desk
from regulars.dashboard.lists import Options
from regulars.kit.db import Reading


async def chosen_customer(desk: Desk, tx: Reading, customer_id: UUID | None) -> Options:
    """The one whom a list is narrowed to, by name."""
    person = await customers.find(tx, desk.id, id=customer_id) if customer_id else None
    return [(str(person.id), person.name or person.customer_id)] if person else []
