"""What firing a trigger is refused with before anything is known of a customer."""

from regulars.kit import Forbidden, Refusal


class UnknownTrigger(Refusal):
    """No trigger of this workspace has this id."""

    code = "unknown_trigger"
    message = "This trigger does not exist."
    expected = ("trigger_id", "the id of a trigger")


class UnknownCustomer(Refusal):
    """No customer of this workspace has this lead_id; an unknown customer_id would have been created."""

    code = "unknown_customer"
    message = "Lead does not exists"
    expected = ("lead_id", "the id of a customer")


class NotOpen(Forbidden):
    """A key that may only read fires only triggers that are Open."""

    code = "trigger_not_open"
    message = "This trigger is not Open: it takes a key with the WRITE right."
