"""Who may do what: people of the staff; API keys, issued once in the clear, listed by their hint, revoked for good."""

from collections.abc import Awaitable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from regulars import limits, tenancy
from regulars.api.management.api import Call, NoQuery, Resource, management
from regulars.kit import Listed, Reading, Shown, Tx, copied
from regulars.tenancy import ApiKey, Areas, Person
from regulars.tenancy.model import Access, Purpose, Role


class StaffMember(Shown[Person], frozen=True):
    """An owner and an editor may change things, a reader only looks."""


Password = Annotated[
    str,
    Meta(
        min_length=limits.PASSWORD_CHARS_MIN,
        max_length=limits.NAME_CHARS_MAX,
        examples=["late parcels make patient people"],
    ),
]


class NewStaffMember(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=limits.EMAIL_CHARS_MAX, examples=["asha@shop.example"])]
    password: Password
    name: Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX)] = ""
    role: Role = "reader"


class RoleChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    role: Role


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    password: Password


class Removal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    revoke_keys: Annotated[bool, Meta(description="Whether the keys that they made are revoked too.")] = False


@management.get("/staff", "Who may sign in", tag="Staff")
async def list_staff(call: Call[NoQuery, None], tx: Reading) -> Listed[StaffMember]:
    return Listed([copied(StaffMember, person) for person in await tenancy.list_staff(tx, call.workspace_id)])


def _check(call: Call[NoQuery, NewStaffMember]) -> None:
    body = call.body
    tenancy.check_staff(body.email, body.password, body.name, body.role)


@management.post("/staff", "Let somebody sign in", tag="Staff", status=201, check=_check)
async def add_staff(call: Call[NoQuery, NewStaffMember]) -> StaffMember:
    """Made again it answers `staff_exists`: no answer is kept for it."""
    body = call.body
    _check(call)
    password = await tenancy.hashed(body.password, body.email, body.name)
    async with call.app.db.transaction() as tx:
        person = await tenancy.add_staff(
            tx, call.workspace_id, body.email, password, now=call.now, name=body.name, role=body.role
        )
        await call.audit(tx, "staff.create", person.email, role=body.role)
    return copied(StaffMember, person)


@management.patch("/staff/{id}", "Change what somebody may do", tag="Staff")
async def change_role(call: Call[NoQuery, RoleChange], tx: Tx) -> StaffMember:
    """Their sessions end. The last owner stays an owner: `last_owner`."""
    person = await tenancy.change_role(tx, call.workspace_id, call.path_id(), call.body.role)
    await call.audit(tx, "staff.update", person.email, role=person.role)
    return copied(StaffMember, person)


@management.put(
    "/staff/{id}/password", "Give somebody a new password", tag="Staff", status=204, stored=False, check=Call.path_id
)
async def change_password(call: Call[NoQuery, NewPassword]) -> None:
    """Their sessions end."""
    async with call.app.db.reading() as tx:
        person = await tenancy.get_staff(tx, call.workspace_id, call.path_id())
    password = await tenancy.hashed(call.body.password, person.email, person.name)
    async with call.app.db.transaction() as tx:
        await tenancy.change_password(tx, call.workspace_id, person.id, password)
        await call.audit(tx, "staff.new_password", person.email)


@management.delete("/staff/{id}", "Remove somebody", tag="Staff", status=204)
async def remove_staff(call: Call[Removal, None], tx: Tx) -> None:
    """They can't sign in any more, and their sessions end. The last owner can't be removed: `last_owner`. Keys they
    made, whose `made_by` is `staff:<their e-mail>`, go on working unless `revoke_keys` is true."""
    person = await tenancy.remove_staff(tx, call.workspace_id, call.path_id())
    await call.audit(tx, "staff.delete", person.email)
    if call.query.revoke_keys:
        for key in await tenancy.live_keys_of(tx, call.workspace_id, person.actor):
            await tenancy.revoke_key(tx, call.workspace_id, key.id, call.now)
            await call.audit(tx, "key.revoke", key.id)


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


keys = Resource[ApiKey](management, "/keys", Key, tag="Keys", one="key")
keys.all("All keys, revoked ones too", tenancy.list_keys)


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
