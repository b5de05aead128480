"""What the bodies of events hold: a type of each kind that `properties.md` describes."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import NODEFAULT, UNSET, Meta, UnsetType

ORDER_STATUSES = ("pending", "completed", "cancelled")
FINANCIAL_STATUSES = ("pending", "authorized", "paid", "partially_refunded", "refunded", "voided")
DELIVERY_STATUSES = ("pending", "partial", "fulfilled", "returned")
COUPON_STATUSES = ("issued", "redeemed", "expired", "cancelled")
OPERATIONS = {"cr": "credited", "dr": "debited"}
TRANSACTION_TYPES = ("reward", "redeem", "adjust", "expire", "revert", "referral", "import")
WALLETS = ("coins", "credits")

_KINDS: dict[str, Any] = {"text": str, "texts": list[str], "number": float | int, "flag": bool}
_OR: dict[str, Any] = {"''": Literal[""], "left out": UnsetType}
_TITLE = re.compile(r"^## (\w+)(?: \((\w+)\))?\n", re.MULTILINE)


class Body(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of an event. Its properties stand in the order they have on the wire."""


def rows(text: str) -> list[list[str]]:
    """The cells of its tables, of those rows that begin with a name."""
    return [
        [cell.strip(" `") for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| `")
    ]


def sections(file: str) -> Iterator[tuple[str, str, str]]:
    """The parts of a file that stands here: the name of each, the one it builds on, '' for none, and its text."""
    _, *parts = _TITLE.split(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    return zip(parts[::3], (base or "" for base in parts[1::3]), parts[2::3], strict=True)


def _types() -> dict[str, type[Body]]:
    types = {"": Body}
    for name, base, text in sections("properties.md"):
        under = types[base or ("Common" if "Common" in types else "")]
        about = {"__doc__": text.partition("\n|")[0].strip()}
        how: dict[str, Any] = {"namespace": about, "module": __name__, "frozen": True, "kw_only": True, "gc": False}
        fields = [_field(*row) for row in rows(text)]
        types[name] = cast("type[Body]", msgspec.defstruct(name, fields, bases=(under,), **how))
    return types


def _field(name: str, holds: str, means: str, examples: str) -> tuple[str, Any, Any]:
    kind, *more = holds.split(" or ")
    type_ = _KINDS[kind]
    for one in more:
        type_ |= _OR[one]
    said = Meta(description=means, examples=json.loads(f"[{examples}]"))
    # Names out of a file are looked for letter by letter in each body that is made, unless they are the code's own.
    return sys.intern(name), Annotated[type_, said], UNSET if "left out" in more else NODEFAULT


TYPES = _types()
Common = TYPES["Common"]
