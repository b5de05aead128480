"""CSV files as people have them: whatever is wrong with a row is told with its line, and costs no other row."""

import io
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars import imports, limits
from regulars.kit import tables
from regulars.kit.csv_file import Format, Unusable
from regulars.kit.errors import Invalid
from regulars.orders import OrderReport
from regulars.orders.csv_columns import REQUIRED
from regulars.orders.csv_reports import OrderFile, Row

HEADER = b"order_id,customer_id,amount,placed_at,name\n"
VILNIUS = ZoneInfo("Europe/Vilnius")


def opened(file: BinaryIO, **format: Any) -> OrderFile:
    return OrderFile(file, tables.find_encoding(file), Format(**format), currency_code="usd", zone=VILNIUS)


def rows(content: bytes | BinaryIO, header: bytes = HEADER, **format: Any) -> list[Row]:
    file = io.BytesIO(header + content) if isinstance(content, bytes) else content
    return list(opened(file, **format).rows())


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
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 40, "this is a picture"),
        (b"PK\x03\x04" + bytes(200), "this is a spreadsheet (such as xlsx)"),
        (bytes(range(256)) * 4, "a NUL byte"),
        ("order_id,customer_id".encode("utf-16"), "amount, placed_at is missing; parted by a comma, it has order_id"),
        (b"order_id,customer_id,amount\n1,2,3\n", "placed_at is missing"),
        (b"order_id;customer_id;amount\n", "placed_at is missing; parted by a semicolon, it has order_id"),
        (b"order_id/customer_id/amount\n", "is missing; there is no comma in order_id/customer_id"),
        (b'order_id,"customer_id,amount,placed_at\n' + good(1), "a quote that is not closed"),
        (b"x" * (limits.CSV_LINE_CHARS_MAX + 1), "a line longer than"),
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
        b"utm_medium,utm_campaign,order_driven_by,couponredeem_driven_by\n"
    )
    row = (
        b"1200,2026-03-14T09:26:53Z,customer-1,A-1,Shopify,#1,JPY,3,100,80,completed,pending,fulfilled,"
        b"2026-03-15T10:00:00+02:00,Asha Rao,asha@a.shop,9900112233,IND,card,online,news,mail,spring,"
        b"nector_but_code,manual_slide\n"
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
        "order_driven_by": "nector_but_code",
        "couponredeem_driven_by": "manual_slide",
    }


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("cp1251", "Мария Иванова"), ("cp932", "田中太郎"), ("cp1250", "Zażółć Gęślą"), ("cp1252", "Søren Ærø")],
)
def test_names_in_another_code_page_are_read_as_they_were_written(encoding: str, name: str) -> None:
    assert shown(rows(good(1, name.encode(encoding)))) == [("1", name)]


def test_letters_that_could_be_others_are_asked_about() -> None:
    content = good(1, "naïve".encode("cp1252"))
    with pytest.raises(Invalid, match=r"which letters these are: .*Windows-1252") as refused:
        rows(content)
    assert "encoding" in refused.value.fields
    assert shown(rows(content, encoding="windows-1252")) == [("1", "naïve")]
    assert shown(rows(content, encoding="utf-8")) == [(2, "bytes that are no letters in UTF-8; save the file as UTF-8")]
    with pytest.raises(Invalid, match="encoding: expected one of utf-8"):
        rows(content, encoding="klingon")


def test_a_few_lines_in_latin_1_do_not_spoil_a_file_in_utf_8() -> None:
    content = good(1, "Žemaitė".encode()) + good(2, "Müller".encode("latin-1")) + good(3, "5 €".encode())
    wrong = (3, "bytes that are no letters in UTF-8; save the file as UTF-8")
    assert shown(rows(content)) == [("1", "Žemaitė"), wrong, ("3", "5 €")]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("empty", [0, 3])
def test_files_as_other_programs_write_them(separator: str, end: str, said: bool, empty: int) -> None:
    lines = ["order_id,customer_id,amount,placed_at,name", '1,customer-1,12.50,2026-03-14,"a, b"']
    parts = [line.replace(",", separator).replace(f"a{separator} b", f"a{separator} b") for line in lines]
    text = "".join(part + separator * empty + end for part in parts)
    content = (f"sep={separator}{end}" if said else "") + text
    assert shown(rows(content.encode(), b"")) == [("1", f"a{separator} b")]


def test_a_row_of_another_length_is_told_with_the_separator() -> None:
    header = b"order_id;customer_id;amount;placed_at\n"
    [row] = rows(b"1,customer-1,1,2026-03-14\n", header)
    assert row == Unusable(2, "row: expected 4 cells as in the header, parted by a semicolon, not 1")


def test_columns_are_found_by_names_of_other_programs_or_chosen() -> None:
    header = b"Order Number,Customer,Total,Created at,Name,Colour,Billing Name\n"
    row = b"7,customer-7,12.50,2026-03-14 09:26:53 -0400,#1007,blue,Asha Rao\n"
    file = opened(io.BytesIO(header + row))
    assert file.columns == {"order_id": 0, "customer_id": 1, "amount": 2, "placed_at": 3, "name": 4, "customer_name": 6}
    [order] = file.rows()
    assert isinstance(order, OrderReport)
    assert (order.reference_id, order.customer.name, order.name) == ("7", "Asha Rao", "#1007")
    assert order.placed_at == datetime(2026, 3, 14, 13, 26, 53, tzinfo=UTC)
    [other] = rows(row, header, columns={"order_id": "Name", "name": "", "utm_source": "Colour"})
    assert isinstance(other, OrderReport)
    assert (other.reference_id, other.name, other.detail) == ("#1007", "", {"utm_source": "blue"})
    for columns, words in (({"colour": "Note"}, "not 'colour'"), ({"name": "Nota"}, "not 'Nota'")):
        with pytest.raises(Invalid, match=words):
            rows(row, header, columns=columns)


def test_a_file_says_only_what_its_columns_say() -> None:
    assert imports.correcting_of(opened(io.BytesIO(HEADER)), replace=False).facts == {
        "amount_minor",
        "currency_code",
        "placed_at",
        "name",
    }


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
        (b"2,customer-2,1,2026-01-01\n", [(3, "row: expected 5 cells as in the header, parted by a comma, not 4")]),
        (b"2,customer-2,1,2026-01-01,a,b\n", [(3, "row: expected 5 cells as in the header, parted by a comma, not 6")]),
        (b"2,customer-2,1,2026-01-01,a,,\n", [("2", "a")]),
        (b",,,,\n", [(3, "; ".join(f"{name}: expected a value" for name in REQUIRED))]),
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

        def seek(self, at: int, whence: int = 0) -> int:
            self._parts = iter([HEADER + good(1), *[b"x" * 50_000] * 1_000, b"\n" + good(2)])
            self._rest = b""
            return at

        def seekable(self) -> bool:
            return True

        def tell(self) -> int:
            return 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            self._rest = self._rest or next(self._parts, b"")
            count = min(len(buffer), len(self._rest))
            buffer[:count], self._rest = self._rest[:count], self._rest[count:]
            return count

    found = rows(io.BufferedReader(Endless()))  # type: ignore[arg-type]
    assert shown(found) == [("1", ""), (3, "a line longer than 64,000 characters"), ("2", "")]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("currency", "dollars", "currency_code: expected a three-letter"),
        ("items_count", "9" * 5_000, "items_count: expected a whole number"),
        ("items_count", "-1", "items_count: expected a whole number"),
        ("items_count", "1000001", "items_count: expected 0 to 1,000,000"),
        ("status", "shipped", "status: expected one of pending, completed, cancelled"),
        ("updated_at", "yesterday", "updated_at: expected a date such as"),
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


def test_a_row_says_all_that_is_wrong_with_it_and_what_has_to_be_chosen() -> None:
    header = b"order_id,customer_id,amount,placed_at,tax,status,email,items_count\n"
    [row] = rows(b"5.0E+12,,1.000,soon,0.5x,shipped,asha,-1\n", header)
    assert isinstance(row, Unusable)
    parts = row.reason.split("; ")
    named = [part.split(":")[0] for part in parts if ": expected " in part]
    assert sorted(named) == sorted(
        ["customer_id", "placed_at", "order_id", "amount", "tax", "items_count", "status", "email"]
    )
    assert row.asks == "decimal"


def test_a_wrong_detail_of_the_customer_is_named_beside_the_order() -> None:
    header = b"order_id,customer_id,amount,placed_at,customer_name,email\n"
    [row] = rows(b"1,customer-1,1,2026-03-14,Asha Rao,asha\n", header)
    assert isinstance(row, OrderReport)
    assert row.unfit is not None
    assert row.unfit.fields == {"email": "expected an e-mail address"}


@given(st.binary(max_size=400))
def test_whatever_follows_a_header_is_read_to_its_end(content: bytes) -> None:
    lines = content.count(b"\n") + content.count(b"\r") + 2
    assert all(1 < row.line <= lines for row in rows(content, encoding="utf-8") if isinstance(row, Unusable))


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
        "from regulars.kit.csv_file import Format\n"
        "from regulars.orders.csv_reports import OrderFile\n"
        "from regulars.kit.tables import find_encoding\n"
        "with open(sys.argv[1], 'rb') as file:\n"
        "    found = find_encoding(file)\n"
        "    orders = OrderFile(file, found, Format(), currency_code='usd', zone=ZoneInfo('UTC'))\n"
        "    count = sum(1 for _ in orders.rows())\n"
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
