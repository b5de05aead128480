"""Somebody looks at what is suspicious, and decides."""

from datetime import datetime
from uuid import UUID

import msgspec

from regulars import schedule
from regulars.kit import NotFound, Tx
from regulars.referrals import store
from regulars.referrals.claiming import welcome
from regulars.referrals.errors import NotDecidable
from regulars.referrals.model import Referral
from regulars.referrals.settling import SETTLE, due, take_back
from regulars.referrals.wire import Told, tell
from regulars.tenancy import Workspace


async def approve(tx: Tx, workspace: Workspace, id: UUID, now: datetime, *, actor: str) -> Referral:
    """It goes on from where it stopped, and is not asked about again. Raises NotFound, NotDecidable, and what refuses
    the friend's coupon."""
    one = await _locked(tx, workspace, id)
    if one.review == "approved":
        return one
    if one.review != "waiting":
        raise NotDecidable("This referral does not wait to be looked at.")
    one = one.became(review="approved", actor=actor)
    if one.state == "claimed" and not one.friend_coupon_id:
        one, issued = await welcome(tx, workspace, one, now)
        if issued:
            await tell(tx, workspace, "refereenotify_create", [Told(one, coupon=issued)], now)
    if one.state in ("qualified", "pending"):
        await schedule.put(tx, workspace.id, [due(one, max(now, one.due_at or now))])
    store.save(tx, workspace.id, [one], now)
    return one


async def reject(tx: Tx, workspace: Workspace, id: UUID, now: datetime, *, reason: str, actor: str) -> Referral:
    """Nobody gets anything by it; of one that is complete the rewards are taken back, as far as that goes. Raises
    NotFound, NotDecidable of one that has ended otherwise."""
    one = await _locked(tx, workspace, id)
    if one.state in ("rejected", "reversed"):
        raise NotDecidable(f"This referral is {one.state} already.")
    said = {"review": "rejected", "reason": reason or "Rejected by hand", "actor": actor}
    await schedule.drop(tx, workspace.id, SETTLE, [str(one.id)])
    (back,) = await take_back(tx, workspace, [one], said["reason"], now, actor=actor)
    state = "reversed" if one.state == "completed" else "rejected"
    ended: Referral = msgspec.structs.replace(back, state=state, **said)
    store.save(tx, workspace.id, [ended], now)
    return ended


async def _locked(tx: Tx, workspace: Workspace, id: UUID) -> Referral:
    found = await store.lock(tx, workspace.id, [id])
    if not found:
        raise NotFound("This referral does not exist.")
    return found[0]
