"""What a checkout is refused."""

from regulars.kit import NotFound, Refusal, Unauthenticated


class NotConnected(NotFound):
    """The shop's checkout is not connected."""

    code = "checkout_not_connected"
    message = "The checkout is not connected."


class CartChanged(Refusal):
    """This reference was performed before, for another customer or cart; nothing was taken now."""

    code = "checkout_cart_changed"
    message = (
        "This reference_order_id was performed before, for another cart. Revert it, and perform the new cart under "
        "a reference of its own."
    )
    expected = ("reference_order_id", "one that was not used before")


class CheckoutReverted(Refusal):
    """This reference was reverted: it takes nothing any more, so that a call that comes late takes nothing either."""

    code = "checkout_reverted"
    message = "This reference_order_id was reverted, and takes nothing any more. Perform the cart under another."
    expected = ("reference_order_id", "one that was not reverted")


class SignatureWrong(Unauthenticated):
    """The call is not signed with the checkout's secret, or long ago; nothing was done."""

    code = "signature_wrong"
