"""What a shop must fill in to have something connected, as a manifest; forms, their checks and the API's documentation
are all drawn from it."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit.clock import wire_time
from regulars.kit.errors import Conflict, Faults, Invalid, invalid
from regulars.kit.http import url_refusal
from regulars.kit.secrets import SecretBox, Unreadable
from regulars.kit.shapes import INSIDE

T = TypeVar("T")
Kind = Literal["text", "secret", "url", "select", "number"]


_NOTHING: Mapping[str, Any] = {}


class Option(msgspec.Struct, frozen=True):
    value: str
    label: str


class Field(msgspec.Struct, frozen=True):
    """One thing to fill in. `expected` ends the sentence "expected ...", shown when the value does not fit.

    A secret with `generate` need not be given: it is made here, shown once, and can be rotated: the old one stays
    valid beside the new one for `limits.SECRET_ROTATION_S`. `sent_to` says of a secret where it goes by these settings,
    '' where nobody is told it; by default it goes wherever the addresses among the settings say.
    """

    name: str
    label: str
    kind: Kind
    help: str = ""
    required: bool = True
    default: str | int | None = None
    options: tuple[Option, ...] = ()
    pattern: Annotated[str, INSIDE] = ""
    expected: str = ""
    minimum: Annotated[int, INSIDE] = 0
    maximum: Annotated[int, INSIDE] = 0
    generate: Annotated[Callable[[], str] | None, INSIDE] = None
    sent_to: Annotated[Callable[[Mapping[str, Any]], str] | None, INSIDE] = None


def rate_field(default_per_minute: int, help_: str) -> Field:
    """Every tool has a rate; the lane keeps to it."""
    return Field(
        name="rate_per_minute",
        label="Calls per minute, at most",
        kind="number",
        help=help_,
        default=default_per_minute,
        minimum=1,
        maximum=limits.RATE_PER_MINUTE_MAX,
    )


SAME_FOR_ALL = "Only changed to try things out with the sandbox."


def host_field(label: str, default: str, help_: str = "") -> Field:
    """`help_` says what of it each shop has to fill in, where a tool is not at the same address for all."""
    return Field(
        name="host",
        label=f"Address of {label}",
        kind="url",
        help=help_ or SAME_FOR_ALL,
        default=default,
        expected=f"an address such as {default}",
    )


def signing_secret(
    generate: Callable[[], str],
    sent_to: Callable[[Mapping[str, Any]], str] | None = None,
    *,
    name: str = "secret",
    label: str = "Signing secret",
) -> Field:
    """One that is made here, unless the shop gives its own."""
    return Field(
        name=name,
        label=label,
        kind="secret",
        help="Leave it empty to have one made. It is shown once.",
        required=False,
        pattern=r"[\x21-\x7e]{16,200}",
        expected="16 to 200 letters, digits and signs without spaces",
        generate=generate,
        sent_to=sent_to,
    )


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`also` checks what no field can tell alone, on values that fit their fields: what is wrong, by field."""

    label: str
    summary: str
    help_text: str
    help_url: str
    fields: tuple[Field, ...]
    also: Callable[[Mapping[str, Any], Mapping[str, str]], dict[str, str]] | None = None


def form_of(beside: str, name: str, *more: Field, **own: Mapping[str, Any]) -> dict[str, Any]:
    """What the `forms.toml` beside a file says of a manifest: its words and its fields, `more` after them. `own` is
    what only code can say of a field, by its name."""
    said: dict[str, Any] = msgspec.toml.decode(Path(beside).with_name("forms.toml").read_bytes())[name]
    told = msgspec.convert(said.pop("fields"), tuple[Field, ...])
    return said | {"fields": (*(msgspec.structs.replace(one, **own.get(one.name, {})) for one in told), *more)}


def checked_settings(
    manifest: Manifest, given: Mapping[str, Any], stored: Mapping[str, Any], stored_secrets: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """What is stored after `given` is laid over it: (settings, secrets). A secret that is not given, or empty, keeps
    its stored value, because a form never shows it again, unless it would be sent elsewhere: who does not know a secret
    could have it sent to themselves.

    Raises Invalid naming every field that is wrong.
    """
    names = {field.name for field in manifest.fields}
    wrong = {name: f"{manifest.label} has no such setting" for name in given if name not in names}
    settings, secrets = dict(stored), dict(stored_secrets)
    for field in manifest.fields:
        into: dict[str, Any] = secrets if field.kind == "secret" else settings
        value = _value(field, given, into)
        if value is not None:
            problem = _problem(field, value)
        else:
            problem = f"expected {field.expected or 'a value'}" if field.required else None
        if problem is not None:
            wrong[field.name] = problem
        elif value is not None:
            into[field.name] = int(value) if field.kind == "number" else value
    wrong |= _secrets_sent_elsewhere(manifest, given, settings, stored) if stored else {}
    if not wrong and manifest.also is not None:
        wrong = manifest.also(settings, secrets)
    if wrong:
        raise Invalid("; ".join(f"{name}: {why}" for name, why in wrong.items()), fields=wrong)
    return settings, secrets


class Known(dict[str, T]):
    """What can be connected, by name: a `word` for one, and what becomes of one that only another version knows."""

    def __init__(self, word: str, meanwhile: str, known: Mapping[str, T]) -> None:
        super().__init__(known)
        self._word, self._meanwhile = word, meanwhile

    def chosen(self, name: str) -> T:
        """Raises Invalid for one that is not known."""
        if name not in self:
            raise invalid(self._word, "one of: " + ", ".join(self))
        return self[name]

    def kept(self, name: str) -> T:
        """Of a connection that is kept. Raises Conflict for one that only another version of Regulars knows."""
        if name not in self:
            unknown = f"This version of Regulars does not know the {self._word} {name}."
            raise Conflict(f"{unknown} {self._meanwhile} for one that does.")
        return self[name]


def beside(
    settings: Mapping[str, Any], secrets: Mapping[str, str], field: str, previous: str, now: datetime
) -> tuple[dict[str, Any], dict[str, str]]:
    """Settings and secrets in which the one before the secret of this field holds beside it for SECRET_ROTATION_S."""
    until = wire_time(now + timedelta(seconds=limits.SECRET_ROTATION_S))
    return {**settings, f"{field}_previous_until": until}, {**secrets, f"{field}_previous": previous}


def checked_connection(
    manifest: Manifest,
    name: str | None,
    given: Mapping[str, Any],
    known_as: str = "",
    stored: Mapping[str, Any] = _NOTHING,
    stored_secrets: Mapping[str, str] = _NOTHING,
) -> tuple[str, dict[str, Any], dict[str, str]]:
    """What a connection is called (as before, without a name) and what is stored of it. Raises Invalid, as
    `checked_settings`, of its name too."""
    faults, name = Faults(), known_as if name is None else name.strip()
    if not 1 <= len(name) <= limits.NAME_CHARS_MAX:
        faults.add("name", f"1 to {limits.NAME_CHARS_MAX} characters")
    with faults:
        settings, secrets = checked_settings(manifest, given, stored, stored_secrets)
    faults.check()
    return name, settings, secrets


def kept_secrets(
    manifest: Manifest, box: SecretBox, sealed: bytes, given: Mapping[str, Any], *, workspace_id: UUID, thing_id: UUID
) -> dict[str, str]:
    """Those that are stored, to be laid under what is given. Where they can't be read they are lost, and the shop
    pastes them again, here and now: raises Invalid for those that are not given."""
    try:
        return box.open(sealed, workspace_id=workspace_id, thing_id=thing_id)
    except Unreadable:
        missing = [f.name for f in manifest.fields if f.kind == "secret" and f.required and not given.get(f.name)]
        if missing:
            raise Invalid("Paste the secrets again.", fields=dict.fromkeys(missing, "expected it again")) from None
        return {}


def made_here(secrets: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, str]:
    """Those that nobody gave, by field: to be shown once."""
    return {field: value for field, value in secrets.items() if value != str(given.get(field) or "").strip()}


def _secrets_sent_elsewhere(
    manifest: Manifest, given: Mapping[str, Any], settings: Mapping[str, Any], stored: Mapping[str, Any]
) -> dict[str, str]:
    def addresses(of: Mapping[str, Any]) -> str:
        return "\n".join(str(of.get(field.name, "")) for field in manifest.fields if field.kind == "url")

    wrong = {}
    for field in manifest.fields:
        if field.kind == "secret" and not str(given.get(field.name) or "").strip():
            sent_to = field.sent_to or addresses
            if sent_to(settings) not in ("", sent_to(stored)):
                wrong[field.name] = "expected it once more, since it would be sent somewhere else than before"
    return wrong


def _value(field: Field, given: Mapping[str, Any], stored: Mapping[str, Any]) -> Any:
    """What is given, else what is stored (of a secret, or of a field that is not named), else the default, else
    something made for it; None when there is nothing."""
    value = given.get(field.name)
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "":
        keep = field.kind == "secret" or field.name not in given
        value = stored.get(field.name) if keep else None
    if value is None:
        value = field.default
    return field.generate() if value is None and field.generate is not None else value


def _problem(field: Field, value: object) -> str | None:
    """Why the value does not fit the field, None when it does."""
    if field.kind == "number":
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not field.minimum <= value <= field.maximum:
            return f"expected a whole number from {field.minimum:,} to {field.maximum:,}"
        return None
    if not isinstance(value, str):
        return "expected text"
    if len(value) > limits.SETTING_CHARS_MAX:
        return f"expected at most {limits.SETTING_CHARS_MAX:,} characters"
    if field.kind == "select" and value not in {option.value for option in field.options}:
        return "expected one of: " + ", ".join(option.value for option in field.options)
    if field.kind == "url" and (refusal := url_refusal(value)) is not None:
        return f"expected {field.expected}. {refusal}"
    # Secrets travel in headers, where anything but printable ASCII would break the call.
    pattern = field.pattern or (r"[\x21-\x7e]+" if field.kind == "secret" else "")
    if pattern and re.fullmatch(pattern, value) is None:
        return f"expected {field.expected or 'letters, digits and signs without spaces'}"
    return None
