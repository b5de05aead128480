"""`/r/{code}`: where a referral link leads. Open to everybody, so each call costs little, and an address can claim only
so often."""

import secrets
from typing import Any
from uuid import UUID

from jinja2 import Environment
from litestar import Response, Router, get, post

from regulars import customers, limits, referrals, rewards, tenancy
from regulars.dashboard import attempts, failures, security
from regulars.dashboard.coupons import card_of
from regulars.dashboard.desk import Call, drawn
from regulars.dashboard.forms import Form, query_of, read_form
from regulars.kit import Refusal, again_when_raced
from regulars.referrals import Claimed, Friend, referral_rules
from regulars.tenancy import Workspace
from regulars.wiring import App, part

_DEVICE = "regulars_friend"


def _host_of(shop: Workspace) -> str:
    return _host(str(shop.settings.get("referral_link_base") or shop.uri))


def _host(address: str) -> str:
    return address.partition("://")[2].partition("/")[0].lower()


class Visit:
    """Somebody is at the page of a code. The browser is known again by its cookie, on which the form's token rests."""

    def __init__(self, request: Call) -> None:
        self.app, self.request, self.code = part(request.scope, App), request, request.path_params["code"]
        self.device = security.read_cookie(self.app.settings, request, _DEVICE) or secrets.token_urlsafe(24)
        self.shop: Workspace

    async def meet(self) -> None:
        """Of shops that have this code the one that the link names, or else whose address was called, or the only one.
        An address belongs to the first of those that call it theirs, and nowhere that they share to any. Raises
        NotFound."""
        if "\x00" in self.code:
            raise referrals.UnknownReferralCode
        async with self.app.db.reading() as tx:
            shops = await tenancy.list_workspaces(tx, await customers.shops_of_code(tx, self.code[:40]))
            named, host = query_of(self.request).get("shop"), self.request.headers.get("host", "").lower()
            shops = [one for one in shops if referral_rules(one).on and named in (None, str(one.id))]
            shared = host == _host(self.app.settings.address())
            theirs = [one for one in shops if not shared and _host_of(one) == host]
            here = sorted(theirs, key=lambda one: one.id)[:1] or shops
            if len(here) != 1:
                raise referrals.UnknownReferralCode
            (self.shop,) = here
            self.referrer = await referrals.referrer_of(tx, self.shop, self.code)
            offer_id = UUID(referral_rules(self.shop).friend_offer)
            self.terms = (await rewards.find_offer(tx, self.shop.id, offer_id)).terms

    def page(self, templates: Environment, status: int = 200, **more: Any) -> Response[str]:
        shown = {"form": Form(), "claimed": None, "coupon": None, "by": self.referrer.name.partition(" ")[0]} | more
        card = card_of(self.terms, self.shop, shown["coupon"])
        shown |= {"card": card if shown["coupon"] else card._replace(code="Yours alone")}
        shown |= {"workspace": self.shop, "zone": self.shop.zone, "now": self.app.clock.now()}
        token = security.csrf_token(self.device)
        response = drawn(templates, "pages/landing.html", self.request, status, csrf_token=token, **shown)
        kept = security.cookie(self.app.settings, self.request, _DEVICE, self.device, max_age_s=limits.BROWSER_KNOWN_S)
        response.set_cookie(kept)
        return response

    async def claim(self, form: Form) -> Claimed:
        """Raises Refusal: TooMany where too many came from one address, or from all."""
        app = self.app
        security.check_form(self.request, security.read_cookie(app.settings, self.request, _DEVICE), form.text("_csrf"))
        await attempts.count_claim(app, self.request)
        said: dict[str, Any] = {name: form.text(name) for name in ("name", "email", "mobile")}
        marks: dict[str, Any] = {
            "address": attempts.hidden_address(app, self.request),
            "device": attempts.hidden(self.device),
        }

        async def transact() -> Claimed:
            async with app.db.transaction() as tx:
                friend = Friend(referral_code=self.code, **said, **marks)
                return await referrals.claim(tx, self.shop, friend, app.clock.now())

        return await again_when_raced(transact)


def router(templates: Environment) -> Router:
    @get("/r/{code:str}", include_in_schema=False)
    async def show(request: Call) -> Response[str]:
        visit = Visit(request)
        await visit.meet()
        return visit.page(templates)

    @post("/r/{code:str}", include_in_schema=False, request_max_body_size=limits.SIGN_IN_BODY_BYTES_MAX)
    async def claim(request: Call) -> Response[str]:
        visit, form = Visit(request), await read_form(request)
        await visit.meet()
        try:
            claimed = await visit.claim(form)
        except Refusal as refusal:
            page = visit.page(templates, refusal.status, form=form.refused(refusal))
            return failures.with_wait(page, refusal)
        # Whoever only knows the friend's address is not shown the friend's code.
        own = claimed.coupon and claimed.referral.device == attempts.hidden(visit.device)
        return visit.page(templates, claimed=claimed, coupon=claimed.coupon.coupon if own and claimed.coupon else None)

    return Router(
        path="/",
        route_handlers=[show, claim],
        exception_handlers=failures.handlers(templates, home=False),
        response_headers=security.HEADERS,
    )
