"""The shop itself: its name, time zone and currency, the switch for events, its settings, its audit log; how its own
pages look and what they say; when customers are reminded; and the time, moved by tests of what happens later."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from regulars import events, limits, orders, reminders, storefront, tenancy
from regulars.api.management.api import Call, DatedQuery, NoQuery, Resource, management
from regulars.customers.own import PropertyName, PropertyType
from regulars.engagement.messages.model import MessageRules
from regulars.kit import Reading, Setting, Tx, a_moment, copied, showing
from regulars.orders import EarningBasis
from regulars.referrals import ReferralRules
from regulars.reminders import Foreseen, ReminderRules, reminder_rules
from regulars.reviews import ReviewRules
from regulars.storefront import Theme
from regulars.storefront.theme import Word
from regulars.tenancy import AuditLine, BookRules, Retention, Workspace
from regulars.wiring import change_shop

CallsPerMinute = Annotated[
    int, Meta(ge=1, le=limits.CALLS_PER_MINUTE_PER_KEY_MAX, description="How many calls each key may make a minute.")
]
NeedProof = Annotated[
    bool,
    Meta(
        description="Whether a STOREFRONT key that fires an Open trigger must prove its customer. Without the proof,"
        " whoever reads a page of the shop can fire it for anybody."
    ),
]
LinkBase = Annotated[
    str, Meta(max_length=200, pattern="^https?://", description="What referral links in events start with.")
]


UtmSource = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        pattern="^[A-Za-z0-9._-]+$",
        description="What links in events name as where the visitor came from, in utm_source: regulars if it is null.",
    ),
]

Country = Annotated[
    str,
    Meta(
        max_length=3,
        description="ISO 3166-1 alpha-3, lower case: mobile numbers without a country's code are dialled there.",
        examples=["ind"],
    ),
]


CustomerProperties = Annotated[
    dict[PropertyName, PropertyType | None],
    Meta(description="What you keep of your customers, types by names; null takes one out. A type stays."),
]


class KeptFor(Setting[Retention], frozen=True):
    """For how many months what happened is shown and answered; after that it is gone. Null sets one back. Deliveries go
    with all their attempts. Coins, orders and customers are kept for ever."""


class BookChange(Setting[BookRules], frozen=True):
    """How long coins last, how they are taken back and held. null sets a rule back to how it is for everybody: coins
    never expire, what was spent already becomes a debt, a hold lasts an hour, no days of grace."""


class Reminders(Setting[ReminderRules], frozen=True):
    """At the hour `at_hour` of the shop's day (10) `coinexpirynotify_create` is told a month, a week and a day before
    coins expire, unless `expiry_notices` is false; and `unusedwalletcoinrequest_create`, if `unused_days` is given, of
    a balance of at least `unused_balance_min` (1) that has not moved for so long, up to `unused_times` (1) in all,
    every `unused_gap_days` (7). The same of a coupon, `unusedcouponrequest_create`, if it is unused `coupon_days` after
    it was issued, by `coupon_times` (1) and `coupon_gap_days` (7). `reviewrequest_create`, with `review_days`, of an
    order that was fulfilled so long ago, up to `review_times` (1) in all, every `review_gap_days` (7).
    `incompletereferralrequest_create` is the same of a friend who claimed a referral and has not ordered:
    `referral_days`, `referral_times`, `referral_gap_days`. Null sets one back."""


class Reviews(Setting[ReviewRules], frozen=True):
    """Reviews of verified buyers with `approve_from` stars or more are shown at once, with 0 (as for everybody) none:
    each waits to be approved by hand, as do those that hold one of `hold_words`. Null sets one back."""


class Referring(Setting[ReferralRules], frozen=True):
    """Who comes by a customer's code gets a coupon of `friend_offer`; the customer `coins`, or a coupon of `offer`,
    when the friend's first order of at least `minimum_order` can't be given back any more, `return_days` (14) later.
    `coupon` among `modes`: the code is entered at your checkout. Claims of one address in a month
    (`same_address_max`, 3) and of one customer's friends in a day (`per_day_max`, 10) beyond that wait until somebody
    has looked. 0 is no limit; null sets one back."""


class Messaging(Setting[MessageRules], frozen=True):
    """A customer gets at most `cap` messages in `cap_days` days (0, as for everybody, is no limit), and none from
    `quiet_from` (21) to `quiet_until` (8) o'clock where they live. With `double_opt_in` a yes to e-mail is asked for by
    e-mail; with `tracking` (true) openings and clicks are counted. Null sets one back."""


class ShopSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What only some shops set; null sets it back to how it is for everybody."""

    book: BookChange | UnsetType | None = UNSET
    calls_per_minute: CallsPerMinute | UnsetType | None = UNSET
    earning_basis: EarningBasis | UnsetType | None = UNSET
    country: Country | UnsetType | None = UNSET
    customer_properties: CustomerProperties | UnsetType | None = UNSET
    messages: Messaging | UnsetType | None = UNSET
    open_triggers_need_proof: NeedProof | UnsetType | None = UNSET
    referral_link_base: LinkBase | UnsetType | None = UNSET
    referrals: Referring | UnsetType | None = UNSET
    reminders: Reminders | UnsetType | None = UNSET
    retention: KeptFor | UnsetType | None = UNSET
    reviews: Reviews | UnsetType | None = UNSET
    utm_source: UtmSource | UnsetType | None = UNSET


@showing(
    "id chosen_id name uri time_zone currency_code currency_symbol coin_name events_on settings retention created_at"
    " updated_at",
    Workspace,
)
class Shop(msgspec.Struct):
    """`chosen_id` may stand in place of `id` wherever a call names its workspace; null where none was chosen.
    `retention` is what the shop's setting of that name comes to."""

    retention: Retention


class ShopChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Only what is given changes. `events_on` switches all sending on or off: while it is off nothing is sent, and
    nothing is kept to be sent later."""

    name: Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARS_MAX)] | UnsetType = UNSET
    uri: Annotated[str, Meta(max_length=limits.URI_CHARS_MAX, description="The shop's website.")] | UnsetType = UNSET
    time_zone: Annotated[str, Meta(max_length=64, description="IANA: Europe/Vilnius.")] | UnsetType = UNSET
    currency_code: Annotated[str, Meta(min_length=3, max_length=3, description="ISO 4217: usd.")] | UnsetType = UNSET
    currency_confirmed: Annotated[
        bool,
        Meta(
            description="Of a shop with orders, the currency is changed only with this: a refusal says what it changes."
        ),
    ] = False
    coin_name: (
        Annotated[str, Meta(min_length=1, max_length=limits.COIN_NAME_CHARS_MAX, examples=["beans"])] | UnsetType
    ) = UNSET
    events_on: bool | UnsetType = UNSET
    settings: ShopSettings | UnsetType = UNSET


class StorefrontSecret(msgspec.Struct, frozen=True):
    """By it the shop's server signs `x-leaddigest` and may sign `x-leadtoken`. It must never stand in a page. While a
    new one is brought in, `previous` proves too; it is null otherwise."""

    secret: str
    version: int
    previous: str | None


def shop(workspace: Workspace) -> Shop:
    return copied(Shop, workspace)


@management.get("/workspace", "The shop", tag="Shop")
async def read_workspace(call: Call[NoQuery, None], tx: Reading) -> Shop:
    return shop(await tenancy.get_workspace(tx, call.workspace_id))


@management.patch("/workspace", "Change the shop", tag="Shop")
async def change_workspace(call: Call[NoQuery, ShopChange], tx: Tx) -> Shop:
    changes: dict[str, Any] = msgspec.to_builtins(call.body)
    rest = {name: value for name, value in changes.items() if name not in ("events_on", "currency_confirmed")}
    if "currency_code" in rest:
        known = call.body.currency_confirmed
        await orders.check_currency_change(tx, call.workspace, rest["currency_code"], confirmed=known)
    settings = call.body.settings
    if settings is not UNSET and isinstance(settings.earning_basis, EarningBasis):
        basis = orders.check_basis(settings.earning_basis, "settings.earning_basis")
        rest["settings"] |= orders.basis_setting(basis)
    changed = await change_shop(tx, call.workspace, rest, call.now)
    await call.audit(tx, "workspace.update", call.workspace_id, **rest)
    on = call.body.events_on
    if on is not UNSET and on != changed.events_on:
        changed = await events.switch(tx, call.workspace_id, on, call.now)
        await call.audit(tx, "events.switch_on" if on else "events.switch_off", call.workspace_id)
    return shop(changed)


_SECRET: dict[str, Any] = {"tag": "Shop", "area": "staff", "access": "WRITE", "stored": False}
"""Whoever has the storefront secret can speak for every customer."""


@management.get("/workspace/storefront-secret", "The secret that proves customers", **_SECRET)
async def read_storefront_secret(call: Call[NoQuery, None]) -> StorefrontSecret:
    return _storefront_secret(call, call.workspace)


@management.post("/workspace/storefront-secret/rotate", "Make a new storefront secret", **_SECRET)
async def rotate_storefront_secret(call: Call[NoQuery, None], tx: Tx) -> StorefrontSecret:
    """The one there was goes on proving, until it is retired: `two_secrets_alive`, when it was not retired yet."""
    changed = await tenancy.rotate_storefront_secret(tx, call.workspace_id, call.now)
    await call.audit(tx, "storefront_secret.create", call.workspace_id, version=changed.storefront_version)
    return _storefront_secret(call, changed)


@management.post("/workspace/storefront-secret/retire", "Retire the older storefront secret", **_SECRET)
async def retire_storefront_secret(call: Call[NoQuery, None], tx: Tx) -> StorefrontSecret:
    """What was signed with it is refused from now on: `one_secret_alive`, when there is no older one."""
    changed = await tenancy.retire_storefront_secret(tx, call.workspace_id, call.now)
    await call.audit(tx, "storefront_secret.retire", call.workspace_id, version=changed.storefront_version - 1)
    return _storefront_secret(call, changed)


def _storefront_secret(call: Call[Any, Any], workspace: Workspace) -> StorefrontSecret:
    newest, *older = tenancy.storefront_secrets(call.app.settings.secret(), workspace)
    return StorefrontSecret(newest, workspace.storefront_version, older[0] if older else None)


audit = Resource[AuditLine](management, "/audit", AuditLine, tag="Shop", one="audit")
audit.page("Who changed what", tenancy.audit_log, DatedQuery, "Newest first.", "read_audit")


class Moved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    now: Annotated[datetime, Meta(tz=True, examples=["2026-04-14T09:30:00Z"])]


@management.post("/test-clock", "Move the time, for tests", tag="Shop")
async def move_clock(call: Call[NoQuery, Moved], tx: Tx) -> Moved:
    """On a server that was started with its test clock (`regulars up --test-clock`), which nobody else can reach: the
    time goes on from there for all that runs, for every shop, and what is due by then is done. Never back, and at most
    a year at once. Any other server refuses."""
    to = a_moment("now", call.body.now)
    tx.wrote = True  # a file, which is no row, and an act all the same
    await call.audit(tx, "clock.move", "", to=call.body.now)
    call.app.clock.move(to)
    return Moved(call.app.clock.now())


class ThemeChange(Setting[Theme], frozen=True):
    """Only what is given changes; null sets one back, of `words` each by itself."""

    words: dict[str, Word | None] | UnsetType | None = UNSET


@management.get("/storefront", "The storefront's theme and words", tag="Shop")
async def read_storefront(call: Call[NoQuery, None], tx: Reading) -> Theme:
    return storefront.theme_of(await tenancy.get_workspace(tx, call.workspace_id))


@management.patch("/storefront", "Change the storefront's theme and words", tag="Shop")
async def change_storefront(call: Call[NoQuery, ThemeChange], tx: Tx) -> Theme:
    """Pages that are open show it when they are loaded again."""
    given: dict[str, Any] = storefront.check(msgspec.to_builtins(call.body))
    changed = await change_shop(tx, call.workspace, {"settings": {"storefront": given}}, call.now)
    await call.audit(tx, "storefront.update", call.workspace_id, changed=sorted(given))
    return storefront.theme_of(changed)


class RemindersItem(msgspec.Struct, frozen=True):
    """`upcoming` is what each would tell the next time, by what is true now."""

    rules: ReminderRules
    upcoming: list[Foreseen]


async def _item(tx: Reading, call: Call[NoQuery, None] | Call[NoQuery, Reminders], shop: Workspace) -> RemindersItem:
    return RemindersItem(reminder_rules(shop), await reminders.foreseen(tx, shop, call.now))


@management.get("/reminders", "Reminders", tag="Shop")
async def read_reminders(call: Call[NoQuery, None], tx: Reading) -> RemindersItem:
    return await _item(tx, call, call.workspace)


@management.patch("/reminders", "Change reminders", tag="Shop")
async def change_reminders(call: Call[NoQuery, Reminders], tx: Tx) -> RemindersItem:
    """The shop's setting `reminders`, as `PATCH /workspace` has it."""
    changes = {"settings": {"reminders": msgspec.to_builtins(call.body)}}
    shop = await change_shop(tx, call.workspace, changes, call.now)
    await call.audit(tx, "workspace.update", call.workspace.id, fields=["settings"])
    return await _item(tx, call, shop)
