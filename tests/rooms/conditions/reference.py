"""The meaning of a tree written a second time, slowly and straight from the JSON form, to hold the fast one to."""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

OPPOSITES = {"is_not": "is", "not_one_of": "one_of", "does_not_contain": "contains", "none_of": "any_of"}
OPPOSITES |= {"is_not_set": "is_set"}


def reference(
    tree: dict[str, Any], payload: dict[str, Any], types: dict[str, str], now: datetime, zone: tzinfo
) -> bool:
    if "all" in tree:
        return all(reference(item, payload, types, now, zone) for item in tree["all"])
    if "any" in tree:
        return any(reference(item, payload, types, now, zone) for item in tree["any"])
    if "none" in tree:
        return not any(reference(item, payload, types, now, zone) for item in tree["none"])
    operator, wanted = tree["operator"], tree.get("value")
    type_ = types[tree["property"]]
    if operator in OPPOSITES:
        return not reference({**tree, "operator": OPPOSITES[operator]}, payload, types, now, zone)
    if type_ == "yes_no" and operator == "is" and wanted is False:
        return not reference({**tree, "value": True}, payload, types, now, zone)
    raw = payload.get(tree["property"])
    if type_ == "text":
        return text_holds(operator, text(raw), wanted)
    if type_ == "number":
        return number_holds(operator, number(raw), wanted)
    if type_ == "yes_no":
        value = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
            str(raw).strip().lower()
        )
        value = None if isinstance(raw, float) else value
        return value is not None if operator == "is_set" else value is True
    if type_ == "list":
        have = {found for item in (raw if isinstance(raw, list) else [raw]) if (found := text(item))}
        asked = {text(each) for each in wanted or []}
        return {"is_set": bool(have), "any_of": bool(have & asked), "all_of": bool(have) and asked <= have}[operator]
    return date_holds(operator, raw, wanted, now, zone)


def text(raw: Any) -> str:
    """The folded text, '' for unset."""
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, int):
        return str(raw) if abs(raw) < 2**256 else ""
    if isinstance(raw, float):
        if raw != raw or raw in (float("inf"), float("-inf")):
            return ""
        return str(int(raw)) if raw == int(raw) and abs(raw) <= 10**15 else str(raw)
    if not isinstance(raw, str):
        return ""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", raw.strip()).casefold())


def text_holds(operator: str, have: str, wanted: Any) -> bool:
    if not have:
        return False
    asked = [text(each) for each in (wanted if isinstance(wanted, list) else [wanted])]
    return {
        "is_set": True,
        "is": have == asked[0],
        "one_of": have in asked,
        "contains": asked[0] in have,
        "starts_with": have[: len(asked[0])] == asked[0],
        "ends_with": len(have) >= len(asked[0]) and have[len(have) - len(asked[0]) :] == asked[0],
    }[operator]


def number(raw: Any) -> Decimal | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return None
    if isinstance(raw, str):
        if len(raw.strip()) > 64 or not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", raw.strip(), re.ASCII):
            return None
        # A text with a fraction is the nearest double, as the same digits are in JSON.
        raw = int(raw) if re.fullmatch(r"[+-]?\d+", raw.strip()) else float(raw)
    value = Decimal(raw)
    return value if value.is_finite() else None


def number_holds(operator: str, have: Decimal | None, wanted: Any) -> bool:
    if have is None:
        return False
    bounds = [Decimal(each) for each in (wanted if isinstance(wanted, list) else [wanted or 0])]
    return {
        "is_set": True,
        "is": have == bounds[0],
        "at_least": have >= bounds[0],
        "at_most": have <= bounds[0],
        "more_than": have > bounds[0],
        "less_than": have < bounds[0],
        "between": bounds[0] <= have <= bounds[-1],
    }[operator]


def date_parts(raw: Any, zone: tzinfo) -> tuple[date | None, tuple[int, int], datetime | None] | None:
    """The local day (None without a year), its month and day, and the moment when the time is known."""
    if not isinstance(raw, str):
        return None
    raw = raw.strip()
    try:
        if re.fullmatch(r"\d\d-\d\d", raw, re.ASCII):
            day = date(2000, int(raw[3:]), int(raw[:2]))
            return None, (day.month, day.day), None
        if re.fullmatch(r"\d\d-\d\d-\d{4}", raw, re.ASCII):
            day = date(int(raw[6:]), int(raw[3:5]), int(raw[:2]))
            return day, (day.month, day.day), None
        if re.fullmatch(r"\d{4}-\d\d-\d\d", raw, re.ASCII):
            day = date.fromisoformat(raw)
            return day, (day.month, day.day), None
        if not re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", raw, re.ASCII):
            return None
        at = datetime.fromisoformat(raw)
        at = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
        local = at.astimezone(zone).date()
    except (ValueError, OverflowError):
        return None
    return local, (local.month, local.day), at


def date_holds(operator: str, raw: Any, wanted: Any, now: datetime, zone: tzinfo) -> bool:
    parts = date_parts(raw, zone)
    if parts is None or operator == "is_set":
        return parts is not None
    day, month_day, at = parts
    today = now.astimezone(zone).date()
    if operator == "day_of_year":
        return month_day == (int(wanted[:2]), int(wanted[3:]))
    if operator == "anniversary":
        kept_on = {month_day, (2, 28)} if month_day == (2, 29) and not _is_leap(today.year) else {month_day}
        return (today.month, today.day) in kept_on and (day is None or day.year < today.year)
    if day is None:
        return False
    match operator:
        case "on":
            return bool(day.isoformat() == wanted)
        case "before":
            return bool(day.isoformat() < wanted)
        case "after":
            return bool(day.isoformat() > wanted)
        case "between":
            return bool(wanted[0] <= day.isoformat() <= wanted[1])
        case "in_last_days":
            return today - timedelta(days=wanted) <= day <= today and (at is None or at <= now)
        case _:
            return today <= day <= today + timedelta(days=wanted) and (at is None or at >= now)


def _is_leap(year: int) -> bool:
    try:
        return bool(date(year, 2, 29))
    except ValueError:
        return False
