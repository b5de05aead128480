"""What came in, as typed values: strictly, and with the path of whatever is wrong."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

import msgspec
from litestar.types import Receive

from regulars import limits
from regulars.api import leniency
from regulars.kit import Faults, Invalid, Refusal, TooMany, forms, invalid
from regulars.kit.ids import id_of

T = TypeVar("T")

_PATH = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
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


class Malformed(Refusal, code="malformed", status=400):
    """The body is no JSON at all."""


class Unread(Invalid):
    """What was `given` is not of the `type`."""

    def __init__(self, faults: Faults, type_: Any, given: Any, *, strict: bool) -> None:
        super().__init__(faults.refusal().message, fields=faults.fields)
        self.type, self.given, self.strict = type_, given, strict


class WrongMediaType(Refusal, code="unsupported_media_type", status=415):
    """The body is said to be something else than JSON."""


class BodyTooLarge(Refusal, code="body_too_large", status=413):
    """The body is longer than a body may be."""

    def __init__(self, bytes_max: int = limits.BODY_BYTES_MAX) -> None:
        super().__init__(f"The body is longer than {bytes_max:,} bytes.")


class _Coming:
    """What this process holds of long bodies that have not come in whole."""

    bytes = 0


async def whole_body(length: bytes, receive: Receive, bytes_max: int = limits.BODY_BYTES_MAX) -> bytes:
    """The body of a bare ASGI request, `length` as its header says it. Raises BodyTooLarge before more than the limit
    is kept, Malformed when it ends early, TooMany where too many long ones come at once: short ones always may."""
    if len(length) > 6 and (not length.isdigit() or int(length) > bytes_max):
        raise BodyTooLarge(bytes_max)
    parts, came, counted, more = list[bytes](), 0, 0, True
    try:
        while more:
            message = await receive()
            if message["type"] != "http.request":
                # Hung up within the body: what came may read as a whole one, but more was promised.
                raise Malformed("The body ended early.")
            parts.append(message.get("body", b""))
            came += len(parts[-1])
            more = message.get("more_body", False)
            if came > bytes_max:
                raise BodyTooLarge(bytes_max)
            if came > limits.BODY_SHORT_BYTES_MAX:
                _Coming.bytes += came - counted
                counted = came
                if _Coming.bytes > limits.BODIES_COMING_BYTES_MAX:
                    words = "Too many long bodies are being sent at this moment. Send this one again in a minute."
                    raise TooMany(words, retry_after_s=60)
    finally:
        _Coming.bytes -= counted
    return parts[0] if len(parts) == 1 else b"".join(parts)


def check_media_type(content_type: str) -> None:
    """A body without a Content-Type is taken for JSON. Raises WrongMediaType."""
    if content_type and content_type != "application/json" and not _JSON.fullmatch(content_type.strip()):
        raise WrongMediaType("The body must be JSON.", fields={"Content-Type": "expected application/json"})


def decode(decoder: msgspec.json.Decoder[T], raw: bytes) -> T:
    """The body as the decoder's type. Raises Malformed, or Invalid naming the path of each thing that is wrong."""
    try:
        body = decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = read_value(decoder.type, read_json(raw))
    # A NUL can be written in JSON only as this escape, and PostgreSQL stores none; anything else is not walked through.
    if b"\\u0000" in raw:
        _gathered(_nul_places(body, "")).check()
    return body


def read_body(decoder: msgspec.json.Decoder[T], content_type: str, raw: bytes) -> T:
    """JSON, or a form. Raises WrongMediaType, Malformed, Invalid."""
    if is_form(content_type):
        return read_value(decoder.type, read_form(raw), text=True)
    check_media_type(content_type)
    return decode(decoder, raw)


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


async def read_parts(content_type: str, raw: bytes) -> Any:
    """What a form with files holds, all of it text, a file as base64. Raises Invalid naming the field."""

    async def whole() -> AsyncIterator[bytes]:
        yield raw

    sent = await forms.read(content_type, whole())
    return dict(sent.fields) | {name: b64encode(one.file.read()).decode() for name, one in sent.files.items()}


def read_value(type_: type[T], given: Any, *, text: bool = False) -> T:
    """What was read, as the type, put right where it is written otherwise than documented. Raises Invalid naming the
    path of each thing that is wrong."""
    right = leniency.put_right(given, type_, text=text)
    try:
        value: T = msgspec.convert(right, type_, strict=not text)
    except msgspec.ValidationError as error:
        raise _all_faults(type_, right, error, strict=not text) from None
    _gathered(_nul_places(value, "")).check()
    return value


def convert(type_: type[T], given: Mapping[str, str]) -> T:
    """Query parameters or headers, which are all text, as a typed struct. Raises Invalid naming each parameter."""
    return read_value(type_, given, text=True)


def an_id(field: str, text: str) -> UUID:
    """Raises Invalid naming the field."""
    try:
        return id_of(text) if len(text) in (32, 36) else _no_id(field)
    except ValueError:
        return _no_id(field)


def _no_id(field: str) -> UUID:
    raise invalid(field, "a UUID")


def _all_faults(type_: Any, given: Any, error: msgspec.ValidationError, *, strict: bool) -> Unread:
    """msgspec stops at the first fault. Once there is one, the parts are tried one by one, and all are named, up to
    limits.FAULTS_NAMED_MAX."""
    faults = _gathered(_faults(type_, given, "", strict=strict))
    if not faults.fields:
        path, text = _path_and_text(error)
        faults.add(path or "body", _expected(text, type_))
    return Unread(faults, type_, given, strict=strict)


def _gathered(found: Iterable[tuple[str, str]]) -> Faults:
    faults = Faults()
    for path, expected in islice(found, limits.FAULTS_NAMED_MAX):
        faults.add(path or "body", expected)
    return faults


def _faults(type_: Any, given: Any, path: str, *, strict: bool) -> Iterator[tuple[str, str]]:
    try:
        msgspec.convert(given, type_, strict=strict)
    except msgspec.ValidationError as error:
        deeper, text = _path_and_text(error)
    else:
        return
    named = False
    for step, part_type, part in _parts(type_, given):
        if part_type is None:
            yield _joined(path, step), part
            named = True
            continue
        for fault in _faults(part_type, part, _joined(path, step), strict=strict):
            yield fault
            named = True
    if not named or (not deeper and not text.startswith("Object ")):
        yield _joined(path, deeper), _expected(text, type_)


def _parts(type_: Any, given: Any) -> Iterator[tuple[str, Any, Any]]:
    """The fields of an object and the items of a list, as (step, type, value); without a type what is wrong with a
    field that is not known, or not there."""
    options = list(options_of(type_))
    if isinstance(given, dict):
        structs = [option for option in options if isinstance(option, type) and issubclass(option, msgspec.Struct)]
        if len(structs) == 1:
            fields = {field.encode_name: field for field in msgspec.structs.fields(structs[0])}
            for name, field in fields.items():
                if name in given:
                    yield name, field.type, given[name]
                elif field.required:
                    yield name, None, "a value: this field is required"
            if structs[0].__struct_config__.forbid_unknown_fields:
                words = f"only {', '.join(fields)}" if fields else "no such field"
                yield from ((name[: limits.NAME_CHARS_MAX], None, words) for name in given if name not in fields)
    elif isinstance(given, list):
        lists = [option for option in options if get_origin(option) is list]
        if len(lists) == 1:
            for at, item in enumerate(given):
                yield f"[{at}]", get_args(lists[0])[0], item


def options_of(type_: Any) -> Iterator[Any]:
    """The types that a type stands for, without annotations and unions around them."""
    if get_origin(type_) is Annotated:
        yield from options_of(get_args(type_)[0])
    elif get_origin(type_) in (Union, UnionType):
        for option in get_args(type_):
            yield from options_of(option)
    else:
        yield type_


def _joined(path: str, step: str) -> str:
    return path + step if not path or not step or step.startswith("[") else f"{path}.{step}"


def _path_and_text(error: msgspec.ValidationError) -> tuple[str, str]:
    message = str(error)
    found = _PATH.search(message)
    return (found[1].lstrip("."), message[: found.start()]) if found else ("", message)


def _expected(text: str, type_: Any) -> str:
    """msgspec's message of one value, in the words of every other refusal."""
    if text.startswith("Invalid enum value"):
        literals = [option for option in options_of(type_) if get_origin(option) is Literal]
        values = [str(value) for literal in literals for value in get_args(literal) if value != ""]
        return f"one of {', '.join(values)}" if values else "another value"
    expected = _EXPECTED.match(text)
    if expected:
        kinds = [_WORDS.get(kind.strip(), kind.strip()) for kind in expected[1].split("|")]
        return " or ".join(kinds) + _GOT.sub("", expected[2])
    if text.startswith("Invalid UUID"):
        return "a UUID"
    if text.startswith("Invalid RFC3339 encoded date"):
        return _WORDS["datetime"] if "datetime" in text else _WORDS["date"]
    return f"another value ({text[:1].lower()}{text[1:]})"


def _nul_places(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and "\x00" in value:
        yield path, "text without NUL characters"
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(name, str) and "\x00" in name:
                yield path, "names without NUL characters"
            else:
                yield from _nul_places(inner, _joined(path, str(name)))
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            yield from _nul_places(inner, f"{path}[{at}]")
