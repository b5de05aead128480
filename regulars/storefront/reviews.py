"""What a product's page shows of its reviews: stars, what was written, and what search engines read."""

from datetime import datetime
from html import escape
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import events, limits, orders, reviews
from regulars.customers import Customer
from regulars.kit import Reading, Tx, wire_time
from regulars.reviews import Post, Sort, Sums
from regulars.storefront.showing import Unreviewed
from regulars.tenancy import Workspace


class OfProduct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    product_id: Annotated[str, Meta(min_length=1, max_length=limits.ORDER_ID_CHARS_MAX)]
    shop: str = ""
    source: Annotated[str, Meta(max_length=40)] | None = None
    rating: Annotated[int, Meta(ge=1, le=5)] | None = None
    pictures: bool | None = None
    featured: bool | None = None
    sort: Sort = "newest"
    page: Annotated[int, Meta(ge=1, le=limits.REVIEW_PAGES_MAX)] = 1


async def of_product(tx: Reading, shop: Workspace, asked: OfProduct, address: str) -> dict[str, Any]:
    """`snippet` is HTML for the page, without script or style of its own, and `jsonld` an AggregateRating."""
    of: dict[str, Any] = {"product_id": asked.product_id, "product_source": asked.source}
    most = limits.REVIEWS_SHOWN
    page: dict[str, Any] = {name: getattr(asked, name) for name in ("rating", "pictures", "featured", "sort")}
    found = await reviews.numbered_page(
        tx, shop.id, "review", **of, **page, limit=most + 1, offset=(asked.page - 1) * most
    )
    sums = await reviews.sums_of(tx, shop.id, asked.product_id, asked.source)
    pictures = await reviews.pictures_of(tx, shop.id, [one.id for one in found[:most]])
    links = {id: [address + one.link(shop.id, "medium") for one in its] for id, its in pictures.items()}
    jsonld = _jsonld(found, sums)
    return {
        "product_id": asked.product_id,
        "count": sums.count,
        "average": sums.average,
        "stars": sums.stars,
        "items": [_item(one, links) for one in found[:most]],
        "next_page": asked.page + 1 if len(found) > most else None,
        "jsonld": jsonld,
        "snippet": _snippet(sums, jsonld),
    }


async def to_review(tx: Tx, shop: Workspace, customer: Customer, now: datetime) -> list[Unreviewed]:
    """What they bought last, have got, and have not written of; each order has a page for it from now on."""
    most = limits.STOREFRONT_ITEMS_MAX
    placed = await orders.orders_of(tx, shop.id, customer.id, limit=most)
    got = [one for one in placed if one.delivery_status == "fulfilled" and not one.void and one.lines]
    done = await reviews.reviewed(tx, shop.id, [(one.id, customer.id) for one in got])
    known = {product_id for products in done.values() for product_id in products}
    bought = [(one.id, line) for one in reversed(got) for line in one.lines or () if line.product_id not in known]
    left = {line.product_id: (id, line.title or line.product_id) for id, line in bought if line.product_id}
    ids = sorted({id for id, _ in left.values()})
    asks = await reviews.asks_of(tx, shop.id, ids)
    if len(asks) < len(ids):
        await reviews.open_asks(tx, shop.id, [id for id in ids if id not in asks], now)
        asks = await reviews.asks_of(tx, shop.id, ids)
    base = events.business(shop).referral_link_base
    return [Unreviewed(name, base + asks[id].path(shop)) for id, name in reversed(left.values())][:most]


def _item(post: Post, links: dict[UUID, list[str]]) -> dict[str, Any]:
    names = ("id", "name", "rating", "title", "text", "reply", "verified", "featured")
    told = {name: getattr(post, name) for name in names}
    return told | {"pictures": links.get(post.id, []), "created_at": wire_time(post.created_at)}


def _jsonld(found: list[Post], sums: Sums) -> dict[str, Any] | None:
    """None without a review: an engine takes no rating of nobody."""
    if not sums.count:
        return None
    rating = {"@type": "AggregateRating", "ratingValue": sums.average, "reviewCount": sums.count, "bestRating": 5}
    named = next((one.product_name for one in found if one.product_name), "")
    return {"@context": "https://schema.org", "@type": "Product", "name": named, "aggregateRating": rating}


def _snippet(sums: Sums, jsonld: dict[str, Any] | None) -> str:
    if jsonld is None:
        return ""
    words = f"{sums.average} of 5 stars, {sums.count} review{'' if sums.count == 1 else 's'}"
    whole = round(sums.average)
    stars = f'<span aria-hidden="true">{"★" * whole}{"☆" * (5 - whole)}</span> {sums.average} ({sums.count})'
    # What stands in it ends no script, whatever a product is called.
    data = msgspec.json.encode(jsonld).decode().replace("<", "\\u003c")
    return (
        f'<span class="regulars-stars" role="img" aria-label="{escape(words)}">{stars}</span>'
        f'<script type="application/ld+json">{data}</script>'
    )
