"""Files of reviews, as the tools that shops move away from write them."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from regulars import limits, reviews, triggers
from regulars.imports.progress import Progress
from regulars.imports.whose import WHO, WHO_ELSE, OfCustomers, nobody, unusable, who_of, whose
from regulars.kit import Faults, Invalid, Reading, Refusal, Tx, invalid
from regulars.kit.csv_file import Columns, Unusable
from regulars.orders import Correcting
from regulars.orders.csv_cells import Ambiguous, moment, whole_id, whole_number
from regulars.reviews import NewPost, Post, ReviewExists
from regulars.tenancy import Workspace
from regulars.triggers import Rehearsed

_STATES = dict.fromkeys(("approved", "published", "ok", "true", "yes", "1", "active"), "approved") | dict.fromkeys(
    ("rejected", "unpublished", "hidden", "spam", "archived", "false", "no", "0"), "rejected"
)
_WAITING = ("posted", "pending", "waiting", "unapproved", "new")
_SAID = ("product_id", "product_source", "product_name", "product_link", "name", "title", "text")


class ReviewRow(NamedTuple):
    line: int
    who: tuple[str, str]
    new: NewPost
    order: str
    """As the file calls it; '' for the newest that holds the product."""
    said: dict[str, str]
    """What became of it there, if the file says so; else the shop's rules say whether it waits."""
    waits: bool
    at: datetime | None


class Reviews(OfCustomers):
    """Each row is a review of somebody who is known. It is told to nobody and earns nothing: it did so elsewhere. One
    with a reference is known by it, and any other by what it says, so a file that is imported again changes nothing."""

    COLUMNS = Columns(
        ("product_id", "rating"),
        (*WHO, *_SAID, "rating", "order_id", "written_at", "status", "reply", "reference"),
        {
            "customer_id": "customer customer_number customer_no customer_user_id user_id",
            **WHO_ELSE,
            "product_id": "product product_external_id external_product_id sku",
            "product_source": "source platform",
            "product_name": "product_title",
            "product_link": "product_url",
            "rating": "stars score review_score review_rating",
            "name": "reviewer_name display_name author nickname customer_name",
            "title": "review_title",
            "text": "body review content review_content review_text review_body comment",
            "order_id": "order order_number order_name",
            "written_at": "review_date date created_at date_created",
            "status": "published state curated review_status",
            "reply": "review_reply merchant_reply response comment_content",
            "reference": "id review_id reference_id",
        },
    )

    def report(self, line: int, row: dict[str, str]) -> ReviewRow | Unusable:
        faults, rating, at, asks = Faults(), 0, None, ""
        who = who_of(row, faults)
        with faults:
            rating = whole_number("rating", row.get("rating", "").removesuffix(".0"))
            if not 1 <= rating <= 5:
                raise invalid("rating", "1 to 5 stars")
        with faults:
            whole_id("product_id", row.get("product_id", ""))
        state = row.get("status", "").lower()
        status, waits = _STATES.get(state, ""), state in _WAITING
        if state and not status and not waits:
            faults.add("status", "approved, posted or rejected")
        if len(row.get("reference", "")) > limits.ORDER_ID_CHARS_MAX:
            faults.add("reference", f"at most {limits.ORDER_ID_CHARS_MAX} characters")
        try:
            at = moment("written_at", row["written_at"], self._format.dates, self.zone) if "written_at" in row else None
        except Invalid as refusal:
            faults.note(refusal)
            asks = refusal.asks if isinstance(refusal, Ambiguous) else ""
        said = {name: row[name] for name in _SAID if name in row}
        order, parts = row.get("order_id", ""), (who, row.get("order_id"), rating, sorted(said.items()))
        name = row.get("reference") or f"#{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"
        if no := unusable(line, faults, asks):
            return no
        new = NewPost(**said, rating=rating, origin="import", origin_id=name)
        became = {name: value for name, value in (("status", status), ("reply", row.get("reply"))) if value}
        return ReviewRow(line, who, new, order, became, waits, at)

    @staticmethod
    async def take(
        tx: Tx, shop: Workspace, rows: Sequence[ReviewRow], now: datetime, *, actor: str, correcting: Correcting
    ) -> Sequence[Any]:
        found = await _looked_up(tx, shop, rows, now)
        new = [one for one in found if isinstance(one, Post)]
        kept = iter(await triggers.post_reviews(tx, shop, new, now, actor=actor, announced=False))
        said = (next(kept) if isinstance(one, Post) else one for one in found)
        return ["created" if isinstance(one, Post) else one for one in said]

    @staticmethod
    async def rehearse(
        tx: Reading, shop: Workspace, rows: Sequence[ReviewRow], now: datetime, *, correcting: Correcting
    ) -> Rehearsed:
        found = await _looked_up(tx, shop, rows, now)
        return Rehearsed(["created" if isinstance(one, Post) else one for one in found])

    @staticmethod
    def count(progress: Progress, row: ReviewRow, answer: Any, _: Correcting, zone: ZoneInfo) -> None:
        progress.changed(answer)

    @staticmethod
    def shown(row: ReviewRow, zone: ZoneInfo) -> dict[str, str]:
        said, state = row.new, "posted" if row.waits else row.said.get("status", "")
        written = f"{row.at.astimezone(zone):%Y-%m-%d}" if row.at else ""
        return {"product": said.product_name or said.product_id, "stars": str(said.rating), "customer": row.who[1],
                "text": (said.title or said.text)[:80], "state": state, "written": written}  # fmt: skip


async def _looked_up(
    tx: Reading, shop: Workspace, rows: Sequence[ReviewRow], now: datetime
) -> list[Post | Refusal | str]:
    """What would be kept of each row: a review, or why none; `unchanged` where it is in already."""
    people = await whose(tx, shop, rows)
    known = [row for row in rows if row.who in people]
    wanted = [(people[row.who].id, row.new.product_id, row.order) for row in known]
    orders = await reviews.holding(tx, shop.id, wanted)
    found: dict[int, Post | Refusal | str] = {}
    for n, row in enumerate(known):
        try:
            if row.order and n not in orders:
                raise invalid("order_id", "an order of this customer, by its number or its name")
            if row.at and row.at > now:
                raise invalid("written_at", "a time that has passed")
            post = reviews.prepared(shop, row.new, people[row.who], orders.get(n), now, at=row.at)
            post = replace(post, status="posted") if row.waits else post
            found[row.line] = reviews.changed(post, now, **row.said) if row.said else post
        except Refusal as refusal:
            found[row.line] = refusal
    posts = {line: one for line, one in found.items() if isinstance(one, Post)}
    there, seen = await reviews.brought_in(tx, shop.id, list(posts.values())), set[Any]()
    for line, one in posts.items():
        of = (one.customer_id, one.product_id, one.product_source, one.order_id)
        if one.id in there or seen & {one.origin_id, of}:
            found[line] = "unchanged" if there.get(one.id, one.origin_id in seen) else ReviewExists()
        seen |= {one.origin_id, of}
    return [found[row.line] if row.line in found else nobody(row) for row in rows]
