"""What came in, as typed values: strictly, and with the path of whatever is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec

from regulars import limits
from regulars.api import leniency
from regulars.kit import forms
from regulars.kit.errors import Invalid, Refusal, invalid

T = TypeVar("T")

_FIRST_MOMENT = datetime(1900, 1, 1, tzinfo=UTC)
_LAST_MOMENT = datetime(2200, 1, 1, tzinfo=UTC)
_PATH = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
_QUOTED = re.compile(r"`([^`]*)`")
_EXPECTED = re.compile(r"Expected `([^`]+)`(.*)", re.DOTALL)
_GOT = re.compile(r", got `[^`]+`")
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
    "uuid": "a UUID",
    "datetime": "a time such as 2026-03-14T09:26:53Z",
    "date": "a date such as 1990-05-26",
    "decimal": "a number",
}
_LIST = msgspec.json.Decoder(
    Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=limits.ORDERS_PER_CALL_MAX)]
)
_JSON = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json *(?:;.*)?", re.IGNORECASE)


class Malformed(Refusal):
    """The body is no JSON at all."""

    code = "malformed"
    status = 400


class WrongMediaType(Refusal):
    """The body is said to be something else than JSON."""

    code = "unsupported_media_type"
    status = 415


class BodyTooLarge(Refusal):
    """The body is longer than a body may be."""

    code = "body_too_large"
    status = 413

    def __init__(self) -> None:
        super().__init__(f"The body is longer than {limits.BODY_BYTES_MAX:,} bytes.")


def check_media_type(content_type: str) -> None:
    """A body without a Content-Type is taken for JSON. Raises WrongMediaType."""
    if content_type and content_type != "application/json" and not _JSON.fullmatch(content_type.strip()):
        raise WrongMediaType("The body must be JSON.", fields={"Content-Type": "expected application/json"})


def decode(decoder: msgspec.json.Decoder[T], raw: bytes) -> T:
    """The body as the decoder's type. Raises Malformed, or Invalid naming the path of what is wrong."""
    try:
        body = decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = read_value(decoder.type, read_json(raw))
    # A NUL can be written in JSON only as this escape, and PostgreSQL stores none; anything else is not walked through.
    if b"\\u0000" in raw:
        _refuse_nul(body, "")
    return body


def decode_each(decoder: msgspec.json.Decoder[T], raw: bytes) -> T | list[T | Refusal]:
    """One item; or of a list each item by itself, with why in the place of those that can't be read. Raises as `decode`
    does when it is neither, or a list that is too long."""
    if not raw.lstrip().startswith(b"["):
        return decode(decoder, raw)
    items: list[T | Refusal] = []
    for item in decode(_LIST, raw):
        try:
            items.append(decode(decoder, bytes(item)))
        except Refusal as refusal:
            items.append(refusal)
    return items


def read_json(raw: bytes) -> Any:
    """Whatever a body holds. Raises Malformed, Invalid."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.ValidationError:
        raise invalid("body", "numbers that a computer can hold") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed(f"The body is not valid JSON{'' if raw else ': it is empty'}.") from None
    except RecursionError:
        raise Malformed("The body is nested too deeply.") from None


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == forms.URL_ENCODED


def read_form(raw: bytes) -> Any:
    """What a URL-encoded body holds, all of it text. Raises Invalid naming the field."""
    return leniency.nested(forms.fields(raw))


def read_value(type_: type[T], given: Any, *, text: bool = False) -> T:
    """What was read, as the type, put right where it is written otherwise than documented. Raises Invalid naming the
    path of what is wrong."""
    right = leniency.put_right(given, type_, text=text)
    try:
        value: T = msgspec.convert(right, type_, strict=not text)
    except msgspec.ValidationError as error:
        raise _said(str(error), type_) from None
    _refuse_nul(value, "")
    return value


def convert(type_: type[T], given: Mapping[str, str]) -> T:
    """Query parameters or headers, which are all text, as a typed struct. Raises Invalid naming the parameter."""
    return read_value(type_, given, text=True)


def an_id(field: str, text: str) -> UUID:
    """Raises Invalid naming the field."""
    try:
        return UUID(text) if len(text) in (32, 36) else _no_id(field)
    except ValueError:
        return _no_id(field)


def a_moment(field: str, at: datetime) -> datetime:
    """A time with its offset, within the centuries a shop may mean. Raises Invalid naming the field."""
    if at.tzinfo is None:
        raise invalid(field, "a time with its offset from UTC, such as 2026-03-14T09:26:53Z")
    if not _FIRST_MOMENT <= at < _LAST_MOMENT:
        raise invalid(field, "a time from 1900 to 2199")
    return at.astimezone(UTC)


def a_birthday(field: str, day: date | None) -> date | None:
    """Raises Invalid naming the field."""
    if day is not None and not 1850 <= day.year < 2200:
        raise invalid(field, "a date from 1850 to 2199")
    return day


def _no_id(field: str) -> UUID:
    raise invalid(field, "a UUID")


def _said(message: str, type_: Any) -> Invalid:
    """msgspec's message, in the words of every other refusal."""
    found = _PATH.search(message)
    path = found[1].lstrip(".") if found else ""
    text = message[: found.start()] if found else message
    if text.startswith(("Object contains unknown field", "Object missing required field")):
        quoted = _QUOTED.findall(text)
        name = f"{path}.{quoted[0]}" if path else quoted[0]
        if "unknown" in text:
            known = _schema_at(type_, path).get("properties", {})
            return invalid(name, f"only {', '.join(known)}" if known else "no such field")
        return invalid(name, "a value: this field is required")
    field = path or "body"
    if text.startswith("Invalid enum value"):
        values = [value for value in _schema_at(type_, path).get("enum", []) if value != ""]
        return invalid(field, f"one of {', '.join(str(value) for value in values)}" if values else "another value")
    expected = _EXPECTED.match(text)
    if expected:
        kinds = [_WORDS.get(kind.strip(), kind.strip()) for kind in expected[1].split("|")]
        return invalid(field, " or ".join(kinds) + _GOT.sub("", expected[2]))
    if text.startswith("Invalid UUID"):
        return invalid(field, "a UUID")
    if text.startswith("Invalid RFC3339 encoded date"):
        return invalid(field, _WORDS["datetime"] if "datetime" in text else _WORDS["date"])
    return invalid(field, f"another value ({text[:1].lower()}{text[1:]})")


def _schema_at(type_: Any, path: str) -> dict[str, Any]:
    """The JSON Schema of what stands at this path, {} where it can't be told."""
    node, definitions = _schema(type_)
    for step in [None, *re.findall(r"[^.\[\]]+|\[[^\]]*\]", path)]:
        if step is not None:
            node = node.get("items", {}) if step.startswith("[") else node.get("properties", {}).get(step, {})
        options = [option for option in node.get("anyOf", []) if option.get("type") != "null"]
        node = options[0] if len(options) == 1 else node
        if "$ref" in node:
            node = definitions[node["$ref"].removeprefix("#/$defs/")]
    return node


@lru_cache(256)
def _schema(type_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    schema = msgspec.json.schema(type_)
    return schema, schema.get("$defs", {})


def _refuse_nul(value: Any, path: str) -> None:
    if isinstance(value, str) and "\x00" in value:
        raise invalid(path or "body", "text without NUL characters")
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            _refuse_nul(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(name, str) and "\x00" in name:
                raise invalid(path or "body", "names without NUL characters")
            _refuse_nul(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            _refuse_nul(inner, f"{path}[{at}]")
