"""A file that is imported again: what it says otherwise than is kept, and whether it may put that right."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from regulars.kit import counted, decimals_of
from regulars.orders.model import Order, OrderReport

_ENCODINGS = (
    *("utf-8", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "cp932", "gb18030", "big5hkscs", "cp949"),
    *("latin-1", "cp437", "cp850", "cp852", "cp866", "mac-roman", "koi8-r"),
)
_CALLED = {"placed_at": "date", "amount_minor": "amount", "currency_code": "currency", "discount_minor": "discount"}
_CALLED |= {"tax_minor": "tax", "items_count": "number of items", "shipping_minor": "shipping"}


class Correcting(msgspec.Struct, frozen=True):
    """What reports may change although they are no newer than what is kept. `facts` are the fields that their file
    itself says: only these are held against what is kept, and with `replace` they win. With `letters` a customer's name
    that was read in a wrong encoding is put right: the file's own encoding is known."""

    facts: frozenset[str] = frozenset()
    replace: bool = False
    letters: bool = False


def corrected(kept: Order, report: OrderReport, facts: frozenset[str]) -> dict[str, Any]:
    """The fields of these that the report says otherwise, as it says them."""
    said = {field: value for field in facts - {"detail"} if (value := getattr(report, field)) is not None}
    if "detail" in facts:
        said["detail"] = {**kept.detail, **report.detail}
    return {field: value for field, value in said.items() if value != getattr(kept, field)}


def differences(kept: Order, report: OrderReport, facts: frozenset[str], zone: ZoneInfo) -> str:
    """In words, the kept value first: `date from 2026-03-14 00:00 to 2026-03-10 00:00`; '' when there are none."""
    words = []
    for field, value in sorted(corrected(kept, report, facts).items()):
        before, after = getattr(kept, field), value
        if field == "detail":
            words += [f"{key} from {before.get(key) or 'nothing'} to {after[key]}" for key in report.detail]
        else:
            of, to = (_said(field, v, order, zone) for v, order in ((before, kept), (after, report)))
            words.append(f"{_CALLED.get(field, field.replace('_', ' '))} from {of} to {to}")
    return ", ".join(words)


def _said(field: str, value: Any, of: Order | OrderReport, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
    if field.endswith("_minor") and value is not None:
        decimals = decimals_of(of.currency_code)
        return f"{value / 10**decimals:.{decimals}f}"
    if field == "lines" and value:
        return counted(len(value), "lines")
    if field == "refunds" and value:
        return _said("amount_minor", sum(refund.amount_minor for refund in value), of, zone)
    return (", ".join(value) if isinstance(value, tuple) else str(value or "")) or "nothing"


def misread(kept: str, right: str) -> bool:
    """Whether what is kept are the bytes of the right text, read as another encoding's letters."""
    if kept == right or kept.isascii():
        return False
    return "\ufffd" in kept or not _bytes_of(kept).isdisjoint(_bytes_of(right))


def _bytes_of(text: str) -> set[bytes]:
    found = set()
    for encoding in _ENCODINGS:
        try:
            found.add(text.encode(encoding))
        except UnicodeEncodeError:
            continue
    return found
