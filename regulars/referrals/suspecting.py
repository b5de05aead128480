"""What is suspicious about referrals: who is too much alike, where many come from, who refers in a circle."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from regulars import limits, orders
from regulars.customers import Customer
from regulars.kit import Reading, Tx, counted, months_later
from regulars.referrals import store
from regulars.referrals.model import Referral, ReferralRules, Sign, normalised
from regulars.referrals.store import sql


class Suspicions:
    """By referral: the verdicts; and the others of each ring that one of them closes."""

    def __init__(self) -> None:
        self.verdicts: dict[UUID, dict[Sign, str]] = {}
        self.rings: dict[UUID, list[UUID]] = {}


async def suspect(
    tx: Reading,
    workspace_id: UUID,
    rules: ReferralRules,
    of: Sequence[Referral],
    people: Mapping[UUID, Customer],
    now: datetime,
) -> Suspicions:
    """Set-based: three statements, whose counting stops at a limit; a ring is followed for limits.REFERRAL_RING_MAX."""
    found = Suspicions()
    columns = [[getattr(one, name) for one in of] for name in ("id", "referrer_id", "address", "device", "friend_id")]
    since = months_later(now, -1), now - timedelta(days=1)
    rows = await tx.fetch(sql.signs, workspace_id, *columns[:4], *since, limits.REFERRALS_COUNTED_MAX)
    seen = {row["id"]: row for row in rows}
    ids, referrers, friends = columns[0], columns[1], columns[4]
    for row in await tx.fetch(sql.rings, workspace_id, ids, referrers, friends, limits.REFERRAL_RING_MAX):
        found.rings[row["start"]] = row["ids"]
    sent = {one.order_id: one.referrer_id for one in of if one.order_id}
    same_place = await orders.shipped_alike(tx, workspace_id, sent)
    for one in of:
        verdicts = alike(one, people.get(one.referrer_id), people.get(one.friend_id) if one.friend_id else None)
        row = seen[one.id]
        if one.order_id in same_place:
            verdicts["postal"] = "Their orders go to the same postal address."
        if row["device"]:
            verdicts["device"] = f"The same browser claimed {counted(row['device'], 'others')} before."
        if rules.same_address_max and row["address"] >= rules.same_address_max:
            words = f"{counted(row['address'] + 1, 'claims')} from one internet address in a month."
            verdicts["address"] = words
        if rules.per_day_max and row["velocity"] >= rules.per_day_max:
            verdicts["velocity"] = f"{counted(row['velocity'] + 1, 'friends')} by one code in a day."
        if one.id in found.rings:
            verdicts |= in_ring(len(found.rings[one.id]))
        found.verdicts[one.id] = verdicts
    return found


def in_ring(steps: int) -> dict[Sign, str]:
    return {"ring": f"{steps} customers refer each other in a circle."}


def alike(referral: Referral, referrer: Customer | None, friend: Customer | None) -> dict[Sign, str]:
    """Whether the two are one by what is known of them: as the friend said, and as the shop knows who ordered."""
    if referrer is None:
        return {}
    emails = {referral.email_key, normalised(friend.email) if friend else ""} - {""}
    phones = {referral.phone, friend.phone if friend else ""} - {""}
    found: dict[Sign, str] = {}
    if normalised(referrer.email) in emails:
        found["email"] = "Both have the same e-mail address, case, dots and tags apart."
    if referrer.phone in phones:
        found["phone"] = "Both have the same mobile number."
    return found


async def suspect_rings(tx: Tx, workspace_id: UUID, rings: Mapping[UUID, Sequence[UUID]], now: datetime) -> None:
    """Whoever is in a ring that closes now, and has no reward yet, waits too. Lock order: referrals by id."""
    steps = {id: len(ids) for start, ids in rings.items() for id in ids if id != start}
    others = await store.lock(tx, workspace_id, steps.keys() - rings.keys())
    caught = [one for one in others if one.state in ("claimed", "qualified", "pending") and not one.review]
    store.save(tx, workspace_id, [one.seen(in_ring(steps[one.id])) for one in caught], now)
