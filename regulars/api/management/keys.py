"""API keys: issued once in the clear, listed by their hint, revoked for good."""

from collections.abc import Awaitable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from regulars import limits, tenancy
from regulars.api.management.api import management
from regulars.api.operations import Call, NoQuery
from regulars.api.resources import Resource
from regulars.kit import Reading, Shown, Tx, copied
from regulars.tenancy import ApiKey, Areas
from regulars.tenancy.model import Access, Purpose


class Key(Shown[ApiKey], frozen=True):
    """`access` is to the merchant API, `areas` are of this one. `hint` is the key's first characters, `made_by` says
    who issued it, `last_used_at` is true to the minute."""


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`access` is what it may do at the merchant API, `areas` what it may do at this one: nothing, unless it is said. A
    STOREFRONT key stands in a shop's pages for everybody to read, so it may only READ, and nothing here."""

    name: Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARS_MAX, examples=["Till"])]
    access: Annotated[Access, Meta(examples=["WRITE"])] = "NONE"
    purpose: Purpose = "SERVER"
    areas: Areas = Areas()


class IssuedKey(msgspec.Struct, frozen=True):
    """`key` is said this once and never again."""

    key: str
    record: Key


async def _said(call: Call[Any, Any], tx: Reading, found: Sequence[ApiKey]) -> list[Key]:
    return [copied(Key, key) for key in found]


keys = Resource(management, "/keys", Key, tag="Keys", one="key", says=_said)


@keys.list("All keys, revoked ones too")
def list_keys(call: Call[NoQuery, None], tx: Reading) -> Awaitable[list[ApiKey]]:
    return tenancy.list_keys(tx, call.workspace_id)


@keys.remove("Revoke a key", "revoke")
def revoke_key(call: Call[NoQuery, None], tx: Tx) -> Awaitable[None]:
    """The key is refused from then on."""
    return tenancy.revoke_key(tx, call.workspace_id, call.path_id(), call.now)


@management.post("/keys", "Issue a key", tag="Keys", status=201, stored=False)
async def issue_key(call: Call[NoQuery, NewKey], tx: Tx) -> IssuedKey:
    """No Idempotency-Key here: the answer holds the key, and is kept nowhere."""
    body = call.body
    rights: dict[str, Any] = {"access": body.access, "purpose": body.purpose, "areas": body.areas}
    issued = await tenancy.issue_key(
        tx, call.workspace_id, body.name, **rights, made_by=call.caller.actor, now=call.now
    )
    await call.audit(tx, "key.create", issued.record.id, name=body.name, **msgspec.to_builtins(rights))
    return IssuedKey(issued.key, copied(Key, issued.record))
