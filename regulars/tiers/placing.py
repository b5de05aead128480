"""Customers are put where they belong, by what they have reached as far as the ladder asks, and told; or where somebody
says, for a time and with a reason."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from regulars import customers, events, ledger, limits
from regulars.customers import Customer
from regulars.kit import Faults, NotFound, Reading, Tx, new_id, units_of, wire_time
from regulars.tenancy import Workspace
from regulars.tiers import store
from regulars.tiers.model import Judged, Ladder, Measures, Move, Standing, judge
from regulars.tiers.store import LadderVersion, sql


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


async def put_in_place(tx: Tx, workspace: Workspace, ids: Iterable[UUID], now: datetime) -> list[Move]:
    """Judge each of these customers by the ladder that holds; the moves that came of it, which are told. Lock order:
    standings by customer, then customers by id."""
    of = await store.newest(tx, workspace.id)
    found = await customers.by_ids(tx, workspace.id, sorted(set(ids)))
    people = sorted({person.id: person for person in found.values()}.values(), key=lambda person: person.id)
    if not people or not of.version:
        return []
    there = await store.standings(tx, workspace.id, [person.id for person in people], locked=True)
    reached = await measured(tx, workspace, of.ladder, people, now)
    was = {person.id: there.get(person.id) or Standing(person.id, "", now) for person in people}
    judged = [judge(of.ladder, was[person.id], reached[person.id], now, workspace.zone) for person in people]
    changed = [(was[one.standing.customer_id], one) for one in judged if one.standing != was[one.standing.customer_id]]
    return await _carry_out(tx, workspace, of, changed, now, actor="")


async def place_by_hand(
    tx: Tx, shop: Workspace, customer: Customer, tier: str, reason: str, until: datetime, now: datetime, *, actor: str
) -> Standing:
    """Not below this tier until then, whatever they have reached. Raises Invalid naming each field."""
    of = await store.newest(tx, shop.id)
    faults = Faults()
    if of.ladder.place(tier) < 0:
        faults.add("tier", "one of " + ", ".join(one.key for one in of.ladder.tiers))
    if not 1 <= len(reason.strip()) <= limits.TITLE_CHARS_MAX:
        faults.add("reason", f"why, in 1 to {limits.TITLE_CHARS_MAX} characters")
    if until <= now:
        faults.add("until", "a time that is still to come")
    faults.check()
    was = await _locked(tx, shop.id, customer.id, now)
    placed = msgspec.structs.replace(
        was,
        tier=tier,
        since=was.since if was.tier == tier else now,
        until=until,
        warned=False,
        placed_until=until,
        placed_reason=reason.strip(),
        look_at=until,
    )
    await _carry_out(tx, shop, of, [(was, Judged(placed, f"Placed by hand: {reason.strip()}"))], now, actor=actor)
    return placed


async def take_off(tx: Tx, workspace: Workspace, customer: Customer, now: datetime, *, actor: str) -> Standing:
    """They stand where they belong by what they have reached. Raises NotFound where nobody placed them."""
    of = await store.newest(tx, workspace.id)
    was = await _locked(tx, workspace.id, customer.id, now)
    if was.placed_until is None:
        raise NotFound("Nobody has placed this customer by hand.")
    reached = await measured(tx, workspace, of.ladder, [customer], now)
    none = Standing(customer.id, "", now)
    belongs = judge(of.ladder, none, reached[customer.id], now, workspace.zone).standing
    await _carry_out(tx, workspace, of, [(was, Judged(belongs, "No longer placed by hand"))], now, actor=actor)
    return belongs


async def _locked(tx: Tx, workspace_id: UUID, id: UUID, now: datetime) -> Standing:
    return (await store.standings(tx, workspace_id, [id], locked=True)).get(id) or Standing(id, "", now)


async def _carry_out(
    tx: Tx, shop: Workspace, of: LadderVersion, changed: Sequence[tuple[Standing, Judged]], now: datetime, *, actor: str
) -> list[Move]:
    store.save_standings(tx, shop.id, [one.standing for _, one in changed])
    moves = [
        Move(
            id=new_id(),
            customer_id=was.customer_id,
            from_tier=was.tier,
            to_tier=one.standing.tier,
            direction="up" if of.ladder.place(one.standing.tier) > of.ladder.place(was.tier) else "down",
            reason=one.reason,
            actor=actor,
            ladder_version=of.version,
            moved_at=now,
        )
        for was, one in changed
        if one.standing.tier != was.tier
    ]
    store.insert_moves(tx, shop.id, moves)
    ending = [one.standing for _, one in changed if one.warn]
    if moves or ending:
        people = await customers.set_tiers(tx, shop.id, {move.customer_id: move.to_tier for move in moves}, now)
        people |= await customers.by_ids(tx, shop.id, [one.customer_id for one in ending])
        await tell(tx, shop, of.ladder, moves, ending, people, now)
    return moves
