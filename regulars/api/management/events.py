"""The log of events, and what each of them holds; their deliveries: searched, read with every attempt, sent again."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import channels, delivery, dispatch, events, integrations, limits, why
from regulars.api.examples import ID
from regulars.api.management.api import DatedQuery, PageQuery, asked, asked_of, management
from regulars.api.management.items import DeliveryItem, Whose, delivery_items, named, whose
from regulars.api.operations import Call, NoQuery
from regulars.conditions import Field
from regulars.customers import Customer
from regulars.customers.reported import CustomerId
from regulars.delivery import NotReplayed, StoredAttempt
from regulars.delivery.model import State
from regulars.dispatch import RuleOutcome
from regulars.events import TOPICS, Event, Topic
from regulars.events.schemas import json_schema
from regulars.kit import Listed, NotFound, Page, Reading, Tx, copied, invalid, showing
from regulars.why import Step

TopicName = Annotated[str, Meta(max_length=64, description="The event's name: walletreward_create.")]


@showing("id topic sentence customer cause_id depth body occurred_at recorded_at", Event)
class EventItem(msgspec.Struct):
    """`body` is what tools are sent, `sentence` the same in words. `cause_id` is the event that led to this one."""

    sentence: str
    customer: Whose
    body: dict[str, Any]


class EventQuery(DatedQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    topic: TopicName | None = None
    customer_id: CustomerId | None = None
    integration_id: Annotated[UUID, Meta(description="Told to this one, or on the way there.")] | None = None
    state: Annotated[State, Meta(description="How a delivery of it stands, to the integration or any.")] | None = None


class EventWithDeliveries(msgspec.Struct, frozen=True):
    """`rules` says of each rule of the event's topic what it made of it: `delivered`, `queued` or `failed` with the
    delivery; `restricted` with the conditions that were not met and what was found; `rule_off`, `events_off`,
    `made_later` and so on, as `words` say. `causes` led to it, the nearest first; `effects` are what it led to."""

    event: EventItem
    deliveries: list[DeliveryItem]
    rules: list[RuleOutcome]
    causes: list[Step]
    effects: list[Step]


@showing("topic label description group emitted", Topic)
class TopicItem(msgspec.Struct):
    """An event as it can be chosen. `emitted` is false while nothing makes it yet."""


class TopicDetail(msgspec.Struct, frozen=True):
    """`schema` is the JSON Schema of the body; `restrictions` are the properties that a rule may ask about."""

    topic: TopicItem
    schema: dict[str, Any]
    restrictions: list[Field]


def event_item(event: Event, customer: Customer) -> EventItem:
    return copied(
        EventItem,
        event,
        sentence=events.sentence(event.topic, event.body),
        customer=named(customer),
        body=msgspec.json.decode(event.body),
    )


@management.get("/events", "The log of events", tag="Events")
async def list_events(call: Call[EventQuery, None], tx: Reading) -> Page[EventItem]:
    """Newest first; every condition that is given must hold. By integration or state a page may hold fewer than were
    asked for, and go on all the same."""
    if call.query.topic is not None and call.query.topic not in TOPICS:
        raise invalid("topic", f"one of {', '.join(TOPICS)}")
    wanted = asked(call.query, more=0) | {"customer_id": await asked_of(call, tx)}
    lane_id = wanted.pop("integration_id", None)
    page = await dispatch.search_events(tx, call.workspace_id, lane_id=lane_id, **wanted)
    of = await whose(tx, call.workspace, page.items)
    return Page([event_item(event, of[event.customer_id]) for event in page.items], page.next_before_id)


@management.get("/events/{id}", "One event", tag="Events")
async def read_event(call: Call[NoQuery, None], tx: Reading) -> EventWithDeliveries:
    """With what became of it: what each rule made of it, and its deliveries, tests too."""
    event = await events.get(tx, call.workspace_id, call.path_id())
    sent = await delivery.deliveries_of_events(tx, call.workspace_id, [event.id])
    rules = (await dispatch.outcomes(tx, call.workspace, [event], sent))[event.id]
    of = await whose(tx, call.workspace, [event])
    item = event_item(event, of[event.customer_id])
    items = await delivery_items(tx, call.workspace, sent.get(event.id, []))
    causes = await why.causes(tx, call.workspace, event)
    effects = await why.effects(tx, call.workspace, event, sent.get(event.id, []), rules)
    return EventWithDeliveries(item, items, rules, causes, effects)


@management.get("/event-topics", "What events there are", tag="Events", area="rules")
async def list_topics(call: Call[NoQuery, None]) -> Listed[TopicItem]:
    """Those that are sent by this version first. A rule may be made for any of them; it waits for its first event."""
    return Listed([copied(TopicItem, topic) for topic in sorted(TOPICS.values(), key=lambda topic: not topic.emitted)])


@management.get("/event-topics/{topic}", "What an event holds", tag="Events", area="rules")
async def read_topic(call: Call[NoQuery, None]) -> TopicDetail:
    topic = TOPICS.get(call.path["topic"])
    if topic is None:
        raise NotFound("There is no such event.")
    return TopicDetail(copied(TopicItem, topic), json_schema(topic.topic), list(topic.restrictions.values()))


Sort = Annotated[
    delivery.Sort,
    Meta(
        description="`next_try`: the queued ones, the next to be tried first; `attempts`: those tried more than once,"
        " most often first. Both without event_id and customer_id."
    ),
]


class DeliveryQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    integration_id: UUID | None = None
    state: State | None = None
    topic: TopicName | None = None
    source: delivery.SourceKind | None = None
    event_id: UUID | None = None
    customer_id: CustomerId | None = None
    since: Annotated[datetime, Meta(tz=True, description="Delivered or failed since then.")] | None = None
    made_since: Annotated[datetime, Meta(tz=True, description="Of events recorded since then.")] | None = None
    made_until: Annotated[datetime, Meta(tz=True, description="Of events recorded before then.")] | None = None
    text: (
        Annotated[
            str,
            Meta(
                max_length=limits.NAME_CHARS_MAX,
                description="Looked for in the event's name, the reasons, the addresses, what was sent and answered.",
            ),
        ]
        | None
    ) = None
    sort: Sort = "newest"


class Replay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that failed for good of one integration, or sender; without `since`: ever. Or, in place of both, the
    deliveries with these `ids`, whatever came of them."""

    integration_id: Annotated[UUID, Meta(examples=[ID])] | None = None
    since: Annotated[datetime, Meta(tz=True, examples=["2026-03-14T09:00:00Z"])] | None = None
    ids: Annotated[list[UUID], Meta(max_length=limits.DELIVERIES_CHOSEN_MAX, examples=[])] = []


class Replayed(msgspec.Struct, frozen=True):
    """`left`: so many more of the integration or the source failed since then; call again. Counting stops at 10,000."""

    queued: int
    left: int


class DeliveriesReplayed(Replayed, frozen=True):
    """`refused` are those of the `ids` that are not sent again, each with the reason."""

    refused: list[NotReplayed] = []


class DeliveryWithAttempts(msgspec.Struct, frozen=True):
    """Every try as it was: what was sent (secrets as dots), what came back, what was concluded. `advice`: what to do
    about one that failed."""

    delivery: DeliveryItem
    attempts: list[StoredAttempt]
    advice: str


@management.get("/deliveries", "Search deliveries", tag="Deliveries")
async def search_deliveries(call: Call[DeliveryQuery, None], tx: Reading) -> Page[DeliveryItem]:
    """Newest first, unless another order is asked for; every condition that is given must hold."""
    wanted = asked(call.query, more=0) | {"customer_id": await asked_of(call, tx)}
    lane_id = wanted.pop("integration_id", None)
    page = await delivery.search_deliveries(tx, call.workspace_id, lane_id=lane_id, **wanted)
    return Page(await delivery_items(tx, call.workspace, page.items), page.next_before_id)


@management.get("/deliveries/{id}", "One delivery with its attempts", tag="Deliveries")
async def read_delivery(call: Call[NoQuery, None], tx: Reading) -> DeliveryWithAttempts:
    return await with_attempts(call, tx, call.path_id())


@management.post("/deliveries/{id}/replay", "Send a delivery again", tag="Deliveries")
async def replay_delivery(call: Call[NoQuery, None], tx: Tx) -> DeliveryWithAttempts:
    """Queued at once, under the same id, with a fresh row of tries; its attempts stay."""
    await delivery.replay(tx, call.workspace_id, call.path_id(), call.now)
    await call.audit(tx, "delivery.replay", call.path_id())
    return await with_attempts(call, tx, call.path_id())


@management.post("/deliveries/replay", "Send again all that failed, or some", tag="Deliveries")
async def replay_deliveries(call: Call[NoQuery, Replay], tx: Tx) -> DeliveriesReplayed:
    """After an outage: what one integration gave up on since then is queued again, oldest first, without tests. It
    goes out as fast as the rate allows, in turn with what happens now. At most 10,000 a call, or 500 `ids`."""
    body = call.body
    if body.ids and body.integration_id is None and body.since is None:
        lanes = {one.id for one in await channels.list_senders(tx, call.workspace_id)}
        lanes |= {one.id for one in await integrations.list_integrations(tx, call.workspace_id)}
        refused = await delivery.replay_chosen(tx, call.workspace_id, body.ids, call.now, lanes=lanes)
        queued = len(set(body.ids)) - len(refused)
        await call.audit(tx, "deliveries.replay", queued=queued)
        return DeliveriesReplayed(queued, 0, refused)
    if body.ids or body.integration_id is None:
        raise invalid("integration_id", "the id of an integration or a sender, or `ids` of deliveries in its place")
    if await channels.find_sender(tx, call.workspace_id, body.integration_id) is None:
        await integrations.get_integration(tx, call.workspace_id, body.integration_id)
    queued = await delivery.replay_failed(tx, call.workspace_id, body.integration_id, body.since, call.now)
    left = await delivery.count_failed(tx, call.workspace_id, body.integration_id, body.since)
    await call.audit(tx, "deliveries.replay", body.integration_id, queued=queued)
    return DeliveriesReplayed(queued, left)


async def with_attempts(call: Call[Any, Any], tx: Reading, id: UUID) -> DeliveryWithAttempts:
    one, attempts = await delivery.get_delivery(tx, call.workspace_id, id)
    (item,) = await delivery_items(tx, call.workspace, [one])
    advice = await delivery.advice(tx, call.workspace_id, [one])
    return DeliveryWithAttempts(item, attempts, advice.get(one.id, ""))
