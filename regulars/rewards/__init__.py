"""What coins buy, or what is given free: offers, and the coupons issued from them.

Promises: what a coupon costs and is worth is worked out here, from the offer's version, and stays with the coupon
however the offer changes; a price that a caller names is only compared. Stocks, codes and each customer's limits hold
however many buy at once: n of a stock are n coupons, and whoever comes too late keeps their coins. A coupon is redeemed
once, for one reference: told again it is the same answer, for another it is refused. What was issued for one fact is
issued once.

    issued --redeem, or its order comes in--> redeemed --the order is void, and it has not expired--> issued
       |--its time comes--> expired                     (coins go back if the offer says so)
       `--cancel--> cancelled                           (coins go back, unless the offer says otherwise)

Where the shop's platform has a discount for each coupon, coins are held until it is there: see `discounting`.

What a shop publishes another may ask for, and sell to its own customers once that is agreed on. Nobody else learns of
more than the public face; a coupon that is sold so is in both shops, paid for in the coins of the one and good in the
other, or in neither, and no customer of the one becomes known to the other: see `agreeing` and `pairing`.

    asked --accept--> accepted --either ends it--> ended        (coupons that are out stay good)
      `--the shop that has it ends it--> refused

Acts take a list where many come at once: one purchase is a list of one. Does not know why a coupon is given: a type, a
firing and a key come in with it. Nor who asks: a door proves that.

Lock order: agreements by workspace, offers with a stock by id, wallets by (customer, kind), coupons by id, codes.
"""

from regulars.rewards.agreeing import (
    Face,
    Partnership,
    accept_partner,
    ask_for_offer,
    end_partnership,
    face_of,
    find_partnership,
    partnerships,
    reported,
)
from regulars.rewards.cancelling import EXPIRE, cancel, cancel_issued, expire, move
from regulars.rewards.codes import Uploaded, codes_left, lines_of, upload
from regulars.rewards.discounting import DISCOUNT, Came, DiscountRefused, check_there, discounts_at
from regulars.rewards.errors import (
    CodesOut,
    CouponEnded,
    CouponUsed,
    NotAgreed,
    NotEligible,
    OfferClosed,
    OfferLimit,
    PriceChanged,
    UnknownCoupon,
    UnknownOffer,
)
from regulars.rewards.finding import (
    Known,
    coupons,
    coupons_of_order,
    find_coupon,
    numbered_page,
    one_of_each,
    tally,
    unused,
    used_between,
)
from regulars.rewards.issuing import Issued, closed, foreseen, issue, issued_for
from regulars.rewards.model import Ask, Cart, CartLine, Coupon, Discounted, Offer, OfferVersion, Status, Terms, Verdict
from regulars.rewards.offers import change_offer, checked, create_offer, find_offer, list_offers, versions_of
from regulars.rewards.orders import settle_orders
from regulars.rewards.pairing import follow
from regulars.rewards.redeeming import Use, redeem, validate
from regulars.rewards.telling import discount_told
from regulars.rewards.wire import FOLLOW, properties
from regulars.rewards.wording import coupon_description, coupon_name, discount, offer_sentence
