"""What firing a trigger is refused with before anything is known of a customer."""

from regulars.kit import Forbidden, Refusal


class UnknownTrigger(Refusal, code="unknown_trigger"):
    """No trigger of this workspace has this id."""

    message = "This trigger does not exist."
    expected = ("trigger_id", "the id of a trigger")


class UnknownCustomer(Refusal, code="unknown_customer"):
    """No customer of this workspace has this lead_id; an unknown customer_id would have been created."""

    message = "Lead does not exists"
    expected = ("lead_id", "the id of a customer")


class NotOpen(Forbidden, code="trigger_not_open"):
    """A key that may only read fires only triggers that are Open."""

    message = "This trigger is not Open: it takes a key with the WRITE right."
