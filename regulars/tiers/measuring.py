"""What customers have reached, as far as a ladder asks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from regulars import ledger
from regulars.customers import Customer
from regulars.kit import Reading, units_of
from regulars.tenancy import Workspace
from regulars.tiers.model import Ladder, Measures
from regulars.tiers.store import sql

_EVER = datetime(1900, 1, 1, tzinfo=UTC)


async def measured(
    tx: Reading, workspace: Workspace, ladder: Ladder, people: Sequence[Customer], now: datetime
) -> dict[UUID, Measures]:
    """By customer. Set-based: at most four statements, each by the customers' keys; what no tier asks for is 0."""
    zone, units = workspace.zone, units_of(workspace.currency_code)
    ids = [person.id for person in people]
    since = [ladder.since(person.created_at, now, zone) or _EVER for person in people]
    spent, earned, available = {}, {}, {}
    if ladder.uses("spent") or ladder.uses("orders"):
        rows = await tx.fetch(sql.spent, workspace.id, ids, since, workspace.currency_code)
        spent = {row["id"]: (row["kept"], row["gross"], row["orders"]) for row in rows}
    if ladder.uses("earned"):
        earned = {row["id"]: row["earned"] for row in await tx.fetch(sql.earned, workspace.id, ids, since)}
    if ladder.uses("available"):
        available = await ledger.available(tx, workspace, ids, now)
    referred = {}
    if ladder.uses("referrals"):
        referred = {row["id"]: row["friends"] for row in await tx.fetch(sql.referred, workspace.id, ids, since)}
    found = {}
    for id in ids:
        kept, gross, orders = spent.get(id, (0, 0, 0))
        found[id] = Measures(
            earned.get(id, 0), available.get(id, 0), kept / units, orders, gross / units, referred.get(id, 0)
        )
    return found
