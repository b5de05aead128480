"""Deliveries: searched, read with every attempt, sent again."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import delivery, integrations, limits
from regulars.api.management.api import PageQuery, asked, asked_of, management
from regulars.api.management.events import TopicName
from regulars.api.management.items import DeliveryItem, delivery_items
from regulars.api.operations import Call, NoQuery
from regulars.customers.reported import CustomerId
from regulars.delivery import StoredAttempt
from regulars.delivery.model import State
from regulars.kit import Page, Reading, Tx

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
    """All that failed for good of one integration. Without `since`: ever."""

    integration_id: UUID
    since: Annotated[datetime, Meta(tz=True, examples=["2026-03-14T09:00:00Z"])] | None = None


class Replayed(msgspec.Struct, frozen=True):
    """`left`: so many more of the integration or the source failed since then; call again. Counting stops at 10,000."""

    queued: int
    left: int


class DeliveryWithAttempts(msgspec.Struct, frozen=True):
    """Every try as it was: what was sent (secrets as dots), what came back, what was concluded."""

    delivery: DeliveryItem
    attempts: list[StoredAttempt]


@management.get("/deliveries", "Search deliveries", tag="Deliveries")
async def search_deliveries(call: Call[DeliveryQuery, None], tx: Reading) -> Page[DeliveryItem]:
    """Newest first, unless another order is asked for; every condition that is given must hold."""
    wanted = asked(call.query, more=0) | {"customer_id": await asked_of(call, tx)}
    lane_id = wanted.pop("integration_id", None)
    page = await delivery.search_deliveries(tx, call.workspace_id, lane_id=lane_id, **wanted)
    return Page(await delivery_items(tx, call.workspace, page.items), page.next_before_id)


@management.get("/deliveries/{id}", "One delivery with its attempts", tag="Deliveries")
async def read_delivery(call: Call[NoQuery, None], tx: Reading) -> DeliveryWithAttempts:
    return await _with_attempts(call, tx)


@management.post("/deliveries/{id}/replay", "Send a delivery again", tag="Deliveries")
async def replay_delivery(call: Call[NoQuery, None], tx: Tx) -> DeliveryWithAttempts:
    """Queued at once, under the same id, with a fresh row of tries; its attempts stay."""
    await delivery.replay(tx, call.workspace_id, call.path_id(), call.now)
    await call.audit(tx, "delivery.replay", call.path_id())
    return await _with_attempts(call, tx)


@management.post("/deliveries/replay", "Send again all that failed", tag="Deliveries")
async def replay_deliveries(call: Call[NoQuery, Replay], tx: Tx) -> Replayed:
    """After an outage: what one integration gave up on since then is queued again, oldest first, without tests. It
    goes out as fast as the rate allows. At most 10,000 a call."""
    body = call.body
    await integrations.get_integration(tx, call.workspace_id, body.integration_id)
    queued = await delivery.replay_failed(tx, call.workspace_id, body.integration_id, body.since, call.now)
    left = await delivery.count_failed(tx, call.workspace_id, body.integration_id, body.since)
    await call.audit(tx, "deliveries.replay", body.integration_id, queued=queued)
    return Replayed(queued, left)


async def _with_attempts(call: Call[Any, Any], tx: Reading) -> DeliveryWithAttempts:
    one, attempts = await delivery.get_delivery(tx, call.workspace_id, call.path_id())
    (item,) = await delivery_items(tx, call.workspace, [one])
    return DeliveryWithAttempts(item, attempts)
