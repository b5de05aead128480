"""The merchant API itself, for its operations to declare themselves on."""

from regulars.api.operations import Api

merchant = Api(
    "merchant",
    "/api/v2/merchant",
    "envelope",
    "Merchant API",
    dict.fromkeys(
        ("Activities", "Leads", "Wallet transactions", "Coupons", "Triggers", "Referrals", "Reviews", "Storefront")
    ),
)
