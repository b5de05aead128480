"""Forms, queries and cookies as anybody may send them: every door reads them by these functions and by nothing else.

Promises: time and memory grow evenly with what was sent and end at a limit, and nothing of it is remembered. So the web
framework's own readers are not used: they keep the last 1,024 forms, queries and cookie headers, passwords among them.
"""

import tempfile
from collections.abc import AsyncIterator, Iterable
from typing import BinaryIO, cast
from urllib.parse import parse_qsl

import msgspec
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header  # type: ignore[import-untyped]

from regulars import limits
from regulars.kit.errors import Invalid, Refusal, invalid

MULTIPART = "multipart/form-data"
URL_ENCODED = "application/x-www-form-urlencoded"


class FormTooLarge(Refusal, code="body_too_large", status=413):
    """A form holds more text than a form may."""

    message = f"The form's text is longer than {limits.FORM_TEXT_BYTES_MAX:,} bytes."


class Upload(msgspec.Struct, frozen=True):
    """A file that came with a form; `file` stands at its beginning, and is gone when nobody holds it any more."""

    filename: str
    file: BinaryIO


class Spooled(tempfile.SpooledTemporaryFile[bytes]):
    """A file that came: a small one stays in memory, others lie on the disk; gone when nobody holds it any more."""

    def __del__(self) -> None:
        self.close()


class Sent(msgspec.Struct, frozen=True):
    """A form: its fields in their order, a name as often as it came, and its files by field's name, further ones of it
    as `name[1]`."""

    fields: list[tuple[str, str]] = []
    files: dict[str, Upload] = {}


def fields(raw: bytes, what: str = "form") -> list[tuple[str, str]]:
    """What stands in a query or a URL-encoded form, in its order. Raises FormTooLarge, and Invalid naming `what`."""
    if len(raw) > limits.FORM_TEXT_BYTES_MAX:
        raise FormTooLarge
    try:
        # Anything but ASCII is written as %XX; what is not all the same is read as the UTF-8 that was meant.
        found = parse_qsl(
            raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=limits.FORM_FIELDS_MAX, separator="&"
        )
    except UnicodeDecodeError:
        raise invalid(what, "text in UTF-8") from None
    except ValueError:
        raise _too_many(what) from None
    for name, value in found:
        _check_text(what, name, value)
    return found


def single(raw: bytes) -> dict[str, str]:
    """A query in which every name stands once. Raises Invalid naming what is wrong."""
    found: dict[str, str] = {}
    for name, value in fields(raw, "query"):
        if name in found:
            raise invalid(name, "one value, not several")
        found[name] = value
    return found


def cookies(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """By name, from a request's headers as they came. Of two with one name the later counts: browsers send those of
    the whole site last, and ours are. What is beyond the limit is not looked at."""
    parts = [part for name, value in headers if name == b"cookie" for part in value.split(b";", limits.COOKIES_MAX)]
    pairs = (part.decode("latin-1").partition("=") for part in parts[: limits.COOKIES_MAX])
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


async def read(content_type: str, body: AsyncIterator[bytes]) -> Sent:
    """The form in a request's body; an empty one when it says it is none. Raises Invalid and FormTooLarge."""
    media_type, options = parse_options_header(content_type[: limits.FORM_TYPE_CHARS_MAX])
    if media_type == URL_ENCODED:
        return Sent(fields(b"".join([part async for part in body])))
    if media_type != MULTIPART:
        return Sent()
    boundary = options.get("boundary", "")
    if not boundary or "\n" in boundary:
        raise invalid("Content-Type", "a boundary")
    reading = _Multipart()
    try:
        with PushMultipartParser(boundary) as parser:
            async for part in body:
                for event in parser.parse(part) if part and not parser.closed else ():
                    reading.take(event)
    except MultipartError:
        raise invalid("form", "multipart/form-data, whole") from None
    return reading.sent


class _Multipart:
    """Makes a form of the parser's events: a segment, its bytes piece by piece, then None."""

    def __init__(self) -> None:
        self.sent = Sent([], {})
        self._segment: MultipartSegment
        self._text = bytearray()
        self._file: BinaryIO | None = None
        self._left = limits.FORM_TEXT_BYTES_MAX

    def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            if len(self.sent.fields) + len(self.sent.files) >= limits.FORM_FIELDS_MAX:
                raise _too_many("form")
            self._segment, self._text, self._file = event, bytearray(), None
            if event.filename:
                self._file = cast(BinaryIO, Spooled(limits.BODY_BYTES_MAX))
        elif event is None:
            self._end()
        elif self._file is not None:
            self._file.write(event)
        else:
            self._left -= len(event)
            if self._left < 0:
                raise FormTooLarge
            self._text += event

    def _end(self) -> None:
        name, filename = self._segment.name or "", self._segment.filename or ""
        if self._file is not None:
            _check_text("form", name, filename)
            self._file.seek(0)
            # Of several files of a field the others have a number behind its name.
            named = f"{name}[{len(self.sent.files)}]" if name in self.sent.files else name
            self.sent.files[named] = Upload(filename, self._file)
            return
        try:
            # Whatever charset a part claims: browsers write the page's own, and Python remembers each name it is asked.
            value = self._text.decode()
        except UnicodeDecodeError:
            raise invalid(name, "text in UTF-8") from None
        _check_text("form", name, value)
        self.sent.fields.append((name, value))


def _check_text(what: str, name: str, value: str) -> None:
    """The database can't hold a NUL, and no person types one."""
    if "\0" in name:
        raise invalid(what, "names without NUL characters")
    if "\0" in value:
        raise invalid(name or what, "text without NUL characters")


def _too_many(what: str) -> Invalid:
    return invalid(what, f"at most {limits.FORM_FIELDS_MAX:,} fields")
