"""Carts, what they may use and what they used, and the arithmetic between. Nothing here waits for anything."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.kit import units_of
from regulars.ledger import Balance, Kind

WalletType = Literal["coins", "credits", "coins_and_credits"]
State = Literal["held", "taken", "returned", "reverted"]
"""`returned`: given back since its order counts for nothing, and taken again if that changes; `reverted`: for good."""


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many `coins` are worth `worth_minor` of the shop's currency. `takes`: a cart's coins are held until its order
    comes in, or debited at once. `unsigned`: the older address is open, where whoever knows it needs no signature."""

    coins: Annotated[int, Meta(ge=1, le=limits.COINS_MAX)]
    worth_minor: Annotated[int, Meta(ge=1, le=limits.COINS_MAX)]
    takes: Literal["hold", "debit"] = "hold"
    unsigned: bool = False


class Connection(msgspec.Struct, frozen=True):
    """How a shop's checkout is connected, in the order of the columns."""

    workspace_id: UUID
    hook_id: UUID
    sealed: bytes
    previous_until: datetime | None
    rules: Rules
    created_at: datetime
    updated_at: datetime

    @property
    def path(self) -> str:
        """Where it is called, signed."""
        return f"/hooks/checkout/{self.hook_id}"

    @property
    def older_path(self) -> str:
        """Where stores call it that know the older address."""
        return f"/api/open/integrations/customcheckoutwebhook/{self.hook_id}"


class Cart(msgspec.Struct, frozen=True):
    """What is to be paid, as far as by coins and credits."""

    reference: str
    customer_id: UUID
    wallet_type: WalletType
    amount_minor: int


class Quote(msgspec.Struct, frozen=True):
    """So many coins and credits (hundredths) a cart uses, and what each takes off it. A quote without a cart is for one
    that would use all there is."""

    amount_minor: int | None
    coins: int
    coins_minor: int
    credits: int
    credits_minor: int

    @property
    def discount_minor(self) -> int:
        return self.coins_minor + self.credits_minor


class Payment(msgspec.Struct, frozen=True):
    """What was taken for a cart, in the order of the columns; `order_id` is its order, once that came in."""

    reference: str
    customer_id: UUID | None
    wallet_type: WalletType
    cart_minor: int
    coins: int
    coins_minor: int
    credits: int
    credits_minor: int
    coins_txn_id: UUID | None
    credits_txn_id: UUID | None
    state: State
    order_id: UUID | None
    created_at: datetime
    updated_at: datetime

    @property
    def txns(self) -> list[tuple[UUID, int]]:
        """Each with what it took of its wallet."""
        both = ((self.credits_txn_id, self.credits), (self.coins_txn_id, self.coins))
        return [(id, amount) for id, amount in both if id]

    @property
    def discount_minor(self) -> int:
        return self.coins_minor + self.credits_minor


def quoted(
    rules: Rules, currency_code: str, balances: Mapping[Kind, Balance], wallet_type: WalletType, amount: int | None
) -> Quote:
    """Credits first, coins on the rest; never more of either than is worth something. A debt blocks its wallet."""
    units = units_of(currency_code)
    rest = limits.AMOUNT_MINOR_MAX if amount is None else amount
    credits = coins = coins_minor = 0
    if wallet_type != "coins":
        whole = max(1, 100 // units)  # of a currency without decimals no part of one unit can be paid
        credits = min(_free(balances["credits"]), rest * 100 // units) // whole * whole
    credits_minor = credits * units // 100
    rest -= credits_minor
    if wallet_type != "credits":
        usable = min(_free(balances["coins"]), rest * rules.coins // rules.worth_minor)
        coins_minor = usable * rules.worth_minor // rules.coins
        # As few as are worth that much.
        coins = -(-coins_minor * rules.coins // rules.worth_minor)
    return Quote(amount, coins, coins_minor, credits, credits_minor)


def _free(balance: Balance) -> int:
    return 0 if balance.debt else balance.available
