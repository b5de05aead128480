"""What a cell means: amounts, times and ids as people and spreadsheets write them. What could mean two things raises
Ambiguous, and is told by a choice for the whole file."""

import re
from calendar import month_name
from datetime import datetime
from zoneinfo import ZoneInfo

from regulars.kit import Invalid, decimals_of, invalid
from regulars.kit.csv_file import Dates, Decimals
from regulars.orders.model import minor_units


class Ambiguous(Invalid):
    """It could mean two things; `asks` is the field of the format that says which."""

    def __init__(self, asks: str, field: str, expected: str) -> None:
        super().__init__(f"{field}: expected {expected}", fields={field: f"expected {expected}"})
        self.asks = asks


# Not exactly three digits behind the point: neither a comma nor the currency has a say in what it means.
_PLAIN = re.compile(r"[0-9]+(\.([0-9]{1,2}|[0-9]{4,}))?")
_GROUPING = re.compile("[ '\u2019\u00a0\u202f.,]")
_WHOLE = re.compile(r"[0-9]{1,18}")
# As a spreadsheet shows a long number, and saves it.
_SHORTENED = re.compile(r"[0-9]([.,][0-9]+)?[Ee]\+[0-9]{1,3}")
_DAY = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:,?[ T](\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AaPp])\.?[Mm]\.?)?)?", re.ASCII
)
_OFFSET_APART = re.compile(r" (?=[+-][0-9]{2}:?[0-9]{2}$)| (?=(UTC|GMT|Z)$)")


def amount(field: str, text: str, currency_code: str, decimal: Decimals) -> int:
    """In minor units. `decimal` is the file's decimal sign, if it was chosen; thousands may stand in groups."""
    if not (decimal != "," and _PLAIN.fullmatch(text)):
        text = with_point(field, text, currency_code, decimal)
    return minor_units(field, text, currency_code)


def with_point(field: str, text: str, currency_code: str, decimal: Decimals) -> str:
    """The same number without groups, its decimals behind a point; what is no number is left for others to refuse."""
    signs = [sign for sign in text if sign in ".,"]
    point = decimal
    if not decimal and len(set(signs)) == 2:
        point = "." if signs[-1] == "." else ","
    elif not decimal and len(signs) == 1:
        point = "." if signs[0] == "." else ","
        whole, decimals = text.split(point)
        could_be_thousands = len(decimals) == 3 and re.fullmatch("[1-9][0-9]{0,2}", whole)
        if could_be_thousands and not (point == "." and decimals_of(currency_code) == 3):
            small = f"{whole}.{decimals}".rstrip("0").rstrip(".")
            either = f"{text} could be {small} or {whole}{decimals}"
            raise Ambiguous("decimal", field, f"a decimal sign chosen for the whole file: {either}")
    whole, _, decimals = text.partition(point) if point else (text, "", "")
    first, *groups = _GROUPING.split(whole)
    grouped = {sign for sign in whole if not sign.isalnum()}
    if groups:
        sound = len(grouped) == 1 and 1 <= len(first) <= 3 and len(groups[-1]) == 3
        if not sound or any(len(group) not in (2, 3) for group in groups):
            raise invalid(field, "an amount such as 12.34, of at least 0")
    return "".join((first, *groups)) + (f".{decimals}" if decimals else "")


def moment(field: str, text: str, dates: Dates, zone: ZoneInfo) -> datetime:
    """ISO 8601, or a day, a month and a year in the order that was chosen."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = _other_moment(field, text, dates)
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _other_moment(field: str, text: str, dates: Dates) -> datetime:
    try:
        found = _DAY.fullmatch(text)
        if not found:
            return datetime.fromisoformat(re.sub("(UTC|GMT)$", "Z", _OFFSET_APART.sub("", text)).replace("/", "-"))
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        # Nobody parts a month that comes first by points; beyond twelve there is no month.
        if not dates and found[2] != "." and first != second and first <= 12 and second <= 12:
            either = f"{text} could be {first} {month_name[second]} or {second} {month_name[first]}"
            raise Ambiguous("dates", field, f"day or month first, chosen for the whole file: {either}")
        month_first = dates == "month_first" or (not dates and second > 12)
        day, month = (second, first) if month_first else (first, second)
        hour, minute, second = (int(found[n] or 0) for n in (5, 6, 7))
        if found[8]:
            hour = datetime.strptime(f"{hour} {found[8]}M", "%I %p").hour
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        raise invalid(field, "a date such as 2026-03-14, or a time such as 2026-03-14T09:26:53Z") from None


def whole_number(field: str, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise invalid(field, "a whole number")
    return int(text)


def whole_id(field: str, text: str) -> str:
    """Two ids that a spreadsheet shortened to the same digits can't be told apart any more."""
    if _SHORTENED.fullmatch(text):
        raise invalid(
            field,
            f"a whole id; {text} is one that a spreadsheet shortened, and its last digits are lost. Show the column as "
            "text or as a number without decimals, then save the file as CSV again",
        )
    return text
