"""What rewards refuse; nothing was issued, taken or redeemed."""

from regulars.kit import Conflict, NotFound, Refusal


class UnknownOffer(NotFound):
    """There is no such offer."""

    code = "offer_unknown"
    message = "Offer does not exists"


class UnknownCoupon(NotFound):
    """There is no such coupon, or it is another customer's."""

    code = "coupon_unknown"
    message = "This coupon does not exist."


class OfferClosed(Refusal):
    """The offer is switched off, has not begun, or is over; or it is only given, never bought."""

    code = "offer_closed"


class NotEligible(Refusal):
    """The offer, or the coupon, is not for this customer or this cart; the message says what is asked for."""

    code = "not_eligible"


class OfferLimit(Refusal):
    """The stock or the budget is used up, or the customer has had as many as one may."""

    code = "offer_limit_reached"


class CodesOut(Refusal):
    """The offer gives codes of a list, and none is left."""

    code = "codes_out"
    message = "No code of this offer's list is left."


class PriceChanged(Refusal):
    """The caller named a price or a number of steps that the offer does not have; the message says what it has."""

    code = "price_changed"


class CouponUsed(Conflict):
    """The coupon was redeemed for something else before."""

    code = "coupon_used"

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"This coupon was used before, for {reference or 'another order'}.",
            fields={"reference": "expected what it was redeemed for before"},
        )


class CouponEnded(Refusal):
    """The coupon has expired or was cancelled."""

    code = "coupon_ended"
