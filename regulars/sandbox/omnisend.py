"""A look-alike of Omnisend's API: it refuses what the real one refuses, in the same form (RFC 9457)."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta

from regulars.sandbox.api import Api, LookAlike, Route, found
from regulars.sandbox.apis import Email
from regulars.sandbox.memory import Call, Memory
from regulars.sandbox.reply import Reply
from regulars.sandbox.settings import Settings

_NAME = re.compile(r"[A-Za-z0-9_]{1,128}")
_TITLES = {
    400: "Validation failed",
    401: "Unauthorized",
    410: "API version has been retired",
    429: "Rate limit exceeded",
}
PersonName = Annotated[str, Meta(max_length=50)]


class OmnisendContact(msgspec.Struct, rename="camel"):
    email: Email | None = None
    phone: Annotated[str, Meta(max_length=15)] | None = None
    id: str | None = None
    first_name: PersonName = ""
    last_name: PersonName = ""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.email, self.phone, self.id))) != 1:
            raise ValueError("Must hold exactly one of email, phone, id")


class OmnisendEvent(
    msgspec.Struct, rename={"event_name": "eventName", "event_version": "eventVersion", "id": "eventID"}
):
    event_name: Annotated[str, Meta(min_length=1)]
    contact: OmnisendContact
    event_version: Literal[""] = ""
    id: UUID | None = None
    properties: Annotated[dict[str, Any], Meta(max_length=100)] = {}


class Identifier(msgspec.Struct):
    type: str
    id: str


class OmnisendContacts(msgspec.Struct):
    identifiers: list[Identifier]

    def __post_init__(self) -> None:
        if all(one.type != "email" for one in self.identifiers):
            raise ValueError("Must hold an identifier of the type email")


_BRAND = {"brandID": "65f1a0sandbox", "name": "Sandbox", "platform": "custom", "currency": "USD"}
_EVENT = Route(
    OmnisendEvent, 202, who="contact.email|contact.phone|contact.id", state="contact", id="eventID", name="eventName"
)
_CONTACT = Route(OmnisendContacts, says={"contactID": "65f1a0sandbox"}, who="identifiers.0.id", state="")
_OLDER = Api(
    {"x-api-key": "sandbox-.+"}, {"GET /v5/brands/current": Route(says=_BRAND), "POST /v5/events": _EVENT}, media=""
)
_NEWER = Api(
    {"authorization": "Omnisend-API-Key sandbox-.+"},
    {"GET /api/brands/current": Route(says=_BRAND), "POST /api/events": _EVENT, "POST /api/contacts": _CONTACT},
    version=("omnisend-version", "2026-03-15"),
    media="",
)


class Omnisend(LookAlike):
    """Its rate is that of all keys: they belong to one brand."""

    def __init__(self, memory: Memory, settings: Settings) -> None:
        super().__init__("omnisend", _NEWER, memory, settings)
        # The type of a property is fixed by the first event that carries it.
        self._types: dict[tuple[str, str], str] = {}

    def answer(self, call: Call) -> Reply:
        self._api = _OLDER if call.path.startswith("/v5/") else _NEWER
        return super().answer(call)

    def _wait_s(self, route: Route) -> int:
        return self._windows.wait_s((self._settings.omnisend_rate_per_minute, 60.0))

    def _take(self, route: Route, said: Any, path: str) -> Reply:
        if route is _CONTACT:
            self.profiles.setdefault(found(said, route.who), {}).update(said)
        elif wrong := self._wrong_properties(said["eventName"], said.get("properties", {})):
            return self._refuse(400, wrong[1], f"properties.{wrong[0]}")
        return super()._take(route, said, path)

    def _id_of(self, said: Any, route: Route, who: str) -> str:
        """The real one takes an id that comes again for a new event; here it is counted, to be seen."""
        return super()._id_of(said, route, who) or str(uuid4())

    def _wrong_properties(self, event: str, properties: dict[str, Any]) -> tuple[str, str] | None:
        """Which, and what of it."""
        seen: dict[tuple[str, str], str] = {}
        for name, value in properties.items():
            if _NAME.fullmatch(name) is None:
                return name, "Must consist of at most 128 latin letters, digits and underscores"
            if value is None:
                continue
            kind = "number" if type(value) in (int, float) else type(value).__name__
            if (known := self._types.get((event, name), kind)) != kind:
                return name, f"Must be a {known}, as in the first event that had it; got a {kind}"
            seen[event, name] = kind
        self._types |= seen
        return None

    def _refuse(self, status: int, words: str, where: str = "", wait_s: int = 0) -> Reply:
        if where.endswith("email"):
            words = "Must be a valid email address"
        more = {"errors": [{"field": where, "code": "invalid", "message": words}]} if where else {}
        detail = f"{where} is not valid" if where else words
        body = {
            "type": "https://problems.omnisend.com/sandbox",
            "title": _TITLES.get(status, "Sandbox fault"),
            "status": status,
            "detail": detail,
            "instance": "urn:omnisend:request:00000000-0000-0000-0000-000000000001",
        }
        said = body | more | ({"retryAfter": wait_s} if wait_s else {})
        return Reply(status, msgspec.json.encode(said), "application/problem+json", words=detail)
