"""Forms, queries and cookies: what is read, what is refused, and that the work grows evenly with what was sent."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from regulars import limits
from regulars.kit import forms
from regulars.kit.errors import Invalid
from tests import make


async def parts(raw: bytes, size: int = 1 << 16) -> AsyncIterator[bytes]:
    for at in range(0, len(raw), size):
        yield raw[at : at + size]


def part(name: str, content: bytes, filename: str = "") -> bytes:
    said = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    return b"--line\r\nContent-Disposition: " + said.encode() + b"\r\n\r\n" + content + b"\r\n"


MULTIPART = "multipart/form-data; boundary=line"


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (b"", []),
        (b"a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")]),
        (b"a&b=&=c", [("a", ""), ("b", ""), ("", "c")]),
        (b"name=M%C3%BCller+%26+Co&x=%zz%4", [("name", "Müller & Co"), ("x", "%zz%4")]),
        ("name=Müller".encode(), [("name", "Müller")]),
    ],
)
def test_fields_in_their_order(raw: bytes, fields: list[tuple[str, str]]) -> None:
    assert forms.fields(raw) == fields


@pytest.mark.parametrize("raw", [b"a=%ff", b"a=\xff", b"a=%00", b"%00=a", b"a&" * limits.FORM_FIELDS_MAX + b"a"])
def test_what_no_person_types_is_refused_in_words(raw: bytes) -> None:
    with pytest.raises(Invalid) as no:
        forms.fields(raw)
    assert no.value.fields


def test_a_query_names_each_thing_once() -> None:
    assert forms.single(b"a=1&b=2") == {"a": "1", "b": "2"}
    with pytest.raises(Invalid, match="one value, not several"):
        forms.single(b"a=1&a=2")


def test_cookies_of_several_headers() -> None:
    headers = [(b"cookie", b'a=1; b="2="; c'), (b"x", b"a=3"), (b"cookie", b"a=4;;=5")]
    assert forms.cookies(headers) == {"a": "4", "b": "2=", "c": "", "": "5"}
    assert forms.cookies([(b"cookie", b"a=1;" * 100_000 + b"b=2")]) == {"a": "1"}


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
async def test_a_form_in_parts_however_it_arrives(size: int) -> None:
    raw = (
        part("name", "Müller".encode()) + part("name", b"") + part("file", b"a,b\r\n1,2\r\n", "o.csv") + b"--line--\r\n"
    )
    sent = await forms.read(MULTIPART, parts(raw, size))
    assert sent.fields == [("name", "Müller"), ("name", "")]
    assert (sent.files["file"].filename, sent.files["file"].file.read()) == ("o.csv", b"a,b\r\n1,2\r\n")


@pytest.mark.parametrize(
    ("content_type", "raw"),
    [
        (MULTIPART, part("a", b"1")),
        (MULTIPART, b"--line\r\n\r\n1\r\n--line--"),
        (MULTIPART, part("a", b"\xff") + b"--line--"),
        (MULTIPART, part("a", b"\0") + b"--line--"),
        (MULTIPART, part("f", b"x", "a\0b") + b"--line--"),
        (MULTIPART, part("a", b"1") * (limits.FORM_FIELDS_MAX + 1) + b"--line--"),
        ("multipart/form-data", b""),
        ('multipart/form-data; boundary="a\nb"', b""),
    ],
)
async def test_a_form_in_parts_that_can_not_be_taken(content_type: str, raw: bytes) -> None:
    with pytest.raises(Invalid):
        await forms.read(content_type, parts(raw))


async def test_text_beside_a_file_has_an_end() -> None:
    raw = part("a", b"x" * (limits.FORM_TEXT_BYTES_MAX // 2 + 1)) * 2 + b"--line--"
    with pytest.raises(forms.FormTooLarge):
        await forms.read(MULTIPART, parts(raw))
    with pytest.raises(forms.FormTooLarge):
        forms.fields(raw)


WORST = {
    "one name": lambda n: (forms.URL_ENCODED, b"a&" * (999 * n)),
    "other names": lambda n: (forms.URL_ENCODED, b"&".join(b"%d" % i for i in range(999 * n))),
    "escapes": lambda n: (forms.URL_ENCODED, b"a=" + b"%41" * (41_000 * n)),
    "broken escapes": lambda n: (forms.URL_ENCODED, b"a=" + b"%" * (124_000 * n)),
    "plus": lambda n: (forms.URL_ENCODED, b"a=" + b"+" * (124_000 * n)),
    "too many": lambda n: (forms.URL_ENCODED, b"&" * (124_000 * n)),
    "no part": lambda n: (MULTIPART, b"\r\n--lin" * (70_000 * n)),
    "nearly the boundary": lambda n: ("multipart/form-data; boundary=" + "-" * 70, b"\r\n" + b"-" * (495_000 * n)),
    "parts": lambda n: (MULTIPART, part("a", b"1") * (999 * n) + b"--line--"),
    "other parts": lambda n: (MULTIPART, b"".join(part(str(i), b"1") for i in range(999 * n)) + b"--line--"),
    "text of ends": lambda n: (MULTIPART, part("a", b"\r\n-" * (41_000 * n)) + b"--line--"),
    "headers": lambda n: (MULTIPART, b"--line\r\n" + b"a: b\r\n" * (80_000 * n)),
    "a head without end": lambda n: (MULTIPART, b"--line\r\n" + b"a" * (450_000 * n)),
    "options": lambda n: ("multipart/form-data" + ';a="' * (7_500 * n), b""),
}


@pytest.mark.parametrize("case", WORST)
async def test_what_the_worst_form_costs_grows_no_faster_than_it_does(case: str) -> None:
    for size in (1 << 16, 500):
        costs = []
        for times in (1, 2):
            content_type, raw = WORST[case](times)
            with make.counted() as steps, suppress(Invalid, forms.FormTooLarge):
                await forms.read(content_type, parts(raw, size))
            costs += steps
        assert costs[1] < 2.1 * costs[0] + 1_000
        assert costs[1] < 20 * len(raw) + 1_000
