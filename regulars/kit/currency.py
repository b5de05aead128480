"""The currencies of ISO 4217, by their codes in lower case."""

from iso4217 import Currency

NAMES = {c.value.lower(): c.currency_name for c in Currency if c.exponent is not None}
"""`{"usd": "US Dollar"}`: all that are paid with, so not gold, nor the code for none."""

LISTED = sorted(((code, f"{name} ({code.upper()})") for code, name in NAMES.items()), key=lambda listed: listed[1])
"""For a list to choose from, by name."""

_DECIMALS = {c.value.lower(): c.exponent or 0 for c in Currency}


def decimals_of(currency_code: str) -> int:
    """2 for usd, 0 for jpy, 3 for kwd, 4 for clf."""
    return _DECIMALS.get(currency_code, 2)


def units_of(currency_code: str) -> int:
    """How many minor units make one: 100 of usd, 1 of jpy."""
    units: int = 10 ** decimals_of(currency_code)
    return units
