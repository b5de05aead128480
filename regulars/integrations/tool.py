"""What the carriers of marketing tools share: whom an event is about, what is kept on their profile, the order in which
an answer is read, and the fields that each of their manifests has.

A tool of this kind is a manifest, and a carrier that says how its event looks (`event`) and how it words an answer
(`said`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import msgspec

from regulars import limits
from regulars.delivery import carrier
from regulars.delivery.rate import Window
from regulars.integrations.manifest import Manifest
from regulars.kit.fields import Field, Option
from regulars.kit.http import Answer, NoAnswer, Request

encode = msgspec.json.Encoder().encode
T = TypeVar("T")
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

# Kept on the profile, under the prefix: what the shop's segments ask about. '' is a value: there is no tier (yet).
ON_PROFILE = {
    "balance": "user_available_balance",
    "tier": "user_tier",
    "referral_code": "user_referral_code",
    "referral_link": "user_referral_link",
}
KEY_HELP = "Paste a new key, then Initialize."


class Who(msgspec.Struct, frozen=True):
    """A primary selector: the event's property, the option's label, and what a customer without it lacks."""

    property: str
    label: str
    lacking: str


SELECTORS = {
    "email": Who("user_email", "E-mail", "no e-mail address"),
    "phone": Who("user_mobile", "Mobile number", "no mobile number"),
    "id": Who("user_customer_id", "Customer id", "no customer id"),
}


def selector_field(label: str, *values: str) -> Field:
    return Field(
        name="primary_selector",
        label="Primary selector",
        kind="select",
        help=f"How {label} knows your customers. A customer without it is not sent.",
        default=values[0],
        options=tuple(Option(value, SELECTORS[value].label) for value in values),
    )


def retry_unclear_field(label: str) -> Field:
    return Field(
        name="retry_unclear",
        label=f"When it is unclear whether {label} received an event",
        kind="select",
        help=(
            f"{label} does not recognise an event that it gets twice. Sending again may start an automation twice; "
            "not sending again may lose the event."
        ),
        default="no",
        options=(Option("no", "Do not send it again"), Option("yes", "Send it again")),
    )


def prefix_field(default: str, pattern: str, expected: str) -> Field:
    return Field(
        name="profile_prefix",
        label="Prefix on the profile",
        kind="text",
        help="Stands before what is kept on each customer's profile: balance, tier, referral link and code.",
        default=default,
        required=bool(default),
        pattern=pattern,
        expected=expected,
    )


def any_prefix_field() -> Field:
    most = limits.PROFILE_PREFIX_CHARS_MAX
    return prefix_field("Nector:", rf"[^\x00-\x1f]{{1,{most}}}", f"1 to {most} characters")


class Said(msgspec.Struct, frozen=True):
    """A tool's answer in words. `refused`: what a person must mend. `failed`: a 2xx that is a failure all the same."""

    words: str = ""
    wait_s: float | None = None
    refused: str = ""
    failed: bool = False


class ToolCarrier:
    """A tool that knows customers by a primary selector, and keeps a profile of each."""

    manifest: ClassVar[Manifest]
    media_type: ClassVar[str] = "application/json"
    source: carrier.SourceKind = "event"
    at_once = limits.LANE_CALLS_IN_FLIGHT_MAX
    keeps_profiles = True

    def __init__(self, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        self.host = str(settings["host"]).rstrip("/")
        self.prefix = str(settings.get("profile_prefix", ""))
        self.selector = str(settings["primary_selector"])
        self._retry_unclear = self.manifest.deduplicates or settings["retry_unclear"] == "yes"
        self.url, headers, self._secret = self.calls(settings, secrets["api_key"])
        self._headers = headers
        self._posted = {"Content-Type": self.media_type, **headers}

    @property
    def windows(self) -> Sequence[Window]:
        return self.manifest.windows

    def calls(self, settings: Mapping[str, Any], key: str) -> tuple[str, dict[str, str], frozenset[str]]:
        """Where events are posted, the headers of every call, and which of them hold the key."""
        raise NotImplementedError

    def unfit(self, who: str) -> str:
        """Why the tool would not take this for whom an event is about, '' if it does. All of them want E.164."""
        if self.selector != "phone" or _E164.fullmatch(who):
            return ""
        return (
            f"{self.manifest.label} takes mobile numbers with a country's code, such as +919800000000, and this "
            f"customer's is {who}: no number that anybody has there. Nothing was sent."
        )

    def event(self, parcel: carrier.Parcel, body: dict[str, Any], who: str) -> dict[str, Any]:
        """The call's body. What it says of the event is made of `body` alone, of the customer of `parcel.profile`."""
        raise NotImplementedError

    def said(self, answer: Answer) -> Said:
        raise NotImplementedError

    def check(self, at: datetime) -> Request:
        raise NotImplementedError

    def checked(self, answer: Answer, said: Said) -> str:
        """What is wrong, '' for nothing, with an answer to `check` that no refusal speaks of."""
        if 200 <= answer.status < 300 and not said.failed:
            return ""
        label = self.manifest.label
        if answer.status == 404:
            return f"{label} answered 404: there is no {label} API at this address."
        words = f": {said.words.rstrip('.')}." if said.words else "."
        return f"{label} answered {answer.status}{words} Try again in a few minutes."

    def ask(self, method: str, url: str, body: object = None) -> Request:
        if body is None:
            return Request(method, url, self._headers, b"", self._secret)
        return Request(method, url, self._posted, encode(body), self._secret)

    def render(self, parcel: carrier.Parcel) -> Request | carrier.GaveUp:
        body = _decode(parcel.body)
        selector = SELECTORS[self.selector]
        who = body.get(selector.property)
        if not who:
            return carrier.GaveUp(
                f"This customer has {selector.lacking}, and {selector.label} is this integration's primary selector. "
                "Nothing was sent."
            )
        unfit = self.unfit(str(who))
        return carrier.GaveUp(unfit) if unfit else self.ask("POST", self.url, self.event(parcel, body, str(who)))

    def read(self, answer: Answer) -> carrier.Outcome:
        label, status = self.manifest.label, answer.status
        said = self.said(answer)
        if 200 <= status < 300:
            refused = carrier.GaveUp(
                f"{label} answered {status}, and yet refused the event: {said.words or 'without a word.'}"
            )
            return refused if said.failed else carrier.Delivered()
        if said.refused:
            return carrier.Paused(said.refused)
        outcome = carrier.read_status(label, answer, said.words)
        if isinstance(outcome, carrier.RetryAfter) and said.wait_s is not None and said.wait_s > 0:
            asked_s = min(said.wait_s, limits.RETRY_AFTER_MAX_S)
            return carrier.RetryAfter(max(asked_s, outcome.wait_s or 0.0), outcome.reason)
        return outcome

    def unanswered(self, parcel: carrier.Parcel, end: NoAnswer) -> carrier.Outcome:
        return carrier.read_no_answer(self.manifest.label, parcel, end, retry_unclear=self._retry_unclear)

    def read_check(self, end: Answer | NoAnswer) -> carrier.CheckResult:
        label = self.manifest.label
        if isinstance(end, NoAnswer):
            return carrier.CheckResult(
                False, f"{label} could not be reached: {end.detail} Check the address, then Initialize."
            )
        said = self.said(end)
        wrong = said.refused or self.checked(end, said)
        return carrier.CheckResult(not wrong, wrong or f"{label} knows this key. Events can be sent.")

    def refused(self, status: int, gone: str = "") -> str:
        """The statuses that a person must mend, in words; `gone` says what a 410 means."""
        label = self.manifest.label
        if status == 401:
            return f"{label} answered 401: the API key was refused. {KEY_HELP}"
        if status == 403:
            return (
                f"{label} answered 403: the API key lacks a permission. Paste a key that has all permissions, then "
                "Initialize."
            )
        return f"{label} answered 410: {gone}" if status == 410 else ""

    def on_profile(self, parcel: carrier.Parcel) -> dict[str, Any]:
        """The customer's state as of now, under the prefix."""
        profile = parcel.profile
        return {} if profile is None else {self.prefix + name: profile[of] for name, of in ON_PROFILE.items()}


def names_of(parcel: carrier.Parcel, first: str, last: str) -> dict[str, str]:
    """First and last name as they are now, as the tool calls them, cut as tools take them; those that there are."""
    given, _, family = str((parcel.profile or {}).get("user_name", "")).strip().partition(" ")
    names = {first: given, last: family.strip()}
    return {name: value[: limits.TOOL_NAME_CHARS_MAX] for name, value in names.items() if value}


def read_as(type_: type[T], body: bytes) -> T:
    """What a tool answered, as far as it can be read."""
    try:
        return msgspec.json.decode(body, type=type_, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return type_()


def properties_of(
    parcel: carrier.Parcel, body: Mapping[str, Any], most: int, named: Callable[[str], str] = str, *, flat: bool = True
) -> dict[str, Any]:
    """The event's properties, those that have a value, at most so many, their names made to fit the tool. Of two names
    that become equal the first stays. `flat` tools take no objects: they get their JSON. A test says so.

    A tool may fix a property's type by the first event that carries it, and an event has '' where it has no value: such
    a property is left out, so that a number's first appearance is never a text.
    """
    properties: dict[str, Any] = {"test": True} if parcel.test else {}
    for raw, value in body.items():
        if value is None or value in ("", [], {}):
            continue
        name = named(raw)
        if not name or name in properties:
            continue
        if len(properties) == most:
            break
        properties[name] = encode(value).decode() if flat and isinstance(value, dict) else value
    return properties


def words_of(*parts: str) -> str:
    """A tool's own explanation on one line, cut."""
    text = "; ".join(part for part in parts if part)[: limits.TOOL_WORDS_CHARS_MAX]
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
