"""A person as a whole: merged with another, taken out, erased."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import customers, limits, people
from regulars.api.examples import ID
from regulars.api.management import items
from regulars.api.management.api import Call, NoQuery, management
from regulars.api.management.events import EventItem, event_item
from regulars.api.management.messages import ConsentItem, MessageItem, message_item
from regulars.api.management.referrals import ReferralItem, referral_items
from regulars.api.management.reviews import ReviewItem, post_items
from regulars.api.management.rewards import CouponItem, coupon_items
from regulars.api.management.tiers import MoveItem
from regulars.engagement.automations import RunOf
from regulars.kit import Reading, Tx, copied, invalid
from regulars.people import Person
from regulars.tenancy import Workspace


class MergeInto(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who they are to be one with."""

    into: Annotated[
        str,
        Meta(
            max_length=limits.CUSTOMER_ID_CHARS_MAX,
            description="The customer who stays, by `id` or `customer_id`.",
            examples=[ID],
        ),
    ]


class PersonItem(msgspec.Struct, frozen=True):
    """All that is kept of somebody. `also_known_as` are the customer_ids of those who were merged into them. `cut`: the
    names of lists of which only the newest are told."""

    customer: items.CustomerItem
    also_known_as: list[str]
    orders: list[items.OrderItem]
    coins: list[items.TransactionItem]
    credits: list[items.TransactionItem]
    firings: list[items.FiringItem]
    coupons: list[CouponItem]
    tier_moves: list[MoveItem]
    segments: list[str]
    automations: list[RunOf]
    reviews: list[ReviewItem]
    questions: list[ReviewItem]
    referrals: list[ReferralItem]
    consents: list[ConsentItem]
    messages: list[MessageItem]
    events: list[EventItem]
    cut: list[str]


@management.post("/customers/{id}/merge", "Merge a customer into another", tag="Customers")
async def merge_customer(call: Call[NoQuery, MergeInto], tx: Tx) -> items.CustomerItem:
    """All they have is the other one's from now on, their coins with the expiry they had: who stays is the answer, and
    both ids answer as that one. Details of who stays stay; what they lack is taken over. Merged again, nothing
    happens."""
    into = await _named(tx, call.workspace_id, call.body.into)
    from_id = call.path_id()
    if await people.merge(tx, call.workspace, from_id, into.id, call.now, actor=call.caller.actor):
        await call.audit(tx, "customer.merge", into.customer_id, merged=str(from_id))
    stays = await customers.get(tx, call.workspace_id, id=into.id)
    return (await items.customer_items(tx, call.workspace, [stays], call.now))[0]


@management.delete("/customers/{id}", "Erase a customer", tag="Customers", status=204)
async def erase_customer(call: Call[NoQuery, None], tx: Tx) -> None:
    """Their name, addresses, numbers and ids are forgotten: of them, of who was merged into them, in their orders, in
    the log and in what was sent. What they had and moved stays, under an id that is nobody's. It can't be undone."""
    if await people.erase(tx, call.workspace, call.path_id(), call.now):
        await call.audit(tx, "customer.erase", call.path_id())


@management.get("/customers/{id}/export", "All that is kept of a customer", tag="Customers")
async def export_customer(call: Call[NoQuery, None], tx: Reading) -> PersonItem:
    """To answer somebody who asks what you know of them."""
    customer = await customers.get(tx, call.workspace_id, id=call.path_id())
    person = await people.take_out(tx, call.workspace, customer)
    return await person_item(tx, call.workspace, person, call.now)


async def person_item(tx: Reading, workspace: Workspace, person: Person, now: datetime) -> PersonItem:
    who = person.customer
    (said,) = await items.customer_items(tx, workspace, [who], now)
    return PersonItem(
        customer=said,
        also_known_as=person.also_known_as,
        orders=[items.order_item(order, who) for order in person.orders],
        coins=[items.transaction_item(txn, who) for txn in person.coins],
        credits=[items.transaction_item(txn, who) for txn in person.credits],
        firings=[items.firing_item(firing, who) for firing in person.firings],
        coupons=await coupon_items(tx, workspace, *person.coupons, now),
        tier_moves=[copied(MoveItem, move) for move in person.moves],
        segments=person.segments,
        automations=person.automations,
        reviews=await post_items(tx, workspace, person.reviews),
        questions=await post_items(tx, workspace, person.questions),
        referrals=await referral_items(tx, workspace.id, person.referrals),
        consents=[copied(ConsentItem, one) for one in person.consents],
        messages=[message_item(one, who) for one in person.messages],
        events=[event_item(event, who) for event in person.events],
        cut=person.cut,
    )


async def _named(tx: Reading, workspace_id: UUID, text: str) -> customers.Customer:
    try:
        found = await customers.find(tx, workspace_id, id=UUID(text))
    except ValueError:
        found = await customers.find(tx, workspace_id, customer_id=text) if text.strip() else None
    if found is None:
        raise invalid("into", "the id or the customer_id of another customer of this shop")
    return found
