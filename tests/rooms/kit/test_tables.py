"""Tables out of files: whatever dialect a random table is written in, it comes back as it was."""

import csv
import io

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from regulars.kit.errors import Invalid
from regulars.kit.tables import BadRow, Encoding, find_encoding, find_separator, read_rows

NAMES = {
    "cp1251": ["Мария Иванова", "Алексей Смирнов", "Ольга Кузнецова", "Дмитрий Попов"],
    "cp932": ["田中太郎", "鈴木花子", "佐藤健", "ヤマダ タロウ"],
    "gb18030": ["王小伟", "李娜", "张敏", "欧阳振华", "刘洋", "陈静"],
    "big5hkscs": ["王小明", "陳大文", "林志玲", "張惠妹"],
    "cp949": ["김철수", "이영희", "박지성", "최민수"],
    "cp1250": ["Łukasz Żółty", "Zażółć Gęślą", "Jiří Dvořák", "Šárka Němcová"],
    "cp1252": ["Jürgen Müller", "François Lefèvre", "Søren Ærø", "Iñaki Muñoz"],
    "cp1253": ["Γιώργος Παπαδόπουλος", "Μαρία Νικολάου"],
    "cp1254": ["Ayşe Yılmaz", "Gökçe Çağlar", "İbrahim Öztürk"],
    "utf-8": ["Žemaitė", "田中太郎", "Müller"],
    "utf-16": ["Žemaitė", "田中太郎", "Müller"],
    "utf-16-le": ["Žemaitė", "Müller"],
    "utf-16-be": ["Žemaitė", "Müller"],
}


def rows_of(raw: bytes, encoding: str = "", separator: str = "") -> list[list[str] | BadRow]:
    file = io.BytesIO(raw)
    encoding = encoding or find_encoding(file).name
    return [row for _, row in read_rows(file, encoding, separator or find_separator(file, encoding))]


# What the CSV writer writes and no reader can tell apart is left out: a line of one empty cell is a blank line.
cell = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=12)
table = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=8)
)


@given(
    rows=table,
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    said=st.booleans(),
    last=st.booleans(),
)
def test_a_table_in_any_dialect_comes_back_as_it_was(
    rows: list[list[str]], separator: str, end: str, encoding: str, quoting: int, said: bool, last: bool
) -> None:
    # The writer quotes a line break only if lines end with one of its characters.
    assume(end != "\r" or quoting == csv.QUOTE_ALL or not any("\n" in cell for row in rows for cell in row))
    header = [f"column {n}" for n in range(len(rows[0]))]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([header, *rows])
    content = (f"sep={separator}{end}" if said else "") + text.getvalue()
    raw = (content if last else content.removesuffix(end)).encode(encoding)
    file = io.BytesIO(raw)
    read = "utf-8" if encoding == "utf-8-sig" else encoding
    if read != "gb18030":
        assert find_encoding(file) == Encoding(read)
    assert find_separator(file, read) == separator
    assert rows_of(raw, read) == [
        header,
        *[row for row in rows if quoting == csv.QUOTE_ALL or separator.join(row).strip()],
    ]


@pytest.mark.parametrize("encoding", NAMES)
@pytest.mark.parametrize("separator", [",", ";", "|"])
def test_an_encoding_is_told_by_the_letters_it_makes(encoding: str, separator: str) -> None:
    rows = [[str(n), f"shop-{n:05}", "12.50", name] for n, name in enumerate(NAMES[encoding] * 3)]
    content = "".join(separator.join(row) + "\r\n" for row in [["order_id", "id", "amount", "name"], *rows])
    raw = content.encode(encoding)
    assert find_encoding(io.BytesIO(raw)).name == encoding
    assert rows_of(raw)[1:] == rows


def test_what_could_be_two_encodings_is_not_told() -> None:
    """The one letter there is would be ï, or ļ."""
    found = find_encoding(io.BytesIO("id,name\n1,na\xefve\n".encode("cp1252")))
    assert "cp1252" in (found.name, *found.others)
    assert found.others
    # Where all that it could be make the same letters, there is nothing to ask.
    assert find_encoding(io.BytesIO("id,name\n1,Müller\n".encode("cp1252"))).others == []


def test_what_is_no_letter_costs_its_own_row() -> None:
    raw = "id,name\n1,Žemaitė\n2,Renée\n".encode() + b"3,M\xfcller\n4,ok\n"
    found = rows_of(raw)
    assert found[:3] == [["id", "name"], ["1", "Žemaitė"], ["2", "Renée"]]
    assert found[3] == BadRow(4, "bytes that are no letters in UTF-8; save the file as UTF-8")
    assert found[4] == ["4", "ok"]


@pytest.mark.parametrize(
    ("begins", "what"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00", "a spreadsheet (such as xlsx)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel's old format (xls)"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x1f\x8b\x08\x00", "has to be unpacked"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
    ],
)
def test_what_is_no_text_is_named_with_what_to_do(begins: bytes, what: str) -> None:
    with pytest.raises(Invalid) as refused:
        find_encoding(io.BytesIO(begins + bytes(2_000)))
    assert what in refused.value.message
    assert "take CSV UTF-8" in refused.value.message


def test_detecting_reads_a_large_file_in_pieces() -> None:
    """A letter that lies across the border of two pieces is whole."""
    raw = b"x" * 999_999 + "ė\n".encode() + b"y" * 2_000_000 + "\nŽ".encode()
    assert find_encoding(io.BytesIO(raw)) == Encoding("utf-8")
