"""Whose the thing in a row is: somebody who is known, by any of what a row may call them."""

from collections.abc import Iterable
from typing import Any, BinaryIO, Protocol

from regulars import customers
from regulars.customers import Customer
from regulars.kit import Faults, NotFound, Reading
from regulars.kit.csv_file import CsvFile, Unusable
from regulars.orders.csv_cells import whole_id
from regulars.tenancy import Workspace

WHO = ("customer_id", "email", "mobile")
WHO_ELSE = {
    "email": "e_mail customer_email email_address reviewer_email",
    "mobile": "phone mobile_number phone_number customer_phone",
}
"""What exports call them beside."""


class OfCustomers(CsvFile):
    """A file the rows of which are somebody's."""

    def __init__(self, file: BinaryIO, *args: Any, **how: Any) -> None:
        super().__init__(file, *args, **how)
        if not any(name in self.columns for name in WHO):
            self.problems.setdefault("columns", f"expected a column that says whose they are: {', '.join(WHO)}")


class OfSomebody(Protocol):
    @property
    def who(self) -> tuple[str, str]:
        """What the customer is known by, and that: `email`, `asha@example.com`."""


def who_of(row: dict[str, str], faults: Faults) -> tuple[str, str]:
    who = next(((name, row[name]) for name in WHO if name in row), ("", ""))
    if not who[0]:
        faults.add("customer_id", "a customer_id, an e-mail address or a mobile number")
    with faults:
        if who[0] == "customer_id":
            whole_id(*who)
    return who


async def whose(tx: Reading, shop: Workspace, rows: Iterable[OfSomebody]) -> dict[tuple[str, str], Customer]:
    wanted = {name: {row.who[1] for row in rows if row.who[0] == name} for name in WHO}
    found: dict[tuple[str, str], Customer] = {}
    for name, read in (("customer_id", customers.by_customer_ids), ("email", customers.by_emails)):
        found |= {(name, id): one for id, one in (await read(tx, shop.id, sorted(wanted[name]))).items()}
    phones = await customers.by_mobiles(tx, shop.id, sorted(wanted["mobile"]), shop.country)
    return found | {("mobile", mobile): one for mobile, one in phones.items()}


def nobody(row: OfSomebody) -> NotFound:
    return NotFound(
        f"No customer has the {row.who[0].replace('_', ' ')} {row.who[1][:80]}. Import the customers first."
    )


def unusable(line: int, faults: Faults, asks: str = "") -> Unusable | None:
    if not faults.fields:
        return None
    return Unusable(line, "; ".join(f"{field}: {words}" for field, words in faults.fields.items()), asks)
