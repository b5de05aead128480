"""The merchant API, `/api/v2/merchant`: what stores already integrate with, names and spellings included."""

from regulars.api.merchant import activities, coupons, leads, referrals, reviews, storefront, transactions, triggers
from regulars.api.merchant.api import merchant
