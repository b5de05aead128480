"""The log of events, and what each of them holds."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from regulars import delivery, dispatch, events
from regulars.api.management.api import DatedQuery, asked, asked_of, management, page_of
from regulars.api.management.items import DeliveryItem, Whose, delivery_items, named, whose
from regulars.api.operations import Call, NoQuery
from regulars.conditions import Field
from regulars.customers import Customer
from regulars.customers.reported import CustomerId
from regulars.dispatch import RuleOutcome
from regulars.events import TOPICS, Event, Topic
from regulars.events.schemas import json_schema
from regulars.kit import Listed, NotFound, Page, Reading, copied, invalid, showing

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


class EventWithDeliveries(msgspec.Struct, frozen=True):
    """`rules` says of each rule of the event's topic what it made of it: `delivered`, `queued` or `failed` with the
    delivery; `restricted` with the conditions that were not met and what was found; `rule_off`, `events_off`,
    `made_later` and so on, as `words` say."""

    event: EventItem
    deliveries: list[DeliveryItem]
    rules: list[RuleOutcome]


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
    """Newest first."""
    query = call.query
    if query.topic is not None and query.topic not in TOPICS:
        raise invalid("topic", f"one of {', '.join(TOPICS)}")
    wanted = asked(query) | {"customer_id": await asked_of(call, tx)}
    items, after = page_of(await events.recent(tx, call.workspace_id, **wanted), query.limit)
    of = await whose(tx, call.workspace, items)
    return Page([event_item(event, of[event.customer_id]) for event in items], after)


@management.get("/events/{id}", "One event", tag="Events")
async def read_event(call: Call[NoQuery, None], tx: Reading) -> EventWithDeliveries:
    """With what became of it: what each rule made of it, and its deliveries, tests too."""
    event = await events.get(tx, call.workspace_id, call.path_id())
    sent = await delivery.deliveries_of_events(tx, call.workspace_id, [event.id])
    rules = (await dispatch.outcomes(tx, call.workspace, [event], sent))[event.id]
    of = await whose(tx, call.workspace, [event])
    item = event_item(event, of[event.customer_id])
    return EventWithDeliveries(item, await delivery_items(tx, call.workspace, sent.get(event.id, [])), rules)


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
