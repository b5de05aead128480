"""What a workspace, a key and a member of staff are."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

Access = Literal["READ", "WRITE"]
Purpose = Literal["SERVER", "STOREFRONT"]
Role = Literal["owner", "editor", "reader"]


class Workspace(msgspec.Struct, frozen=True):
    """One shop. `settings` holds what only some shops set, each key documented where it is read."""

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

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def country(self) -> str:
        """The setting `country`, ISO 3166-1 alpha-3 in lower case: where numbers without a country's code are dialled.
        Empty when the shop has not said."""
        return str(self.settings.get("country") or "")


class ApiKey(msgspec.Struct, frozen=True):
    """A key as it is kept: `hint` is its first characters, for telling keys apart."""

    id: UUID
    workspace_id: UUID
    name: str
    access: Access
    purpose: Purpose
    hint: str
    created_at: datetime
    revoked_at: datetime | None


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
