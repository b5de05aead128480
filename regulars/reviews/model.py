"""Reviews and questions, and what becomes of them. Nothing here waits for anything."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from regulars import limits
from regulars.conditions import Field
from regulars.customers import Customer
from regulars.kit import INSIDE, Faults, new_id
from regulars.kit.fitting import note_unfit
from regulars.kit.ids import id_at
from regulars.orders import Order
from regulars.reviews.errors import NotShown
from regulars.tenancy import Workspace

Kind = Literal["review", "question"]
Status = Literal["posted", "approved", "rejected", "answered"]
Label = Annotated[str, Meta(max_length=limits.TITLE_CHARS_MAX)]
Words = Annotated[str, Meta(max_length=limits.REVIEW_CHARS_MAX)]


class ReviewRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A review of a verified buyer with `approve_from` stars or more is shown at once, with 0 none is: each waits to be
    approved by hand. So does whatever holds one of `hold_words`."""

    approve_from: Annotated[int, Meta(ge=0, le=5, examples=[4])] = 0
    hold_words: Annotated[tuple[Annotated[str, Meta(min_length=2, max_length=60)], ...], Meta(max_length=500)] = ()


def review_rules(shop: Workspace) -> ReviewRules:
    """The setting `reviews`."""
    return msgspec.convert(shop.settings.get("reviews") or {}, ReviewRules)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks of a product."""

    product_id: Annotated[str, Meta(min_length=1, max_length=limits.ORDER_ID_CHARS_MAX, examples=["8198530236709"])]
    product_source: Annotated[str, Meta(pattern="^[a-z0-9_-]{1,40}$")] = "custom_website"
    product_name: Annotated[str, Meta(max_length=limits.ORDER_TITLE_CHARS_MAX)] = ""
    product_link: Annotated[str, Meta(max_length=limits.URI_CHARS_MAX, pattern="^(https?://.*)?$")] = ""
    name: Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX)] = ""
    text: Annotated[Words, Meta(examples=["It fits well."])] = ""


class NewPost(Question, frozen=True, kw_only=True):
    """What somebody wrote: a review with stars, or, with 0 of them, a question."""

    rating: Annotated[int, Meta(ge=0, le=5)] = 0
    title: Label = ""
    origin: Annotated[str, Meta(max_length=40)] = ""
    origin_id: Annotated[str, Meta(max_length=limits.ORDER_ID_CHARS_MAX)] = ""


class Post(msgspec.Struct, frozen=True, gc=False):
    """A review, or a question, which has no stars, no title and earns nothing; in the order of the columns.

    `posted`: it waits to be looked at; `reason` says what holds it back, or why it was `rejected`. What is `approved`
    or `answered` is shown. `order_id` is the order that holds the product; `origin` the tool it was brought in from.
    """

    id: UUID
    type: Kind
    customer_id: Annotated[UUID, INSIDE]
    order_id: UUID | None
    product_source: str
    product_id: str
    product_name: str
    product_link: str
    name: str
    rating: int
    title: str
    text: str
    status: Status
    reason: str
    verified: bool
    featured: bool
    reply: str
    replied_at: datetime | None
    origin: str
    origin_id: str
    coins: int
    pictures: int
    created_at: datetime
    updated_at: datetime

    @property
    def shown(self) -> bool:
        return self.status in ("approved", "answered")

    @property
    def reference(self) -> str:
        """How the book and firings name it."""
        return f"review:{self.id}"


def prepared(
    shop: Workspace, new: NewPost, customer: Customer, order: Order | None, now: datetime, *, at: datetime | None = None
) -> Post:
    """What was written, as it is kept: verified if the customer's order holds the product, shown at once if the shop's
    rules say so. `at` is when it was written. Raises Invalid naming each field."""
    faults, given = Faults(), msgspec.structs.asdict(new)
    given |= {name: value.strip() for name, value in given.items() if isinstance(value, str)}
    note_unfit(faults, NewPost, given)
    if not given["rating"] and not given["text"]:
        faults.add("question", "what is asked")
    faults.check()
    lines = (order.lines or ()) if order and not order.void and order.customer_id == customer.id else ()
    line = next((one for one in lines if one.product_id == given["product_id"]), None)
    given["name"] = given["name"] or customer.name
    given["product_name"] = given["product_name"] or (line.title if line else "")
    rules = review_rules(shop)
    said = " ".join((given["name"], given["title"], given["text"])).casefold()
    held = next((word for word in rules.hold_words if word.casefold() in said), "")
    at_once = bool(new.rating and line and rules.approve_from and new.rating >= rules.approve_from and not held)
    return Post(
        **given,
        id=id_at(at) if at else new_id(),
        type="review" if new.rating else "question",
        customer_id=customer.id,
        order_id=order.id if order else None,
        status="approved" if at_once else "posted",
        reason=f"Holds “{held}”" if held else "",
        verified=line is not None,
        featured=False,
        reply="",
        replied_at=None,
        coins=0,
        pictures=0,
        created_at=at or now,
        updated_at=now,
    )  # fmt: skip


def changed(post: Post, now: datetime, **given: Any) -> Post:
    """The post with what is given of status, reason, featured and reply; the same one if nothing is different. Raises
    Invalid, NotShown."""
    if given.get("status") == "rejected":
        given = {"featured": False, "reason": "", **given}
    elif "status" in given:
        # Whoever approves what has its answer has it shown again.
        answered = post.type == "question" and post.reply
        given = {**given, "reason": "", "status": "answered" if answered else "approved"}
    if "reply" in given:
        given["reply"] = given["reply"].strip()
        if given["reply"] != post.reply:
            given["replied_at"] = now if given["reply"] else None
        if post.type == "question":
            given["status"] = "answered" if given["reply"] else "posted" if post.status == "answered" else post.status
    faults = Faults()
    note_unfit(faults, _Changes, {name: given[name] for name in _Changes.__struct_fields__ if name in given})
    faults.check()
    after = replace(post, **given)
    if after.featured and not after.shown:
        raise NotShown
    return post if after == post else replace(after, updated_at=now)


class _Changes(msgspec.Struct):
    reason: Label = ""
    reply: Words = ""


FIELDS = (
    Field("rating", "Stars", "number", help="From 1 to 5."),
    Field("is_verified", "Verified buyer", "yes_no"),
    Field("has_pictures", "With pictures", "yes_no"),
    Field("review_chars", "Length of the text", "number", unit="characters"),
    Field("reference_product_id", "Product id", "text", help="The product's id on the shop's platform."),
    Field("reference_product_name", "Product name", "text"),
)
"""What conditions may ask about a review."""


def payload(post: Post) -> dict[str, object]:
    return {
        "rating": post.rating,
        "is_verified": post.verified,
        "has_pictures": post.pictures > 0,
        "review_chars": len(post.text),
        "reference_product_id": post.product_id,
        "reference_product_name": post.product_name,
    }
