"""A page of a list as CSV: the same items, by the same filters, a line for each."""

from typing import Any

import msgspec

from regulars.kit.sheets import csv_lines


def as_csv(answer: bytes) -> tuple[bytes, str]:
    """The items of an answer, and its `next`, empty on the last page. What stands in an item's own objects has their
    name before it (`customer.name`); a list is JSON."""
    page = msgspec.json.decode(answer)
    items = [_flat(item) for item in page["items"]]
    heads = list(dict.fromkeys(name for item in items for name in item))
    rows = [[item.get(name) for name in heads] for item in items]
    return csv_lines([heads, *rows]).encode(), page["next"] or ""


def _flat(item: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[before + name] = msgspec.json.encode(value).decode() if isinstance(value, list | bool) else value
    return flat
