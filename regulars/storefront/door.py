"""`/storefront/v1`: what the widget asks for.

A stranger's call costs a look-up of the shop once per KEY_CACHE_S, and a hash of a short text; a customer has an
allowance of calls that all server processes share.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from msgspec import Meta

from regulars import customers, limits, tenancy
from regulars.api import proofs
from regulars.api.failures import encode, failure_of
from regulars.api.meters import Meters
from regulars.api.reading import check_media_type, decode
from regulars.api.serving import CORS, SAFE, bug, checked_key
from regulars.customers import Customer
from regulars.kit import allowance, forms
from regulars.kit.errors import Forbidden, NotFound, Refusal, TooMany, invalid
from regulars.kit.remembered import Remembered
from regulars.rewards import Ask, Issued
from regulars.storefront.showing import Slip, programme, show, slip
from regulars.storefront.theme import language_of, theme_of
from regulars.tenancy import Workspace
from regulars.wiring import App, Call, part

BASE = "/storefront/v1"
_FRESH = timedelta(seconds=limits.KEY_CACHE_S)
_KEPT = {"cache-control": f"public, max-age={limits.STOREFRONT_FRESH_S}"}
_JSON = "application/json"

Http = Request[Any, Any, Any]
Said = tuple[bytes, dict[str, str]]


class OriginRefused(Forbidden):
    """The shop shows its storefront on other pages than this one."""

    code = "origin_refused"
    message = "This page is none of those on which the shop shows its storefront."


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
        self._programmes: Remembered[str, tuple[Workspace, bytes]] = Remembered(
            app.db, lambda one: one[0].id, fresh=_FRESH, most=limits.WORKSPACES_CACHED_MAX
        )

    @classmethod
    def handlers(cls) -> list[HTTPRouteHandler]:
        most = limits.STOREFRONT_BODY_BYTES_MAX
        return [
            get(f"{BASE}/shop", name="storefront.shop")(cls._answering(cls._shop)),
            get(f"{BASE}/me", name="storefront.me")(cls._answering(cls._me)),
            post(f"{BASE}/redeem", name="storefront.redeem", status_code=200, request_max_body_size=most)(
                cls._answering(cls._redeem)
            ),
        ]

    @staticmethod
    def _answering(act: "Callable[[StorefrontDoor, Http, Workspace], Awaitable[Said]]") -> Any:
        async def answer(request: Http) -> ASGIResponse:
            self = part(request.scope, StorefrontDoor)
            started_s, label = time.perf_counter(), f"{request.method} {request.scope['path']}"
            media_type, headers = _JSON, {**SAFE, **CORS}
            try:
                shop = await self._find(request)
                headers |= _cors(request, shop)
                status, (body, more) = 200, await act(self, request, shop)
                headers |= more
            except Exception as error:
                if not isinstance(error, Refusal) and hasattr(error, "status_code"):
                    raise  # the framework's own no: a body that is too long
                failed = failure_of(error, "problem") if isinstance(error, Refusal) else bug(None, label, error)
                status, body, media_type = failed.status, failed.body, failed.media_type
                headers |= failed.headers
            self._meters.count(label, status, time.perf_counter() - started_s)
            return ASGIResponse(body=body, status_code=status, headers=headers, media_type=media_type)

        return answer

    async def _shop(self, request: Http, shop: Workspace) -> Said:
        language = _language(request, shop)

        async def look_up(_: object) -> tuple[Workspace, bytes]:
            async with self._app.db.snapshot(whole=False) as tx:
                return shop, encode(await programme(tx, shop, language))

        now = self._app.clock.now()
        _, body = await self._programmes.get(f"{shop.id} {language}", now, look_up)
        return body, _KEPT

    async def _me(self, request: Http, shop: Workspace) -> Said:
        customer, by_digest = await self._prove(request, shop)
        async with self._app.db.snapshot(whole=False) as tx:
            shown = await show(tx, shop, customer, _language(request, shop), self._app.clock.now())
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
        answered = await self._app.issue(Call(shop, ask, _bought, f"{customer.id} {once}", mark))
        if answered.status == 202:
            await self._app.have_made(shop, msgspec.json.decode(answered.body, type=Slip).id, self._app.clock.now())
        return answered.body.encode(), {"idempotency-hit": "true"} if answered.hit else {}

    async def _find(self, request: Http) -> Workspace:
        """Raises NotFound. What can be no id costs no look-up."""
        query = forms.single(request.scope["query_string"])
        named = request.headers.get("x-workspaceid") or query.get("shop", "")

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
    return issued.status, encode(slip(issued.coupon, issued.terms)).decode()


def _cors(request: Http, shop: Workspace) -> dict[str, str]:
    """Raises OriginRefused. No cookie is used, so that without a list any page may ask."""
    origin, known = request.headers.get("origin", ""), theme_of(shop).origins
    if not known or not origin:
        return {}
    if origin not in known:
        raise OriginRefused
    return {"access-control-allow-origin": origin, "vary": "origin"}


def _language(request: Http, shop: Workspace) -> Any:
    asked = forms.single(request.scope["query_string"]).get("language", "")
    return language_of(theme_of(shop), f"{asked},{request.headers.get('accept-language', '')}")
