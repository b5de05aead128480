"""Staff sign in with e-mail and password; a session's token is kept as a hash and names its workspace."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit import Conflict, Faults, Queries, Reading, Tx, Unauthenticated, invalid, new_id
from regulars.kit.secrets import token_hash
from regulars.tenancy.model import Person, Role
from regulars.tenancy.passwords import NOBODYS, Hashed, check_password, verified

_sql = Queries(__file__)


class LastOwner(Conflict, code="last_owner"):
    """A workspace has at least one owner."""


class Known(msgspec.Struct, frozen=True):
    """Somebody, and what they would have to prove."""

    person: Person
    password: Hashed


class Session(msgspec.Struct, frozen=True):
    """The token goes into the cookie and nowhere else."""

    token: str
    person: Person
    expires_at: datetime


def check_staff(email: str, password: str, name: str, role: str) -> None:
    """Raises Invalid naming each field, the password's too, which `add_staff` is handed as a hash."""
    faults = _faults(email, name, role)
    with faults:
        check_password(password, email, name)
    faults.check()


async def add_staff(
    tx: Tx, workspace_id: UUID, email: str, password: Hashed, *, now: datetime, name: str = "", role: Role = "owner"
) -> Person:
    """Raises Invalid naming each field, or Conflict when the workspace has somebody with this e-mail."""
    email, name = email.strip().lower(), name.strip()
    _faults(email, name, role).check()
    person = Person(new_id(), workspace_id, email, name or email.partition("@")[0], role)
    added = await tx.fetchval(_sql.insert_staff, workspace_id, person.id, email, person.name, role, password, now)
    if added is None:
        words = "Somebody with this e-mail is on the staff already."
        raise Conflict(words, code="staff_exists", fields={"email": words})
    return person


def _faults(email: str, name: str, role: str) -> Faults:
    faults = Faults()
    if "@" not in email or len(email) > limits.EMAIL_CHARS_MAX or "\0" in email:
        faults.add("email", "an e-mail address")
    if len(name) > limits.NAME_CHARS_MAX or "\0" in name:
        faults.add("name", f"at most {limits.NAME_CHARS_MAX} characters")
    with faults:
        _check_role(role)
    return faults


def _check_role(role: str) -> None:
    if role not in get_args(Role):
        raise invalid("role", "owner, editor or reader")


async def list_staff(tx: Reading, workspace_id: UUID) -> list[Person]:
    return await tx.all(Person, _sql.staff, workspace_id)


async def get_staff(tx: Reading, workspace_id: UUID, staff_id: UUID) -> Person:
    """Raises NotFound."""
    return await tx.the("Nobody of this id is on the staff.", Person, _sql.member, workspace_id, staff_id)


async def change_password(tx: Tx, workspace_id: UUID, staff_id: UUID, password: Hashed) -> Person:
    """Ends all their sessions: whoever knew the old password is out. Raises NotFound."""
    person = await get_staff(tx, workspace_id, staff_id)
    await tx.execute(_sql.set_password, workspace_id, staff_id, password)
    await tx.execute(_sql.delete_sessions, workspace_id, staff_id)
    return person


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


async def known_by_email(tx: Reading, email: str) -> list[Known]:
    """In every shop: somebody who signs in names none."""
    return await tx.all(_known, _sql.staff_by_email, email.strip().lower())


async def known_person(tx: Reading, person: Person) -> Known:
    """Raises NotFound."""
    return await tx.the("You are not on the staff any more.", _known, _sql.known, person.workspace_id, person.id)


def _known(*row: Any) -> Known:
    return Known(Person(*row[:-1]), Hashed(row[-1]))


async def proven(known: Sequence[Known], password: str) -> Known:
    """The one whose password it is. Raises TooMany, and Unauthenticated with the same words, after the same time,
    whether there is nobody or the password is wrong. Not to be called inside a transaction."""
    for one in known:
        if await verified(one.password, password):
            return one
    if not known:
        await verified(NOBODYS, password)
    raise Unauthenticated("E-mail or password is wrong.")


async def open_session(tx: Tx, known: Known, now: datetime) -> Session:
    """Raises Unauthenticated when the password that was proven has been changed since, or its person removed."""
    # The token begins with the workspace, so that looking it up names one workspace like every other statement.
    person = known.person
    token = base64.urlsafe_b64encode(person.workspace_id.bytes + secrets.token_bytes(32)).decode()
    expires_at = now + timedelta(seconds=limits.SESSION_S)
    opened = await tx.fetchval(
        _sql.insert_session, person.workspace_id, token_hash(token), person.id, now, expires_at, known.password
    )
    if opened is None:
        raise Unauthenticated("E-mail or password is wrong.")
    return Session(token, person, expires_at)


async def person_of(tx: Reading, token: str, now: datetime) -> Person | None:
    """Who holds this session token, or None when it is unknown, forged or expired."""
    workspace_id = _workspace_of(token)
    if workspace_id is None:
        return None
    return await tx.one(Person, _sql.session, workspace_id, token_hash(token), now)


async def sign_out(tx: Tx, token: str) -> None:
    workspace_id = _workspace_of(token)
    if workspace_id is not None:
        await tx.execute(_sql.delete_session, workspace_id, token_hash(token))


def _workspace_of(token: str) -> UUID | None:
    try:
        raw = base64.urlsafe_b64decode(token)
    except ValueError:
        return None
    return UUID(bytes=raw[:16]) if len(raw) == 48 else None
