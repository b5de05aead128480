"""From a review or a question to the words of its event."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from regulars import customers, events, ledger
from regulars.kit import Tx, wire_time
from regulars.reviews.model import Post
from regulars.tenancy import Workspace


async def tell(
    tx: Tx, shop: Workspace, posts: Sequence[tuple[UUID, Post]], now: datetime, *, new: bool = False
) -> None:
    """An event of each, under its id."""
    ids = sorted({post.customer_id for _, post in posts})
    if not ids:
        return
    people, coins = await customers.by_ids(tx, shop.id, ids), await ledger.available(tx, shop, ids, now)
    business = events.business(shop)
    said, topic = [], "review_create" if new else "review_update"
    for id, post in posts:
        if person := people.get(post.customer_id):
            common = events.common(business, person, coins[post.customer_id]) | {"entity_id": business.entity_id}
            of = common | _properties(post)
            said.append(events.told(topic, person.id, of, now, id=id, order_id=post.order_id))
    await events.append(tx, shop.id, said, now)


def _properties(post: Post) -> dict[str, Any]:
    """As an event says it."""

    def flag(yes: bool) -> bool | str:
        return True if yes else ""

    return {
        "lead_id": str(post.customer_id),
        "order_id": str(post.order_id or ""),
        "activity_id": "",
        "reference_product_name": post.product_name,
        "reference_product_source": post.product_source,
        "reference_product_id": post.product_id,
        "reference_product_redirect_link": post.product_link,
        "reference_review_source": post.origin,
        "reference_review_id": post.origin_id,
        "type": post.type,
        "name": post.name,
        "rating": post.rating,
        "title": post.title,
        "description": post.text,
        "reply_to": "",
        "meta__coin_reward": post.coins,
        "meta__is_rewarded": flag(post.coins > 0),
        "is_verified": flag(post.verified),
        "is_approved": flag(post.shown),
        "is_featured": flag(post.featured),
        "updated_at": wire_time(post.updated_at),
        "created_at": wire_time(post.created_at),
        "has_pictures": flag(post.pictures > 0),
        "review_id": str(post.id),
    }  # fmt: skip
