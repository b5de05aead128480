"""Events about a customer: created, changed, or moved to another VIP tier."""

from typing import Annotated

from regulars.events.catalogue.common import BusinessId, Common, Flag, Number, says


class Lead(Common, frozen=True, kw_only=True, gc=False):
    """A customer was created (on the wire a customer is a lead)."""

    entity_id: BusinessId
    referral_code: Annotated[str, says("The customer's own referral code.", "2nfcdqo46x")]
    customer_id: Annotated[str, says("The customer's id on the shop's platform.", "shopify-7029064106277")]
    referred_by_referral_code: Annotated[str, says("Referral code of who referred the customer.", "")]
    name: Annotated[str, says("The customer's name.", "Asha Rao")]
    available: Annotated[Number, says("The customer's coins, ready to be spent.", 0)]
    tier: Annotated[str, says("The customer's VIP tier.", "")]
    transaction_amount: Annotated[Number, says("Total amount of the customer's orders; '' before the first.", "")]
    last_transaction: Annotated[str, says("Time of the customer's newest order; '' before the first.", "")]
    accept_email: Annotated[Flag, says("Whether the customer agrees to be e-mailed.", True)]
    accept_mobile: Annotated[Flag, says("Whether the customer agrees to messages on their mobile.", True)]
    accept_smartdiscountapply: Annotated[
        Flag, says("Whether discounts are applied for the customer by themselves.", "")
    ]
    dob: Annotated[str, says("The customer's birthday, DD-MM.", "")]
    full_dob: Annotated[str, says("The customer's date of birth, DD-MM-YYYY.", "")]
    mid: Annotated[str, says("SHA-256 of the mobile number's digits.", "")]
    mobile: Annotated[str, says("The customer's mobile number.", "")]
    country: Annotated[str, says("The customer's country, three lower-case letters.", "")]
    eid: Annotated[
        str,
        says(
            "SHA-256 of the trimmed, lower-case e-mail address.",
            "ea4e36a829983d27e865b649cd10fcb61f2f1bcd857b47ab709e7adbe941ab68",
        ),
    ]
    email: Annotated[str, says("The customer's e-mail address.", "asha@example.com")]
    email_status: Annotated[str, says("Whether the e-mail address has been confirmed.", "pending")]
    is_freezed: Annotated[Flag, says("Whether the customer is kept from earning and spending.", "")]
    created_at: Annotated[str, says("When the customer was created.", "2023-05-26T07:44:03.862Z")]
    updated_at: Annotated[str, says("When the customer was last changed.", "2023-05-26T07:44:03.862Z")]
    lead_id: Annotated[str, says("Id of the customer here.", "19c794f5-5ba6-4bf9-b30b-8666ae71d324")]


class LeadUpdate(Lead, frozen=True, kw_only=True, gc=False):
    """A customer was changed."""

    changed_properties: Annotated[
        list[str], says("Names of the properties that have another value than before.", ["mobile", "country"])
    ]


class TierEnds(Common, frozen=True, kw_only=True, gc=False):
    """A customer does not qualify any more for the VIP tier they are in, whose term ends soon."""

    entity_id: BusinessId
    lead_id: Annotated[str, says("Id of the customer here.", "d3a2cf6b-b1bb-4aa7-9984-e52de1d34c9f")]
    tier: Annotated[str, says("The tier the customer is in.", "silver")]
    formatted_tier: Annotated[str, says("The same, written for people.", "Silver")]
    ends_at: Annotated[str, says("When the term ends.", "2024-01-23T13:25:14.323Z")]
    formatted_ends_at: Annotated[
        str, says("The same for people, in the shop's time zone.", "January 23rd 2024, 6:55:14 pm")
    ]
    created_at: Annotated[str, says("When this was found out.", "2024-01-09T13:25:14.323Z")]
    updated_at: Annotated[str, says("When this was last changed.", "2024-01-09T13:25:14.323Z")]


class VipTier(Common, frozen=True, kw_only=True, gc=False):
    """A customer moved to another VIP tier."""

    entity_id: BusinessId
    lead_id: Annotated[str, says("Id of the customer here.", "d3a2cf6b-b1bb-4aa7-9984-e52de1d34c9f")]
    tier: Annotated[str, says("The tier the customer is in now.", "silver")]
    formatted_tier: Annotated[str, says("The same, written for people.", "Silver")]
    direction: Annotated[str, says("up or down: whether the tier is a better one than before.", "up", "down")]
    created_at: Annotated[str, says("When the tier changed.", "2024-01-09T13:25:14.323Z")]
    updated_at: Annotated[str, says("When this was last changed.", "2024-01-09T13:27:50.896Z")]
    viptier_id: Annotated[str, says("Id of the change.", "2c1aceb6-7ec7-4246-89d0-25775afcd649")]
