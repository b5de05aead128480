"""One function per statement of `queries.sql`; rows come back as customers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from regulars.customers.model import Customer, NewCustomer, draw_referral_code
from regulars.customers.words import words_of
from regulars.kit.db import Reading, Tx
from regulars.kit.ids import BEFORE_ALL_IDS, new_id
from regulars.kit.queries import Queries

_sql = Queries(__file__)
T = TypeVar("T")


async def by_ids(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Customer]:
    """The customers that exist, by id; in the place of one who was merged into another, that one."""
    rows = await tx.fetch(_sql.by_ids, workspace_id, ids)
    return await _as_merged(tx, workspace_id, {row["id"]: Customer(*row) for row in rows})


async def by_customer_ids(tx: Reading, workspace_id: UUID, customer_ids: Sequence[str]) -> dict[str, Customer]:
    """The same by the shop's own id."""
    rows = await tx.fetch(_sql.by_customer_ids, workspace_id, customer_ids)
    return await _as_merged(tx, workspace_id, {row["customer_id"]: Customer(*row) for row in rows})


async def by_emails(tx: Reading, workspace_id: UUID, emails: Sequence[str]) -> dict[str, Customer]:
    return {row["asked"]: Customer(*row[:-1]) for row in await tx.fetch(_sql.by_emails, workspace_id, emails)}


async def by_one(tx: Reading, workspace_id: UUID, statement: str, value: object) -> Customer | None:
    """`statement` is one of by_referral_code, by_email, by_phone, by_mobile, lock."""
    row = await tx.fetchrow(getattr(_sql, statement), workspace_id, value)
    return (await _as_merged(tx, workspace_id, {0: Customer(*row)})).get(0) if row else None


async def _as_merged(tx: Reading, workspace_id: UUID, found: dict[T, Customer]) -> dict[T, Customer]:
    into = {key: customer.merged_into for key, customer in found.items() if customer.merged_into}
    if not into:
        return found
    rows = await tx.fetch(_sql.by_ids, workspace_id, sorted(set(into.values())))
    others = {row["id"]: Customer(*row) for row in rows}
    return found | {key: others[id] for key, id in into.items()}


async def taken_referral_codes(tx: Reading, workspace_id: UUID, codes: Sequence[str]) -> set[str]:
    return {row["referral_code"] for row in await tx.fetch(_sql.taken_referral_codes, workspace_id, codes)}


async def born_on(
    tx: Reading, workspace_id: UUID, days: Sequence[int], before: date, after: str, limit: int
) -> list[Customer]:
    rows = await tx.fetch(_sql.born_on, workspace_id, days, before, after, limit)
    return [Customer(*row) for row in rows]


async def created_within(
    tx: Reading, workspace_id: UUID, bounds: Sequence[tuple[datetime, datetime]], after: str, limit: int
) -> list[Customer]:
    ends = [[one[n] for one in bounds] for n in range(2)]
    return [Customer(*row) for row in await tx.fetch(_sql.created_within, workspace_id, *ends, after, limit)]


async def insert(
    tx: Tx, workspace_id: UUID, new: Sequence[NewCustomer], phones: Sequence[str], now: datetime
) -> list[Customer]:
    """Those that did not exist yet, as created; a customer_id that exists is left alone and not returned. `phones` are
    their numbers as E.164, in the same order."""
    rows = await tx.fetch(
        _sql.insert_customers,
        workspace_id,
        [new_id() for _ in new],
        [n.customer_id for n in new],
        [n.name for n in new],
        [n.email for n in new],
        [n.mobile for n in new],
        [n.country for n in new],
        [n.gender for n in new],
        [n.dob for n in new],
        now,
        [n.referral_code or draw_referral_code() for n in new],
        phones,
    )
    created = [Customer(*row) for row in rows]
    words = ["\n".join(words_of(workspace_id, customer)) for customer in created]
    tx.write(_sql.insert_words, workspace_id, [customer.id for customer in created], words)
    return created


async def update(tx: Tx, workspace_id: UUID, customer: Customer) -> None:
    await tx.execute(
        _sql.update,
        workspace_id,
        customer.id,
        customer.name,
        customer.email,
        customer.mobile,
        customer.country,
        customer.gender,
        customer.dob,
        customer.accept_email,
        customer.accept_mobile,
        customer.updated_at,
        customer.phone,
    )
    tx.write(_sql.update_words, workspace_id, customer.id, "\n".join(words_of(workspace_id, customer)))


async def count_spending(
    tx: Tx, workspace_id: UUID, changes: Sequence[tuple[UUID, dict[str, int], int, datetime]]
) -> dict[UUID, Customer]:
    """Each change is (customer, minor units by currency, orders, newest order's time), one per customer, by
    customer."""
    columns: list[list[Any]] = [list(column) for column in zip(*changes, strict=True)] or [[], [], [], []]
    return {row["id"]: Customer(*row) for row in await tx.fetch(_sql.count_spending, workspace_id, *columns)}


async def rename(tx: Tx, workspace_id: UUID, names: Sequence[tuple[UUID, str]], now: datetime) -> dict[UUID, Customer]:
    columns = [[row[n] for row in names] for n in range(2)]
    return {row["id"]: Customer(*row) for row in await tx.fetch(_sql.rename, workspace_id, *columns, now)}


async def set_tiers(
    tx: Tx, workspace_id: UUID, tiers: Sequence[tuple[UUID, str]], now: datetime
) -> dict[UUID, Customer]:
    columns = [[row[n] for row in tiers] for n in range(2)]
    return {row["id"]: Customer(*row) for row in await tx.fetch(_sql.set_tiers, workspace_id, *columns, now)}


async def newest(tx: Reading, workspace_id: UUID, within: tuple[UUID, UUID], limit: int) -> list[Customer]:
    return [Customer(*row) for row in await tx.fetch(_sql.newest, workspace_id, *within, limit)]


async def oldest(tx: Reading, workspace_id: UUID, after_id: UUID, limit: int) -> list[Customer]:
    return [Customer(*row) for row in await tx.fetch(_sql.oldest, workspace_id, after_id, limit)]


async def by_name(tx: Reading, workspace_id: UUID, after: Customer | None, limit: int) -> list[Customer]:
    """By their names, case apart; those who have none come last."""
    ended = (not after.name, after.name, after.id) if after else (False, "", BEFORE_ALL_IDS)
    return [Customer(*row) for row in await tx.fetch(_sql.by_name, workspace_id, *ended, limit)]


async def search(tx: Reading, workspace_id: UUID, asked: str, within: tuple[UUID, UUID], limit: int) -> list[Customer]:
    return [Customer(*row) for row in await tx.fetch(_sql.search, workspace_id, asked, *within, limit)]


async def count(tx: Reading, workspace_id: UUID) -> int:
    found: int = await tx.fetchval(_sql.count, workspace_id)
    return found


async def lock_both(tx: Tx, workspace_id: UUID, one: UUID, other: UUID) -> dict[UUID, Customer]:
    """Those that exist. Lock order: by id."""
    return {row["id"]: Customer(*row) for row in await tx.fetch(_sql.lock_both, workspace_id, one, other)}


async def absorb(tx: Tx, workspace_id: UUID, into: Customer, merged: UUID) -> None:
    """Keep what one customer has become by another, who points to them from now on."""
    fields = ("name", "email", "mobile", "phone", "country", "gender", "dob", "referred_by_code", "spent")
    values = [getattr(into, field) for field in (*fields, "orders_count", "last_order_at", "updated_at")]
    await tx.execute(_sql.point_to, workspace_id, merged, into.id, into.updated_at)
    await tx.execute(_sql.absorb, workspace_id, into.id, *values)
    await tx.execute(_sql.drop_words, workspace_id, [merged])
    tx.write(_sql.update_words, workspace_id, into.id, "\n".join(words_of(workspace_id, into)))


async def ids_of(tx: Reading, workspace_id: UUID, id: UUID) -> dict[UUID, str]:
    """The customer's id and customer_id, and those of whoever was merged into them."""
    return {row["id"]: row["customer_id"] for row in await tx.fetch(_sql.ids_of, workspace_id, id)}


async def forget(tx: Tx, workspace_id: UUID, ids: Sequence[UUID], now: datetime) -> None:
    await tx.execute(_sql.forget, workspace_id, ids, [draw_referral_code() for _ in ids], now)
    await tx.execute(_sql.drop_words, workspace_id, ids)
