"""Typed functions over the statements that more than one act uses, and those that keep a customer's words too."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from regulars import limits
from regulars.conditions import fold
from regulars.customers.model import Customer, NewCustomer, draw_referral_code
from regulars.customers.own import asked
from regulars.customers.words import words_of
from regulars.kit import Queries, Reading, Tx, new_id

sql = Queries(__file__)
T = TypeVar("T")


async def by_ids(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Customer]:
    """The customers that exist, by id; in the place of one who was merged into another, that one."""
    return await _as_merged(tx, workspace_id, {one.id: one for one in await _by_ids(tx, workspace_id, ids)})


async def by_customer_ids(tx: Reading, workspace_id: UUID, customer_ids: Sequence[str]) -> dict[str, Customer]:
    """The same by the shop's own id."""
    found = await tx.all(Customer, sql.by_customer_ids, workspace_id, customer_ids)
    return await _as_merged(tx, workspace_id, {one.customer_id: one for one in found})


async def by_referral_codes(tx: Reading, workspace_id: UUID, codes: Sequence[str]) -> dict[str, Customer]:
    """The same by their referral codes."""
    found = await tx.all(Customer, sql.by_referral_codes, workspace_id, codes)
    return await _as_merged(tx, workspace_id, {one.referral_code: one for one in found})


async def shops_of_code(tx: Reading, code: str) -> list[UUID]:
    """Workspaces where somebody has this referral code: a link says no more. Few, however many there are."""
    return [row["workspace_id"] for row in await tx.fetch(sql.shops_of_code, code, limits.SHOPS_OF_CODE_MAX)]


async def by_one(tx: Reading, workspace_id: UUID, statement: str, value: object) -> Customer | None:
    """`statement` is `sql.by_referral_code`, `by_email`, `by_phone` or `by_mobile`."""
    found = await tx.one(Customer, statement, workspace_id, value)
    return (await _as_merged(tx, workspace_id, {0: found})).get(0) if found else None


async def locked(tx: Tx, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Customer]:
    """As `by_ids`. Locks them in this order, then those whom some were merged into, by id."""
    found = {one.id: one for one in await tx.all(Customer, sql.lock, workspace_id, ids)}
    into = sorted({one.merged_into for one in found.values() if one.merged_into} - found.keys())
    if into:
        await tx.all(Customer, sql.lock, workspace_id, into)
    return await _as_merged(tx, workspace_id, found)


async def _by_ids(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> list[Customer]:
    return await tx.all(Customer, sql.by_ids, workspace_id, ids)


async def _as_merged(tx: Reading, workspace_id: UUID, found: dict[T, Customer]) -> dict[T, Customer]:
    into = {key: customer.merged_into for key, customer in found.items() if customer.merged_into}
    if not into:
        return found
    others = {one.id: one for one in await _by_ids(tx, workspace_id, sorted(set(into.values())))}
    return found | {key: others[id] for key, id in into.items()}


async def insert(
    tx: Tx, workspace_id: UUID, new: Sequence[NewCustomer], phones: Sequence[str], now: datetime
) -> list[Customer]:
    """Those that did not exist yet, as created; a customer_id that exists is left alone and not returned. `phones` are
    their numbers as E.164, in the same order."""
    fields = ("customer_id", "name", "email", "mobile", "country", "gender", "dob")
    columns = [[getattr(one, field) for one in new] for field in fields]
    ids, codes = [new_id() for _ in new], [one.referral_code or draw_referral_code() for one in new]
    folded = [fold(one.email) for one in new]
    created = await tx.all(Customer, sql.insert_customers, workspace_id, ids, *columns, now, codes, phones, folded)
    words = ["\n".join(words_of(workspace_id, customer)) for customer in created]
    tx.write(sql.insert_words, workspace_id, [customer.id for customer in created], words)
    return created


async def update(tx: Tx, workspace_id: UUID, changed: Sequence[Customer]) -> None:
    if not changed:
        return
    fields = ("id", "updated_at", "name", "email", "mobile", "phone", "country", "gender", "dob")
    columns = [[getattr(one, field) for one in changed] for field in (*fields, "accept_email", "accept_mobile")]
    own = [{"tags": one.tags, "properties": one.properties, "asked": asked(one)} for one in changed]
    await tx.execute(sql.update, workspace_id, *columns, [fold(one.email) for one in changed], own)
    _put_words(tx, workspace_id, changed)


def _put_words(tx: Tx, workspace_id: UUID, of: Sequence[Customer]) -> None:
    words = ["\n".join(words_of(workspace_id, one)) for one in of]
    tx.write(sql.update_words, workspace_id, [one.id for one in of], words)


async def absorb(tx: Tx, workspace_id: UUID, into: Customer, merged: UUID) -> None:
    """Keep what one customer has become by another, who points to them from now on."""
    fields = ("name", "email", "mobile", "phone", "country", "gender", "dob", "referred_by_code", "spent")
    values = [getattr(into, field) for field in (*fields, "orders_count", "last_order_at", "updated_at")]
    await tx.execute(sql.point_to, workspace_id, merged, into.id, into.updated_at)
    own = into.tags, into.properties, asked(into)
    await tx.execute(sql.absorb, workspace_id, into.id, *values, fold(into.email), *own)
    await tx.execute(sql.drop_words, workspace_id, [merged])
    _put_words(tx, workspace_id, [into])


async def ids_of(tx: Reading, workspace_id: UUID, id: UUID) -> dict[UUID, str]:
    """The customer's id and customer_id, and those of whoever was merged into them."""
    return {row["id"]: row["customer_id"] for row in await tx.fetch(sql.ids_of, workspace_id, id)}
