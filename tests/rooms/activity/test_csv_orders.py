"""CSV files as people have them: whatever is wrong with a row is told with its line, and costs no other row."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars import limits
from regulars.activity import OrderReport
from regulars.activity.csv_orders import Row, Unusable, read
from regulars.kit.errors import Invalid

HEADER = b"order_id,customer_id,amount,placed_at,name\n"
VILNIUS = ZoneInfo("Europe/Vilnius")


def rows(content: bytes | BinaryIO, header: bytes = HEADER) -> list[Row]:
    file = io.BytesIO(header + content) if isinstance(content, bytes) else content
    return list(read(file, source="csv", currency_code="usd", zone=VILNIUS))


def good(number: int, name: bytes = b"") -> bytes:
    return b"%d,customer-%d,12.50,2026-03-14,%b\n" % (number, number, name)


def shown(found: list[Row]) -> list[tuple[int | str, str]]:
    """(line, reason) of what can't be used, (order, name) of the rest."""
    return [(row.line, row.reason) if isinstance(row, Unusable) else (row.reference_id, row.name) for row in found]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "this one is empty"),
        (b"\n\r\n\n", "this one is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 40, "a header line"),
        (bytes(range(256)) * 4, "a NUL byte"),
        ("order_id,customer_id".encode("utf-16"), "a NUL byte"),
        (b"order_id,customer_id,amount\n1,2,3\n", "placed_at is missing"),
        (b"order_id;customer_id;amount;placed_at\n", "is missing"),
        (b"order_id,customer_id,amount,placed_at,colour\n", "not 'colour'"),
        (b"order_id,customer_id,amount,placed_at,amount\n", "each once; not 'amount'"),
        (b'order_id,"customer_id,amount,placed_at\n' + good(1), "a quote that is not closed"),
        (b"x" * (limits.CSV_LINE_BYTES_MAX + 1), "a line longer than"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(content: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=r"^file: expected") as refused:
        rows(content, b"")
    assert words in refused.value.message


def test_a_header_alone_is_a_file_without_orders() -> None:
    assert rows(b"") == []


@pytest.mark.parametrize(
    "header", [HEADER, b"\xef\xbb\xbf" + HEADER, b" Order_ID , customer_id,AMOUNT,placed_at,name\r\n"]
)
def test_headers_as_spreadsheets_write_them(header: bytes) -> None:
    assert shown(rows(good(1, b"one") + good(2, b"two").replace(b"\n", b"\r\n"), header)) == [
        ("1", "one"),
        ("2", "two"),
    ]


def test_every_column_is_read() -> None:
    header = (
        b"amount,placed_at,customer_id,order_id,source,name,currency,items_count,discount,tax,status,financial_status,"
        b"delivery_status,updated_at,customer_name,email,mobile,country,payment_source,payment_medium,utm_source,"
        b"utm_medium,utm_campaign\n"
    )
    row = (
        b"1200,2026-03-14T09:26:53Z,customer-1,A-1,Shopify,#1,JPY,3,100,80,completed,pending,fulfilled,"
        b"2026-03-15T10:00:00+02:00,Asha Rao,asha@a.shop,9900112233,IND,card,online,news,mail,spring\n"
    )
    [order] = rows(row, header)
    assert isinstance(order, OrderReport)
    assert (order.source, order.reference_id, order.name) == ("shopify", "A-1", "#1")
    assert (order.currency_code, order.amount_minor, order.discount_minor, order.tax_minor) == ("jpy", 1200, 100, 80)
    assert (order.status, order.financial_status, order.delivery_status) == ("completed", "pending", "fulfilled")
    assert order.source_version == datetime(2026, 3, 15, 8, tzinfo=UTC)
    assert (order.customer.name, order.customer.country, order.items_count) == ("Asha Rao", "ind", 3)
    assert order.detail == {
        "payment_source": "card",
        "payment_medium": "online",
        "utm_source": "news",
        "utm_medium": "mail",
        "utm_campaign": "spring",
    }


def test_names_in_utf_8_and_in_latin_1_side_by_side() -> None:
    content = good(1, "Žemaitė".encode()) + good(2, "Müller".encode("latin-1")) + good(3, "5 €".encode("cp1252"))
    assert shown(rows(content)) == [("1", "Žemaitė"), ("2", "Müller"), ("3", "5 €")]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'2,customer-2,1,2026-01-01,"two\nlines, ""quoted"""\n', [("2", 'two\nlines, "quoted"')]),
        (b'2,customer-2,1,2026-01-01,"two\r\nlines"\r\n', [("2", "two\nlines")]),
        (b'2,customer-2,1,2026-01-01,7" single\n', [("2", '7" single')]),
        (b'2,customer-2,1,2026-01-01,"never closed\n', [(3, "a quote that is not closed")]),
        (
            b'2,"customer-2,1,2026-01-01,\n3,"customer-3,1,2026-01-01,\n',
            [(3, "a quote that is not closed"), (4, "a quote that is not closed")],
        ),
        (b'2,customer-2,1,2026-01-01,"7"" single" x\n', [(3, "not CSV: ',' expected after '\"'")]),
        (b"2,customer-2,1,2026-01-01,a\x00b\n", [(3, "a NUL byte, which no text holds")]),
        (b"2,customer-2,1,2026-01-01\n", [(3, "row: expected 5 cells as in the header, not 4")]),
        (b"2,customer-2,1,2026-01-01,a,b\n", [(3, "row: expected 5 cells as in the header, not 6")]),
        (b",,,,\n", [(3, "order_id: expected a value")]),
        (b"2,customer-2,1,2026-01-01,\xff\xfe\x81\n", [("2", "ÿþ\ufffd")]),
        (b"\n  \n", []),
    ],
)
def test_what_is_wrong_with_a_row_costs_that_row_alone(content: bytes, found: list[tuple[int | str, str]]) -> None:
    before, after = good(1, b"before"), good(8, b'"quoted\nafter"') + good(9, b'9" after')
    assert shown(rows(before + content + after)) == [("1", "before"), *found, ("8", "quoted\nafter"), ("9", '9" after')]


def test_a_quote_does_not_stay_open_for_ever() -> None:
    content = b'1,customer-1,1,2026-01-01,"open\n' + b"".join(good(n) for n in range(2, 200))
    found = rows(content)
    assert shown(found[:1]) == [(2, "a quote that is not closed")]
    assert len(found) == 199
    assert all(isinstance(row, OrderReport) for row in found[1:])


def test_a_line_of_50_megabytes_is_one_line() -> None:
    class Endless(io.RawIOBase):
        """A header, a good row, 50 MB without a line break, a good row; never held in memory."""

        def __init__(self) -> None:
            self._parts = iter([HEADER + good(1), *[b"x" * 50_000] * 1_000, b"\n" + good(2)])
            self._rest = b""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            self._rest = self._rest or next(self._parts, b"")
            count = min(len(buffer), len(self._rest))
            buffer[:count], self._rest = self._rest[:count], self._rest[count:]
            return count

    found = rows(io.BufferedReader(Endless()))  # type: ignore[arg-type]
    assert shown(found) == [("1", ""), (3, "a line longer than 64,000 bytes"), ("2", "")]


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.34", "usd", 1234),
        ("12", "usd", 1200),
        ("12.340", "usd", 1234),
        ("0", "usd", 0),
        ("1200", "jpy", 1200),
        ("1.234", "kwd", 1234),
        ("-1", "usd", None),
        ("12.345", "usd", None),
        ("12.5", "jpy", None),
        ("12.340000000000000000000000000001", "usd", None),
        ("1e3", "usd", None),
        ("1e999999999", "usd", None),
        ("NaN", "usd", None),
        ("$12", "usd", None),
        ("1,200.00", "usd", None),
        ("1_200", "usd", None),
        ("١٢", "usd", None),
        ("10000000000000.01", "usd", None),
    ],
)
def test_amounts(amount: str, currency: str, minor: int | None) -> None:
    header = b"order_id,customer_id,amount,placed_at,currency\n"
    [row] = rows(f'1,customer-1,"{amount}",2026-03-14,{currency}\n'.encode(), header)
    if minor is None:
        assert isinstance(row, Unusable)
        assert row.reason.startswith("amount: expected an amount")
    else:
        assert isinstance(row, OrderReport)
        assert row.amount_minor == minor


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("currency", "dollars", "currency_code: expected a three-letter"),
        ("items_count", "9" * 5_000, "items_count: expected a whole number"),
        ("items_count", "-1", "items_count: expected a whole number"),
        ("items_count", "1000001", "items_count: expected 0 to 1,000,000"),
        ("status", "shipped", "status: expected one of pending, completed, cancelled"),
        ("updated_at", "yesterday", "updated_at: expected a date such as"),
        ("email", "asha", "email: expected an e-mail address"),
        ("name", "x" * 201, "name: expected at most 200 characters"),
        ("source", "My Shop", "source: expected 1 to 40"),
    ],
)
def test_what_a_cell_must_hold_is_said(column: str, value: str, reason: str) -> None:
    header = f"order_id,customer_id,amount,placed_at,{column}\n".encode()
    [row] = rows(f"1,customer-1,1,2026-03-14,{value}\n".encode(), header)
    assert isinstance(row, Unusable)
    assert row.line == 2
    assert row.reason.startswith(reason)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-03-14", datetime(2026, 3, 13, 22, tzinfo=UTC)),
        ("2026-07-14 09:00", datetime(2026, 7, 14, 6, tzinfo=UTC)),
        ("2026-03-14T09:26:53Z", datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)),
        ("2026-03-14T09:26:53+05:30", datetime(2026, 3, 14, 3, 56, 53, tzinfo=UTC)),
        ("0001-01-01", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("14.03.2026", None),
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


@given(st.binary(max_size=400))
def test_whatever_follows_a_header_is_read_to_its_end(content: bytes) -> None:
    lines = content.count(b"\n") + 2
    assert all(1 < row.line <= lines for row in rows(content) if isinstance(row, Unusable))


@given(
    st.lists(st.sampled_from([good(1), good(2, b'"a,b"'), b'3,"customer-3,1,2026,\n', b'"x""\n', b'",\n', b"\x00\n"]))
)
def test_good_rows_are_never_lost_for_bad_ones_but_where_these_quote_them(parts: list[bytes]) -> None:
    found = rows(b"".join(parts))
    assert len(found) <= len(parts)
    if not any(part.startswith((b'"', b"3")) for part in parts):
        assert sum(isinstance(row, OrderReport) for row in found) == sum(part[:1] in b"12" for part in parts)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """In kilobytes at their highest, of a process that reads 2,000 rows and of one that reads 40,000."""
    program = (
        "import sys\n"
        "from zoneinfo import ZoneInfo\n"
        "from regulars.activity.csv_orders import read\n"
        "with open(sys.argv[1], 'rb') as file:\n"
        "    count = sum(1 for _ in read(file, source='csv', currency_code='usd', zone=ZoneInfo('UTC')))\n"
        # Not ru_maxrss: that begins with what the process that forked this one had.
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(count, peak.split()[1])\n"
    )
    peaks = []
    for count in (2_000, 40_000):
        path = tmp_path / f"{count}.csv"
        path.write_bytes(HEADER + b"".join(good(n) for n in range(count)))
        done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
        rows_read, peak = map(int, done.stdout.split())
        assert rows_read == count
        peaks.append(peak)

    assert peaks[1] - peaks[0] < 4_000
