"""What a payload's value means to a field of a type: one function per type, each giving None for *unset*.

Missing, null, `''` and white space are unset, and so is what cannot be read as the field's type: a payload comes from
outside, and an odd value in it must neither stop the others nor match by accident.
"""

import re
from datetime import UTC, date, datetime, tzinfo
from math import isfinite
from unicodedata import normalize

from msgspec import Struct

from regulars import limits
from regulars.conditions.model import Number

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?P<fraction>\.[0-9]*)?|(?P<bare>\.[0-9]+))(?P<exponent>[eE][+-]?[0-9]{1,2})?")
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?P<time>[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?"
)
_DAY_FIRST = re.compile(r"([0-9]{2})-([0-9]{2})(?:-([0-9]{4}))?")
YES_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_LEAP_YEAR = 2000
# An int so long is no text anybody would compare with, and Python refuses to write the longest ones out.
_TEXT_OF_INT_BITS_MAX = 256


class Moment(Struct, frozen=True):
    """A date as a payload gives it. `ordinal` (days since year 1, in the shop's time zone) is None when the year is not
    known; `at` is None when the time of day is not known."""

    month: int
    day: int
    year: int | None
    ordinal: int | None
    at: datetime | None


def fold(text: str) -> str:
    """The form in which texts are compared: composed (NFC), case folded, without white space around."""
    text = text.strip()
    if text.isascii():
        return text.lower()
    return normalize("NFC", normalize("NFC", text).casefold())


def read_text(raw: object) -> str | None:
    """The text, folded. Numbers and yes/no read as JSON writes them, a whole number without `.0`."""
    if isinstance(raw, str):
        return fold(raw) or None
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int):
        return str(raw) if raw.bit_length() <= _TEXT_OF_INT_BITS_MAX else None
    if isinstance(raw, float) and isfinite(raw):
        return str(int(raw)) if raw.is_integer() and abs(raw) <= limits.CONDITION_NUMBER_MAX else repr(raw)
    return None


def read_number(raw: object) -> Number | None:
    """A finite number, or a text that is one: `200`, `"200.00"`, `" -1.5e3 "`; not `"1,000"`, `"₹5"` nor a yes/no."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return raw
    if isinstance(raw, float):
        return raw if isfinite(raw) else None
    if not isinstance(raw, str):
        return None
    text = raw.strip()
    if len(text) > limits.CONDITION_NUMBER_CHARS_MAX:
        return None
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    if found["fraction"] is None and found["bare"] is None and found["exponent"] is None:
        return int(text)
    number = float(text)
    return number if isfinite(number) else None


def read_yes_no(raw: object) -> bool | None:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int):
        return bool(raw) if raw in (0, 1) else None
    if isinstance(raw, str):
        return YES_NO.get(raw.strip().lower())
    return None


def read_list(raw: object) -> frozenset[str] | None:
    """The items of an array, folded, in no order; items that are no text, number or yes/no are left out. A value that
    is not an array is an array of one. An empty one is unset."""
    items = raw if isinstance(raw, list | tuple) else (raw,)
    return frozenset(text for item in items if (text := read_text(item)) is not None) or None


def read_date(raw: object, time_zone: tzinfo) -> Moment | None:
    """A moment (`2023-05-26T07:44:03.862Z`; without an offset, by the shop's clock), a day (`2023-05-26`, and
    the wire's `26-05-2023`, day first), or a day of any year (`26-05`, day first)."""
    try:
        if isinstance(raw, datetime):
            return _moment(raw, time_zone)
        if isinstance(raw, date):
            return _whole_day(raw)
        if not isinstance(raw, str):
            return None
        text = raw.strip()
        found = _ISO.fullmatch(text)
        if found is not None:
            at = datetime.fromisoformat(text)
            return _whole_day(at.date()) if found["time"] is None else _moment(at, time_zone)
        found = _DAY_FIRST.fullmatch(text)
        if found is None:
            return None
        day, month, year = int(found[1]), int(found[2]), found[3]
        if year is not None:
            return _whole_day(date(int(year), month, day))
        date(_LEAP_YEAR, month, day)  # only to refuse 31-02
        return Moment(month=month, day=day, year=None, ordinal=None, at=None)
    except (ValueError, OverflowError):
        return None


def _moment(at: datetime, time_zone: tzinfo) -> Moment:
    if at.tzinfo is None:
        at = at.replace(tzinfo=time_zone)
    local = at.astimezone(time_zone)
    return Moment(local.month, local.day, local.year, local.toordinal(), at.astimezone(UTC))


def _whole_day(day: date) -> Moment:
    return Moment(day.month, day.day, day.year, day.toordinal(), None)
