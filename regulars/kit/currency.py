"""How many minor units make one unit of a currency (ISO 4217)."""

from __future__ import annotations

_WHOLE = "bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf"
_THOUSANDTHS = "bhd iqd jod kwd lyd omr tnd"
_UNITS = {**dict.fromkeys(_WHOLE.split(), 1), **dict.fromkeys(_THOUSANDTHS.split(), 1000)}


def units_of(currency_code: str) -> int:
    """100 for usd, 1 for jpy, 1000 for kwd; the code in lower case."""
    return _UNITS.get(currency_code, 100)
