"""API keys: issued once in the clear, kept as a hash, revoked for good."""

from __future__ import annotations

import secrets
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from regulars import limits
from regulars.kit.db import Reading, Tx
from regulars.kit.errors import NotFound, invalid
from regulars.kit.ids import new_id
from regulars.kit.queries import Queries
from regulars.tenancy.model import Access, ApiKey, IssuedKey, Purpose

_sql = Queries(__file__)


async def issue_key(
    tx: Tx, workspace_id: UUID, name: str, *, access: Access, purpose: Purpose = "SERVER", now: datetime
) -> IssuedKey:
    """The key is 256 random bits, so a plain SHA-256 of it is as safe to store as a slow hash. Raises Invalid."""
    if not 1 <= len(name.strip()) <= limits.NAME_CHARS_MAX or "\0" in name:
        raise invalid("name", f"1 to {limits.NAME_CHARS_MAX} characters")
    if access not in ("READ", "WRITE"):
        raise invalid("access", "READ or WRITE")
    if purpose not in ("SERVER", "STOREFRONT"):
        raise invalid("purpose", "SERVER or STOREFRONT")
    if access == "WRITE" and purpose == "STOREFRONT":
        raise invalid("purpose", "SERVER for a key that may write: a storefront key can be read by anybody")
    key = f"rg_{access.lower()}_{secrets.token_urlsafe(32)}"
    record = ApiKey(new_id(), workspace_id, name.strip(), access, purpose, f"{key[:12]}…", now, None)
    await tx.execute(
        _sql.insert_key, workspace_id, record.id, record.name, access, purpose, record.hint, _hash(key), now
    )
    return IssuedKey(key, record)


async def find_key(tx: Reading, workspace_id: UUID, key: str) -> ApiKey | None:
    """The key's record, unless it is unknown to this workspace or revoked."""
    row = await tx.fetchrow(_sql.key_by_hash, workspace_id, _hash(key))
    return ApiKey(**dict(row)) if row else None


async def list_keys(tx: Reading, workspace_id: UUID) -> list[ApiKey]:
    """Revoked keys too: a log line may still name them."""
    return [ApiKey(**dict(row)) for row in await tx.fetch(_sql.keys, workspace_id)]


async def revoke_key(tx: Tx, workspace_id: UUID, key_id: UUID, now: datetime) -> None:
    """Raises NotFound when there is no such live key."""
    if await tx.fetchval(_sql.revoke_key, workspace_id, key_id, now) is None:
        raise NotFound("This key does not exist, or is revoked already.")
    tx.say_changed(workspace_id)


def _hash(key: str) -> bytes:
    return sha256(key.encode()).digest()
