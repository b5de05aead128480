"""Customers come into being when they are first mentioned."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from regulars import events
from regulars.customers import store
from regulars.customers.model import Customer, NewCustomer, check
from regulars.customers.wire import created_event
from regulars.kit import Conflict, Reading, Refusal, Tx, invalid, tracing
from regulars.kit.phones import international
from regulars.tenancy import Workspace


class Ensured(msgspec.Struct, frozen=True, gc=False):
    """A customer that exists now; `created` when this call made it, and `event_id` the event that told of it."""

    customer: Customer
    created: bool
    event_id: UUID | None = None


class Ensuring(Protocol):
    """`ensure`, or something that does more for those who are new."""

    async def __call__(
        self,
        tx: Tx,
        workspace: Workspace,
        wanted: Sequence[NewCustomer],
        now: datetime,
        /,
        *,
        unfit: Mapping[str, Refusal] | None = None,
    ) -> dict[str, Ensured | Refusal]: ...


async def ensure(
    tx: Tx,
    workspace: Workspace,
    wanted: Sequence[NewCustomer],
    now: datetime,
    *,
    unfit: Mapping[str, Refusal] | None = None,
) -> dict[str, Ensured | Refusal]:
    """For each `customer_id` the customer, created with the given details if it was unknown, or why it can't be.

    Details are expected to have gone through `check`. Of several with one customer_id the first counts. Details of a
    customer that exists are left as they are. `unfit`: why further customers can't be created, by customer_id; those
    who are known, or wanted in this very call, are found all the same. Lock order: new customers by customer_id.
    """
    first: dict[str, NewCustomer] = {}
    for details in wanted:
        first.setdefault(details.customer_id, details)
    known = await store.by_customer_ids(tx, workspace.id, [*first, *(unfit or ())])
    answers: dict[str, Ensured | Refusal] = {id: no for id, no in (unfit or {}).items() if id not in first}
    answers |= {customer_id: Ensured(customer, created=False) for customer_id, customer in known.items()}
    tracing.known_as((customer_id, customer.id) for customer_id, customer in known.items())
    new = [details for customer_id, details in first.items() if customer_id not in known]
    if not new:
        return answers
    for details in await _with_taken_code(tx, workspace, new):
        answers[details.customer_id] = invalid("referral_code", "one that no other customer has")
    insertable = [details for details in new if details.customer_id not in answers]
    phones = [international(details.mobile, details.country, workspace.country) for details in insertable]
    created = await store.insert(tx, workspace.id, insertable, phones, now)
    tracing.known_as((customer.customer_id, customer.id) for customer in created)
    business = events.business(workspace)
    told = await events.append(tx, workspace.id, [created_event(business, customer) for customer in created], now)
    answers |= {c.customer_id: Ensured(c, created=True, event_id=id) for c, id in zip(created, told, strict=True)}
    # Whoever is still missing was created by another call between the two statements.
    raced = await store.by_customer_ids(tx, workspace.id, [c for c in first if c not in answers])
    return answers | {customer_id: Ensured(customer, created=False) for customer_id, customer in raced.items()}


async def create(
    tx: Tx, workspace: Workspace, details: NewCustomer, now: datetime, *, ensuring: Ensuring = ensure
) -> Customer:
    """Raises Invalid naming each field, or Conflict when the customer exists."""
    checked = check(details)
    answer = (await ensuring(tx, workspace, [checked], now))[checked.customer_id]
    if isinstance(answer, Refusal):
        raise answer
    if not answer.created:
        raise Conflict("Lead already exists", code="customer_exists")
    return answer.customer


async def _with_taken_code(tx: Reading, workspace: Workspace, new: Sequence[NewCustomer]) -> list[NewCustomer]:
    """Those whose given referral code belongs to somebody, or is given twice in this very batch."""
    given = [details for details in new if details.referral_code]
    if not given:
        return []
    codes = [details.referral_code for details in given]
    taken = set(await tx.all(str, store.sql.taken_referral_codes, workspace.id, codes))
    refused = []
    for details in given:
        if details.referral_code in taken:
            refused.append(details)
        taken.add(details.referral_code)
    return refused
