"""Reviews and questions of customers: found, judged, answered."""

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import customers, limits, orders, reviews, triggers
from regulars.api.management.api import Call, DatedQuery, NoQuery, Resource, management, only
from regulars.api.management.items import Whose, named, whose
from regulars.customers.reported import CustomerId
from regulars.kit import Reading, Shown, Tx, copied
from regulars.reviews import Kind, NewPost, Post, Status
from regulars.reviews.model import Label, Question, Words
from regulars.tenancy import Workspace


class ReviewItem(Shown[Post], frozen=True, kw_only=True):
    __doc__ = f"{Post.__doc__}\n\n`pictures` are where they are shown, below this server's address."

    customer: Whose
    pictures: list[str]


async def post_items(tx: Reading, shop: Workspace, found: Sequence[Post]) -> list[ReviewItem]:
    people, pictures = await whose(tx, shop, found), await reviews.pictures_of(tx, shop.id, [one.id for one in found])
    return [
        copied(
            ReviewItem,
            one,
            customer=named(people[one.customer_id]),
            pictures=[picture.link(shop.id) for picture in pictures.get(one.id, [])],
        )
        for one in found
        if one.customer_id in people
    ]


class ReviewQuery(DatedQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`rating` and `pictures` are of reviews."""

    status: Status | None = None
    customer_id: CustomerId | None = None
    product_id: Annotated[str, Meta(max_length=limits.ORDER_ID_CHARS_MAX)] | None = None
    rating: Annotated[int, Meta(ge=1, le=5)] | None = None
    featured: bool | None = None
    verified: bool | None = None
    pictures: bool | None = None


class NewQuestion(Question, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of the customer with this `id`. `order_id` is our id of their order that holds the product; without it the newest
    one is found."""

    customer: Annotated[UUID, Meta(description="The customer's id here.")]
    order_id: UUID | None = None


class NewReview(NewQuestion, frozen=True, forbid_unknown_fields=True, kw_only=True):
    __doc__ = NewQuestion.__doc__

    rating: Annotated[int, Meta(ge=1, le=5, examples=[5])]
    title: Label = ""


class Rejection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[Label, Meta(examples=["It is about another product"])] = ""


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shown below it; an empty one takes back what was replied."""

    reply: Annotated[Words, Meta(examples=["Thank you!"])]


class SumsItem(msgspec.Struct, frozen=True):
    """Of what is shown: how many reviews by their stars, in all, and on the average; how many questions."""

    stars: dict[int, int]
    count: int
    sum: int
    average: float
    questions: int


class SumsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Without a product, of all."""

    product_id: Annotated[str, Meta(max_length=limits.ORDER_ID_CHARS_MAX)] = ""
    product_source: Annotated[str, Meta(max_length=40)] | None = None


@management.get("/reviews/summary", "Stars of a product", tag="Reviews")
async def summarize_reviews(call: Call[SumsQuery, None], tx: Reading) -> SumsItem:
    """Counted as reviews are approved, so asking costs nothing."""
    return copied(
        SumsItem, await reviews.sums_of(tx, call.workspace_id, call.query.product_id, call.query.product_source)
    )


async def _says(call: Call[Any, Any], tx: Reading, found: Sequence[Post]) -> list[ReviewItem]:
    return await post_items(tx, call.workspace, found)


_KINDS: tuple[Kind, ...] = ("review", "question")
_THINGS = {kind: Resource(management, f"/{kind}s", ReviewItem, tag="Reviews", one=kind, says=_says) for kind in _KINDS}
for _kind, _of in _THINGS.items():
    words = "Newest first; every condition that is given must hold."
    _of.page(f"{_kind.capitalize()}s", partial(reviews.posts, type=_kind), ReviewQuery, words)


def _resource(kind: Kind, new: type[Any], answer: str) -> None:
    """Reviews and questions are made, read and judged alike."""
    things = _THINGS[kind]

    async def create(call: Any, tx: Tx) -> Post:
        body = call.body
        customer = await customers.get(tx, call.workspace_id, id=body.customer)
        order = await orders.find_order(tx, call.workspace_id, body.order_id) if body.order_id else None
        said = {name: getattr(body, name) for name in NewPost.__struct_fields__ if hasattr(body, name)}
        post = await reviews.prepare(tx, call.workspace, NewPost(**said), customer, order, call.now)
        return only(await triggers.post_reviews(tx, call.workspace, [post], call.now, actor=call.caller.actor))

    def read(call: Any, tx: Reading) -> Awaitable[Post]:
        return reviews.find_post(tx, call.workspace_id, call.path_id(), kind)

    def doing(body: Any, words: str, **given: Any) -> Any:
        async def act(call: Any, tx: Tx) -> Post:
            id = (await reviews.find_post(tx, call.workspace_id, call.path_id(), kind)).id
            said = msgspec.structs.asdict(call.body) if call.body else {}
            return await triggers.change_review(
                tx, call.workspace, id, call.now, actor=call.caller.actor, **given | said
            )

        kind_of_call: Any = Call
        act.__doc__, act.__annotations__ = words, {"call": kind_of_call[NoQuery, body], "tx": Tx, "return": Post}
        return act

    create.__doc__ = "As if the customer had written it: it is shown at once, or waits, by the shop's rules."
    create.__annotations__ = {
        "call": Call[NoQuery, new],  # type: ignore[valid-type]
        "tx": Tx,
        "return": Awaitable[Post],
    }
    read.__annotations__ = {"call": Call[NoQuery, None], "tx": Reading, "return": Awaitable[Post]}
    create.__name__, read.__name__ = f"create_{kind}", f"read_{kind}"
    things.create(f"Write a {kind} for a customer")(create)
    things.read(f"One {kind}")(read)
    for verb, summary, act in (
        ("approve", f"Show a {kind}", doing(None, "A review earns its coins with this.", status="approved")),
        ("reject", f"Reject a {kind}", doing(Rejection, "What it earned is taken back.", status="rejected")),
        ("feature", f"Feature a {kind}", doing(None, "It is shown first.", featured=True)),
        ("unfeature", f"Feature a {kind} no more", doing(None, "", featured=False)),
        (answer, f"{answer.capitalize()} to a {kind}".replace("Answer to", "Answer"), doing(Reply, "")),
    ):
        act.__name__ = f"{verb}_{kind}"
        things.do(verb, summary)(act)


_resource("review", NewReview, "reply")
_resource("question", NewQuestion, "answer")
