"""From a move on the ladder to the words of its event."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from regulars import events, ledger
from regulars.customers import Customer
from regulars.kit import Tx, wire_time
from regulars.tenancy import Workspace
from regulars.tiers.model import Ladder, Move, Standing


async def tell(
    tx: Tx,
    workspace: Workspace,
    ladder: Ladder,
    moves: Sequence[Move],
    ending: Sequence[Standing],
    people: dict[UUID, Customer],
    now: datetime,
) -> None:
    ids = sorted({move.customer_id for move in moves} | {one.customer_id for one in ending})
    coins = await ledger.available(tx, workspace, ids, now)
    business, names = events.business(workspace), {tier.key: tier.name for tier in ladder.tiers}
    shared = {id: events.common(business, people[id], coins[id]) | {"lead_id": str(id)} for id in ids}
    at = {"created_at": wire_time(now), "updated_at": wire_time(now), "entity_id": business.entity_id}
    told = []
    for move in moves:
        said = shared[move.customer_id] | at | {"tier": move.to_tier, "formatted_tier": names.get(move.to_tier, "")}
        said |= {"direction": move.direction, "viptier_id": str(move.id)}
        told.append(events.told("viptier_create", move.customer_id, said, now))
    for one in ending:
        assert one.until is not None
        said = shared[one.customer_id] | at | {"tier": one.tier, "formatted_tier": names.get(one.tier, "")}
        said |= {"ends_at": wire_time(one.until), "formatted_ends_at": events.formatted(one.until, workspace.zone)}
        told.append(events.told("viptierends_create", one.customer_id, said, now))
    await events.append(tx, workspace.id, told, now)
