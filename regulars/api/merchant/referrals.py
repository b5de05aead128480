"""Friends who claim a customer's code or are invited by one, and the referrals of a customer."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from regulars import referrals
from regulars.api.examples import ID
from regulars.api.merchant.api import merchant
from regulars.api.merchant.leads import Metadetail, proven_by
from regulars.api.merchant.lists import Listing, NumberedPage
from regulars.api.operations import Call, NoQuery
from regulars.api.proofs import ProofOfAnother
from regulars.customers.reported import Name
from regulars.dashboard import attempts
from regulars.kit import One, Reading, Tx, copied, invalid, showing
from regulars.referrals import Friend, Referral

FRIEND = Meta(examples=[{"email": "ravi@example.com", "mobile": "919811111111", "country": "ind"}])


class NewReferral(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`metadetail` names the friend's e-mail address, or a mobile number with its country."""

    referred_by_referral_code: Annotated[str, Meta(max_length=40, examples=["2nfcdqo46x"])]
    metadetail: Annotated[Metadetail, FRIEND]
    name: Name = ""


@showing(
    "_id=id referral_mode=mode referred_by_lead_id=referrer_id referred_to_lead_id=friend_id referred_to_name=name"
    " referred_to_coupon_id=friend_coupon_id coupon_id wallettransaction_id=txn_id order_id status=state entity_id"
    " created_at updated_at",
    Referral,
    worded=True,
)
class ReferralItem(msgspec.Struct):
    """`coupon_id` is the referrer's reward, if it is a coupon, and `wallettransaction_id` if it is coins."""

    entity_id: UUID


class OfLeads(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    referred_by_lead_id: Annotated[UUID, Meta(examples=[ID])] | None = None
    referred_to_lead_id: UUID | None = None


class ReferralQuery(NumberedPage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    referred_by_lead_id: Annotated[UUID, Meta(examples=[ID])] | None = None
    referred_to_lead_id: UUID | None = None
    id: UUID | None = None


def _item(one: Referral, entity_id: UUID) -> ReferralItem:
    return copied(ReferralItem, one, entity_id=entity_id)


def _routes(mode: Literal["email", "mobile"], words: str) -> None:
    def friend_of(body: NewReferral) -> Friend:
        """Raises Invalid where what the route is named after is not said."""
        details, how = body.metadetail, getattr(body.metadetail, mode)
        if not how:
            raise invalid(f"metadetail.{mode}", f"the friend's {words}")
        who: dict[str, Any] = {"name": body.name, "country": details.country, mode: how}
        return Friend(referral_code=body.referred_by_referral_code, mode=mode, **who)

    async def claim(call: Call[NoQuery, NewReferral], tx: Tx) -> One[ReferralItem]:
        """A friend claims the code, and is issued their coupon. Claimed again, it is the same referral. With a
        STOREFRONT key so many can be claimed from one address as on the page."""
        friend = friend_of(call.body)
        if call.caller.key.purpose == "STOREFRONT":
            friend = replace(friend, address=attempts.hidden_address(call.app, call.request))
        claimed = await referrals.claim(tx, call.workspace, friend, call.now)
        return One(_item(claimed.referral, call.workspace_id))

    async def invite(call: Call[NoQuery, NewReferral], tx: Tx) -> One[ReferralItem]:
        """`refereenotify_create` tells the friend where to claim the coupon. With a STOREFRONT key the call carries the
        token of the customer who invites."""
        proven, friend = proven_by(call), friend_of(call.body)
        referrer = await referrals.referrer_of(tx, call.workspace, friend.referral_code, mode)
        if proven not in (None, referrer.id):
            raise ProofOfAnother
        return One(_item(await referrals.invite(tx, call.workspace, friend, call.now), call.workspace_id))

    more: Any
    for act, path, title, more in (
        (claim, "referral", f"Claim a referral code by {words}", {"counted": attempts.count_claim}),
        (invite, "invite", f"Invite a friend by {words}", {"headers": ("x-leadtoken",)}),
    ):
        act.__name__ = f"{act.__name__}_by_{mode}"
        merchant.post(f"/leads-{path}-via-{mode}", title, tag="Referrals", access="READ", **more)(act)


_routes("email", "e-mail address")
_routes("mobile", "mobile number")
of = Listing("/referrals", ReferralItem, tag="Referrals", leads=("referred_by_lead_id", "referred_to_lead_id"))


@of.list("A customer's referrals")
async def list_referrals(call: Call[ReferralQuery, None], tx: Reading) -> tuple[list[ReferralItem], int]:
    """Of those whom they referred; or with `referred_to_lead_id` alone the one by which they came."""
    query, id = call.query, call.workspace_id
    if query.referred_by_lead_id:
        found, count = await referrals.numbered_page(tx, id, query.referred_by_lead_id, **query.numbers)
    else:
        found = await referrals.referrals(tx, id, friend_id=query.referred_to_lead_id, limit=1)
        count = len(found)
    return [_item(one, id) for one in found], count


@of.read("One referral")
async def find_referral(call: Call[OfLeads, None], tx: Reading, id: UUID) -> ReferralItem:
    return _item(await referrals.find_referral(tx, call.workspace_id, id), call.workspace_id)
