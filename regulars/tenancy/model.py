"""What a workspace, a key and a member of staff are."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.tenancy.book_rules import BookRules, book_rules

Access = Literal["NONE", "READ", "WRITE"]
Area = Literal["staff", "settings", "rules", "data"]
Purpose = Literal["SERVER", "STOREFRONT"]
Role = Literal["owner", "editor", "reader"]


class Workspace(msgspec.Struct, frozen=True):
    """One shop. `settings` holds what only some shops set, each key documented where it is read. `chosen_id` is a name
    of its own for its id, which callers may use in its place; inside, rows are keyed by `id`."""

    id: UUID
    name: str
    uri: str
    time_zone: str
    currency_code: str
    currency_symbol: str
    coin_name: str
    events_on: bool
    settings: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    storefront_version: int = 1
    storefront_oldest: int = 1
    chosen_id: str | None = None

    @property
    def shown_id(self) -> str:
        """The id as people and programs are told it."""
        return self.chosen_id or str(self.id)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def book(self) -> BookRules:
        """The setting `book`."""
        return book_rules(self.settings)

    @property
    def country(self) -> str:
        """The setting `country`, ISO 3166-1 alpha-3 in lower case: where numbers without a country's code are dialled.
        Empty when the shop has not said."""
        return str(self.settings.get("country") or "")

    @property
    def retention(self) -> Retention:
        """The setting `retention`: months by kind, those that the shop chose."""
        return msgspec.convert(self.settings.get("retention") or {}, Retention)


Months = Annotated[int, Meta(ge=1, le=limits.RETENTION_MONTHS_MAX)]
_EVENTS_KEPT = Meta(
    ge=limits.EVENTS_MONTHS_MIN,
    le=limits.RETENTION_MONTHS_MAX,
    description="At least as long as deliveries, and as the figures of days reach back.",
)
_ANSWERS_KEPT = Meta(
    description="How long a call that comes again under its Idempotency-Key is given its first answer. After that it is"
    " refused with `idempotency_answer_gone`; it never happens twice."
)


class Retention(msgspec.Struct, frozen=True):
    """For how many months what happened is shown and answered: events; deliveries, with all their attempts, and who
    came through each step of an automation; firings of triggers; answers of calls that came with an Idempotency-Key;
    what came in from platforms. The view `tenancy_kept` has the same defaults."""

    events_months: Annotated[int, _EVENTS_KEPT] = 13
    deliveries_months: Months = 6
    firings_months: Annotated[Months, Meta(description="What came of each firing of a trigger.")] = 13
    answers_months: Annotated[Months, _ANSWERS_KEPT] = 3
    hooks_months: Annotated[
        Months, Meta(description="Hooks that came in from platforms, to be looked at and replayed.")
    ] = 6


class Areas(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key may do through the management API. `staff`: people, keys and the storefront secret, everything with
    which one could become owner; `settings`: the shop, its switch for events, its audit log; `rules`: triggers, Send
    Events rules, integrations; `data`: customers, their coins, orders, events, deliveries."""

    staff: Access = "NONE"
    settings: Access = "NONE"
    rules: Access = "NONE"
    data: Access = "NONE"


EVERY_AREA = Areas("WRITE", "WRITE", "WRITE", "WRITE")


class ApiKey(msgspec.Struct, frozen=True):
    """A key as it is kept. `access` is to the merchant API; `hint` is its first characters, for telling keys apart;
    `made_by` an actor, as the audit log names them; `last_used_at` is true to the minute."""

    id: UUID
    workspace_id: UUID
    name: str
    access: Access
    purpose: Purpose
    areas: Areas
    hint: str
    made_by: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def may(self, area: Area | None, needed: Access) -> bool:
        """Whether the key has this right, or a greater one, to an area, or to the merchant API."""
        has = self.access if area is None else getattr(self.areas, area)
        return _GREATNESS[has] >= _GREATNESS[needed]


_GREATNESS = {"NONE": 0, "READ": 1, "WRITE": 2}


class IssuedKey(msgspec.Struct, frozen=True):
    """The only moment at which the key itself can be read."""

    key: str
    record: ApiKey


class Person(msgspec.Struct, frozen=True):
    """A member of staff who is signed in."""

    id: UUID
    workspace_id: UUID
    email: str
    name: str
    role: Role

    @property
    def actor(self) -> str:
        """How the audit log names them."""
        return f"staff:{self.email}"

    @property
    def may_write(self) -> bool:
        return self.role != "reader"
