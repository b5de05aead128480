"""What a platform said of a coupon's discount, and what becomes of both."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec

from regulars import ledger, limits, schedule
from regulars.kit import Tx
from regulars.ledger import HoldEnded
from regulars.rewards import store
from regulars.rewards.cancelling import end
from regulars.rewards.discounting import DISCOUNT, Came, due_there, end_holds, is_held
from regulars.rewards.model import Coupon, Discounted
from regulars.rewards.wire import Told, tell
from regulars.schedule import Due
from regulars.tenancy import Workspace


async def discount_told(
    tx: Tx, workspace: Workspace, id: UUID, wanted: Discounted, came: Came, tries: int, now: datetime
) -> Coupon:
    """Keep it; the coupon as it is then. Told twice, by a door and by a worker, it comes to the same."""
    (coupon,) = await store.lock_coupons(tx, workspace.id, [id])
    row = await schedule.find(tx, workspace.id, DISCOUNT, str(id))
    led = {name: value for name, value in (row.payload if row else {}).items() if name != "tries"}
    if coupon.discount != wanted:
        if wanted == "removing" or coupon.discount not in ("removing", "gone"):
            return coupon
        # It ended meanwhile, and what we asked for may have come after it was looked for to be taken away.
        return await _keep(tx, workspace, coupon, "removing", now + timedelta(seconds=limits.DISCOUNT_LATE_S))
    if came.how == "done":
        try:
            await end_holds(tx, workspace, [coupon], now, ledger.capture)
        except HoldEnded as over:
            # Nobody looked after it for so long that its coins are back.
            came = Came("unclear", over.message)
        else:
            coupon = await _keep(tx, workspace, coupon, "gone" if wanted == "removing" else "made")
            if wanted == "making":
                # Whoever is told of a coupon may send its code on: it works from now on.
                terms = (await store.terms_of(tx, workspace.id, [coupon]))[coupon.offer_id, coupon.offer_version]
                cause = UUID(led["cause_id"]) if led.get("cause_id") else None
                await tell(tx, workspace, "coupon_create", [Told(coupon, terms, cause, led.get("depth", 0))], now)
            return coupon
    late = coupon.updated_at + timedelta(seconds=limits.DISCOUNT_TRIES_S) <= now
    # Without coins nobody waits for it at the till: a shop has its time to give another key.
    given_up = came.how == "refused" or (is_held(coupon) and (late or came.how == "closed"))
    if given_up and coupon.status == "issued":
        # What was asked before, and is not clear, may be there.
        gone: Discounted = "removing" if came.how == "unclear" or coupon.discount_said else "failed"
        ended = msgspec.structs.replace(coupon, status="cancelled", discount_said=came.words)
        (coupon,) = await end(tx, workspace, [ended], "Coupon cancelled", "coins_back_when_cancelled", now, "", gone)
        await schedule.drop(tx, workspace.id, DISCOUNT, [str(id)] if gone == "failed" else [])
        return coupon
    after_s = max(came.wait_s, min(limits.DISCOUNT_AGAIN_S * 2 ** min(tries, 20), limits.DISCOUNT_AGAIN_MAX_S))
    coupon = msgspec.structs.replace(coupon, discount_said=came.words)
    aside = late or came.how == "refused"
    again_at = now if aside else now + timedelta(seconds=after_s)
    coupon = await _keep(tx, workspace, coupon, wanted, again_at, tries + 1, led)
    if aside:
        await schedule.set_aside(tx, workspace.id, Due(DISCOUNT, str(id), again_at), came.words, now)
    return coupon


async def _keep(
    tx: Tx,
    workspace: Workspace,
    coupon: Coupon,
    to: Discounted,
    again_at: datetime | None = None,
    tries: int = 0,
    led: Mapping[str, Any] = MappingProxyType({}),
) -> Coupon:
    """No change of the coupon itself: since when it stands as it does goes by `updated_at`."""
    coupon = msgspec.structs.replace(coupon, discount=to, discount_said="" if to == "made" else coupon.discount_said)
    await store.set_coupons(tx, workspace.id, [coupon], coupon.updated_at)
    if again_at:
        await schedule.put(tx, workspace.id, [due_there(coupon, again_at, tries, **led)])
    else:
        await schedule.drop(tx, workspace.id, DISCOUNT, [str(coupon.id)])
    return coupon
