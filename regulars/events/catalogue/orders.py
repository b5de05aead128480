"""Events about orders, and the request to review one."""

from typing import Annotated

from regulars.events.catalogue.common import BusinessId, Common, Flag, Number, listed, says

ORDER_STATUSES = ("pending", "completed", "cancelled")
FINANCIAL_STATUSES = ("pending", "authorized", "paid", "partially_refunded", "refunded", "voided")
DELIVERY_STATUSES = ("pending", "partial", "fulfilled", "returned")


class OrderFacts(Common, frozen=True, kw_only=True, gc=False):
    """What an order's events share; their last properties differ."""

    entity_id: BusinessId
    lead_id: Annotated[str, says("Id of the customer here.", "8decb740-15ce-46e9-88c7-60455b8c9340")]
    reference_order_name: Annotated[str, says("The order's name as people know it.", "#1028")]
    reference_order_id: Annotated[str, says("The order's id on the shop's platform.", "5372084388133")]
    reference_order_source: Annotated[str, says("The platform it was placed on.", "shopify")]
    activity_id: Annotated[str, says("Id of the trigger's firing that led to it.", "")]
    currency_code: Annotated[str, says("Currency of the order, in lower case.", "inr")]
    reference_cart_token: Annotated[str, says("The cart it came from.", "abae330db82ddbd690280a6bedaa0e71")]
    fiat_amount: Annotated[Number, listed, says("Amount of the order, in units of its currency.", 849.54)]
    fiat_discount: Annotated[Number, listed, says("Discount in it.", 10)]
    fiat_tax: Annotated[Number, listed, says("Tax in it.", 129.59)]
    payment_source: Annotated[str, says("Who took the payment.", "bogus")]
    payment_medium: Annotated[str, says("How it was paid.", "direct")]
    utm_source: Annotated[str, says("Where the visitor came from.", "")]
    utm_medium: Annotated[str, says("By which medium.", "")]
    utm_campaign: Annotated[str, says("By which campaign.", "")]
    order_driven_by: Annotated[str, says("What led to the order.", "nector_but_code")]
    couponredeem_driven_by: Annotated[str, says("How the coupon of the order was got.", "manual_slide")]
    status: Annotated[str, says(f"State of the order: {listed(ORDER_STATUSES)}.", *ORDER_STATUSES)]
    financial_status: Annotated[str, says(f"State of its payment: {listed(FINANCIAL_STATUSES)}.", "paid", "refunded")]
    delivery_status: Annotated[str, says(f"State of its delivery: {listed(DELIVERY_STATUSES)}.", *DELIVERY_STATUSES)]
    meta__lead_name: Annotated[str, says("The customer's name.", "Asha Rao")]
    meta__coin_spent: Annotated[Number, listed, says("Coins spent on the order.", 100)]
    meta__coin_reward: Annotated[Number, listed, says("Coins earned by the order.", 10)]
    meta__is_rewarded: Annotated[Flag, says("Whether the order has earned its coins.", "")]
    meta__currency_code: Annotated[str, says("Currency of the order, in lower case.", "inr")]
    meta__redirect_link: Annotated[
        str, says("Where the customer finds the order.", "https://corner.example/orders/6792fa1820a88c90")
    ]


class Order(OrderFacts, frozen=True, kw_only=True, gc=False):
    """An order was reported, or reported anew with changes."""

    updated_at: Annotated[str, says("When the order was last changed.", "2023-05-26T07:49:06.277Z")]
    created_at: Annotated[str, says("When the order was placed.", "2023-05-26T07:49:06.277Z")]
    order_id: Annotated[str, says("Id of the order here.", "d3a2cf6b-b1bb-4aa7-9984-e52de1d34c9f")]


class ReviewRequest(OrderFacts, frozen=True, kw_only=True, gc=False):
    """A customer is asked to review what they bought, once the order is fulfilled."""

    order_review_link: Annotated[
        str, says("Where the customer writes the review.", "https://corner.example/review?order_id=dbd690280a6")
    ]
    updated_at: Annotated[str, says("When the order was last changed.", "2023-05-26T07:49:06.277Z")]
    created_at: Annotated[str, says("When the order was placed.", "2023-05-26T07:49:06.277Z")]
    order_id: Annotated[str, says("Id of the order here.", "d3a2cf6b-b1bb-4aa7-9984-e52de1d34c9f")]
