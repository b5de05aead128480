"""Coupons as pages show them: in words, and drawn as their customer sees them."""

from typing import NamedTuple

from regulars import customers, rewards
from regulars.customers import Customer
from regulars.dashboard.cells import Badge
from regulars.dashboard.desk import Desk
from regulars.kit import Reading, counted
from regulars.rewards import Coupon, Terms
from regulars.rewards.finding import Known
from regulars.tenancy import Workspace

STATUSES = {
    "issued": ("good", "Can be used"),
    "redeemed": ("busy", "Used"),
    "expired": ("off", "Expired"),
    "cancelled": ("off", "Cancelled"),
}
TYPES = {
    "manual_redeem": "Bought",
    "reward": "Given",
    "referral": "For a referral",
    "tier": "For a tier",
    "import": "Imported",
}


class Had(NamedTuple):
    """A coupon with whose it is, and in words."""

    coupon: Coupon
    customer: Customer | None
    name: str
    currency_code: str
    status: str

    @property
    def badge(self) -> Badge:
        return Badge(*STATUSES[self.status])


async def had(desk: Desk, tx: Reading, known: Known) -> list[Had]:
    found, terms = known
    people = await customers.by_ids(tx, desk.id, list({one.customer_id for one in found}))
    shop = desk.workspace
    return [
        Had(
            one,
            people.get(one.customer_id),
            rewards.coupon_name(terms[one.offer_id, one.offer_version], one.steps, shop),
            shop.currency_code,
            "expired" if one.expired_at(desk.now) else one.status,
        )
        for one in found
    ]


class Card(NamedTuple):
    """A coupon as its customer sees it."""

    name: str
    description: str
    code: str
    until: str
    icon: str = ""


def card_of(terms: Terms, shop: Workspace, coupon: Coupon | None = None) -> Card:
    """Of an offer that has given none, what its first would be."""
    if coupon:
        steps, code, until = coupon.steps, coupon.code, ""
    else:
        drawn = {
            "generated": f"{terms.code_prefix}7K2MWQ9XPA",
            "fixed": terms.fixed_code,
            "list": "The next of your list",
            "partner": "One of another shop",
        }
        steps, code, until = terms.steps[0], drawn[terms.code], "Does not expire"
        if terms.expires_after_days:
            until = f"Good for {counted(terms.expires_after_days, 'days')}"
        elif terms.expires_on:
            until = f"Good until {terms.expires_on}"
    name, described = rewards.coupon_name(terms, steps, shop), rewards.coupon_description(terms, shop)
    return Card(name, described, code, until, terms.icon)
