"""What a shop decides about its points: the setting `book`."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.kit import INSIDE, Faults
from regulars.kit.fitting import note_unfit

Expiry = Literal["never", "per_lot", "inactivity"]
Unit = Literal["days", "months"]
ClawBack = Literal["pending", "balance", "debt"]
Days = Annotated[
    int,
    Meta(
        ge=0,
        le=limits.GRACE_DAYS_MAX,
        description="For how many days coins can be spent that come back when they have expired.",
    ),
]
_EXPIRY = Meta(
    description="never; per_lot: each credit by itself, `expire_after` days or months after it was given; inactivity:"
    " all that a customer has, so long after it last moved, and not before that long after the rule was made."
)
_CLAW_BACK = Meta(
    description="When an order is refunded, of what it earned: pending: only what can't be spent yet is taken back;"
    " balance: as much as there is; debt: all, and what was spent already is owed: later coins pay it first."
)


class BookRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`expiry`: coins never expire; each credit by itself, `expire_after` days or months after it was given; or all of
    a wallet, so long after it moved for the last time, yet not before that long after the rule was made (`idle_since`).

    `claw_back`, when an order is refunded: only what is pending is taken back; as much as there is; or all, what was
    spent already becoming a debt. A hold lasts `hold_minutes` unless its caller says. Coins that come back from a hold,
    or from a refunded purchase, and have expired meanwhile can be spent for so many days of grace.
    """

    expiry: Annotated[Expiry, _EXPIRY] = "never"
    expire_after: Annotated[int, Meta(ge=1, le=limits.EXPIRE_AFTER_MAX, examples=[12])] = 12
    expire_unit: Unit = "months"
    idle_since: Annotated[datetime | None, INSIDE] = None
    claw_back: Annotated[ClawBack, _CLAW_BACK] = "debt"
    hold_minutes: Annotated[int, Meta(ge=1, le=limits.HOLD_DAYS_MAX * 24 * 60)] = 60
    hold_grace_days: Days = 0
    give_back_grace_days: Days = 0


NO_RULES = BookRules()


def book_rules(settings: dict[str, Any]) -> BookRules:
    said = settings.get("book")
    return msgspec.convert(said, BookRules) if said else NO_RULES


def dated(before: dict[str, Any], after: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The settings `after` a change, checked. The time without a movement begins anew for everybody when it is brought
    in, or changed: nobody loses coins to a rule they could not know. Raises Invalid naming the field."""
    said = {name: value for name, value in (after.get("book") or {}).items() if name != "idle_since"}
    faults = Faults()
    note_unfit(faults, BookRules, said, "settings.book.")
    faults.check()
    new, old = msgspec.convert(said, BookRules), book_rules(before)
    same = (new.expiry, new.expire_after, new.expire_unit) == (old.expiry, old.expire_after, old.expire_unit)
    since = old.idle_since if same else now
    new = msgspec.structs.replace(new, idle_since=since if new.expiry == "inactivity" else None)
    return {**after, "book": msgspec.to_builtins(new)}
