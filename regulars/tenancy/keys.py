"""API keys: issued once in the clear, kept as a hash, revoked for good."""

from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import msgspec
from msgspec.structs import asdict

from regulars import limits
from regulars.kit import Faults, NotFound, Queries, Reading, Tx, new_id
from regulars.kit.secrets import new_token, token_hash
from regulars.tenancy.model import Access, ApiKey, Areas, IssuedKey, Purpose

_sql = Queries(__file__)
_NO_AREA = Areas()


async def issue_key(
    tx: Tx,
    workspace_id: UUID,
    name: str,
    *,
    access: Access = "NONE",
    purpose: Purpose = "SERVER",
    areas: Areas = _NO_AREA,
    made_by: str,
    now: datetime,
) -> IssuedKey:
    """The key is 256 random bits, so a plain SHA-256 of it is as safe to store as a slow hash. Raises Invalid."""
    faults, rights = Faults(), get_args(Access)
    if not 1 <= len(name.strip()) <= limits.NAME_CHARS_MAX or "\0" in name:
        faults.add("name", f"1 to {limits.NAME_CHARS_MAX} characters")
    if access not in rights:
        faults.add("access", "NONE, READ or WRITE")
    for area, right in asdict(areas).items():
        if right not in rights:
            faults.add(f"areas.{area}", "NONE, READ or WRITE")
    if access == "NONE" and areas == _NO_AREA:
        faults.add("access", "READ or WRITE, or a right to one of the areas")
    if purpose not in get_args(Purpose):
        faults.add("purpose", "SERVER or STOREFRONT")
    elif purpose == "STOREFRONT" and (access != "READ" or areas != _NO_AREA):
        faults.add("purpose", "a server (SERVER) where the key does more than read: in a storefront anybody sees it")
    faults.check()
    key = new_token(f"rg_{'manage' if access == 'NONE' else access.lower()}_")
    hint = f"{key[:12]}…"
    record = ApiKey(new_id(), workspace_id, name.strip(), access, purpose, areas, hint, made_by, now, None, None)
    rights = (access, purpose, asdict(areas))
    await tx.execute(
        _sql.insert_key, workspace_id, record.id, record.name, *rights, hint, token_hash(key), made_by, now
    )
    return IssuedKey(key, record)


async def find_key(tx: Reading, workspace_id: UUID, key: str) -> ApiKey | None:
    """The key's record, unless it is unknown to this workspace or revoked."""
    return await tx.one(_key, _sql.key_by_hash, workspace_id, token_hash(key))


async def note_use(tx: Tx, key: ApiKey, now: datetime) -> None:
    await tx.execute(_sql.note_use, key.workspace_id, key.id, now)


async def list_keys(tx: Reading, workspace_id: UUID) -> list[ApiKey]:
    """Revoked keys too: a log line may still name them."""
    return await tx.all(_key, _sql.keys, workspace_id)


async def live_keys_of(tx: Reading, workspace_id: UUID, made_by: str) -> list[ApiKey]:
    """Those that somebody made and that are not revoked: whoever leaves may have kept a copy."""
    return [key for key in await list_keys(tx, workspace_id) if key.made_by == made_by and key.revoked_at is None]


async def revoke_key(tx: Tx, workspace_id: UUID, key_id: UUID, now: datetime) -> None:
    """Raises NotFound when there is no such live key."""
    if await tx.fetchval(_sql.revoke_key, workspace_id, key_id, now) is None:
        raise NotFound("This key does not exist, or is revoked already.")
    tx.say_changed(workspace_id)


def _key(*row: Any) -> ApiKey:
    key = ApiKey(*row)
    return msgspec.structs.replace(key, areas=msgspec.convert(key.areas, Areas))
