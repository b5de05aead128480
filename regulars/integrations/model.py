"""A configured tool."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

State = Literal["new", "ready", "paused"]


class Integration(msgspec.Struct, frozen=True):
    """`sealed` holds its secrets, encrypted; no page and no answer shows them. `settings` are the manifest's open
    fields, and `<secret>_previous_until` of a secret that is being rotated. `updated_at` tells of changes to what a
    person fills in, not of the state."""

    id: UUID
    workspace_id: UUID
    tool: str
    name: str
    settings: dict[str, Any]
    sealed: bytes
    state: State
    state_reason: str
    created_at: datetime
    updated_at: datetime


class Shown(msgspec.Struct, frozen=True):
    """An integration just made or rotated, with the secrets that were made for it: shown now and never again."""

    integration: Integration
    new_secrets: dict[str, str]
