"""Orders out of a CSV file: a stream of reports, and of rows that can't be used with the reason why.

An amount or a date that could mean two things leaves its row out until somebody chooses for the whole file. An order
may take several rows, one for each of its lines, as in the exports of well-known shops.
"""

from collections.abc import Iterable, Iterator

from regulars import limits
from regulars.kit.csv_file import CsvFile, Unusable
from regulars.kit.tables import BadRow
from regulars.orders.csv_columns import COLUMNS
from regulars.orders.csv_reports import Rows, report_of
from regulars.orders.model import OrderReport

Row = OrderReport | Unusable


class OrderFile(CsvFile):
    """A file of orders, looked at."""

    COLUMNS = COLUMNS

    def reports(self, cells: Iterable[tuple[int, list[str] | BadRow]]) -> Iterator[OrderReport | Unusable]:
        """The same of these rows. What can't be read is told after the order among whose rows it stands."""
        order: Rows | None = None
        unread: list[Unusable] = []
        for line, row in cells:
            read = self._read(line, row)
            if isinstance(read, dict):
                read = {"source": self._format.source, "currency": self._currency_code} | read
            if isinstance(read, Unusable) and len(unread) < limits.CSV_RECORD_LINES_MAX:
                unread.append(read)
            elif isinstance(read, dict) and order is not None and order.goes_on(read):
                order.add(read)
            else:
                yield from self._ended(order, unread)
                order, unread = (Rows(line, [read]), []) if isinstance(read, dict) else (None, [read])
        yield from self._ended(order, unread)

    def _ended(self, order: Rows | None, unread: list[Unusable]) -> Iterator[OrderReport | Unusable]:
        if order is not None:
            yield report_of(order, bool(unread), self._format.decimal, self._format.dates, self.zone)
        yield from unread
