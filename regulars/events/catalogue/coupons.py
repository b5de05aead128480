"""Events about coupons: issued, changed, or issued and not used."""

from typing import Annotated

from regulars.events.catalogue.common import BusinessId, Common, Number, says

COUPON_STATUSES = ("issued", "redeemed", "expired", "cancelled")


class Coupon(Common, frozen=True, kw_only=True, gc=False):
    """A coupon was issued to a customer, changed, or lies unused."""

    entity_id: BusinessId
    lead_id: Annotated[str, says("Id of the customer here.", "19c794f5-5ba6-4bf9-b30b-8666ae71d324")]
    activity_id: Annotated[str, says("Id of the trigger's firing that led to it.", "")]
    offer_id: Annotated[str, says("Id of the offer it was issued from.", "d652a88e-2317-40ea-8369-9fe8463a7d3d")]
    reference_coupon_id: Annotated[str, says("The coupon's id on the shop's platform.", "40ea40ea::40ea40ea")]
    reference_coupon_source: Annotated[str, says("The platform it can be used on.", "shopify")]
    name: Annotated[str, says("Name of the coupon.", "2% Off coupon")]
    description: Annotated[str, says("Its terms in words.", "Minimum cart amount of ₹499")]
    type: Annotated[str, says("How it came to be issued.", "manual_redeem")]
    value: Annotated[str, says("The code to be entered at the checkout.", "TWOOFFVERYGOOD")]
    fiat_class: Annotated[str, says("Whether fiat_value is a percentage or an amount.", "percent", "amount")]
    fiat_value: Annotated[Number, says("What it takes off.", 2)]
    fiat_target: Annotated[str, says("What it is taken off from.", "cart")]
    minimumcart_amount: Annotated[Number, says("The least a cart must amount to; '' when any will do.", 499)]
    meta__lead_name: Annotated[str, says("The customer's name.", "Asha Rao")]
    status: Annotated[str, says("State of the coupon.", "issued")]
    redirect_link: Annotated[
        str, says("The link that applies the coupon.", "https://corner.example/discount/TWOOFFVERYGOOD")
    ]
    expire: Annotated[str, says("When the coupon expires; '' when it does not.", "2023-06-02T06:40:33.470Z")]
    formatted_expire: Annotated[str, says("The same for people, in the shop's time zone.", "June 2nd 2023, 6:40:33 am")]
    updated_at: Annotated[str, says("When the coupon was last changed.", "2023-05-18T06:40:34.898Z")]
    created_at: Annotated[str, says("When the coupon was issued.", "2023-05-18T06:40:33.472Z")]
    coupon_id: Annotated[str, says("Id of the coupon here.", "9b7e2c1a-57d4-4f0e-8a63-1d2f3b4c5e6f")]
