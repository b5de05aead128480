"""What `tools.toml` tells of a marketing tool, and the form that a shop fills in for it."""

import re
from typing import Any, Literal

import msgspec

from regulars import limits
from regulars.delivery.rate import Window
from regulars.integrations.manifest import ORDER, Manifest
from regulars.kit import copied
from regulars.kit.fields import Field, Option, host_field, rate_field

# Kept on the profile, under the prefix: what the shop's segments ask about. '' is a value: there is no tier (yet).
ON_PROFILE = {
    "balance": "user_available_balance",
    "tier": "user_tier",
    "referral_code": "user_referral_code",
    "referral_link": "user_referral_link",
    "segments": "user_segments",
    "tags": "user_tags",
}


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


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of `tools.toml`."""


class Names(_Told, frozen=True):
    """What names a tool takes: signs that it `forbids` become _, a `reserved` beginning is put behind one."""

    forbids: str = ""
    reserved: str = ""
    chars: int = 1_000

    def fitted(self, name: str) -> str:
        name = re.sub(self.forbids, "_", name) if self.forbids else name
        return f"{'_' if self.reserved and name.startswith(self.reserved) else ''}{name}"[: self.chars]


class Properties(_Told, frozen=True):
    """`most` of them, `each` of one kind; `takes` are what values may be beside texts, numbers and flags."""

    most: int = 1_000
    each: int = 0
    names: Names = Names()
    takes: Literal["all", "lists", "plain", "texts"] = "lists"
    value_bytes: int = 0


class Call(_Told, frozen=True):
    """`by` says what the tool calls a customer's selector, where it is not as everywhere. `after_profile`: the call of
    the profile is made first, and this one when that was taken."""

    url: str
    body: dict[str, Any] | None = None
    method: str = "POST"
    by: dict[str, str] = {}
    after_profile: bool = False


class Bulk(Call, frozen=True, kw_only=True):
    """How one call carries `most` events: what is said of each, with commas, `between` two texts."""

    most: int
    between: tuple[str, str]
    windows: tuple[Window, ...]


class Check(Call, frozen=True):
    """What Initialize asks. A refusal whose words are like `well` shows that the key was taken; one like `key`, not."""

    method: str = "GET"
    well: str = ""
    key: str = ""


class Spec(_Told, frozen=True, kw_only=True):
    """A tool. `words` are forms of what it says of a failure, the first of several between | that can be filled in,
    once for each thing in a list before >; `wait` is where it names one, in seconds; `failed`: a 2xx in which one of
    these stands is a failure all the same; `gone` is what a 410 means. Without `state_lists` a profile holds
    them as text."""

    label: str
    summary: str
    help_text: str
    help_url: str
    host: str
    host_help: str = ""
    rate: tuple[int, str]
    by: dict[str, str]
    fields: tuple[Field, ...]
    headers: dict[str, str]
    event: Call
    check: Check
    bulk: Bulk | None = None
    profile: Call | None = None
    state: dict[str, str] = {}
    state_lists: bool = True
    prefix: tuple[str, str, str] = ("Nector:", r"[^\x00-\x1f]{1,40}", "1 to 40 characters")
    media_type: str = "application/json"
    windows: tuple[Window, ...] = ()
    profile_windows: tuple[Window, ...] = ()
    at_once: int = limits.LANE_CALLS_IN_FLIGHT_MAX
    deduplicates: bool = False
    names: Names = Names()
    properties: Properties = Properties()
    words: tuple[str, ...] = ()
    wait: str = ""
    failed: dict[str, list[Any]] = {}
    gone: str = "this version of its API has been retired. Update Regulars, then Initialize."

    @property
    def tells_state(self) -> bool:
        """Whether the call of an event says what the profile should hold, too."""
        return self.event.after_profile or b'"$state"' in msgspec.json.encode(self.event.body)


def manifest(tool: str, spec: Spec) -> Manifest:
    label = spec.label
    of_profiles = (
        Field(
            name="profile_prefix",
            label="Prefix on the profile",
            kind="text",
            help="Stands before what is kept on each profile: balance, tier, referral link and code, segments, tags.",
            default=spec.prefix[0],
            required=bool(spec.prefix[0]),
            pattern=spec.prefix[1],
            expected=spec.prefix[2],
        ),
        Field(
            name="profiles",
            label="Keep profiles up to date",
            kind="select",
            help=f"Also when no event is sent to {label}: what a customer has now, at most once a minute for each.",
            default="yes",
            options=(Option("yes", "Yes"), Option("no", "Only with events")),
        ),
    )
    retry_unclear = Field(
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
    selector = Field(
        name="primary_selector",
        label="Primary selector",
        kind="select",
        help=f"How {label} knows your customers. A customer without it is not sent.",
        default=next(iter(spec.by)),
        options=tuple(Option(value, SELECTORS[value].label) for value in spec.by),
    )
    return copied(
        Manifest,
        spec,
        tool=tool,
        category="e-mail and SMS",
        also=None,
        fields=(
            selector,
            *spec.fields,
            *(of_profiles if spec.profile else ()),
            *(() if spec.deduplicates else (retry_unclear,)),
            ORDER,
            rate_field(*spec.rate),
            host_field(label, spec.host, spec.host_help),
        ),
    )
