"""Reviews of products and questions about them: written by a shop's page, listed and counted for it."""

from base64 import b64decode
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits, orders, reviews, triggers
from regulars.api.examples import ID
from regulars.api.merchant.api import merchant
from regulars.api.merchant.leads import Metadetail, prove, proven_by, the_lead
from regulars.api.merchant.lists import Listing, NumberedPage
from regulars.api.operations import Call, NoQuery
from regulars.api.proofs import ProofOfAnother
from regulars.customers import Customer
from regulars.customers.reported import CustomerId
from regulars.kit import One, Reading, Refusal, Tx, copied, invalid, showing
from regulars.orders import Order
from regulars.reviews import Kind, NewPost, Picture, Post, Sums
from regulars.reviews.model import Label, Words

Source = Literal["custom_website", "shopify", "woocommerce"]
_DOT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQMAAAAl21bKAAAAA1BMVEUAAACnej3aAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg=="
)
ProductId = Annotated[str, Meta(max_length=limits.ORDER_ID_CHARS_MAX, examples=["8198530236701"])]


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who writes is said by `lead_id`, `customer_id`, `order_id` or `metadetail`, the first that is given; with a
    STOREFRONT key by the token. `order_id` is an order that holds the product, by our id, its number or its name."""

    reference_product_id: Annotated[ProductId, Meta(min_length=1)]
    reference_product_source: Source = "custom_website"
    reference_product_name: Annotated[str, Meta(max_length=limits.ORDER_TITLE_CHARS_MAX)] = ""
    name: Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX)] = ""
    lead_id: UUID | None = None
    customer_id: CustomerId | None = None
    metadetail: Metadetail | None = None
    order_id: Annotated[str, Meta(max_length=limits.ORDER_ID_CHARS_MAX)] | None = None


class NewQna(Written, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who asks is said as with a review."""

    question: Annotated[Words, Meta(min_length=1, examples=["Does it fit a tall person?"])]


class NewReview(Written, frozen=True, forbid_unknown_fields=True, kw_only=True):
    __doc__ = Written.__doc__

    rating: Annotated[int, Meta(ge=1, le=5, examples=[5])]
    description: Annotated[Words, Meta(examples=["It fits well."])] = ""
    title: Label = ""


class UploadItem(msgspec.Struct, frozen=True, kw_only=True):
    """`link` is the picture as a page shows it, `small` the same in a small size."""

    id: UUID = msgspec.field(name="_id")
    parent_id: UUID
    position: int
    link: str
    small: str


class NewUpload(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A picture of a review or a question: as a form with the file, or as JSON with the file in base64."""

    parent_id: Annotated[UUID, Meta(examples=[ID])]
    parent_type: Literal["reviews", "qnas"] = "reviews"
    position: Annotated[int, Meta(ge=0, le=1_000)] = 0
    file: Annotated[str, Meta(max_length=limits.PICTURE_BODY_BYTES_MAX, examples=[_DOT])]


class PostItem(msgspec.Struct):
    """What is not approved yet is told to who wrote it alone. `lead_id` is told to WRITE keys."""

    lead_id: str
    is_approved: bool
    uploads: list[UploadItem]


_SAID = (
    "_id=id lead_id reference_product_source=product_source reference_product_id=product_id"
    " reference_product_name=product_name type name is_verified=verified is_approved=shown is_featured=featured uploads"
    " created_at updated_at"
)


@showing(f"{_SAID} question=text answer=reply", Post, worded=True)
class QnaItem(PostItem):
    __doc__ = PostItem.__doc__


@showing(f"{_SAID} rating title description=text reply", Post, worded=True)
class ReviewItem(PostItem):
    __doc__ = PostItem.__doc__


class Stars(msgspec.Struct, frozen=True):
    rating: int
    count: int


class CountSum(msgspec.Struct, frozen=True):
    count: int
    sum: int


class ReviewList(msgspec.Struct, frozen=True):
    """`stats` counts the whole list by its stars; where one was asked for by its id, nothing."""

    items: list[ReviewItem]
    count: int
    stats: list[Stars] = []


class ReviewCount(msgspec.Struct, frozen=True):
    countsum: CountSum
    stats: list[Stars]


class QnaCount(msgspec.Struct, frozen=True):
    countsum: CountSum


class OfProduct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of a product, or of all."""

    reference_product_id: ProductId | None = None
    reference_product_source: Source | None = None
    is_featured: bool | None = None
    is_verified: bool | None = None


class ReviewQuery(NumberedPage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    reference_product_id: ProductId | None = None
    reference_product_source: Source | None = None
    is_featured: bool | None = None
    is_verified: bool | None = None
    rating: Annotated[int, Meta(ge=1, le=5)] | None = None
    id: UUID | None = None


_PUBLIC: dict[str, Any] = {"tag": "Reviews", "access": "READ"}
_WRITES: dict[str, Any] = _PUBLIC | {"headers": ("x-leadtoken", "Idempotency-Key")}
_shown = Listing("/reviews", ReviewItem, tag="Reviews", leads=(), answer=ReviewList, missing=reviews.UnknownPost)
_qnas = Listing("/qnas", QnaItem, tag="Reviews", leads=(), missing=reviews.UnknownPost)


@merchant.post("/reviews", "Review a product", **_WRITES)
async def post_review(call: Call[NoQuery, NewReview], tx: Tx) -> One[ReviewItem]:
    """It is verified if the customer's order holds the product, and shown when the shop approves it, or at once if its
    rules say so."""
    body = call.body
    return One(_said(call, await _post(call, tx, rating=body.rating, title=body.title, text=body.description)))


@merchant.post("/qnas", "Ask about a product", **_WRITES)
async def post_qna(call: Call[NoQuery, NewQna], tx: Tx) -> One[QnaItem]:
    """It is shown when the shop approves or answers it."""
    return One(_said(call, await _post(call, tx, text=call.body.question)))


@merchant.post(
    "/uploads", "Add a picture", bytes_max=limits.PICTURE_BODY_BYTES_MAX, **_PUBLIC | {"headers": ("x-leadtoken",)}
)
async def upload_picture(call: Call[NoQuery, NewUpload]) -> One[UploadItem]:
    """A JPEG, PNG or WebP of up to 10 MB and 50 megapixels. What stands in it beside what is seen is not kept. A review
    may have 6."""
    body, db, proven = call.body, call.app.db, proven_by(call)
    async with db.reading() as tx:
        kind: Kind = "review" if body.parent_type == "reviews" else "question"
        post = await reviews.find_post(tx, call.workspace_id, body.parent_id, kind)
    if proven not in (None, post.customer_id):
        raise reviews.UnknownPost
    try:
        sent = b64decode(body.file.rpartition(",")[2], validate=True)
    except ValueError:
        raise invalid("file", "a picture, in base64 where the call is JSON") from None
    sizes = await reviews.rendered(sent)
    async with db.transaction() as tx:
        actor = call.caller.actor
        picture = await triggers.add_picture(tx, call.workspace, post.id, body.position, sizes, call.now, actor=actor)
    return One(_upload(call, picture))


@_shown.read("One review")
async def find_review(call: Call[NoQuery, None], tx: Reading, id: UUID) -> ReviewItem:
    """What is not shown yet is told to who wrote it, by an `x-leadtoken`, and to the shop's own keys."""
    return await _one(call, tx, id, "review")  # type: ignore[no-any-return]


@_shown.list("Reviews that are shown")
async def list_shown_reviews(call: Call[ReviewQuery, None], tx: Reading) -> tuple[list[ReviewItem], int, list[Stars]]:
    found, sums = await _listed(call, tx, "review"), await _sums(call, tx)
    count = sums.stars[call.query.rating] if call.query.rating else sums.count
    return found, count, _stats(sums)


@_qnas.read("One question")
async def find_qna(call: Call[NoQuery, None], tx: Reading, id: UUID) -> QnaItem:
    return await _one(call, tx, id, "question")  # type: ignore[no-any-return]


@_qnas.list("Questions that are shown")
async def list_qnas(call: Call[ReviewQuery, None], tx: Reading) -> tuple[list[QnaItem], int]:
    return await _listed(call, tx, "question"), (await _sums(call, tx)).questions


@merchant.get("/reviews-count", "Reviews, counted", **_PUBLIC)
async def count_reviews(call: Call[OfProduct, None], tx: Reading) -> ReviewCount:
    """`count` is how many are shown, `sum` all their stars."""
    sums = await _sums(call, tx)
    return ReviewCount(CountSum(sums.count, sums.sum), _stats(sums))


@merchant.get("/qnas-count", "Questions, counted", **_PUBLIC)
async def count_qnas(call: Call[OfProduct, None], tx: Reading) -> QnaCount:
    return QnaCount(CountSum((await _sums(call, tx)).questions, 0))


async def _post(call: Call[NoQuery, Any], tx: Tx, **said: Any) -> Post:
    body = call.body
    order = await _order(tx, call.workspace_id, body.order_id) if body.order_id else None
    customer = await _who(call, tx, order)
    if order is not None and order.customer_id != customer.id:
        raise invalid("order_id", "an order of this customer")
    new = NewPost(
        product_id=body.reference_product_id,
        product_source=body.reference_product_source,
        product_name=body.reference_product_name,
        name=body.name,
        **said,
    )
    post = await reviews.prepare(tx, call.workspace, new, customer, order, call.now)
    (kept,) = await triggers.post_reviews(tx, call.workspace, [post], call.now, actor=call.caller.actor)
    if isinstance(kept, Refusal):
        raise kept
    return kept


async def _order(tx: Reading, workspace_id: UUID, said: str) -> Order:
    try:
        found = list((await orders.by_ids(tx, workspace_id, [UUID(said)])).values())
    except ValueError:
        found, _ = await orders.search_orders(tx, workspace_id, reference_id=said, limit=2)
    if len(found) != 1:
        raise invalid("order_id", "an order of this shop, by its id, its number or its name")
    return found[0]


async def _who(call: Call[NoQuery, Any], tx: Reading, order: Order | None) -> Customer:
    """Raises NotFound, Invalid, Unauthenticated, ProofOfAnother."""
    body, proven = call.body, proven_by(call)
    contact = body.metadetail or Metadetail()
    if body.lead_id or body.customer_id:
        by: dict[str, Any] = {"customer_id": body.customer_id} if body.customer_id else {"id": body.lead_id}
        customer = await the_lead(tx, call.workspace_id, **by)
    elif proven or order:
        customer = await the_lead(tx, call.workspace_id, id=proven or order.customer_id)  # type: ignore[union-attr]
    elif contact.email or contact.mobile:
        by = {"email": contact.email} if contact.email else {"mobile": contact.mobile}
        customer = await the_lead(tx, call.workspace_id, country=contact.country or call.workspace.country, **by)
    else:
        raise invalid("lead_id", "a lead_id, a customer_id, an order_id, or a metadetail with an e-mail or a mobile")
    if proven not in (None, customer.id):
        raise ProofOfAnother
    return customer


async def _listed(call: Call[ReviewQuery, None], tx: Reading, kind: Kind) -> list[Any]:
    query = call.query
    found = await reviews.numbered_page(
        tx,
        call.workspace_id,
        kind,
        product_id=query.reference_product_id,
        product_source=query.reference_product_source,
        rating=query.rating,
        featured=query.is_featured,
        verified=query.is_verified,
        sort="oldest" if query.sort_op == "ASC" else "newest",
        limit=query.limit,
        offset=query.numbers["offset"],
    )
    return await _all_said(call, tx, found)


async def _sums(call: Call[Any, None], tx: Reading) -> Sums:
    query = call.query
    product = query.reference_product_id or ""
    source = query.reference_product_source if product else None
    of = {"featured": query.is_featured, "verified": query.is_verified}
    return await reviews.sums_of(tx, call.workspace_id, product, source, **of)


async def _one(call: Call[Any, None], tx: Reading, id: UUID, kind: Kind) -> Any:
    """What is not shown is its writer's, and the shop's, alone."""
    post = await reviews.find_post(tx, call.workspace_id, id, kind)
    if not post.shown:
        try:
            prove(call, post.customer_id)
        except Refusal:
            raise reviews.UnknownPost from None
    return (await _all_said(call, tx, [post]))[0]


def _stats(sums: Sums) -> list[Stars]:
    return [Stars(rating, count) for rating, count in sums.stars.items()]


async def _all_said(call: Call[Any, Any], tx: Reading, found: Sequence[Post]) -> list[Any]:
    pictures = await reviews.pictures_of(tx, call.workspace_id, [one.id for one in found])
    return [_said(call, one, [_upload(call, picture) for picture in pictures.get(one.id, [])]) for one in found]


def _upload(call: Call[Any, Any], picture: Picture) -> UploadItem:
    large, small = (call.app.settings.address() + picture.link(call.workspace_id, size) for size in ("large", "small"))
    return UploadItem(id=picture.id, parent_id=picture.post_id, position=picture.place, link=large, small=small)


def _said(call: Call[Any, Any], post: Post, uploads: Sequence[UploadItem] = ()) -> Any:
    lead_id = str(post.customer_id) if call.caller.writes else ""
    kind: Any = QnaItem if post.type == "question" else ReviewItem
    return copied(kind, post, lead_id=lead_id, uploads=list(uploads))
