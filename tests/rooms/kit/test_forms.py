"""Forms, queries and cookies: what is read, what is refused, and that the work grows evenly with what was sent."""

import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from regulars import limits
from regulars.kit import forms
from regulars.kit.errors import Invalid


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
    "one name": (forms.URL_ENCODED, b"a&" * 1_999),
    "other names": (forms.URL_ENCODED, b"&".join(b"%d" % n for n in range(1_999))),
    "escapes": (forms.URL_ENCODED, b"a=" + b"%41" * 83_000),
    "broken escapes": (forms.URL_ENCODED, b"a=" + b"%" * 249_000),
    "plus": (forms.URL_ENCODED, b"a=" + b"+" * 249_000),
    "too many": (forms.URL_ENCODED, b"&" * 249_000),
    "no part": (MULTIPART, b"\r\n--lin" * 140_000),
    "nearly the boundary": ("multipart/form-data; boundary=" + "-" * 70, b"\r\n" + b"-" * 990_000),
    "parts": (MULTIPART, part("a", b"1") * 1_999 + b"--line--"),
    "other parts": (MULTIPART, b"".join(part(str(n), b"1") for n in range(1_999)) + b"--line--"),
    "text of ends": (MULTIPART, part("a", b"\r\n-" * 82_000) + b"--line--"),
    "headers": (MULTIPART, b"--line\r\n" + b"a: b\r\n" * 160_000),
    "a head without end": (MULTIPART, b"--line\r\n" + b"a" * 900_000),
    "options": ("multipart/form-data" + ';a="' * 15_000, b""),
}


@pytest.mark.parametrize("case", WORST)
async def test_the_worst_form_is_read_or_refused_in_no_time(case: str) -> None:
    content_type, raw = WORST[case]
    for size in (1 << 16, 500):
        began_s = time.process_time()
        with suppress(Invalid, forms.FormTooLarge):
            await forms.read(content_type, parts(raw, size))
        assert time.process_time() - began_s < 0.5
