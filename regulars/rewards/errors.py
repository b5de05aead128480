"""What rewards refuse; nothing was issued, taken or redeemed."""

from regulars.kit import Conflict, NotFound, Refusal


class UnknownOffer(NotFound, code="offer_unknown"):
    """Offer does not exists"""


class UnknownCoupon(NotFound, code="coupon_unknown"):
    """This coupon does not exist."""


class OfferClosed(Refusal, code="offer_closed"):
    """The offer is switched off, has not begun, or is over; or it is only given, never bought."""


class NotEligible(Refusal, code="not_eligible"):
    """The offer, or the coupon, is not for this customer or this cart; the message says what is asked for."""


class OfferLimit(Refusal, code="offer_limit_reached"):
    """The stock or the budget is used up, or the customer has had as many as one may."""


class CodesOut(Refusal, code="codes_out"):
    """No code of this offer's list is left."""


class PriceChanged(Refusal, code="price_changed"):
    """The caller named a price or a number of steps that the offer does not have; the message says what it has."""


class CouponUsed(Conflict, code="coupon_used"):
    """The coupon was redeemed for something else before."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"This coupon was used before, for {reference or 'another order'}.",
            fields={"reference": "expected what it was redeemed for before"},
        )


class NotAgreed(Conflict, code="not_agreed"):
    """It was answered or ended before, or the other shop is to say it."""


class CouponEnded(Refusal, code="coupon_ended"):
    """The coupon has expired or was cancelled."""
