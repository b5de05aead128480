"""Staff sign in with e-mail and password; a session's token is kept as a hash and names its workspace."""

from __future__ import annotations

import asyncio
import base64
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import get_args
from uuid import UUID

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from regulars import limits
from regulars.kit.db import Reading, Tx
from regulars.kit.errors import Conflict, Faults, NotFound, Unauthenticated, invalid
from regulars.kit.ids import new_id
from regulars.kit.queries import Queries
from regulars.tenancy.model import Person, Role

_sql = Queries(__file__)
_hasher = PasswordHasher()
# Verified against when the e-mail is unknown, so that the answer takes as long as for a known one.
_NOBODYS_HASH = _hasher.hash(secrets.token_urlsafe(16))


class LastOwner(Conflict):
    """A workspace has at least one owner."""

    code = "last_owner"


class Session(msgspec.Struct, frozen=True):
    """The token goes into the cookie and nowhere else."""

    token: str
    person: Person
    expires_at: datetime


async def add_staff(
    tx: Tx, workspace_id: UUID, email: str, password: str, *, now: datetime, name: str = "", role: Role = "owner"
) -> Person:
    """Raises Invalid naming each field, or Conflict when the workspace has somebody with this e-mail."""
    faults = Faults()
    email, name = email.strip().lower(), name.strip()
    if "@" not in email or len(email) > limits.EMAIL_CHARS_MAX or "\0" in email:
        faults.add("email", "an e-mail address")
    if len(name) > limits.NAME_CHARS_MAX or "\0" in name:
        faults.add("name", f"at most {limits.NAME_CHARS_MAX} characters")
    with faults:
        _check_role(role)
    with faults:
        _check_password(password)
    faults.check()
    password_hash = await _hashed(password)
    person = Person(new_id(), workspace_id, email, name or email.partition("@")[0], role)
    added = await tx.fetchval(_sql.insert_staff, workspace_id, person.id, email, person.name, role, password_hash, now)
    if added is None:
        raise Conflict("Somebody with this e-mail is on the staff already.", code="staff_exists")
    return person


def _check_role(role: str) -> None:
    if role not in get_args(Role):
        raise invalid("role", "owner, editor or reader")


async def _hashed(password: str) -> str:
    """Raises Invalid."""
    _check_password(password)
    return await asyncio.to_thread(_hasher.hash, password)


def _check_password(password: str) -> None:
    if not limits.PASSWORD_CHARS_MIN <= len(password) <= limits.NAME_CHARS_MAX:
        raise invalid("password", f"{limits.PASSWORD_CHARS_MIN} to {limits.NAME_CHARS_MAX} characters")


def draw_password() -> str:
    """96 random bits, for somebody to sign in with until they choose their own."""
    return secrets.token_urlsafe(12)


async def list_staff(tx: Reading, workspace_id: UUID) -> list[Person]:
    return [Person(**dict(row)) for row in await tx.fetch(_sql.staff, workspace_id)]


async def get_staff(tx: Reading, workspace_id: UUID, staff_id: UUID) -> Person:
    """Raises NotFound."""
    row = await tx.fetchrow(_sql.member, workspace_id, staff_id)
    if row is None:
        raise NotFound("Nobody of this id is on the staff.")
    return Person(**dict(row))


async def change_password(tx: Tx, workspace_id: UUID, staff_id: UUID, password: str) -> Person:
    """Ends all their sessions: whoever knew the old password is out. Raises Invalid, NotFound."""
    password_hash = await _hashed(password)
    person = await get_staff(tx, workspace_id, staff_id)
    await tx.execute(_sql.set_password, workspace_id, staff_id, password_hash)
    await tx.execute(_sql.delete_sessions, workspace_id, staff_id)
    return person


async def change_own_password(tx: Tx, person: Person, current: str, password: str, now: datetime) -> Session:
    """The same by somebody who proves that it is theirs; of their sessions only the new one lives. Raises Invalid."""
    known = await tx.fetchval(_sql.password_hash, person.workspace_id, person.id)
    if known is None or not await asyncio.to_thread(_verified, known, current):
        raise invalid("current_password", "the password you sign in with now")
    await change_password(tx, person.workspace_id, person.id, password)
    return await _open_session(tx, person, now)


async def change_role(tx: Tx, workspace_id: UUID, staff_id: UUID, role: Role) -> Person:
    """Ends their sessions, so that nothing goes on under the old role. Raises Invalid, NotFound, and LastOwner."""
    _check_role(role)
    person = await get_staff(tx, workspace_id, staff_id)
    if role == person.role:
        return person
    await _keep_an_owner(tx, person)
    await tx.execute(_sql.set_role, workspace_id, staff_id, role)
    await tx.execute(_sql.delete_sessions, workspace_id, staff_id)
    return msgspec.structs.replace(person, role=role)


async def remove_staff(tx: Tx, workspace_id: UUID, staff_id: UUID) -> Person:
    """They can't sign in any more, and their sessions end; the audit log goes on naming them. Raises NotFound, and
    LastOwner."""
    person = await get_staff(tx, workspace_id, staff_id)
    await _keep_an_owner(tx, person)
    await tx.execute(_sql.delete_staff, workspace_id, staff_id)
    return person


async def _keep_an_owner(tx: Tx, leaving: Person) -> None:
    """Locks the owners, so that the last two can't remove each other at once."""
    owners = await tx.fetch(_sql.lock_owners, leaving.workspace_id)
    if [row["id"] for row in owners] == [leaving.id]:
        raise LastOwner("This is the only owner. Make somebody else an owner first.")


async def sign_in(tx: Tx, email: str, password: str, now: datetime) -> Session:
    """Raises Unauthenticated with the same words whether the e-mail or the password is wrong."""
    rows = await tx.fetch(_sql.staff_by_email, email.strip().lower())
    for row in rows:
        if await asyncio.to_thread(_verified, row["password_hash"], password):
            person = Person(row["id"], row["workspace_id"], row["email"], row["name"], row["role"])
            return await _open_session(tx, person, now)
    if not rows:
        await asyncio.to_thread(_verified, _NOBODYS_HASH, password)
    raise Unauthenticated("E-mail or password is wrong.")


async def person_of(tx: Reading, token: str, now: datetime) -> Person | None:
    """Who holds this session token, or None when it is unknown, forged or expired."""
    workspace_id = _workspace_of(token)
    if workspace_id is None:
        return None
    row = await tx.fetchrow(_sql.session, workspace_id, _hash(token), now)
    return Person(**dict(row)) if row else None


async def sign_out(tx: Tx, token: str) -> None:
    workspace_id = _workspace_of(token)
    if workspace_id is not None:
        await tx.execute(_sql.delete_session, workspace_id, _hash(token))


async def _open_session(tx: Tx, person: Person, now: datetime) -> Session:
    # The token begins with the workspace, so that looking it up names one workspace like every other statement.
    token = base64.urlsafe_b64encode(person.workspace_id.bytes + secrets.token_bytes(32)).decode()
    expires_at = now + timedelta(seconds=limits.SESSION_S)
    await tx.execute(_sql.insert_session, person.workspace_id, _hash(token), person.id, now, expires_at)
    return Session(token, person, expires_at)


def _workspace_of(token: str) -> UUID | None:
    try:
        raw = base64.urlsafe_b64decode(token)
    except ValueError:
        return None
    return UUID(bytes=raw[:16]) if len(raw) == 48 else None


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _verified(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
