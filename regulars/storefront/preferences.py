"""What links in messages lead to: the page on which somebody chooses what they get (`/u/…`), where one press of their
mail program ends it; the picture by which openings are counted, and the links by which clicks are (`/t/…`).

A link proves itself, and nobody signs in. Looking changes nothing: what follows links for people only looks.
"""

import json
from pathlib import Path
from typing import Any

import jinja2
from litestar import Request, route
from litestar.response.base import ASGIResponse

from regulars import customers, limits, tenancy
from regulars.api.serving import SAFE
from regulars.dashboard import security
from regulars.dashboard.rendering import asset
from regulars.engagement import messages
from regulars.kit import Refusal, again_when_raced, forms
from regulars.storefront.theme import RIGHT_TO_LEFT, Theme, language_of, theme_of
from regulars.wiring import App, part

Http = Request[Any, Any, Any]
_STATIC = Path(__file__).parent / "static"
_WORDS: dict[str, dict[str, str]] = json.loads((_STATIC / "preferences.json").read_text(encoding="utf-8"))
_PAGE = jinja2.Template((_STATIC / "preferences.html").read_text(encoding="utf-8"), autoescape=True)
_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_HEADERS = {**SAFE, "content-security-policy": _POLICY, "referrer-policy": "no-referrer", "cache-control": "no-store"}
_DOT = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


@route("/u/{token:str}", http_method=["GET", "POST"], request_max_body_size=limits.STOREFRONT_BODY_BYTES_MAX)
async def preferences(request: Http) -> ASGIResponse:
    """Sent from the page: what is ticked, an end of this, or a yes to the question whether it was them; from a mail
    program: the end of what is sent over the message's channel."""
    sent = await forms.read(request.headers.get("content-type", ""), request.stream())
    return await again_when_raced(lambda: _answer(request, dict(sent.fields)))


async def _answer(request: Http, sent: dict[str, str]) -> ASGIResponse:
    app, asked, status = part(request.scope, App), request.headers.get("accept-language", ""), 200
    language, context = language_of(Theme(), asked), dict[str, Any](asset=asset, saved=bool(sent), consents=[])
    try:
        shop_id, id = app.links.named("u", request.path_params["token"])
        async with app.db.transaction() as tx:
            shop, one = await tenancy.get_workspace(tx, shop_id), await messages.find_message(tx, shop_id, id)
            language, who = language_of(theme_of(shop), asked), await customers.get(tx, shop_id, id=one.customer_id)
            before = await messages.consents_of(tx, shop, who)
            # Who has a link that came over another channel, or to another address, does not prove this one.
            proven = (
                one.source_kind == "opt_in"
                and bool(one.address)
                and messages.hash_of("email", one.address) == messages.hash_of("email", who.email)
            )
            if sent and not who.erased_at:
                states: Any = {
                    name: "yes" if name in sent else "no" for name in messages.CHANNELS if f"had_{name}" in sent
                }
                states = states or ({} if "confirm" in sent else {one.channel: "no"})
                if "confirm" in sent and proven:
                    states = {"email": "yes"}
                new = [
                    (said.channel, states[said.channel])
                    for said in before
                    if states.get(said.channel, said.state) != said.state
                ]
                keep = messages.set_consents if proven else messages.agree
                before = await keep(tx, shop, who, dict(new), "Preference page", app.clock.now())
            context |= {"shop": shop, "consents": before, "channel": one.channel, "proven": proven}
    except Refusal as refusal:
        status = refusal.status
    how = {"words": _WORDS[language], "language": language, "right_to_left": language in RIGHT_TO_LEFT}
    html = _PAGE.render(**context, **how).encode()
    return ASGIResponse(body=html, status_code=status, headers=_HEADERS, media_type="text/html; charset=utf-8")


@route(["/t/o/{token:str}", "/t/c/{token:str}"], http_method=["GET", "HEAD"])
async def tracked(request: Http) -> ASGIResponse:
    """A picture, or on to where the link led, which its token names too: it leads nowhere else."""
    app, headers, purpose = part(request.scope, App), request.headers, request.scope["path"][1:4]
    url = forms.single(request.scope["query_string"]).get("u", "") if purpose == "t/c" else ""
    shop_id, id = app.links.named(purpose, request.path_params["token"], url)
    said = "".join(headers.get(name, "") for name in ("sec-purpose", "purpose", "x-moz"))
    unseen = request.method == "HEAD" or "prefetch" in said or "preview" in said
    async with app.db.transaction() as tx:
        agent = headers.get("user-agent", "")
        await messages.count_hit(tx, shop_id, id, app.clock.now(), bool(url), agent, unseen)
    if url:
        return ASGIResponse(status_code=303, headers=_HEADERS | {"location": security.location(url)})
    return ASGIResponse(body=_DOT, headers=_HEADERS, media_type="image/gif")


HANDLERS = [preferences, tracked]
