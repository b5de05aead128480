"""Numbers as people read them, wherever a sentence is made. Pure."""

from regulars.kit.currency import decimals_of

# Endings of plurals, or of words that only look like one, whose last letter can't just be left out.
_NOT_ONLY_AN_S = ("ss", "us", "is", "ies", "xes", "ches", "shes", "sses", "zes")


def counted(count: int | float, plural_name: str) -> str:
    """`1 coin`, `1,250 coins`: a shop gives its coins' name in the plural, of any language; where the singular is not
    plain, the plural stands."""
    name = plural_name
    if count == 1 and name[-1:] == "s" and len(name) > 3 and not name.endswith(_NOT_ONLY_AN_S):
        name = name[:-1]
    return f"{count:,} {name}"


def money(units: float, currency_code: str, symbol: str = "") -> str:
    """`$1,234.50` with a symbol, `1,234.50 EUR` without one."""
    sign, text = "-" if units < 0 else "", f"{abs(units):,.{decimals_of(currency_code.lower())}f}"
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{text} {currency_code.upper()}"
