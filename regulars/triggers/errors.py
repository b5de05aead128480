"""What firing a trigger is refused with before anything is known of a customer."""

from __future__ import annotations

from regulars.kit.errors import Forbidden, Refusal


class UnknownTrigger(Refusal):
    """No trigger of this workspace has this id."""

    code = "unknown_trigger"

    def __init__(self) -> None:
        super().__init__("This trigger does not exist.", fields={"trigger_id": "expected the id of a trigger"})


class UnknownCustomer(Refusal):
    """No customer of this workspace has this lead_id; an unknown customer_id would have been created."""

    code = "unknown_customer"

    def __init__(self) -> None:
        super().__init__("Lead does not exists", fields={"lead_id": "expected the id of a customer"})


class NotOpen(Forbidden):
    """A key that may only read fires only triggers that are Open."""

    code = "trigger_not_open"

    def __init__(self) -> None:
        super().__init__("This trigger is not Open: it takes a key with the WRITE right.")
