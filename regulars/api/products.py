"""What anybody sees of reviews: pictures, and the page on which the products of an order are reviewed, which its own
link opens. Whoever has no such link costs a look-up by a key; what they send is not read."""

from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from jinja2 import Environment, FileSystemLoader
from litestar import Request, get, post
from litestar.response.base import ASGIResponse

from regulars import customers, limits, orders, reviews, tenancy, triggers
from regulars.api.reading import an_id
from regulars.api.serving import CORS, SAFE
from regulars.customers import Customer
from regulars.dashboard.rendering import asset
from regulars.kit import NotFound, Refusal, again_when_raced, forms, new_id
from regulars.orders import Line, Order
from regulars.reviews import NewPost, PicturesFull, Post
from regulars.tenancy import Workspace
from regulars.wiring import App, part

Http = Request[Any, Any, Any]
_ANYBODYS = {**SAFE, **CORS, "cross-origin-resource-policy": "cross-origin"}
_PAGE = {
    **SAFE,
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}
_templates = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
_templates.globals["asset"] = asset
_WRITING = "/review/{shop:str}/{order:str}/{token:str}"


@get("/pictures/{shop:str}/{id:str}/{size:str}", name="pictures")
async def show_picture(request: Http) -> ASGIResponse:
    """A browser asks again after a while, since what is rejected is shown no more."""
    named = request.path_params
    try:
        shop, id = an_id("shop", named["shop"]), an_id("id", named["id"])
    except Refusal:
        raise NotFound("There is no such picture.") from None
    async with part(request.scope, App).db.reading() as tx:
        data = await reviews.picture_bytes(tx, shop, id, named["size"].removesuffix(".jpg"))
    headers = _ANYBODYS | {"cache-control": f"public, max-age={limits.PICTURE_FRESH_S}"}
    return ASGIResponse(body=data, headers=headers, media_type="image/jpeg")


class _Opened(NamedTuple):
    shop: Workspace
    order: Order
    customer: Customer
    products: list[Line]
    done: set[str]

    def wrote(self, sent: dict[str, str], n: int) -> NewPost | None:
        """What was filled in of a product; None of nothing."""
        rating, line = sent.get(f"rating_{n}", ""), self.products[n]
        title, text = sent.get(f"title_{n}", ""), sent.get(f"text_{n}", "")
        if line.product_id in self.done or not (rating or title.strip() or text.strip()):
            return None
        if rating not in tuple("12345"):
            raise Refusal("Choose from one to five stars.")
        return NewPost(
            product_id=line.product_id,
            product_source=self.order.source,
            product_name=line.title,
            name=sent.get("name", ""),
            rating=int(rating),
            title=title,
            text=text,
        )


@get(_WRITING, name="review.page")
async def show_writing(request: Http) -> ASGIResponse:
    try:
        return _drawn(await _open(request), {}, {}, thanks="thanks" in request.query_params)
    except NotFound as no:
        body = _templates.get_template("review.html").render(opened=None, message=no.message).encode()
        return ASGIResponse(body=body, status_code=404, headers=_PAGE, media_type="text/html")


@post(_WRITING, name="review.write", request_max_body_size=limits.REVIEW_FORM_BYTES_MAX)
async def write_reviews(request: Http) -> ASGIResponse:
    """All that is filled in, or, where something is wrong, none of it."""
    opened, app = await _open(request), part(request.scope, App)
    sent = await forms.read(request.headers.get("content-type", ""), request.stream())
    said, faults, written = dict(sent.fields), dict[int, str](), list[tuple[Post, list[list[bytes]]]]()
    now, shop = app.clock.now(), opened.shop
    for n in range(len(opened.products)):
        try:
            if new := opened.wrote(said, n):
                files = [one.file for name, one in sent.files.items() if name.partition("[")[0] == f"pictures_{n}"]
                if len(files) > limits.PICTURES_MAX:
                    raise PicturesFull
                sizes = [await reviews.rendered(file.read(limits.PICTURE_BYTES_MAX + 1)) for file in files]
                written.append((reviews.prepared(shop, new, opened.customer, opened.order, now), sizes))
        except Refusal as refusal:
            faults[n] = refusal.message
    if faults or not written:
        return _drawn(opened, said, faults, nothing=not faults)

    async def transact() -> None:
        async with app.db.transaction() as tx:
            actor = f"customer:{opened.customer.id}"
            kept = await triggers.post_reviews(tx, shop, [post for post, _ in written], now, actor=actor)
            for one, (_, pictures) in zip(kept, written, strict=True):
                for place, sizes in enumerate(pictures if isinstance(one, Post) else []):
                    await triggers.add_picture(tx, shop, one.id, place, sizes, now, actor=actor)  # type: ignore[union-attr]

    await again_when_raced(transact)
    return ASGIResponse(
        status_code=303, headers={**_PAGE, "location": f"{request.scope['path']}?thanks={new_id().hex[-4:]}"}
    )


async def _open(request: Http) -> _Opened:
    """Raises NotFound, of whatever it is that does not fit."""
    path = request.path_params
    async with part(request.scope, App).db.reading() as tx:
        try:
            id, shop_id = UUID(path["order"]), await tenancy.workspace_id_of(tx, path["shop"])
        except ValueError:
            shop_id = None
        if shop_id is None or not await reviews.opened_by(tx, shop_id, id, path["token"]):
            raise NotFound("This link opens no order. Take the one of the newest message that you were sent.")
        order = await orders.find_order(tx, shop_id, id)
        who = (await customers.by_ids(tx, shop_id, [order.customer_id])).get(order.customer_id)
        if order.void or who is None or who.erased_at:
            raise NotFound("This order can't be reviewed any more: it was cancelled or paid back.")
        by_id = {line.product_id: line for line in order.lines or () if line.product_id}
        done = await reviews.reviewed(tx, shop_id, [(id, order.customer_id)])
        shop = await tenancy.get_workspace(tx, shop_id)
        return _Opened(shop, order, who, list(by_id.values())[: limits.REVIEW_PRODUCTS_MAX], done.get(id, set()))


def _drawn(opened: _Opened, said: dict[str, str], faults: dict[int, str], **more: Any) -> ASGIResponse:
    shown = {"thanks": False, "nothing": False, "most": limits.PICTURES_MAX, "chars": limits.REVIEW_CHARS_MAX, **more}
    body = _templates.get_template("review.html").render(opened=opened, said=said, faults=faults, **shown).encode()
    status = 422 if faults or shown["nothing"] else 200
    return ASGIResponse(body=body, status_code=status, headers=_PAGE, media_type="text/html")


HANDLERS = [show_picture, show_writing, write_reviews]
