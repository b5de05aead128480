"""The log when customers are merged or erased: what happened stays, and whom it is about changes."""

from collections.abc import Sequence
from uuid import UUID

from regulars.kit import Queries, Tx

_sql = Queries(__file__)

PERSONAL = (
    *("user_customer_id", "user_name", "user_email", "user_mobile", "user_referral_code", "user_referral_coupon_code"),
    *("user_referral_link", "user_new_referral_link", "user_dob", "user_full_dob", "customer_id", "name", "email"),
    *("mobile", "eid", "mid", "dob", "full_dob", "referral_code", "referred_by_referral_code", "referred_by_name"),
    *("referred_by_eid", "referred_by_mid", "referred_to_name", "referred_to_eid", "referred_to_mid"),
    *(
        "claim_link",
        "meta__lead_name",
        "meta__redirect_link",
        "redirect_link",
        "reference_cart_token",
        "order_review_link",
    ),
)
"""The properties that say who a customer is, or lead there."""


async def move(tx: Tx, workspace_id: UUID, from_id: UUID, into_id: UUID) -> None:
    """The events about one customer are another's; their bodies say what was true then."""
    await tx.execute(_sql.move_customer, workspace_id, from_id, into_id)


async def forget(tx: Tx, workspace_id: UUID, customer_ids: Sequence[UUID]) -> list[UUID]:
    """Empty what events about these customers say of them; no reader is told of what was not read yet. Their ids."""
    rows = await tx.fetch(_sql.forget_bodies, workspace_id, customer_ids, PERSONAL)
    ids = [row["id"] for row in rows]
    await tx.execute(_sql.forget_pending, workspace_id, ids)
    return ids


async def forget_beside(tx: Tx, workspace_id: UUID, others: Sequence[UUID], customer_ids: Sequence[UUID]) -> list[UUID]:
    """Empty what events about others say of these customers, whom they referred or were referred by. Their ids."""
    named = [str(id) for id in customer_ids]
    rows = await tx.fetch(_sql.forget_beside, workspace_id, others, named, _OF_TWO) if others else []
    return [row["id"] for row in rows]


_OF_TWO = ("refereenotify_create", "referrernotify_create", "incompletereferralrequest_create")
