"""API keys: issued once in the clear, listed by their hint, revoked for good."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits, tenancy
from regulars.api.management.api import management
from regulars.api.operations import Call, NoQuery
from regulars.kit.db import Reading, Tx
from regulars.tenancy import ApiKey
from regulars.tenancy.model import Access, Purpose


class Key(msgspec.Struct, frozen=True):
    """`hint` is the key's first characters."""

    id: UUID
    name: str
    access: Access
    purpose: Purpose
    hint: str
    created_at: datetime
    revoked_at: datetime | None


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A STOREFRONT key stands in a shop's pages for everybody to read, so it may only READ."""

    name: Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARS_MAX, examples=["Till"])]
    access: Annotated[Access, Meta(examples=["WRITE"])]
    purpose: Purpose = "SERVER"


class IssuedKey(msgspec.Struct, frozen=True):
    """`key` is said this once and never again."""

    key: str
    record: Key


class KeyList(msgspec.Struct, frozen=True):
    items: list[Key]


@management.get("/keys", "All keys, revoked ones too", tag="Keys")
async def list_keys(call: Call[NoQuery, None], tx: Reading) -> KeyList:
    return KeyList([_key(key) for key in await tenancy.list_keys(tx, call.workspace_id)])


@management.post("/keys", "Issue a key", tag="Keys", status=201, stored=False)
async def issue_key(call: Call[NoQuery, NewKey], tx: Tx) -> IssuedKey:
    """No Idempotency-Key here: the answer holds the key, and is kept nowhere."""
    body = call.body
    issued = await tenancy.issue_key(
        tx, call.workspace_id, body.name, access=body.access, purpose=body.purpose, now=call.now
    )
    await call.audit(tx, "key.create", issued.record.id, name=body.name, access=body.access, purpose=body.purpose)
    return IssuedKey(issued.key, _key(issued.record))


@management.delete("/keys/{id}", "Revoke a key", tag="Keys", status=204)
async def revoke_key(call: Call[NoQuery, None], tx: Tx) -> None:
    """The key is refused from then on."""
    await tenancy.revoke_key(tx, call.workspace_id, call.path_id(), call.now)
    await call.audit(tx, "key.revoke", call.path_id())


def _key(key: ApiKey) -> Key:
    return Key(key.id, key.name, key.access, key.purpose, key.hint, key.created_at, key.revoked_at)
