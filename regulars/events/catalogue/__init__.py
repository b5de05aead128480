"""Each event as a typed class: the contract with the tools that receive events, names and spellings included.

A class's properties stand in the order they have on the wire. A property without a value is '', a number may be 0. A
property, once here, stays; more may be added after the last.
"""

from regulars.events.catalogue.common import Common, Flag, Number
from regulars.events.catalogue.coupons import Coupon
from regulars.events.catalogue.customers import Lead, LeadUpdate, TierEnds, VipTier
from regulars.events.catalogue.orders import Order, ReviewRequest
from regulars.events.catalogue.referrals import Referral
from regulars.events.catalogue.reviews import Review
from regulars.events.catalogue.topics import TOPICS, Group, Topic
from regulars.events.catalogue.wallet import CoinExpiry, UnusedCoins, WalletTransaction
