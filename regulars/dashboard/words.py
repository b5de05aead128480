"""Figures, money and times as a shop's owner reads them. Pure: the shop and the time of the page are arguments."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from regulars import limits
from regulars.kit import units_of, wording
from regulars.tenancy import Workspace

CHANNELS = {"email": "E-mail", "sms": "SMS", "whatsapp": "WhatsApp"}
_STEPS = ((60.0, "minute", 60), (3_600.0, "hour", 24), (86_400.0, "day", 30))


def number(value: int) -> str:
    return f"{value:,}"


def deliveries(counted: int) -> str:
    """How many deliveries: `12`, or `10,000+` where counting stopped."""
    return f"{counted:,}+" if counted >= limits.DELIVERY_COUNT_MAX else f"{counted:,}"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 order`, `2 orders`, `1,200 people`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def money(amount_minor: int, currency_code: str, symbol: str = "") -> str:
    """`$1,234.50` with a symbol, `1,234.50 EUR` without one."""
    return wording.money(amount_minor / units_of(currency_code.lower()), currency_code, symbol)


def exact(at: datetime, zone: ZoneInfo) -> str:
    """`14 March 2026, 09:26:53 CET`, in the shop's time zone."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%B %Y, %H:%M:%S %Z}"


def ago(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`3 minutes ago`, `in 2 hours`; the date itself when it is more than 30 days away."""
    distance_s = (now - at).total_seconds()
    away_s = abs(distance_s)
    if away_s < 45:
        return "just now" if distance_s >= -5 else "in a moment"
    for unit_s, name, most in _STEPS:
        count = round(away_s / unit_s)
        if count < most or (name == "day" and count <= most):
            said = plural(max(count, 1), name)
            return f"{said} ago" if distance_s > 0 else f"in {said}"
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y}"


def in_shops_words(text: str, workspace: Workspace) -> str:
    """With {coins} and {Coins} as the shop calls them, and its currency's {symbol}."""
    coins = workspace.coin_name
    said = text.replace("{coins}", coins).replace("{Coins}", coins[:1].upper() + coins[1:])
    return said.replace("{symbol}", workspace.currency_symbol)


def day(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%A}, {local.day} {local:%B %Y}"


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def pretty(value: object) -> str:
    """JSON for people: a value, or a text that holds JSON; any other text as it is."""
    try:
        if isinstance(value, str):
            value = msgspec.json.decode(value)
        return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    except (msgspec.DecodeError, msgspec.ValidationError):
        return str(value)


def headers(named: dict[str, str]) -> str:
    """One to a line, as on the wire."""
    return "\n".join(f"{name}: {value}" for name, value in named.items())


def duration(duration_ms: int) -> str:
    """`84 ms`, `1.2 s`, `2 min 5 s`."""
    if duration_ms < 1_000:
        return f"{duration_ms} ms"
    if duration_ms < 60_000:
        return f"{duration_ms / 1_000:.1f} s"
    return f"{duration_ms // 60_000} min {duration_ms % 60_000 // 1_000} s"


def act(name: str) -> str:
    """An audit line's act, a noun and a verb, as people say it: `trigger.update` is `Changed a trigger`."""
    noun, _, verb = name.rpartition(".")
    said = _VERBS.get(verb) or f"{verb.replace('_', ' ').capitalize()}{'d' if verb.endswith('e') else 'ed'}"
    one = f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}" if noun else ""
    thing = _NOUNS.get(noun) or (noun if noun.endswith("s") else one)
    return f"{said} {thing}" if thing else said


_VERBS = {
    "update": "Changed",
    "adjust": "Adjusted the coins of",
    "apply": "Applied",
    "send": "Sent",
    "rotate": "Made a new secret of",
    "new_password": "Changed the password of",
    "replay": "Sent again",
    "retry": "Tried again",
    "fetch": "Fetched what was missed of",
    "close": "Marked as done",
    "switch_on": "Switched on",
    "switch_off": "Switched off",
    "codes": "Added codes to",
    "cancel": "Cancelled",
    "backtest_drop": "Dropped a back-test of",
}
_NOUNS = {
    "workspace": "the shop's settings",
    "key": "an API key",
    "storefront_secret": "a storefront secret",
    "staff": "a person of the staff",
    "rule": "a Send Events rule",
    "set_aside": "what was set aside",
    "checkout": "the checkout",
    "clock": "the clock",
}


def due(kind: str) -> str:
    """What is due, by its kind: `room.act`."""
    room, _, act = kind.partition(".")
    return _DUE.get(kind, f"{room.capitalize()}: {act.replace('_', ' ')}")


_DUE = {
    "days.count": "Counting a day that is over",
    "dispatch.retry": "Trying events again that wait for a rule",
    "imports.expiry": "Forgetting a file that was not imported",
    "rewards.discount": "Making a coupon in the shop, or taking it away there",
    "shops.order": "Handling a hook about an order",
    "shops.person": "Handling a hook about a customer",
}


def actor(name: str) -> str:
    """`staff:ann@example.com` is `ann@example.com`, `key:Checkout` is `Checkout (API key)`."""
    kind, _, who = name.partition(":")
    return {"staff": who, "key": f"{who} (API key)", "cli": "The command line"}.get(kind, name)


@cache
def zones() -> list[tuple[str, str]]:
    """The time zones to choose from, each with its words."""
    named = sorted(
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix/", "right/"))
    )
    return [(zone, zone.replace("_", " ")) for zone in ["UTC", *named]]
