"""What a checkout is refused."""

from __future__ import annotations

from regulars.kit.errors import NotFound, Refusal, Unauthenticated


class NotConnected(NotFound):
    """The shop's checkout is not connected."""

    code = "checkout_not_connected"

    def __init__(self) -> None:
        super().__init__("The checkout is not connected.")


class CartChanged(Refusal):
    """This reference was performed before, for another customer or cart; nothing was taken now."""

    code = "checkout_cart_changed"

    def __init__(self) -> None:
        super().__init__(
            "This reference_order_id was performed before, for another cart. Revert it, and perform the new cart under "
            "a reference of its own.",
            fields={"reference_order_id": "expected one that was not used before"},
        )


class CheckoutReverted(Refusal):
    """This reference was reverted: it takes nothing any more, so that a call that comes late takes nothing either."""

    code = "checkout_reverted"

    def __init__(self) -> None:
        super().__init__(
            "This reference_order_id was reverted, and takes nothing any more. Perform the cart under another.",
            fields={"reference_order_id": "expected one that was not reverted"},
        )


class SignatureWrong(Unauthenticated):
    """The call is not signed with the checkout's secret, or long ago; nothing was done."""

    code = "signature_wrong"
