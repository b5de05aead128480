"""Events about a customer who refers a friend."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from regulars.events.catalogue.common import BusinessId, Common, Number, says


class Referral(Common, frozen=True, kw_only=True, gc=False):
    """A referral got so far that one of the two is told, or has waited for its first order.

    The `wallettransaction_*` properties stand on the event only when the referrer's reward is coins, the `coupon_*`
    properties (beside `coupon_id`) only when it is a coupon; otherwise they are left out, not ''.
    """

    entity_id: BusinessId
    coupon_id: Annotated[str, says("Id of the coupon that is the reward.", "")]
    wallettransaction_id: Annotated[str, says("Id of the wallet transaction that is the reward.", "")]
    order_id: Annotated[str, says("Id of the friend's order here.", "d3a2cf6b-b1bb-4aa7-9984-e52de1d34c9f")]
    referral_mode: Annotated[str, says("How the friend was referred.", "link")]
    referred_by_name: Annotated[str, says("Name of who referred.", "Asha Rao")]
    referred_by_lead_id: Annotated[str, says("Id of who referred.", "d273a765-3bfa-424e-bfd1-69ebccf69b2c")]
    referred_by_eid: Annotated[
        str, says("Their e-mail address as an eid.", "ea4e36a829983d27e865b649cd10fcb61f2f1bcd857b47ab709e7adbe941ab68")
    ]
    referred_by_mid: Annotated[
        str, says("Their mobile number as a mid.", "ba68488520b137878f5a6925ea88b8c367dc27f52ed6c40d17dc8d1072cb0ec3")
    ]
    referred_to_name: Annotated[str, says("Name of the friend.", "Ravi Rao")]
    referred_to_lead_id: Annotated[str, says("Id of the friend.", "8a9cc08a-38e0-42c7-8b0b-f7cd65f9c01a")]
    referred_to_eid: Annotated[
        str,
        says(
            "The friend's e-mail address as an eid.", "7e6a686fa8600f546d02e7425f6a8a597c90b6df6d7191205ba9266af2215da0"
        ),
    ]
    referred_to_mid: Annotated[
        str,
        says(
            "The friend's mobile number as a mid.", "c28d821b2454d8be4deb4350d8f2105983bff5d10b8318e4cd20cfdcd711d0bc"
        ),
    ]
    meta__referred_by_coupon_id: Annotated[
        str, says("Id of the referrer's coupon.", "30cc65df-fdb9-4e25-b6a4-63f82454d457")
    ]
    meta__referred_to_coupon_id: Annotated[
        str, says("Id of the friend's coupon.", "35e55f4b-3d8f-463b-ac14-9c8a4dc22424")
    ]
    meta__incompletereferralrequest_count: Annotated[Number, says("How often the friend was reminded.", 0)]
    meta__incompletereferralrequest_sentat: Annotated[str, says("When the friend was last reminded.", "")]
    meta__referred_by_wallettransaction_id: Annotated[str, says("Id of the referrer's wallet transaction.", "")]
    meta__referred_to_wallettransaction_id: Annotated[str, says("Id of the friend's wallet transaction.", "")]
    status: Annotated[str, says("State of the referral.", "completed")]
    created_at: Annotated[str, says("When the friend was referred.", "2024-01-09T13:25:14.323Z")]
    updated_at: Annotated[str, says("When the referral last changed.", "2024-01-09T13:27:50.896Z")]
    version: Annotated[Number, says("Version of the referral; it grows with each change.", 2)]
    wallettransaction_title: Annotated[str | UnsetType, says("Title of the rewarded coins.", "Referral Reward")] = UNSET
    wallettransaction_description: Annotated[str | UnsetType, says("The same at length.", "")] = UNSET
    wallettransaction_amount: Annotated[Number | UnsetType, says("Coins rewarded.", 500)] = UNSET
    wallettransaction_closing_balance: Annotated[
        Number | UnsetType, says("Coins in the wallet after the reward.", 31546)
    ] = UNSET
    coupon_name: Annotated[str | UnsetType, says("Name of the coupon.", "₹200 Off coupon")] = UNSET
    coupon_description: Annotated[str | UnsetType, says("Its terms in words.", "No minimum cart amount required")] = (
        UNSET
    )
    coupon_value: Annotated[str | UnsetType, says("The code to be entered at the checkout.", "necpri8a5hzqlomidas")] = (
        UNSET
    )
    coupon_fiat_value: Annotated[Number | UnsetType, says("What the coupon takes off.", 200)] = UNSET
    coupon_fiat_target: Annotated[str | UnsetType, says("What it is taken off from.", "cart")] = UNSET
    coupon_fiat_class: Annotated[
        str | UnsetType, says("Whether coupon_fiat_value is a percentage or an amount.", "amount", "percent")
    ] = UNSET
    coupon_minimumcart_amount: Annotated[
        Number | UnsetType, says("The least a cart must amount to; '' when any will do.", "")
    ] = UNSET
    coupon_formatted_expire: Annotated[
        str | UnsetType,
        says("When the coupon expires, for people, in the shop's time zone.", "January 24th 2024, 1:27:50 pm"),
    ] = UNSET
    coupon_expire: Annotated[str | UnsetType, says("When the coupon expires.", "2024-01-24T13:27:50.397Z")] = UNSET
    coupon_redirect_link: Annotated[
        str | UnsetType,
        says("The link that applies the coupon.", "https://corner.example/discount/necpri8a5hzqlomidas"),
    ] = UNSET
    referral_id: Annotated[str, says("Id of the referral.", "2c1aceb6-7ec7-4246-89d0-25775afcd649")]
    claim_link: Annotated[
        str, says("Where the friend claims the discount.", "https://loyalty.example/r/2nfcdqo46x", "")
    ]
