"""What the bodies of events hold: a type of each kind that `properties.md` describes."""

import json
import re
import sys
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


def _types() -> dict[str, type[Body]]:
    types = {"": Body}
    _, *parts = _TITLE.split(Path(__file__).with_name("properties.md").read_text(encoding="utf-8"))
    for name, base, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        about, *rows = text.strip().split("\n| ")
        fields = [_field(*row.removesuffix(" |").split(" | ")) for row in rows[1:]]
        under = types[base or ("Common" if "Common" in types else "")]
        how: dict[str, Any] = {"namespace": {"__doc__": about.strip()}, "module": __name__, "frozen": True}
        made = msgspec.defstruct(name, fields, bases=(under,), kw_only=True, gc=False, **how)
        types[name] = cast("type[Body]", made)
    return types


def _field(name: str, holds: str, means: str, examples: str) -> tuple[str, Any, Any]:
    kind, *more = holds.split(" or ")
    type_ = _KINDS[kind]
    for one in more:
        type_ |= _OR[one]
    said = Meta(description=means, examples=json.loads(f"[{examples}]"))
    # Names out of a file are looked for letter by letter in each body that is made, unless they are the code's own.
    return sys.intern(name.strip("`")), Annotated[type_, said], UNSET if "left out" in more else NODEFAULT


TYPES = _types()
Common = TYPES["Common"]
