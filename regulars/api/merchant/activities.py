"""POST /activities: reward a customer by a trigger.

The one route that every reward of every shop passes, so it is served by a bare ASGI application of its own: the same
checks, keys and words as the other routes, without the web framework around them. Concurrent calls of a workspace share
a commit (`wiring.App.fire`); each is answered after that commit.
"""

from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar.types import Receive, Scope
from msgspec import Meta

from regulars import customers, limits, tenancy
from regulars.api import leniency, proofs
from regulars.api.bare import CORS_HEADERS, SAFE_HEADERS, Answer, BareDoor
from regulars.api.failures import failure
from regulars.api.gate import Caller, Gate, NoKey
from regulars.api.merchant.api import merchant
from regulars.api.merchant.items import ActivityAnswer, fired_answer
from regulars.api.merchant.leads import NO_DETAILS, Metadetail, new_customer
from regulars.api.meters import Meters
from regulars.api.operations import Call as Described
from regulars.api.operations import NoQuery
from regulars.api.reading import Unread, check_media_type, decode, is_form, read_form, read_json, read_value, whole_body
from regulars.api.rest import Rest
from regulars.api.serving import check_source, idempotency_key
from regulars.customers.reported import CustomerId, Name, ReferralCode
from regulars.kit import Invalid, invalid
from regulars.triggers import Evaluation, Fire, Override
from regulars.wiring import App, Call

PATH = f"{merchant.base}/activities"
LABEL = f"POST {PATH}"

Headers = dict[bytes, bytes]
Params = Annotated[dict[str, Any], Meta(max_length=limits.TRACE_PARAMS_MAX)]
Coins = Annotated[int, Meta(ge=0, le=limits.COINS_MAX)]
Title = Annotated[str, Meta(max_length=limits.TITLE_CHARS_MAX)]
Text = Annotated[str, Meta(max_length=limits.DESCRIPTION_CHARS_MAX)]


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Out of a range that begins at 0, 0 may be drawn: then nothing is given, and the activity is a success."""

    min: Coins
    max: Coins


class ViaWallet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """In place of a wallet trigger's own words and coins, by a WRITE key where the trigger allows override; ignored
    otherwise."""

    title: Title | None = None
    description: Text | None = None
    operation: Literal["cr", "dr"] | None = None
    coin_range: Range | None = None


class ViaOffer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    offer_id: UUID | None = None


class ViaEmail(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    subject: Title | None = None
    emailtemplate_id: UUID | None = None


class ViaEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    event_topic: Title | None = None
    integration_id: UUID | None = None


class ViaWebhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    webhook_topic: Title | None = None
    webhook_uri: Text | None = None
    webhook_secret: Title | None = None


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What the activity is about. A trigger rewards one `evaluation_id` once; `count` (1 if not given) and `amount` are
    what it adds where a rule counts or sums activities, and what its conditions may ask about. Ignored from a READ
    key."""

    evaluation_id: UUID | None = None
    evaluation_type: Literal["leads", "coupons", "wallettransactions", "reviews", "orders", "triggers"] | None = None
    count: Annotated[int, Meta(ge=1, le=limits.COINS_MAX)] | None = None
    amount: Annotated[float, Meta(ge=0, le=limits.AMOUNT_MINOR_MAX)] | None = None


class Trace(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A `via_` counts only for a trigger of its kind which allows override."""

    via_api_for_wallet: ViaWallet | None = None
    via_api_for_offer: ViaOffer | None = None
    via_api_for_email: ViaEmail | None = None
    via_api_for_event: ViaEvent | None = None
    via_api_for_webhook: ViaWebhook | None = None
    params_for_activityrule: About | None = None
    params_for_email: Params | None = None
    params_for_event: Params | None = None
    params_for_webhook: Params | None = None


class NewActivity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """`lead_id` or `customer_id` says for whom. A customer_id that is not known is created with `name`, `referral_code`
    and `metadetail`; of a known customer they are ignored."""

    trigger_id: UUID
    lead_id: UUID | None = None
    customer_id: CustomerId | None = None
    referral_code: ReferralCode = ""
    name: Name = ""
    metadetail: Metadetail = NO_DETAILS
    trace: Trace | None = None


@merchant.post(
    "/activities",
    "Reward a customer by a trigger",
    tag="Activities",
    access="READ",
    headers=("x-leadtoken", "Idempotency-Key"),
    served=False,
)
async def create_activity(call: Described[NoQuery, NewActivity]) -> ActivityAnswer:
    """Fires the trigger for the customer: `data.activity`, and what it gave, `data.wallet_reward`.

    A trigger that is switched off, or has given as often as it may, gives nothing: 422 with why, and the activity is
    kept for the shop to see. A READ key fires only triggers that are Open; one of the purpose STOREFRONT only for the
    customer whose `x-leadtoken` comes with the call, unless the workspace's setting `open_triggers_need_proof` says
    false.
    """
    raise AssertionError("served by ActivityDoor")


_decoder = msgspec.json.Decoder(NewActivity)
_JSON_HEADERS = [(b"content-type", b"application/json"), *SAFE_HEADERS]
_HIT_HEADERS = [*_JSON_HEADERS, (b"idempotency-hit", b"true")]


class ActivityDoor(BareDoor):
    """The ASGI application behind the route."""

    label = LABEL
    api = merchant

    def __init__(self, app: App, gate: Gate, meters: Meters) -> None:
        super().__init__(app, meters)
        self._gate = gate

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":  # type: ignore[typeddict-item]
            no = failure("envelope", 405, "method_not_allowed", "This route takes POST.", None, {"allow": "POST"})
            return self._said(no)
        headers: Headers = dict(scope["headers"])
        key, workspace_id = headers.get(b"x-apikey"), headers.get(b"x-workspaceid")
        if not key or not workspace_id:
            raise NoKey("x-workspaceid" if key else "x-apikey")
        caller = await self._gate.admit(workspace_id.decode("latin-1"), key.decode("latin-1"), self._app.clock.now())
        if not caller.writes:
            caller.must(None, "READ")
        source = headers.get(b"x-source")
        if source != b"web" and source != b"unix":
            check_source(_text(headers, b"x-source"))
        content_type = headers.get(b"content-type", b"")
        form = content_type != b"application/json" and is_form(content_type.decode("latin-1"))
        if content_type != b"application/json" and not form:
            check_media_type(content_type.decode("latin-1"))
        if scope["query_string"]:
            raise invalid(scope["query_string"].decode("latin-1").partition("=")[0], "no query parameters")
        raw = await whole_body(headers.get(b"content-length", b""), receive)
        try:
            body, aside = _read_activity(raw, form)
        except Unread as unread:
            raise await self._with_the_rest(unread, caller) from None
        fire, proven = fire_of(body, aside, caller.actor, writes=caller.writes), None
        if not caller.writes and needs_proof(caller):
            fire = await self._proven(fire, body, caller, _text(headers, b"x-leadtoken"))
            proven = fire.lead_id
        given = headers.get(b"idempotency-key")
        once, mark = "", b""
        if given is not None:
            once = idempotency_key(given.decode("latin-1"), caller, proven) or ""
            mark = self._app.fingerprint(LABEL, raw)
        answered = await self._app.fire(
            Call(caller.workspace, fire, partial(fired_answer, caller.workspace), once, mark, fire.about)
        )
        said = _HIT_HEADERS if answered.hit else _JSON_HEADERS
        return answered.status, [*said, *CORS_HEADERS] if b"origin" in headers else said, answered.body.encode()

    async def _with_the_rest(self, unread: Unread, caller: Caller) -> Invalid:
        """What can't be read of a call, and what would be refused of the rest. Of a customer's details only a key that
        writes is told: whether somebody is known already is nothing for a page."""
        rest = Rest(unread)
        if rest.value is msgspec.UNSET:
            return unread
        with rest:
            fire = fire_of(rest.value, _NOTHING_ASIDE, caller.actor, writes=caller.writes)
            if caller.writes and isinstance(fire.unfit, Invalid):
                async with self._app.db.reading() as tx:
                    known = await customers.find(tx, caller.workspace.id, customer_id=rest.value.customer_id)
                if known is None:
                    raise fire.unfit
        return rest.refusal()

    async def _proven(self, fire: Fire, body: NewActivity, caller: Caller, token: str) -> Fire:
        """The same call, for the customer whom the token proves and nobody else; never for one to be created."""
        workspace_id = caller.workspace.id
        secrets = tenancy.storefront_secrets(self._app.settings.secret(), caller.workspace)
        lead_id = proofs.customer_of(secrets, token, self._app.clock.outside())
        if body.lead_id is None:
            async with self._app.db.reading() as tx:
                named = await customers.find(tx, workspace_id, customer_id=body.customer_id)
            if named is None or named.id != lead_id:
                raise proofs.ProofOfAnother
        elif body.lead_id != lead_id:
            raise proofs.ProofOfAnother
        return msgspec.structs.replace(fire, lead_id=lead_id, customer=None)


def needs_proof(caller: Caller) -> bool:
    """A server's key vouches for its customers, a page's does not: anybody can read it. The workspace's setting
    `open_triggers_need_proof` is on, unless the shop has said no."""
    return caller.key.purpose == "STOREFRONT" and caller.workspace.settings.get("open_triggers_need_proof") is not False


Aside = dict[str, Invalid]
"""What is wrong with parts of a call that may turn out not to count, by the part's path."""

_NOTHING_ASIDE: Aside = {}
_DETAILS = ("name", "referral_code", "metadetail")
_PARTS = (*_DETAILS, *(f"trace.{name}" for name in Trace.__struct_fields__ if name.startswith("via_")))


def _read_activity(raw: bytes, form: bool) -> tuple[NewActivity, Aside]:
    """A part that can't be read is no reason to refuse where it would be ignored: details of a customer who is known,
    an override of a trigger that allows none. Keys that are not known are named all the same. Raises Malformed,
    Invalid."""
    try:
        if not form:
            return decode(_decoder, raw), _NOTHING_ASIDE
        return read_value(NewActivity, read_form(raw), text=True), _NOTHING_ASIDE
    except Invalid as refusal:
        whole = leniency.put_right(read_form(raw) if form else read_json(raw), NewActivity, text=form)
        aside = _lay_aside(whole, refusal)
    # One by one, as a refusal may name only the first of them.
    while True:
        try:
            return read_value(NewActivity, whole, text=form), aside
        except Invalid as refusal:
            aside |= _lay_aside(whole, refusal)


def _lay_aside(whole: Any, refusal: Invalid) -> Aside:
    """Take the parts that the refusal is about out of the call. Raises it when it is about anything else."""
    aside: Aside = {}
    for path in refusal.fields:
        part = next((part for part in _PARTS if path == part or path.startswith((f"{part}.", f"{part}["))), "")
        name = part.removeprefix("trace.")
        holder, type_ = (whole, NewActivity) if name == part else (whole.get("trace"), Trace)
        known = part and isinstance(holder, dict) and name in holder
        if not known or leniency.has_unknown({name: holder[name]}, type_):
            raise refusal
        aside[part] = refusal
    for part in aside:
        (whole["trace"] if part.startswith("trace.") else whole).pop(part.removeprefix("trace."))
    return aside


def fire_of(body: NewActivity, aside: Aside, actor: str, *, writes: bool) -> Fire:
    """`writes`: the key may. Raises Invalid naming the field."""
    customer, unfit = None, None
    if body.lead_id is None:
        if body.customer_id is None:
            raise invalid("lead_id", "a lead_id or a customer_id")
        unfit = next((aside[name] for name in _DETAILS if name in aside), None)
        try:
            customer = new_customer(body.customer_id, body.name, body.referral_code, body.metadetail)
        except Invalid as refusal:
            customer, unfit = new_customer(body.customer_id, "", "", NO_DETAILS), unfit or refusal
    # Whoever fires an Open trigger from a page must not choose what it gives: with a READ key it is not even looked at.
    override, misset = _override(body.trace, aside) if writes and body.trace is not None else (None, {})
    return Fire(
        trigger_id=body.trigger_id,
        lead_id=body.lead_id,
        customer=customer,
        unfit=unfit,
        override=override,
        misset=misset,
        # Nor how much it counts.
        evaluation=_evaluation(body.trace.params_for_activityrule) if writes and body.trace is not None else None,
        open_only=not writes,
        actor=actor,
    )


def _evaluation(about: About | None) -> Evaluation | None:
    if about is None:
        return None
    return Evaluation(
        id=about.evaluation_id, type=about.evaluation_type or "", count=about.count or 1, amount=about.amount or 0.0
    )


def _override(trace: Trace, aside: Aside) -> tuple[Override | None, dict[str, Invalid]]:
    """What the call sets, and by kind of trigger what is wrong with it."""
    misset = {kind: no for kind in ("wallet", "offer") if (no := aside.get(f"trace.via_api_for_{kind}"))}
    via, offer = trace.via_api_for_wallet or _NOTHING_SET, trace.via_api_for_offer
    coins = via.coin_range
    if coins is not None and coins.max < coins.min:
        least = f"a whole number of at least {coins.min:,} (min)"
        misset["wallet"] = invalid("trace.via_api_for_wallet.coin_range.max", least)
    override = Override(
        title=via.title,
        description=via.description,
        operation=via.operation,
        coins_min=coins.min if coins else None,
        coins_max=coins.max if coins else None,
        offer_id=offer.offer_id if offer else None,
    )
    return override, misset


_NOTHING_SET = ViaWallet()


def _text(headers: Headers, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")
