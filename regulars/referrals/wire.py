"""From a referral to the words of its events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from regulars import customers, events, ledger, rewards
from regulars.customers import Customer
from regulars.events import Business
from regulars.kit import Tx, wire_time
from regulars.ledger import Txn
from regulars.referrals.model import Referral
from regulars.rewards import Issued
from regulars.tenancy import Workspace

Topic = Literal["refereenotify_create", "referrernotify_create", "incompletereferralrequest_create"]
_OF_COUPON = (
    *("name", "description", "value", "fiat_value", "fiat_target", "fiat_class", "minimumcart_amount"),
    *("formatted_expire", "expire", "redirect_link"),
)
_OF_TXN = ("title", "description", "amount", "closing_balance")


class Told(msgspec.Struct, frozen=True, gc=False):
    """A referral as it is now, and the reward that is told of."""

    referral: Referral
    coupon: Issued | None = None
    txn: Txn | None = None


def properties(
    business: Business, workspace: Workspace, told: Told, referrer: Customer, friend: Customer | None, coins: int
) -> dict[str, Any]:
    """What events say of a referral beside what they say of their customer, who then has so many `coins`."""
    one = told.referral
    said: dict[str, Any] = {
        "entity_id": business.entity_id,
        "coupon_id": str(told.coupon.coupon.id) if told.coupon else "",
        "wallettransaction_id": str(told.txn.id) if told.txn else "",
        "order_id": str(one.order_id or ""),
        "referral_mode": one.mode,
        "referred_by_name": referrer.name,
        "referred_by_lead_id": str(referrer.id),
        "referred_by_eid": events.eid(referrer.email),
        "referred_by_mid": events.mid(referrer.phone or referrer.mobile),
        "referred_to_name": (friend.name if friend else "") or one.name,
        "referred_to_lead_id": str(one.friend_id or ""),
        "referred_to_eid": events.eid((friend.email if friend else "") or one.email),
        "referred_to_mid": events.mid((friend.phone or friend.mobile if friend else "") or one.phone),
        "meta__referred_by_coupon_id": str(one.coupon_id or ""),
        "meta__referred_to_coupon_id": str(one.friend_coupon_id or ""),
        "meta__incompletereferralrequest_count": one.reminded,
        "meta__incompletereferralrequest_sentat": wire_time(one.reminded_at) if one.reminded_at else "",
        "meta__referred_by_wallettransaction_id": str(one.txn_id or ""),
        "meta__referred_to_wallettransaction_id": "",
        "status": one.state,
        "created_at": wire_time(one.created_at),
        "updated_at": wire_time(one.updated_at),
        "version": one.version,
        "referral_id": str(one.id),
        "claim_link": events.referral_link(business, referrer.referral_code),
    }
    if told.txn:
        of_txn = ledger.properties(business, referrer, told.txn, coins)
        said |= {f"wallettransaction_{name}": of_txn[name] for name in _OF_TXN}
    if told.coupon:
        of = told.coupon
        of_coupon = rewards.properties(business, workspace, friend or referrer, of.coupon, of.terms, coins)
        said |= {f"coupon_{name}": of_coupon[name] for name in _OF_COUPON}
    return said


async def tell(tx: Tx, workspace: Workspace, topic: Topic, told: Sequence[Told], now: datetime) -> None:
    """The referrer is told of their reward, the friend of all else."""
    of = [one for one in told if topic == "referrernotify_create" or one.referral.friend_id]
    ids = sorted({id for one in of for id in one.referral.two})
    if not ids:
        return
    people = await customers.by_ids(tx, workspace.id, ids)
    coins = await ledger.available(tx, workspace, ids, now)
    business, new = events.business(workspace), []
    for one in of:
        referral = msgspec.structs.replace(one.referral, updated_at=now)
        referrer = people[referral.referrer_id]
        friend = people.get(referral.friend_id) if referral.friend_id else None
        whom = referrer if topic == "referrernotify_create" or friend is None else friend
        about = msgspec.structs.replace(one, referral=referral)
        said = events.common(business, whom, coins[whom.id])
        said |= properties(business, workspace, about, referrer, friend, coins[whom.id])
        new.append(events.told(topic, whom.id, said, now, order_id=referral.order_id))
    await events.append(tx, workspace.id, new, now)
