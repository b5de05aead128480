"""What the shop is set to, a page each: how it is called and counted, what is kept, what programs may do, what of an
order earns, how long coins last, when customers are reminded, how its own pages look."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Response, post

from regulars import customers, dispatch, limits, orders, reminders, reviews, storefront, tenancy
from regulars.dashboard.desk import Desk, Handed
from regulars.dashboard.sheets import MAYBE, TEXT, TICK, Field, Fields, Given, Sheet, Shown, fields_of, read
from regulars.dashboard.words import plural, zones
from regulars.engagement.messages.model import MessageRules, message_rules
from regulars.kit import Reading, countries, currency
from regulars.orders import EarningBasis
from regulars.reminders import ReminderRules
from regulars.reviews import ReviewRules
from regulars.storefront import Theme
from regulars.tenancy import BookRules, Retention, Workspace
from regulars.wiring import change_shop

_HOURS = [(str(hour), f"{hour:02d}:00") for hour in range(24)]
_REMINDED = {
    "coinexpirynotify_create": "Coins are about to expire",
    "unusedwalletcoinrequest_create": "Coins lie unused",
    "reviewrequest_create": "Reviews are asked for",
    "unusedcouponrequest_create": "A coupon lies unused",
    "incompletereferralrequest_create": "A friend has not ordered",
}
_UPCOMING = {
    "coins_expire_in_a_month": "{Coins} expire in a month",
    "coins_expire_in_a_week": "{Coins} expire in a week",
    "coins_expire_in_a_day": "{Coins} expire in a day",
    "coins_lie_unused": "{Coins} lie unused",
    "coupon_lies_unused": "A coupon lies unused",
    "reviews_asked_for": "Reviews are asked for",
    "friends_have_not_ordered": "Friends have not ordered",
}


def settings_page(
    name: str,
    title: str,
    purpose: str,
    fields: Fields,
    values: Callable[[Workspace], Any],
    setting: Callable[[Given], dict[str, Any]],
    state: Callable[[Workspace], str],
    more: dict[str, Any] | None = None,
    **other: Any,
) -> Sheet:
    """A page of what stands in the shop's settings: its `values`, and the `setting` that comes of what was given."""

    async def load(desk: Desk, tx: Reading) -> Shown:
        return Shown(values(desk.workspace), more=more or {})

    async def save(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
        changes: dict[str, Any] = {}
        with (await desk.form()).faults:
            changes = {"settings": setting(given)}
        async with desk.changing("workspace.update", desk.id, **changes) as tx:
            await change_shop(tx, desk.workspace, changes, desk.now)
        return desk.see(path, "Saved.")

    path = f"/settings/{name}"
    kept: dict[str, Any] = {"load": load, "save": save, "template": name, "back": "/settings", "of": "Settings"} | other
    return Sheet(path=path, title=title, purpose=purpose, fields=fields, state=state, **kept)


def _chosen(usual: Any, given: Given) -> Given:
    """What was given, as a setting holds it: None where it is how it is for everybody."""
    return {name: None if value == getattr(usual, name) else value for name, value in given.items()}


# ---- how it is called and counted

_NAMED = ("name", "uri", "coin_name", "currency_code", "time_zone")
LISTS: dict[str, Any] = {"zones": zones(), "currencies": currency.LISTED, "countries": countries.LISTED}
SETUP: Fields = {
    "name": Field(chars_max=limits.NAME_CHARS_MAX),
    "coin_name": Field(chars_max=limits.COIN_NAME_CHARS_MAX),
    "country": MAYBE,
    "currency_code": TEXT,
    "time_zone": TEXT,
}
"""What a new shop says first."""


async def change(desk: Desk, given: Given) -> None:
    """Raises Invalid, and Conflict where orders in its currency are there and that was not confirmed."""
    changes = {name: given[name] for name in _NAMED if name in given} | {
        "settings": {"country": given["country"] or None}
    }
    async with desk.changing("workspace.update", desk.id, **changes) as tx:
        known = (await desk.form()).on("currency_confirmed")
        await orders.check_currency_change(tx, desk.workspace, changes["currency_code"], confirmed=known)
        await change_shop(tx, desk.workspace, changes, desk.now)


async def _save_shop(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    await change(desk, given)
    if given["currency_code"].lower() != desk.workspace.currency_code:
        words = "Saved. Orders that earned nothing for their currency can earn now: apply a trigger to past orders."
        return desk.see("/triggers", words)
    return desk.see(SHOP.path, "Saved.")


SHOP = settings_page(
    "shop",
    "Shop",
    "How your shop is called and counted, here and in every event.",
    {**SETUP, "uri": MAYBE},
    lambda shop: {name: getattr(shop, name) for name in (*_NAMED, "country")},
    dict,
    lambda shop: (
        f"{shop.name} counts in {shop.currency_code.upper()}, its days begin in {shop.zone.key.replace('_', ' ')}."
    ),
    {"lists": LISTS},
    save=_save_shop,
)

# ---- what is kept, and what programs may do

KEPT = settings_page(
    "kept",
    "What is kept, and for how long",
    "In months. What is older is no longer shown and then deleted, for good. Coins, orders and customers are kept for "
    "ever.",
    dict.fromkeys(fields_of(Retention), Field("whole", optional=True, blank=None)),
    lambda shop: shop.settings.get("retention") or {},
    lambda given: {"retention": given},
    lambda shop: f"Events {shop.retention.events_months} months, deliveries {shop.retention.deliveries_months}.",
    {"usual": Retention()},
)


def _needs_proof(shop: Workspace) -> bool:
    return shop.settings.get("open_triggers_need_proof") is not False


def _programs(shop: Workspace) -> str:
    calls = shop.settings.get("calls_per_minute") or limits.CALLS_PER_MINUTE_PER_KEY
    return f"{calls:,} calls a minute for each key. Open triggers need {'' if _needs_proof(shop) else 'no '}proof."


_ADDRESS = "an address that starts with https:// or http://"
_SOURCE = "at most 40 letters, digits, dots, - or _"
PROGRAMS = settings_page(
    "programs",
    "Programs and links",
    "What programs that hold a key may do, and what the links in events look like.",
    {
        "calls_per_minute": Field("whole", 1, limits.CALLS_PER_MINUTE_PER_KEY_MAX, optional=True, blank=None),
        "referral_link_base": Field(
            chars_max=limits.NAME_CHARS_MAX, optional=True, blank=None, pattern="https?://.*", expected=_ADDRESS
        ),
        "utm_source": Field(chars_max=40, optional=True, blank=None, pattern="[A-Za-z0-9._-]+", expected=_SOURCE),
        "open_triggers_need_proof": TICK,
    },
    lambda shop: shop.settings | {"open_triggers_need_proof": _needs_proof(shop)},
    lambda given: given | {"open_triggers_need_proof": None if given["open_triggers_need_proof"] else False},
    _programs,
    {"calls_per_minute": limits.CALLS_PER_MINUTE_PER_KEY},
)

# ---- what of an order earns


def _earning(shop: Workspace) -> str:
    basis = orders.default_basis(shop)
    without = [part for part in ("discount", "tax", "shipping") if getattr(basis, f"net_of_{part}")]
    excluded = sum(len(getattr(basis, name)) for name in orders.EXCLUDED)
    how = f", without {' and '.join(without)}" if without else ""
    rest = f" Left out: {plural(excluded, 'product or label', 'products and labels')}." if excluded else ""
    return f"What an order comes to{how}, rounded {basis.rounding.replace('nearest', 'to the nearest')}.{rest}"


EARNING = settings_page(
    "earning",
    "What of an order earns",
    "Triggers that react to orders count this, unless one says otherwise. What was refunded never earns.",
    fields_of(EarningBasis),
    orders.default_basis,
    lambda given: orders.basis_setting(orders.check_basis(EarningBasis(**given))),
    _earning,
)

# ---- how long coins last


def _coins(shop: Workspace) -> str:
    rules, after = shop.book, plural(shop.book.expire_after, shop.book.expire_unit.removesuffix("s"))
    expiry = {
        "never": "They never expire.",
        "per_lot": f"They expire {after} after they were given.",
        "inactivity": f"They expire when a customer was away for {after}.",
    }
    back = {"debt": "all it earned", "balance": "what is left of it", "pending": "only what can't be spent yet"}
    return f"{expiry[rules.expiry]} A refund takes back {back[rules.claw_back]}."


def _while(fields: Fields, names: tuple[str, ...], *when: str) -> Fields:
    return {**fields, **{name: msgspec.structs.replace(fields[name], when=when, optional=False) for name in names}}


COINS = settings_page(
    "coins",
    "How long {coins} last",
    "When they expire, and what happens to them when an order is refunded.",
    {
        name: field
        for name, field in _while(
            fields_of(BookRules), ("expire_after", "expire_unit"), "expiry", "per_lot", "inactivity"
        ).items()
        if name != "idle_since"
    },
    lambda shop: shop.book,
    lambda given: {"book": _chosen(BookRules(), given)},
    _coins,
)

# ---- reminders


async def _load_reminders(desk: Desk, tx: Reading) -> Shown:
    rules = reminders.reminder_rules(desk.workspace)
    send = await dispatch.list_rules(tx, desk.id)
    told = {label: sum(one.topic == topic and one.active for one in send) for topic, label in _REMINDED.items()}
    asked = {part: getattr(rules, f"{part}_days") for part in _PARTS}
    days = {f"{part}_days": days or (14 if part == "review" else 30) for part, days in asked.items()}
    upcoming = [(_UPCOMING[one.reminder], one) for one in await reminders.foreseen(tx, desk.workspace, desk.now)]
    values = msgspec.structs.asdict(rules) | asked | days
    return Shown(values, more={"told": told, "hours": _HOURS, "upcoming": upcoming})


def _told(shop: Workspace) -> str:
    rules = reminders.reminder_rules(shop)
    when = ["before they expire"] if rules.expiry_notices else []
    when += [f"when they lie unused for {plural(rules.unused_days, 'day')}"] if rules.unused_days else []
    when += [f"when a coupon does for {plural(rules.coupon_days, 'day')}"] if rules.coupon_days else []
    when += [f"of reviews {plural(rules.review_days, 'day')} after an order"] if rules.review_days else []
    when += [f"of friends {plural(rules.referral_days, 'day')} after they claimed"] if rules.referral_days else []
    return f"At {rules.at_hour:02d}:00, {' and '.join(when)}." if when else "Nobody is reminded."


def _reminders(given: Given) -> dict[str, Any]:
    off = {f"{part}_days": None for part in _PARTS}
    rules = off | {name: value for name, value in given.items() if name not in _PARTS}
    return {"reminders": _chosen(ReminderRules(), rules)}


_PARTS = ("unused", "coupon", "review", "referral")
_ASKED: Fields = fields_of(ReminderRules)
for _part in _PARTS:
    _names = tuple(name for name in _ASKED if name.startswith(_part))
    _ASKED = {**_while(_ASKED, _names, _part, "yes"), _part: TICK}
REMINDERS = settings_page(
    "reminders",
    "Reminders",
    "When your tools are told of {coins} that expire soon, of {coins} and coupons that lie unused, of orders that "
    "nobody has reviewed, and of friends who have not ordered.",
    _ASKED,
    reminders.reminder_rules,
    _reminders,
    _told,
    load=_load_reminders,
)

# ---- the shop's own pages

_WORDS = {f"word_{name}": name for name in ("launcher", "title", "referral_text")}


_THEME: Fields = {name: field for name, field in fields_of(Theme).items() if name != "words"} | dict.fromkeys(
    _WORDS, Field(chars_max=limits.STOREFRONT_WORD_CHARS_MAX, optional=True, blank=None)
)


def _storefront(given: Given) -> dict[str, Any]:
    theme = _chosen(Theme(), {name: value for name, value in given.items() if name not in _WORDS})
    words = {name: given[field] for field, name in _WORDS.items()}
    return {"storefront": storefront.check(theme | {"words": words})}


STOREFRONT = settings_page(
    "storefront",
    "Storefront",
    "How the widget and the page for your customers look, what they say, and where they are shown.",
    _THEME,
    lambda shop: (
        {field: storefront.theme_of(shop).words.get(name) for field, name in _WORDS.items()}
        | msgspec.structs.asdict(storefront.theme_of(shop))
    ),
    _storefront,
    lambda shop: f"Shown on {', '.join(storefront.theme_of(shop).origins) or 'any page that has its script'}.",
)


@post("/settings/storefront/preview")
async def preview(desk: Handed) -> Response[str]:
    """The widget as it would be, with somebody made up; what can't be is left as it is."""
    form, shop = await desk.form(), desk.workspace
    given = read(desk, _THEME, form)
    with form.faults:
        form.check()
        settings = tenancy.merged_settings(shop.settings, _storefront(given))
        shop = msgspec.structs.replace(shop, settings=settings)
    async with desk.reading() as tx:
        shown = await storefront.show(tx, shop, storefront.language_of(storefront.theme_of(shop), ""), desk.now)
    boot = msgspec.json.encode(storefront.with_somebody(shown, desk.now)).decode()
    return desk.page("pages/storefront_preview.html", boot=boot)


# ---- reviews


def _shown_at_once(shop: Workspace) -> str:
    rules = reviews.review_rules(shop)
    return (
        f"{rules.approve_from} stars and more of verified buyers are shown at once."
        if rules.approve_from
        else "Each waits for you."
    )


REVIEWS = settings_page(
    "reviews",
    "Reviews",
    "Which reviews are shown at once, and which wait for you.",
    fields_of(ReviewRules),
    reviews.review_rules,
    lambda given: {"reviews": _chosen(ReviewRules(), given)},
    _shown_at_once,
)

# ---- messages


def _rules(shop: Workspace) -> str:
    rules = message_rules(shop)
    most = f"At most {rules.cap:,} in {plural(rules.cap_days, 'day')}. " if rules.cap else ""
    return f"{most}Quiet from {rules.quiet_from}:00 to {rules.quiet_until}:00."


MESSAGES = settings_page(
    "messages",
    "Messages",
    "How many a customer gets at most, when none is sent, and whether openings and clicks are counted.",
    fields_of(MessageRules) | {"cap": Field("whole", 0, 1_000, optional=True, blank=0)},
    message_rules,
    lambda given: {"messages": _chosen(MessageRules(), given)},
    _rules,
    {"hours": _HOURS},
)

# ---- what is kept of customers


async def _save_own(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    rows = zip(given["names"], given["types"], strict=False)
    said = {re.sub(r"\W+", "_", name.strip().lower()): type_ for name, type_ in rows if name.strip()}
    gone = dict.fromkeys(customers.declared(desk.workspace).keys() - said.keys())
    changes = {"settings": {customers.OWN: gone | said}}
    async with desk.changing("workspace.update", desk.id, **changes) as tx:
        await change_shop(tx, desk.workspace, changes, desk.now)
    return desk.see(CUSTOMERS.path, "Saved.")


CUSTOMERS = settings_page(
    "customers",
    "What you keep of customers",
    "Properties of your own, beside tags: on a customer's page, in segments, messages and files.",
    {"names": Field("texts"), "types": Field("texts")},
    lambda shop: {"names": list(customers.declared(shop)), "types": list(customers.declared(shop).values())},
    dict,
    lambda shop: f"{', '.join(customers.declared(shop)) or 'Nothing of your own'}.",
    {"kinds": customers.PROPERTY_TYPES},
    save=_save_own,
    inside={f"settings.{customers.OWN}": "names"},
)

PAGES = (SHOP, STOREFRONT, EARNING, COINS, CUSTOMERS, REMINDERS, REVIEWS, MESSAGES, KEPT, PROGRAMS)
