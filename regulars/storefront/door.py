"""`/storefront/v1`: what the widget asks for, the widget itself, and the page that is nothing but the widget.

A stranger's call costs a look-up of the shop once per KEY_CACHE_S, and a hash of a short text; a customer has an
allowance of calls that all server processes share.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import jinja2
import msgspec
from litestar import Request, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from msgspec import Meta

from regulars import customers, limits, tenancy
from regulars.api import proofs
from regulars.api.failures import encode
from regulars.api.meters import Meters
from regulars.api.reading import check_media_type, convert, decode
from regulars.api.serving import CORS, SAFE, answered, checked_key
from regulars.customers import Customer
from regulars.kit import Forbidden, NotFound, Refusal, TooMany, allowance, forms, invalid
from regulars.kit.remembered import Remembered
from regulars.rewards import Ask, Issued
from regulars.storefront.reviews import OfProduct, of_product, to_review
from regulars.storefront.showing import Slip, show, slip
from regulars.storefront.theme import RIGHT_TO_LEFT, language_of, table, theme_of
from regulars.tenancy import Workspace
from regulars.wiring import App, Call, part

BASE = "/storefront/v1"
STATIC = Path(__file__).parent / "static"
_PAGE = jinja2.Template((STATIC / "page.html").read_text(encoding="utf-8"), autoescape=True)
_FRESH = timedelta(seconds=limits.KEY_CACHE_S)
_KEPT = {"cache-control": f"public, max-age={limits.STOREFRONT_FRESH_S}"}
# Whatever names the shop or the words: a cache between would else give one shop's answer to another.
_OF_A_SHOP = _KEPT | {"vary": "origin, accept-language, x-workspaceid"}

Http = Request[Any, Any, Any]
Said = tuple[bytes, dict[str, str]]


class Purchase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`coin_amount` is what the customer saw as the price."""

    offer_id: UUID
    step: Annotated[int, Meta(ge=1, le=limits.OFFER_STEPS_MAX)] | None = None
    coin_amount: Annotated[int, Meta(ge=0, le=limits.AMOUNT_MINOR_MAX)] | None = None


class StorefrontDoor:
    def __init__(self, app: App, meters: Meters) -> None:
        self._app, self._meters = app, meters
        self._shops: Remembered[str, Workspace] = Remembered(
            app.db, lambda shop: shop.id, fresh=_FRESH, most=limits.WORKSPACES_CACHED_MAX
        )

    @classmethod
    def handlers(cls) -> list[HTTPRouteHandler]:
        most = limits.STOREFRONT_BODY_BYTES_MAX
        return [
            get(f"{BASE}/shop", name="storefront.shop")(cls._answering(cls._shop)),
            get(f"{BASE}/reviews", name="storefront.reviews")(cls._answering(cls._reviews)),
            get(f"{BASE}/me", name="storefront.me")(cls._answering(cls._me)),
            post(f"{BASE}/redeem", name="storefront.redeem", status_code=200, request_max_body_size=most)(
                cls._answering(cls._redeem)
            ),
            get(f"{BASE}/page", name="storefront.page")(_page),
            _file("widget.js", widget(), "text/javascript"),
            _file("widget.css", (STATIC / "widget.css").read_bytes(), "text/css"),
        ]

    @staticmethod
    def _answering(act: "Callable[[StorefrontDoor, Http, Workspace], Awaitable[Said]]") -> Any:
        async def answer(request: Http) -> ASGIResponse:
            self, headers = part(request.scope, StorefrontDoor), {**SAFE, **CORS}

            async def acted() -> bytes:
                shop = await self.find(request)
                headers.update(_cors(request, shop))
                body, more = await act(self, request, shop)
                headers.update(more)
                return body

            return await answered(self._meters, f"{request.method} {request.scope['path']}", "problem", headers, acted)

        return answer

    async def _shop(self, request: Http, shop: Workspace) -> Said:
        async with self._app.db.snapshot(whole=False) as tx:
            return encode(await show(tx, shop, _language(request, shop), self._app.clock.now())), _OF_A_SHOP

    async def _reviews(self, request: Http, shop: Workspace) -> Said:
        asked = convert(OfProduct, forms.single(request.scope["query_string"]))
        async with self._app.db.reading() as tx:
            return encode(await of_product(tx, shop, asked, self._app.settings.address())), _OF_A_SHOP

    async def _me(self, request: Http, shop: Workspace) -> Said:
        customer, by_digest = await self._prove(request, shop)
        now = self._app.clock.now()
        async with self._app.db.transaction() as tx:
            unreviewed = await to_review(tx, shop, customer, now)
        async with self._app.db.snapshot(whole=False) as tx:
            shown = await show(tx, shop, _language(request, shop), now, customer, to_review=unreviewed)
        if by_digest:
            token = proofs.issue_token(self._secrets(shop)[0], customer.id, self._app.clock.outside())
            shown = msgspec.structs.replace(shown, token=token)
        return encode(shown), {}

    async def _redeem(self, request: Http, shop: Workspace) -> Said:
        customer, _ = await self._prove(request, shop)
        check_media_type(request.headers.get("content-type", ""))
        raw = await request.body()
        body = decode(_PURCHASE, raw)
        once = checked_key(request.headers.get("idempotency-key"))
        if once is None:
            raise invalid("Idempotency-Key", "your own name for this purchase, the same when it is sent again")
        ask = Ask(
            customer_id=customer.id, actor=f"customer:{customer.id}", at_door=True, **msgspec.structs.asdict(body)
        )
        mark = self._app.fingerprint(f"POST {BASE}/redeem", raw)
        answered = await self._app.issue(Call(shop, ask, _bought, f"{customer.id} {once}", mark, customer.id))
        if answered.status == 202:
            await self._app.have_made(shop, msgspec.json.decode(answered.body, type=Slip).id, self._app.clock.now())
        return answered.body.encode(), {"idempotency-hit": "true"} if answered.hit else {}

    async def find(self, request: Http) -> Workspace:
        """Raises NotFound. What can be no id costs no look-up. The address wins over the header, by which not every
        cache tells answers apart."""
        query = forms.single(request.scope["query_string"])
        named: str = query.get("shop") or request.headers.get("x-workspaceid") or ""

        async def look_up(_: object) -> Workspace:
            async with self._app.db.reading() as tx:
                id = await tenancy.workspace_id_of(tx, named)
                if id is None:
                    raise NotFound("There is no such shop.")
                return await tenancy.get_workspace(tx, id)

        return await self._shops.get(named, self._app.clock.now(), look_up)

    async def _prove(self, request: Http, shop: Workspace) -> tuple[Customer, bool]:
        """Whom a call is about, and whether a digest proved it, which may be given a token for. Raises ProofMissing,
        ProofWrong, TooMany."""
        headers, now = request.headers, self._app.clock.outside()
        token, named = (
            headers.get("x-leadtoken", ""),
            forms.single(request.scope["query_string"]).get("customer_id", ""),
        )
        if token:
            by = _named(proofs.proven(self._secrets(shop), token, now))
        else:
            stamp, given = headers.get("x-timestamp", ""), headers.get("x-leaddigest", "")
            proofs.check_digest(self._secrets(shop), named, stamp, given, now)
            by = {"customer_id": named}
        most = limits.STOREFRONT_CALLS_PER_MINUTE
        async with self._app.db.transaction() as tx:
            customer = await customers.find(tx, shop.id, **by)
            # Of who is no customer nothing is said, nor kept.
            if customer is None or customer.erased_at:
                raise proofs.ProofWrong("The proof is of nobody who is a customer of this shop.")
            name, at = f"storefront:{customer.id}", self._app.clock.now()
            drawn = await allowance.draw(tx, shop.id, name, at, wanted=1, most=most, per_s=most / 60)
        if not drawn.granted:
            wait_s = (1 - drawn.left) * 60 / most
            raise TooMany(f"A customer may make {most} calls a minute; nothing was done.", retry_after_s=wait_s)
        return customer, not token

    def _secrets(self, shop: Workspace) -> list[str]:
        return tenancy.storefront_secrets(self._app.settings.secret(), shop)


_PURCHASE = msgspec.json.Decoder(Purchase)


def _named(claims: dict[str, Any]) -> dict[str, Any]:
    """Raises ProofWrong."""
    with suppress(ValueError):
        if "lead_id" in claims:
            return {"id": UUID(str(claims["lead_id"]))}
        if (named := str(claims.get("customer_id") or "")) and "\x00" not in named:
            return {"customer_id": named}
    raise proofs.ProofWrong("x-leadtoken names no customer: expected a lead_id or a customer_id.")


def _bought(issued: Issued) -> tuple[int, str]:
    return issued.status, encode(slip(issued.coupon, issued.terms, issued.coupon.created_at)).decode()


def _cors(request: Http, shop: Workspace) -> dict[str, str]:
    """Raises Forbidden. No cookie is used, so that without a list any page may ask."""
    origin, known = request.headers.get("origin", ""), theme_of(shop).origins
    if not known or not origin:
        return {}
    if origin not in known:
        raise Forbidden("This page is none of those on which the shop shows its storefront.", code="origin_refused")
    return {"access-control-allow-origin": origin, "vary": "origin"}


def _language(request: Http, shop: Workspace) -> Any:
    asked = forms.single(request.scope["query_string"]).get("language", "")
    return language_of(theme_of(shop), f"{asked},{request.headers.get('accept-language', '')}")


async def _page(request: Http) -> ASGIResponse:
    """The widget as a page of its own. What proves the customer stands in its address."""
    try:
        shop = await part(request.scope, StorefrontDoor).find(request)
    except Refusal:
        raise NotFoundException from None
    theme, language = theme_of(shop), _language(request, shop)
    given = forms.single(request.scope["query_string"])
    words, rtl = table(language) | theme.words, language in RIGHT_TO_LEFT
    html = _PAGE.render(shop=shop, given=given, language=language, right_to_left=rtl, words=words)
    policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src https:;"
    policy += " base-uri 'none'; form-action 'none'; frame-ancestors " + (" ".join(theme.origins) or "'none'")
    headers = SAFE | {"content-security-policy": policy, "referrer-policy": "no-referrer"}
    return ASGIResponse(body=html.encode(), headers=headers, media_type="text/html; charset=utf-8")


@cache
def widget() -> bytes:
    """The script with its style in it."""
    style = re.sub(r"\s*\n\s*", "", (STATIC / "widget.css").read_text(encoding="utf-8"))
    script = (STATIC / "widget.js").read_text(encoding="utf-8")
    return script.replace("STYLE", style).encode()


def _file(name: str, body: bytes, media_type: str) -> HTTPRouteHandler:
    mark = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {
        "etag": mark,
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
        **_KEPT,
    }

    @get(f"{BASE}/{name}", name=f"storefront.{name}")
    async def answer(request: Http) -> ASGIResponse:
        same = request.headers.get("if-none-match") == mark
        status = 304 if same else 200
        return ASGIResponse(body=b"" if same else body, status_code=status, headers=headers, media_type=media_type)

    return answer
