"""The CDNOW purchases as orders."""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

from regulars.customers import NewCustomer
from regulars.orders import OrderReport, minor_units

SOURCE = "cdnow"


class NoPurchases(Exception):
    """The package `lifetimes`, an extra of the demo, is not installed: `make setup` brings it."""

    def __init__(self) -> None:
        super().__init__(str(self.__doc__))


def purchases(zone: ZoneInfo) -> Iterator[OrderReport]:
    """Each row is an order of its own, named by its line number: the 215 rows that repeat another are purchases too.

    Columns: customer, date (YYYYMMDD), number of CDs, dollars. A date is noon of that day where the shop is, so
    that it is shown as that day. The package itself is not imported, as it needs others.
    Raises NoPurchases.
    """
    package = find_spec("lifetimes")
    if package is None or package.origin is None:
        raise NoPurchases
    path = Path(package.origin).with_name("datasets") / "CDNOW_master.txt"
    with path.open(encoding="ascii") as file:
        next(file)
        for line, row in enumerate(file, start=2):
            customer, date, cds, dollars = row.split()
            placed_at = datetime.strptime(f"{date}12", "%Y%m%d%H").replace(tzinfo=zone).astimezone(UTC)
            yield OrderReport(
                source=SOURCE,
                reference_id=str(line),
                name=f"#{line}",
                customer=NewCustomer(
                    customer_id=f"{SOURCE}-{customer}",
                    name=f"Customer {customer}",
                    email=f"customer-{customer}@cdnow.example",
                ),
                amount_minor=minor_units("dollars", dollars),
                currency_code="usd",
                items_count=int(cds),
                placed_at=placed_at,
                source_version=placed_at,
                status="completed",
                delivery_status="fulfilled",
            )
