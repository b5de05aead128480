"""What a checkout is refused."""

from regulars.kit import NotFound, Refusal, Unauthenticated


class NotConnected(NotFound, code="checkout_not_connected"):
    """The checkout is not connected."""


class CartChanged(Refusal, code="checkout_cart_changed"):
    """This reference_order_id was performed before, for another cart. Revert it, and perform the new cart under a
    reference of its own."""

    expected = ("reference_order_id", "one that was not used before")


class CheckoutReverted(Refusal, code="checkout_reverted"):
    """This reference_order_id was reverted, and takes nothing any more. Perform the cart under another."""

    expected = ("reference_order_id", "one that was not reverted")


class SignatureWrong(Unauthenticated, code="signature_wrong"):
    """The call is not signed with the checkout's secret, or long ago; nothing was done."""
