"""What a cell of a file means; what could mean two things is asked about, for the whole file."""

import io
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.kit.csv_file import Format, Unusable
from regulars.kit.errors import Invalid
from regulars.kit.tables import Encoding
from regulars.orders import OrderReport, csv_cells
from regulars.orders.csv_reports import OrderFile, Row

HEADER = b"order_id,customer_id,amount,placed_at,name\n"


def rows(content: bytes, header: bytes = HEADER, **format: Any) -> list[Row]:
    zone = ZoneInfo("Europe/Vilnius")
    file = OrderFile(io.BytesIO(header + content), Encoding("utf-8"), Format(**format), currency_code="usd", zone=zone)
    return list(file.rows())


@pytest.mark.parametrize(
    ("amount", "currency", "decimal", "minor"),
    [
        ("12.34", "usd", "", 1234),
        ("12", "usd", "", 1200),
        ("0", "usd", "", 0),
        ("1200", "jpy", "", 1200),
        ("1.234", "kwd", "", 1234),
        # Thousands that nobody can take for decimals, as they are written in several countries.
        ("1,200.00", "usd", "", 120_000),
        ("1.200,50", "usd", "", 120_050),
        ("1.234.567", "vnd", "", 1_234_567),
        ("1,00,000.00", "inr", "", 10_000_000),
        ("1 234,5", "eur", "", 123_450),
        ("1\u202f234\u202f567", "eur", "", 123_456_700),
        ("1'234.50", "chf", "", 123_450),
        ("0,50", "eur", "", 50),
        ("0.500", "usd", "", 50),
        ("1234.500", "usd", "", 123_450),
        # Decimals or thousands: nobody but the one who wrote the file can tell.
        ("1.000", "usd", "", "asked"),
        ("12.340", "usd", "", "asked"),
        ("150.000", "vnd", "", "asked"),
        ("1,234", "usd", "", "asked"),
        ("1,234", "kwd", "", "asked"),
        ("1.000", "usd", ".", 100),
        ("1.000", "usd", ",", 100_000),
        ("150.000", "vnd", ",", 150_000),
        ("150.000", "vnd", ".", 150),
        ("1,234", "usd", ".", 123_400),
        ("1,234", "kwd", ",", 1234),
        ("1.234,5", "usd", ",", 123_450),
        ("12.50", "usd", ",", None),
        ("12,50", "usd", ".", None),
        ("12.345", "usd", ".", None),
        ("-1", "usd", "", None),
        ("12.5", "jpy", "", None),
        ("1e3", "usd", "", None),
        ("1e999999999", "usd", "", None),
        ("NaN", "usd", "", None),
        ("$12", "usd", "", None),
        ("1_200", "usd", "", None),
        ("1,2,3", "usd", "", None),
        ("1,2345.6", "usd", "", None),
        ("12..5", "usd", "", None),
        (".", "usd", "", None),
        (",", "usd", "", None),
        ("١٢", "usd", "", None),
        ("10000000000000.01", "usd", "", None),
    ],
)
def test_amounts(amount: str, currency: str, decimal: str, minor: int | str | None) -> None:
    header = b"order_id,customer_id,amount,placed_at,currency\n"
    [row] = rows(f'1,customer-1,"{amount}",2026-03-14,{currency}\n'.encode(), header, decimal=decimal)
    if isinstance(minor, int):
        assert isinstance(row, OrderReport)
        assert row.amount_minor == minor
        return
    assert isinstance(row, Unusable)
    assert row.line == 2
    assert row.asks == ("decimal" if minor == "asked" else "")
    assert row.reason.startswith("amount: expected a decimal sign chosen" if minor else "amount: expected an amount")


@given(st.integers(0, 10**9), st.sampled_from([".", ","]), st.sampled_from(["", " ", "'", "\u202f", "other"]))
def test_an_amount_with_a_chosen_decimal_sign_is_what_was_written(minor: int, decimal: str, grouping: str) -> None:
    grouping = {"other": {".": ",", ",": "."}[decimal]}.get(grouping, grouping)
    text = f"{minor // 100:_}".replace("_", grouping) + f"{decimal}{minor % 100:02}"
    assert csv_cells.amount("amount", text, "usd", cast(csv_cells.Decimals, decimal)) == minor


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-03-14", datetime(2026, 3, 13, 22, tzinfo=UTC)),
        ("2026-07-14 09:00", datetime(2026, 7, 14, 6, tzinfo=UTC)),
        ("2026-03-14T09:26:53Z", datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)),
        ("2026-03-14T09:26:53+05:30", datetime(2026, 3, 14, 3, 56, 53, tzinfo=UTC)),
        ("0001-01-01", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("14.03.2026", datetime(2026, 3, 13, 22, tzinfo=UTC)),
        ("04.03.2026 09:00", datetime(2026, 3, 4, 7, tzinfo=UTC)),
        ("3/14/2026", datetime(2026, 3, 13, 22, tzinfo=UTC)),
        ("14/3/2026 1:05 PM", datetime(2026, 3, 14, 11, 5, tzinfo=UTC)),
        ("2026/03/14", datetime(2026, 3, 13, 22, tzinfo=UTC)),
        ("2026-03-14 09:26:53 UTC", datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)),
        ("2026-03-14 09:26:53 +0530", datetime(2026, 3, 14, 3, 56, 53, tzinfo=UTC)),
        ("03/04/2026", None),
        ("31.02.2026", None),
        ("14/14/2026", None),
        ("1/1/2026 13:00 PM", None),
        ("", None),
    ],
)
def test_a_time_without_a_zone_is_in_the_shops(said: str, meant: datetime | None) -> None:
    [row] = rows(f"1,customer-1,1,{said},\n".encode())
    if meant is None:
        assert isinstance(row, Unusable)
        assert row.reason.startswith("placed_at: expected")
    else:
        assert isinstance(row, OrderReport)
        assert row.placed_at == row.source_version == meant


def test_days_and_months_are_told_apart_by_a_choice_for_the_file() -> None:
    content = b"1,customer-1,1,03/04/2026,\n"
    [row] = rows(content)
    assert isinstance(row, Unusable)
    assert (row.asks, row.reason) == (
        "dates",
        "placed_at: expected day or month first, chosen for the whole file: 03/04/2026 could be 3 April or 4 March",
    )
    for dates, month in (("day_first", 4), ("month_first", 3)):
        [order] = rows(content, dates=dates, zone="UTC")
        assert isinstance(order, OrderReport)
        assert order.placed_at == datetime(2026, month, 7 - month, tzinfo=UTC)
    with pytest.raises(Invalid, match="zone: expected a time zone"):
        rows(content, zone="Mars/Olympus")


@pytest.mark.parametrize("shortened", ["5.01235E+12", "5,01235E+12", "5E+15", "5.01235e+12"])
@pytest.mark.parametrize("column", ["order_id", "customer_id"])
def test_ids_that_a_spreadsheet_shortened_are_refused(column: str, shortened: str) -> None:
    row = {"order_id": "1", "customer_id": "customer-1"} | {column: shortened}
    content = f'"{row["order_id"]}","{row["customer_id"]}",1,2026-03-14,\n'.encode()
    lost = "one that a spreadsheet shortened, and its last digits are lost"
    mend = "Show the column as text or as a number without decimals, then save the file as CSV again"
    why = f"{column}: expected a whole id; {shortened} is {lost}. {mend}"
    assert rows(content * 2) == [Unusable(2, why), Unusable(3, why)]
