"""A look-alike of Klaviyo's API: it refuses what the real one refuses, in the same form (JSON:API)."""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from regulars.sandbox.api import Api, LookAlike, Route, found
from regulars.sandbox.apis import E164, Email
from regulars.sandbox.memory import Memory
from regulars.sandbox.rate import Windows
from regulars.sandbox.reply import Reply
from regulars.sandbox.settings import Settings

Kind = TypeVar("Kind")
Of = TypeVar("Of")
_MEDIA_TYPE = "application/vnd.api+json"
_SAID = {
    "email": "Invalid email address.",
    "phone_number": "Invalid phone number format (Example of a valid format: +12345678901).",
}
_PROFILE_RATES, _JOB_RATES = ((75, 1.0), (700, 60.0)), ((10, 1.0), (150, 60.0))


class Thing(msgspec.Struct, Generic[Kind, Of]):
    """What JSON:API calls a resource."""

    type: Kind
    attributes: Of


class Data(msgspec.Struct, Generic[Kind, Of]):
    data: Thing[Kind, Of]


class KlaviyoProfile(msgspec.Struct):
    email: Email | None = None
    phone_number: E164 | None = None
    external_id: str | None = None
    properties: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if not (self.email or self.phone_number or self.external_id):
            raise ValueError("One of email, phone_number and external_id is required.")


class Metric(msgspec.Struct):
    name: Annotated[str, Meta(min_length=1, max_length=127)]


class KlaviyoOccurrence(msgspec.Struct, kw_only=True):
    metric: Data[Literal["metric"], Metric]
    properties: Annotated[dict[str, Any], Meta(max_length=400)]
    time: datetime | None = None
    value: float | None = None
    value_currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None
    unique_id: str = ""


class KlaviyoEvent(KlaviyoOccurrence, kw_only=True):
    profile: Data[Literal["profile"], KlaviyoProfile]


class Occurrences(msgspec.Struct):
    data: list[Thing[Literal["event"], KlaviyoOccurrence]]


class Entry(msgspec.Struct):
    profile: Data[Literal["profile"], KlaviyoProfile]
    events: Occurrences


class Entries(msgspec.Struct):
    data: Annotated[list[Thing[Literal["event-bulk-create"], Entry]], Meta(max_length=1_000)]


class KlaviyoJob(msgspec.Struct):
    entries: Entries = msgspec.field(name="events-bulk-create")

    def __post_init__(self) -> None:
        ids = [one.attributes.unique_id for entry in self.entries.data for one in entry.attributes.events.data]
        if len(set(ids)) < len(ids):
            raise ValueError("A unique_id is there twice.")


def _who(at: str) -> str:
    return "|".join(f"{at}.{name}" for name in ("email", "phone_number", "external_id"))


_AT, _OF = "data.attributes", "data.attributes.profile.data.attributes"
_PROFILE = Route(Data[Literal["profile"], KlaviyoProfile], who=_who(_AT), state=f"{_AT}.properties")
_EVENT = Route(
    Data[Literal["event"], KlaviyoEvent],
    202,
    who=_who(_OF),
    state=f"{_OF}.properties",
    id=f"{_AT}.unique_id",
    name=f"{_AT}.metric.data.attributes.name",
)
_JOB = Route(Data[Literal["event-bulk-create-job"], KlaviyoJob], 202)
_API = Api(
    {"authorization": "Klaviyo-API-Key pk_sandbox.*"},
    {
        "GET /api/accounts/?": Route(says={"data": [{"type": "account", "id": "SANDBX", "attributes": {}}]}),
        "POST /api/events/?": _EVENT,
        "POST /api/event-bulk-create-jobs/?": _JOB,
        "POST /api/profile-import/?": _PROFILE,
    },
    version=("revision", "2026-07-15"),
    media=_MEDIA_TYPE,
)


class Klaviyo(LookAlike):
    """Any key that starts with `pk_sandbox` is known. Of a profile what is kept are its properties."""

    def __init__(self, memory: Memory, settings: Settings) -> None:
        super().__init__("klaviyo", _API, memory, settings)
        self._imports, self._jobs = Windows(), Windows()

    def _wait_s(self, route: Route) -> int:
        if route is _PROFILE:
            return self._imports.wait_s(*_PROFILE_RATES)
        if route is _JOB:
            return self._jobs.wait_s(*_JOB_RATES)
        per_s, per_minute = self._settings.klaviyo_rate_per_s, self._settings.klaviyo_rate_per_minute
        return self._windows.wait_s((per_s, 1.0), (per_minute, 60.0)) if route.takes else 0

    def _id_of(self, said: Any, route: Route, who: str) -> str:
        """Without an id of its own, an event is known by whose it is, its metric and its second."""
        second = str(found(said, f"{_AT}.time"))[:19]
        return f"{who} {found(said, route.name)} {super()._id_of(said, route, who) or second}"

    def _take(self, route: Route, said: Any, path: str) -> Reply:
        if route is _PROFILE:
            return super()._take(route, said, path)
        if route is _JOB:
            entries = said["data"]["attributes"]["events-bulk-create"]["data"]
            events = [
                event["attributes"] | {"profile": entry["attributes"]["profile"]}
                for entry in entries
                for event in entry["attributes"]["events"]["data"]
            ]
            for event in events:
                super()._take(_EVENT, {"data": {"attributes": event}}, path)
            return Reply(202, b"", _MEDIA_TYPE, words=f"{len(events)} events in one job")
        rate = self._settings.klaviyo_rate_per_minute, self._windows.left, self._windows.reset_s
        left = "ratelimit-limit: {}\r\nratelimit-remaining: {}\r\nratelimit-reset: {}\r\n".format(*rate)
        return msgspec.structs.replace(super()._take(route, said, path), content_type=_MEDIA_TYPE, headers=left)

    def _refuse(self, status: int, words: str, where: str = "", wait_s: int = 0) -> Reply:
        if wait_s:
            words = f"Request was throttled. Expected available in {wait_s} seconds."
        if words.startswith("Object missing"):  # named by what should hold it
            where = _AT if where.startswith(_AT) else "data"
        words = _SAID.get(where.rpartition(".")[2], words)
        error = {
            "id": "00000000-0000-0000-0000-000000000001",
            "status": status,
            "code": "sandbox",
            "title": words,
            "detail": words,
            "source": {"pointer": f"/{(where or 'data').replace('.', '/')}"},
        }
        headers = f"retry-after: {wait_s}\r\n" if wait_s else ""
        return Reply(status, msgspec.json.encode({"errors": [error]}), _MEDIA_TYPE, headers, words)
