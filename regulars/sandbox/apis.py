"""What the APIs of marketing tools take and refuse, for their look-alikes (`api.LookAlike`)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from regulars.sandbox.api import Api, Route

Text = Annotated[str, Meta(min_length=1)]
Email = Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
E164 = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}$")]
Time = Annotated[str, Meta(pattern=r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")]
Known = str | int | float | bool


class Person(msgspec.Struct, omit_defaults=True):
    email: Email | None = None
    phone: E164 | None = None

    def __post_init__(self) -> None:
        if self.email is self.phone is None:
            raise ValueError("email or phone is required")


WebEngageName = Annotated[str, Meta(max_length=49, pattern=r"^(?!we_)")]
MoEngageName = Annotated[str, Meta(min_length=1, pattern=r"^(?!moe_)")]
Of25 = Annotated[dict[WebEngageName, Any], Meta(max_length=150)]


class ContloProfile(msgspec.Struct):
    email: str | None = None
    phone_number: str | None = None
    profile_properties: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if not self.email and not self.phone_number:
            raise ValueError("email or phone_number is required")
        if self.email and "@" not in self.email:
            raise ValueError("email is not valid")
        if self.phone_number and not self.phone_number.removeprefix("+").isdigit():
            raise ValueError("phone_number is not valid")


class ContloEvent(ContloProfile, kw_only=True):
    event: Annotated[str, Meta(pattern="^[^ ]+$")]
    device_event_time: Annotated[int, Meta(gt=946_684_800_000, lt=4_102_444_800_000)] | None = None
    properties: dict[str, Known | list[Any] | None] = {}


class WebEngageUser(msgspec.Struct, rename="camel"):
    user_id: Annotated[str, Meta(min_length=1, max_length=100)]
    attributes: Of25 = {}


class WebEngageEvent(msgspec.Struct, rename="camel"):
    user_id: Annotated[str, Meta(min_length=1, max_length=100)]
    event_name: WebEngageName
    event_time: Annotated[str, Meta(pattern=r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}$")]
    event_data: Of25

    def __post_init__(self) -> None:
        for kind in (str, bool, list, dict):
            if sum(type(value) is kind for value in self.event_data.values()) > 25:
                raise ValueError(f"at most 25 attributes of the type {kind.__name__}")
        if any(isinstance(value, str) and len(value) > 999 for value in self.event_data.values()):
            raise ValueError("eventData: a value must be less than 1000 characters long")


class MoEngageAction(msgspec.Struct):
    action: MoEngageName
    attributes: dict[MoEngageName, Known | list[Known]]
    current_time: Time
    platform: Literal["Android", "iOS", "web", "unknown"] = "unknown"


class MoEngageEvent(msgspec.Struct):
    type: Literal["event"]
    customer_id: Text
    actions: Annotated[list[MoEngageAction], Meta(min_length=1)]

    def __post_init__(self) -> None:
        if not self.actions:
            raise ValueError("actions can not be empty Array")


class MoEngageUser(msgspec.Struct):
    type: Literal["customer"]
    customer_id: Text
    attributes: dict[MoEngageName, Known | list[Known]]


CleverTapKey = Annotated[str, Meta(max_length=120, pattern=r"""^[^.:$'"\\&%<>!]+$""")]
CleverTapData = Annotated[dict[CleverTapKey, Annotated[str, Meta(max_length=512)] | float | bool], Meta(max_length=256)]


class CleverTapEvent(msgspec.Struct, tag_field="type", tag="event", rename={"name": "evtName", "data": "evtData"}):
    identity: Text
    name: CleverTapKey
    data: CleverTapData
    ts: Annotated[int, Meta(gt=946_684_800, lt=4_102_444_800)]


class CleverTapProfile(msgspec.Struct, tag_field="type", tag="profile", rename={"data": "profileData"}):
    identity: Text
    data: CleverTapData


class CleverTapUpload(msgspec.Struct):
    d: Annotated[list[CleverTapEvent | CleverTapProfile], Meta(min_length=1, max_length=1_000)]


class AttentiveEvent(msgspec.Struct, rename="camel"):
    type: Annotated[str, Meta(min_length=1, pattern=r"""^[^"'(){}\[\]\\|,]+$""")]
    user: Person
    properties: Annotated[dict[Annotated[str, Meta(pattern=r'^[^"{}\[\]\\|]+$')], Any], Meta(max_length=200)] = {}
    external_event_id: str = ""
    occurred_at: Time = "2026-01-01T00:00:00Z"


class AttentiveAttributes(msgspec.Struct):
    properties: dict[Annotated[str, Meta(max_length=200)], Known]
    user: Person


class MailchimpMember(msgspec.Struct):
    email_address: Email
    status_if_new: Literal["subscribed", "unsubscribed", "cleaned", "pending", "transactional"]
    merge_fields: dict[Annotated[str, Meta(pattern=r"^[A-Z0-9_]{1,10}$")], Known] = {}


class MailchimpEvent(msgspec.Struct):
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_. -]{2,30}$")]
    properties: dict[str, str] = {}
    occurred_at: Time = "2026-01-01T00:00:00Z"


class PostscriptEvent(Person, kw_only=True):
    type: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]+$")]
    properties: dict[str, Known] = {}
    occurred_at: Annotated[str, Meta(pattern=r"^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d+$")] = "2026-01-01 00:00:00.0"
    external_id: str = ""


_BEARER, _QUEUED = {"authorization": "Bearer sandbox-.+"}, {"response": {"status": "queued"}}
_ACCEPTED = {"status": "success", "message": "Your request has been accepted and will be processed soon."}
_TAKEN = {"success": True, "status": "success", "error": None, "external_id": None}
_MEMBER = r" /3\.0/lists/\w+/members/[0-9a-f]{32}"

APIS: Mapping[str, Api] = {
    "contlo": Api(
        {"x-api-key": "sandbox-.+"},
        {
            "POST /v2/track": Route(
                ContloEvent,
                says=_TAKEN,
                who="email|phone_number",
                state="profile_properties",
                id="event_id",
                name="event",
            ),
            "POST /v2/identify": Route(
                ContloProfile, says=_TAKEN, who="email|phone_number", state="profile_properties"
            ),
        },
        lambda status, words: {"success": False, "status": "error", "error": words, "external_id": None},
        unfit=200,
    ),
    "webengage": Api(
        _BEARER,
        {
            r"POST /v1/accounts/[\w~-]+/events": Route(
                WebEngageEvent, 201, _QUEUED, who="userId", id="eventData.delivery_id", name="eventName"
            ),
            r"POST /v1/accounts/[\w~-]+/users": Route(WebEngageUser, 201, _QUEUED, who="userId", state="attributes"),
        },
        lambda status, words: {"response": {"message": words, "status": "error"}},
        rate=(5_000, 60.0),
    ),
    "moengage": Api(
        {"authorization": r"Basic [\w-]+:sandbox-.+", "moe-appkey": r"[\w-]+"},
        {
            r"POST /v1/event/[\w-]+": Route(
                MoEngageEvent,
                200,
                _ACCEPTED,
                who="customer_id",
                id="actions.0.attributes.delivery_id",
                name="actions.0.action",
            ),
            r"POST /v1/customer/[\w-]+": Route(MoEngageUser, 200, _ACCEPTED, who="customer_id", state="attributes"),
        },
        lambda status, words: {"status": "fail", "error": {"message": words, "type": "InvalidRequest"}},
        rate=(30_000, 60.0),
    ),
    "clevertap": Api(
        {"x-clevertap-passcode": "sandbox-.+", "x-clevertap-account-id": r"[\w-]+"},
        {
            "POST /1/upload": Route(
                CleverTapUpload,
                200,
                {"status": "success", "processed": 1, "unprocessed": []},
                who="d.0.identity",
                state="d.0.profileData",
                id="d.0.evtData.delivery_id",
                name="d.0.evtName",
            )
        },
        lambda status, words: (
            {"status": "fail", "processed": 0, "unprocessed": [{"status": "fail", "code": 512, "error": words}]}
            if status == 200
            else {"status": "fail", "error": words, "code": status}
        ),
        unfit=200,
    ),
    "attentive": Api(
        _BEARER,
        {
            "POST /v1/events/custom": Route(
                AttentiveEvent, who="user.phone|user.email", id="externalEventId", name="type"
            ),
            "POST /v1/attributes/custom": Route(AttentiveAttributes, who="user.phone|user.email", state="properties"),
            "GET /v1/me": Route(says={"applicationName": "Regulars", "companyName": "Sandbox"}),
        },
        lambda status, words: {"message": words},
        rate=(150, 1.0),
    ),
    "mailchimp": Api(
        {"authorization": "Basic [^:]+:sandbox-.+"},
        {
            f"PUT{_MEMBER}": Route(
                MailchimpMember, says={"status": "transactional"}, who="email_address", state="merge_fields"
            ),
            f"POST{_MEMBER}/events": Route(MailchimpEvent, 204, id="properties.delivery_id", name="name"),
            r"GET /3\.0/lists/\w+": Route(says={"id": "sandbox", "name": "Sandbox"}),
        },
        lambda status, words: {"type": "about:blank", "title": "Invalid Resource", "status": status, "detail": words},
        members_only=True,
    ),
    "postscript": Api(
        _BEARER,
        {
            "POST /api/v2/events": Route(
                PostscriptEvent, 202, {"event_ids": ["sandbox"]}, who="phone|email", id="external_id", name="type"
            ),
            "GET /api/v2/me": Route(says={"resource_id": "shop_sandbox", "resource_type": "shop"}),
        },
        lambda status, words: {"errors": [{"type": "sandbox", "msg": words}]},
    ),
}
