"""How long coins last, how they are taken back when an order is, and how long they are held."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post

from regulars import limits
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.kit.errors import Refusal
from regulars.wiring import change_shop

EXPIRY = {
    "never": ("They never expire", ""),
    "per_lot": ("Each by itself", "So long after they were given. What expires first is spent first."),
    "inactivity": (
        "When a customer was away for long",
        "All that somebody has, so long after they last got or spent some. It begins for everybody when you save this.",
    ),
}
UNITS = {"days": "days", "months": "months"}
CLAW_BACK = {
    "debt": ("All of it", "What is spent already is owed: what they earn later pays it first."),
    "balance": ("As much as they have", "What is spent already stays with them."),
    "pending": ("Only what they can't spend yet", "What became theirs to spend stays with them."),
}
_DAYS = ("hold_grace_days", "give_back_grace_days")


@get("/settings/coins")
async def shown(desk: Handed) -> Response[str]:
    return _page(desk, desk.blank(**msgspec.structs.asdict(desk.workspace.book)))


@post("/settings/coins")
async def change(desk: Handed) -> Response[str]:
    form = await desk.form()
    try:
        rules: dict[str, Any] = {
            "expiry": form.choice("expiry", {key: words for key, (words, _) in EXPIRY.items()}),
            "expire_after": form.whole("expire_after", least=1),
            "expire_unit": form.choice("expire_unit", UNITS),
            "claw_back": form.choice("claw_back", {key: words for key, (words, _) in CLAW_BACK.items()}),
            "hold_minutes": form.whole("hold_minutes", least=1),
            **{name: form.whole(name) for name in _DAYS},
        }
        most = {"expire_after": limits.EXPIRE_AFTER_MAX, "hold_minutes": limits.HOLD_DAYS_MAX * 24 * 60}
        for name, limit in (most | dict.fromkeys(_DAYS, limits.GRACE_DAYS_MAX)).items():
            if rules[name] > limit:
                form.faults.add(name, f"at most {limit:,}")
        form.faults.check()
        changes = {"settings": {"book": rules}}
        async with desk.changing("workspace.update", desk.id, **changes) as tx:
            await change_shop(tx, desk.workspace, changes, desk.now)
    except Refusal as refusal:
        return _page(desk, form.refused(refusal), 422)
    return desk.see("/settings/coins", "Saved.")


def _page(desk: Desk, form: Form, status: int = 200) -> Response[str]:
    return desk.page(
        "pages/coin_rules.html",
        status=status,
        form=form,
        expiry=[(key, *words) for key, words in EXPIRY.items()],
        units=list(UNITS.items()),
        claw_back=[(key, *words) for key, words in CLAW_BACK.items()],
    )


HANDLERS = [shown, change]
