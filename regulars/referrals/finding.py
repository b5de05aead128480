"""Referrals, found and counted; and what becomes of them when customers are merged or erased."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars.kit import NotFound, Reading, Tx, bounds
from regulars.referrals import store
from regulars.referrals.model import STATES, Referral, Review, State
from regulars.referrals.store import sql


class Funnel(msgspec.Struct, frozen=True):
    """How many referrals stand where, by state; and how many of them wait to be looked at."""

    states: dict[str, int]
    waiting: int


async def find_referral(tx: Reading, workspace_id: UUID, id: UUID) -> Referral:
    """Raises NotFound."""
    found = await by_ids(tx, workspace_id, [id])
    if not found:
        raise NotFound("This referral does not exist.")
    return found[0]


async def by_ids(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> list[Referral]:
    return await store.read(tx, sql.by_ids, workspace_id, ids)


async def referrals(
    tx: Reading,
    workspace_id: UUID,
    *,
    state: State | None = None,
    review: Review | None = None,
    referrer_id: UUID | None = None,
    friend_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: UUID | None = None,
    limit: int,
) -> list[Referral]:
    """Newest first; all that is given must hold."""
    before, first = bounds(before_id, since, until)
    asked = ((sql.page_of_friend, friend_id), (sql.page_of_referrer, referrer_id), (sql.page_of_review, review))
    statement, value = next(((s, v) for s, v in (*asked, (sql.page_of_state, state)) if v), (sql.page, None))
    more = [value] if value else []
    return await store.read(tx, statement, workspace_id, before, limit, first, state, review, *more)


async def numbered_page(
    tx: Reading, workspace_id: UUID, referrer_id: UUID, *, oldest_first: bool = False, limit: int, offset: int
) -> tuple[list[Referral], int]:
    """A page of whom a customer has referred, and how many they are in all."""
    found = await store.read(tx, sql.numbered_page, workspace_id, referrer_id, oldest_first, limit, offset)
    return found, await tx.fetchval(sql.count_of_referrer, workspace_id, referrer_id)


async def funnel(tx: Reading, workspace_id: UUID) -> Funnel:
    rows = await tx.fetch(sql.by_state, workspace_id)
    states = {str(state): sum(row["referrals"] for row in rows if row["state"] == state) for state in STATES}
    return Funnel(states, sum(row["referrals"] for row in rows if row["review"] == "waiting"))


async def move(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> None:
    """Two customers are one: whom the first brought along the second did. Nobody is one's own friend."""
    await tx.execute(sql.move_referrer, workspace_id, from_id, into_id)
    await tx.execute(sql.move_friend, workspace_id, from_id, into_id)
    await tx.execute(sql.end_own, workspace_id, into_id, "Both are one customer.")


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> list[UUID]:
    """Drop what says who these friends are. The customers who referred these, or were referred by them."""
    await tx.execute(sql.forget, workspace_id, customer_ids)
    return [row["id"] for row in await tx.fetch(sql.others, workspace_id, customer_ids) if row["id"]]
