"""The management API itself, for its operations to declare themselves on, with what they do so by."""

from collections.abc import Sequence
from typing import TypeVar

from regulars.api.listing import DatedQuery as DatedQuery
from regulars.api.listing import Limit as Limit
from regulars.api.listing import PageQuery as PageQuery
from regulars.api.listing import asked as asked
from regulars.api.listing import asked_of as asked_of
from regulars.api.listing import page_of as page_of
from regulars.api.operations import Api
from regulars.api.operations import Call as Call
from regulars.api.operations import NoQuery as NoQuery
from regulars.api.resources import Resource as Resource
from regulars.kit import Refusal

T = TypeVar("T")

management = Api(
    "management",
    "/api/v1",
    "problem",
    "Management API",
    {
        "Shop": "settings",
        "Keys": "staff",
        "Staff": "staff",
        "Customers": "data",
        "Triggers": "rules",
        "Offers": "rules",
        "Coupons": "data",
        "Tiers": "rules",
        "Segments": "rules",
        "Automations": "rules",
        "Campaigns": "rules",
        "Reviews": "data",
        "Referrals": "data",
        "Messages": "rules",
        "Orders": "data",
        "Imports": "data",
        "Events": "data",
        "Send Events": "rules",
        "Integrations": "rules",
        "Senders": "rules",
        "Checkout": "rules",
        "Deliveries": "data",
        "Set aside": "data",
        "Sources": "rules",
    },
)


def only(outcomes: Sequence[T | Refusal]) -> T:
    """What came of the one thing that was asked for. Raises the Refusal."""
    (outcome,) = outcomes
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome
