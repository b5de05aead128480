"""Why a room of reviews says no."""

from regulars.kit import Conflict, NotFound


class UnknownPost(NotFound):
    """No review or question of this shop has the id."""

    message = "This review or question does not exist."


class ReviewExists(Conflict, code="review_exists"):
    """The customer has reviewed the product and order before."""

    message = "This customer has reviewed the product before. There is one review for each product of an order."


class NotShown(Conflict, code="not_approved"):
    """It was not approved, so it can't be featured."""

    message = "Approve it first: only what is shown can be featured."
