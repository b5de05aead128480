"""What firing a trigger is refused with before anything is known of a customer."""

from regulars.kit import Forbidden, Refusal


class UnknownTrigger(Refusal, code="unknown_trigger"):
    """This trigger does not exist."""

    expected = ("trigger_id", "the id of a trigger")


class UnknownCustomer(Refusal, code="unknown_customer"):
    """Lead does not exists"""

    expected = ("lead_id", "the id of a customer")


class NotOpen(Forbidden, code="trigger_not_open"):
    """This trigger is not Open: it takes a key with the WRITE right."""
