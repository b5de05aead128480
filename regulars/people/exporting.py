"""All that is kept of one person."""

from uuid import UUID

import msgspec

from regulars import customers, events, ledger, limits, orders, referrals, reviews, rewards, tiers, triggers
from regulars.customers import Customer
from regulars.engagement import automations, messages, segments
from regulars.engagement.automations import RunOf
from regulars.engagement.messages.model import Consent, Message
from regulars.events import Event
from regulars.kit import Reading
from regulars.ledger import Txn
from regulars.orders import Order
from regulars.referrals import Referral
from regulars.reviews import Post
from regulars.tenancy import Workspace
from regulars.tiers import Move
from regulars.triggers import Firing


class Person(msgspec.Struct, frozen=True):
    """`also_known_as` are the customer_ids of those who were merged into them. `cut`: the names of lists of which only
    the newest limits.PERSON_ITEMS_MAX are told. `coupons` come with their terms; `moves` are those on the ladder;
    `segments` those that they are in, by their names; `automations` those that they are in, or were;
    `referrals` are those of their friends, and the one that brought them along."""

    customer: Customer
    also_known_as: list[str]
    orders: list[Order]
    coins: list[Txn]
    credits: list[Txn]
    firings: list[Firing]
    coupons: rewards.Known
    moves: list[Move]
    segments: list[str]
    automations: list[RunOf]
    reviews: list[Post]
    questions: list[Post]
    referrals: list[Referral]
    consents: list[Consent]
    messages: list[Message]
    events: list[Event]
    cut: list[str]


async def take_out(tx: Reading, workspace: Workspace, customer: Customer) -> Person:
    """Newest first, each list; transactions wallet by wallet."""
    most, id = limits.PERSON_ITEMS_MAX, customer.id
    known: dict[UUID, str] = await customers.ids_of(tx, workspace.id, id)
    person = Person(
        customer=customer,
        also_known_as=[customer_id for one, customer_id in known.items() if one != id],
        orders=await orders.orders_of(tx, workspace.id, id, limit=most),
        coins=[txn for one in known for txn in await ledger.txns_of(tx, workspace.id, one, kind="coins", limit=most)],
        credits=[
            txn for one in known for txn in await ledger.txns_of(tx, workspace.id, one, kind="credits", limit=most)
        ],
        firings=await triggers.firings(tx, workspace.id, customer_id=id, limit=most),
        coupons=await rewards.coupons(tx, workspace.id, customer_id=id, limit=most),
        moves=await tiers.moves_of(tx, workspace.id, id),
        segments=[one.name for one, _ in await segments.segments_of(tx, workspace.id, id)],
        automations=await automations.runs_of(tx, workspace.id, id, limit=most),
        reviews=await reviews.posts(tx, workspace.id, "review", customer_id=id, limit=most),
        questions=await reviews.posts(tx, workspace.id, "question", customer_id=id, limit=most),
        referrals=await referrals.referrals(tx, workspace.id, referrer_id=id, limit=most)
        + await referrals.referrals(tx, workspace.id, friend_id=id, limit=1),
        consents=await messages.consents_of(tx, workspace, customer),
        messages=await messages.messages_of(tx, workspace.id, customer_id=id, limit=most),
        events=await events.recent(tx, workspace.id, customer_id=id, limit=most),
        cut=[],
    )
    lists = ("orders", "coins", "credits", "firings", "automations", "reviews", "questions", "messages", "events")
    cut = [name for name in lists if len(getattr(person, name)) >= most]
    cut += ["coupons"] if len(person.coupons[0]) >= most else []
    return msgspec.structs.replace(person, cut=cut)
