"""Customers, found."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, get_args
from uuid import UUID

from regulars.customers import store
from regulars.customers.model import Customer, seen
from regulars.customers.store import sql
from regulars.customers.words import asked
from regulars.kit import BEFORE_ALL_IDS, NotFound, Reading, bounds, invalid
from regulars.kit.mailboxes import readable
from regulars.kit.phones import digits_of, international

Sort = Literal["newest", "oldest", "name"]


async def after(tx: Reading, workspace_id: UUID, after_id: UUID, limit: int) -> list[Customer]:
    """Those who came after that one, oldest first: a page of all."""
    return await tx.all(Customer, sql.oldest, workspace_id, after_id, limit)


async def born_on(
    tx: Reading, workspace_id: UUID, days: Sequence[tuple[int, int]], before: date, after_id: str, limit: int
) -> list[Customer]:
    """Who was born on one of the days, as (month, day), of a year before that one, by id, beyond one."""
    kept_on = [month * 100 + day for month, day in days]
    return await tx.all(Customer, sql.born_on, workspace_id, kept_on, before, after_id, limit)


async def created_within(
    tx: Reading, workspace_id: UUID, bounds: Sequence[tuple[datetime, datetime]], after_id: str, limit: int
) -> list[Customer]:
    """Who was created from the first and before the second of one of the bounds, by id, beyond one."""
    ends = [[one[n] for one in bounds] for n in range(2)]
    return await tx.all(Customer, sql.created_within, workspace_id, *ends, after_id, limit)


async def by_emails(tx: Reading, workspace_id: UUID, emails: Sequence[str]) -> dict[str, Customer]:
    """Who has each of these addresses, by the address as it is given; of several the one who was there first."""
    known_as = {one: readable(seen(one)) for one in emails}
    rows = await tx.fetch(sql.by_emails, workspace_id, list({*known_as.values()}))
    found = {row["asked"]: Customer(*row[:-1]) for row in rows}
    return {one: found[written] for one, written in known_as.items() if written in found}


async def by_mobiles(tx: Reading, workspace_id: UUID, mobiles: Sequence[str], country: str) -> dict[str, Customer]:
    """Who has each of these numbers, by the number as it is given, read as it is dialled in `country`; of several the
    one who was there first."""
    phones = {mobile: international(mobile, country) for mobile in mobiles}
    rows = await tx.fetch(sql.by_phones, workspace_id, sorted({phone for phone in phones.values() if phone}))
    found = {row["asked"]: Customer(*row[:-1]) for row in rows}
    return {mobile: found[phone] for mobile, phone in phones.items() if phone in found}


async def find(
    tx: Reading,
    workspace_id: UUID,
    *,
    id: UUID | None = None,
    customer_id: str | None = None,
    referral_code: str | None = None,
    email: str | None = None,
    mobile: str | None = None,
    country: str = "",
) -> Customer | None:
    """By the first of these that is given, in the order customer_id, referral code, e-mail, mobile, id.

    A mobile is found by any spelling of it; one without its country's code is read as it is dialled in `country`, the
    shop's. An e-mail or a mobile that several customers share finds the one who was there first.
    """
    if customer_id:
        return (await store.by_customer_ids(tx, workspace_id, [customer_id.strip()])).get(customer_id.strip())
    if referral_code:
        return await store.by_one(tx, workspace_id, sql.by_referral_code, referral_code)
    if email:
        return await store.by_one(tx, workspace_id, sql.by_email, readable(seen(email)))
    if mobile:
        return await _by_mobile(tx, workspace_id, mobile, country)
    return (await store.by_ids(tx, workspace_id, [id])).get(id) if id else None


async def get(
    tx: Reading, workspace_id: UUID, missing: str = "This customer does not exist.", **by: UUID | str | None
) -> Customer:
    """As `find`. Raises NotFound, in these words."""
    customer = await find(tx, workspace_id, **by)  # type: ignore[arg-type]
    if customer is None:
        raise NotFound(missing)
    return customer


async def search(
    tx: Reading,
    workspace_id: UUID,
    text: str = "",
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    sort: Sort = "newest",
    before_id: UUID | None = None,
    limit: int = 50,
) -> list[Customer]:
    """Customers who are known by each word of `text`, or by one that begins with it: of their name, e-mail, customer_id
    and referral code, accents and case apart, or any run of digits in their numbers. Without text all customers.

    Known since one time, and before another. Only the whole list can be sorted otherwise than by the newest. Paged by
    `before_id`, the last of the page before. Raises Invalid.
    """
    if sort not in get_args(Sort):
        raise invalid("sort", f"one of {', '.join(get_args(Sort))}")
    if sort != "newest" and (text.strip() or since or until):
        raise invalid("sort", "newest, where a text or a time narrows the list")
    if sort == "oldest":
        return await tx.all(Customer, sql.oldest, workspace_id, before_id or BEFORE_ALL_IDS, limit)
    if sort == "name":
        last = (await store.by_ids(tx, workspace_id, [before_id])).get(before_id) if before_id else None
        # Case apart; those who have none come last.
        ended = (not last.name, last.name, last.id) if last else (False, "", BEFORE_ALL_IDS)
        return await tx.all(Customer, sql.by_name, workspace_id, *ended, limit)
    within = bounds(before_id, since, until)
    if not text.strip():
        return await tx.all(Customer, sql.newest, workspace_id, *within, limit)
    words = asked(workspace_id, text)
    return await tx.all(Customer, sql.search, workspace_id, words, *within, limit) if words else []


async def count(tx: Reading, workspace_id: UUID) -> int:
    """Reads every row: for reports, not for pages."""
    return int(await tx.fetchval(sql.count, workspace_id))


async def _by_mobile(tx: Reading, workspace_id: UUID, mobile: str, country: str) -> Customer | None:
    phone = international(mobile, country)
    found = await store.by_one(tx, workspace_id, sql.by_phone, phone) if phone else None
    if found is None and (digits := digits_of(mobile)):
        # As somebody in another country typed it, or one that is no number at all.
        found = await store.by_one(tx, workspace_id, sql.by_mobile, digits)
    return found
