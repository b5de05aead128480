"""Referrals, and what is decided of those that are suspicious."""

from collections.abc import Awaitable, Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import customers, limits, referrals
from regulars.api.management.api import Call, DatedQuery, NoQuery, Resource, management
from regulars.api.management.items import Whose, named
from regulars.kit import Reading, Tx, copied, showing
from regulars.referrals import Funnel, Referral, Review, State


@showing(
    "id referrer friend mode state review verdicts reason actor name email mobile order_id friend_coupon_id coupon_id"
    " transaction_id=txn_id reminded claimed_at qualified_at due_at completed_at created_at updated_at",
    Referral,
)
class ReferralItem(msgspec.Struct, frozen=True, kw_only=True):
    """`friend` is the customer who was brought along; `name`, `email` and `mobile` what they said of themselves.
    `verdicts` are what was seen that is suspicious, by sign; with `review` `waiting` nobody gets anything before
    somebody approves. `order_id` is the order that qualified it, `due_at` when that can't be given back any more. Of
    `coupon_id` and `transaction_id` one is the referrer's reward."""

    referrer: Whose
    friend: Whose | None


class ReferralQuery(DatedQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    state: State | None = None
    review: Review | None = None
    referrer_id: Annotated[UUID, Meta(description="The customer who referred.")] | None = None
    friend_id: Annotated[UUID, Meta(description="The customer who was referred.")] | None = None


class Rejection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(max_length=limits.TITLE_CHARS_MAX, examples=["The same household"])] = ""


async def referral_items(tx: Reading, workspace_id: UUID, found: Sequence[Referral]) -> list[ReferralItem]:
    people = await customers.by_ids(tx, workspace_id, sorted({id for one in found for id in one.two}))
    who = {id: named(person) for id, person in people.items()}
    return [
        copied(ReferralItem, one, referrer=who[one.referrer_id], friend=one.friend_id and who[one.friend_id])
        for one in found
    ]


def _said(call: Call[Any, Any], tx: Reading, found: Sequence[Referral]) -> Awaitable[list[ReferralItem]]:
    return referral_items(tx, call.workspace_id, found)


_WAITING = "Newest first. `review=waiting` are those that somebody has to look at."
of = Resource(management, "/referrals", ReferralItem, tag="Referrals", one="referral", says=_said)
of.page("Referrals", referrals.referrals, ReferralQuery, _WAITING)


@management.get("/referrals/funnel", "How many referrals stand where", tag="Referrals")
async def read_funnel(call: Call[NoQuery, None], tx: Reading) -> Funnel:
    return await referrals.funnel(tx, call.workspace_id)


of.each(referrals.find_referral)


_GOES_ON = "It goes on from where it stopped: the friend's coupon is issued, or the reward given when it is due."
of.press("approve", "Approve a suspicious referral", referrals.approve, _GOES_ON, signed=True)


@of.do("reject", "Reject a referral", about=("reason",))
def reject_referral(call: Call[NoQuery, Rejection], tx: Tx) -> Awaitable[Referral]:
    """Nobody gets anything by it. Of one that is complete both rewards are taken back, as far as that goes."""
    said = {"reason": call.body.reason, "actor": call.caller.actor}
    return referrals.reject(tx, call.workspace, call.path_id(), call.now, **said)
