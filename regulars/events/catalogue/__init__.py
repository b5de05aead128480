"""Each event's topic (`topics.md`) and its properties (`properties.md`): the contract with the tools that receive
events, and the types that bodies are written from.
"""

from regulars.events.catalogue.properties import (
    COUPON_STATUSES,
    DELIVERY_STATUSES,
    FINANCIAL_STATUSES,
    OPERATIONS,
    ORDER_STATUSES,
    TRANSACTION_TYPES,
    WALLETS,
    Body,
    Common,
)
from regulars.events.catalogue.topics import TOPICS, Group, Topic
