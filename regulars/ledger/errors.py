"""What the book refuses."""

from regulars import limits
from regulars.kit import Refusal


class InsufficientBalance(Refusal, code="insufficient_balance"):
    """The wallet holds less than was to be taken; nothing was taken."""

    def __init__(self, *, needed: int, available: int, debt: int = 0) -> None:
        self.missing = needed - available
        owed = f" {debt:,} are owed, which what comes in pays first." if debt else ""
        super().__init__(
            f"The balance of {available:,} is less than the {needed:,} that were to be taken.{owed}",
            fields={"amount": f"expected at most {available}"},
        )


class KeyTaken(Refusal, code="key_taken"):
    """This was sent before with other contents, and then it was done. Nothing was done now."""


class WalletFull(Refusal, code="wallet_full"):
    """All that was ever credited to the wallet would no longer fit into a number of JSON."""

    message = f"A wallet can be credited {limits.WALLET_CREDITED_MAX:,} in all, and this would be more."
