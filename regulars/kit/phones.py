"""Telephone numbers in one form, E.164 (`+4915112345678`), however they were typed."""

import re
from collections.abc import Callable

import phonenumbers
from iso3166 import countries_by_alpha3

_E164 = phonenumbers.PhoneNumberFormat.E164
_DIGITS = re.compile("[0-9]+")


def international(typed: str, *countries: str) -> str:
    """The number as a plus and its digits; empty when nobody can have it.

    With a plus or two zeros before it a number stands for itself. Another one is read as it is dialled in one of
    `countries` (ISO 3166-1 alpha-3, lower case; empty ones are passed over), the first where it is valid, and
    at last as one that lacks its plus.
    """
    dialled = typed.strip()
    if dialled.startswith(("+", "00")):
        return _parsed("+" + dialled.lstrip("+0"), None, phonenumbers.is_possible_number)
    for country in filter(None, countries):
        if found := _parsed(dialled, _region(country), phonenumbers.is_valid_number):
            return found
    return _parsed(f"+{dialled}", None, phonenumbers.is_valid_number)


def digits_of(text: str) -> str:
    return "".join(_DIGITS.findall(text))


def _parsed(dialled: str, region: str | None, known: Callable[[phonenumbers.PhoneNumber], bool]) -> str:
    try:
        number = phonenumbers.parse(dialled, region)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, _E164) if known(number) else ""


def _region(country: str) -> str | None:
    found = countries_by_alpha3.get(country.upper())
    return found.alpha2 if found else None
