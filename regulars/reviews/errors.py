"""Why a room of reviews says no."""

from regulars.kit import Conflict, NotFound


class UnknownPost(NotFound):
    """This review or question does not exist."""


class ReviewExists(Conflict, code="review_exists"):
    """This customer has reviewed the product before. There is one review for each product of an order."""


class NotShown(Conflict, code="not_approved"):
    """Approve it first: only what is shown can be featured."""
