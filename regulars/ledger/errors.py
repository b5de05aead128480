"""What the book refuses."""

from __future__ import annotations

from regulars.kit.errors import Refusal


class InsufficientBalance(Refusal):
    """The wallet holds less than was to be taken; nothing was taken."""

    code = "insufficient_balance"

    def __init__(self, *, needed: int, available: int) -> None:
        super().__init__(
            f"The balance of {available:,} is less than the {needed:,} that were to be taken.",
            fields={"amount": f"expected at most {available}"},
        )
