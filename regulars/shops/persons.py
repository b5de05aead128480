"""Hooks that tell of a person: who they are, and what they ask about their data."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from regulars import customers, ledger, people, tenancy, triggers
from regulars.customers import Customer
from regulars.kit import Conflict, Refusal, Tx, counted
from regulars.shops import store
from regulars.shops.model import CustomerSaid, PrivacyAsked, Settled, Source
from regulars.tenancy import Workspace

Told = CustomerSaid | PrivacyAsked
ERASED = "The customer was erased."


async def take(
    tx: Tx, workspace: Workspace, of: Mapping[UUID, Source], said: Mapping[UUID, Told], now: datetime
) -> dict[UUID, Settled]:
    """Locks customers in the order of their customer_ids."""
    if not said:
        return {}
    names = {id: _customer_id(one) for id, one in said.items()}
    known = await customers.by_customer_ids(tx, workspace.id, list(set(names.values())))
    available = await ledger.available(tx, workspace, [one.id for one in known.values()], now)
    newest = await store.newest_versions(tx, workspace.id, {id: (of[id].id, one.subject) for id, one in said.items()})
    settled: dict[UUID, Settled] = {}
    for id, one in sorted(said.items(), key=lambda each: (names[each[0]], each[1].version or now)):
        customer = known.get(names[id])
        try:
            if isinstance(one, PrivacyAsked):
                settled[id] = await _privacy(tx, workspace, one, customer, now)
            elif one.version and one.version < newest.get(id, one.version):
                settled[id] = Settled("done", "They are known in a newer state: nothing was changed.", one)
            else:
                coins = available.get(customer.id, 0) if customer else 0
                settled[id], known[names[id]] = await _customer(tx, workspace, one, customer, coins, now)
        except Refusal as refusal:
            settled[id] = Settled("failed", refusal.message, one)
    return settled


async def _customer(
    tx: Tx, workspace: Workspace, said: CustomerSaid, customer: Customer | None, available: int, now: datetime
) -> tuple[Settled, Customer]:
    before, words = None, "is new"
    if customer is None:
        try:
            customer = await triggers.create_customer(tx, workspace, said.details, now, actor="shops")
        except Conflict:
            # An order of theirs made them, at this very moment.
            (customer,) = (await customers.by_customer_ids(tx, workspace.id, [said.details.customer_id])).values()
            available = (await ledger.available(tx, workspace, [customer.id], now))[customer.id]
            before = customer
    else:
        before = customer
    tags, left_out = customers.tags_that_fit(customer.tags, said.tags)
    given: dict[str, Any] = said.consent | ({"tags_added": tags} if tags else {})
    if before is not None:
        words = "is known as they are said to be: nothing was to be done"
        given |= {name: value for name in _DETAILS if (value := getattr(said.details, name))}
    changed = await customers.change(tx, workspace, customer.id, given, now, available=available)
    if before is not None and changed != before:
        words = "was brought up to date"
    words += f"; left out, as too many or too long: {counted(left_out, 'tags')}" if left_out else ""
    settled = Settled("done", f"Customer {changed.name or changed.customer_id} {words}.", said, customer_id=changed.id)
    return settled, changed


async def _privacy(
    tx: Tx, workspace: Workspace, said: PrivacyAsked, customer: Customer | None, now: datetime
) -> Settled:
    if said.asks == "shop":
        words = "The shop has left the platform, which asks that all of it be erased. Remove the source if that is so."
        return Settled("open", words, said)
    if said.asks == "erasure":
        await people.look_for(tx, workspace.id, said.subject, [said.customer_id, *said.words], now)
    if customer is None:
        return Settled("done", "Nothing is known of this person.", said)
    if said.asks == "data":
        words = "This person asks for what is kept of them. Give it to them, then mark this as done."
        return Settled("open", words, said, customer_id=customer.id)
    await people.erase(tx, workspace, customer.id, now)
    await tenancy.audit(tx, workspace.id, "shops", "customer.erase", f"erased-{customer.id}", now=now)
    return Settled("done", ERASED, None, customer_id=customer.id)


def _customer_id(said: Told) -> str:
    return said.details.customer_id if isinstance(said, CustomerSaid) else said.customer_id


_DETAILS: tuple[Any, ...] = ("name", "email", "mobile", "country", "gender", "dob")
