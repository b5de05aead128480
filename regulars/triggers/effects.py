"""What a trigger does at last, once all guards are past; at once, or when it is due."""

from datetime import datetime
from uuid import UUID

import msgspec

from regulars.ledger import Entry
from regulars.rewards import Ask
from regulars.triggers.rule import Operation


class Coins(msgspec.Struct, frozen=True, gc=False, tag="coins"):
    """The effect of a wallet trigger: so many coins, under these words, given or taken."""

    operation: Operation
    amount: int
    title: str
    description: str


class OneCoupon(msgspec.Struct, frozen=True, gc=False, tag="coupon"):
    """The effect of an offer trigger: a coupon of this offer, without coins."""

    offer_id: UUID
    operation: Operation = "cr"
    amount: int = 0


Effect = Coins | OneCoupon
"""E-mail, events and webhooks become members when their rooms can be asked."""


class Behind(msgspec.Struct, frozen=True, gc=False):
    """What an effect names as its reason. `key` is of what may happen once."""

    firing_id: UUID
    trigger_id: UUID
    trigger_version: int
    customer_id: UUID
    reference: str
    key: str | None
    order_name: str
    actor: str
    cause_id: UUID | None

    def ask(self, effect: OneCoupon) -> Ask:
        return Ask(
            customer_id=self.customer_id,
            offer_id=effect.offer_id,
            type="reward",
            key=coupon_key(self.reference, self.trigger_id, self.firing_id),
            firing_id=self.firing_id,
            cause_id=self.cause_id,
            depth=1 if self.cause_id else 0,
            actor=self.actor,
        )

    def entry(self, effect: Coins, occurred_at: datetime) -> Entry:
        return Entry(
            customer_id=self.customer_id,
            operation=effect.operation,
            amount=effect.amount,
            type="reward" if effect.operation == "cr" else "redeem",
            occurred_at=occurred_at,
            title=effect.title,
            description=effect.description,
            reference=self.reference or f"firing:{self.firing_id}",
            order_name=self.order_name,
            trigger_id=self.trigger_id,
            trigger_version=self.trigger_version,
            actor=self.actor,
            key=self.key,
            firing_id=self.firing_id,
            cause_id=self.cause_id,
            depth=1 if self.cause_id else 0,
        )


def coupon_key(reference: str, trigger_id: UUID, firing_id: UUID) -> str:
    """The name of the coupon that a firing gives: of what may happen once, once."""
    return f"trigger:{reference}:{trigger_id}" if reference else f"trigger:{firing_id}"
