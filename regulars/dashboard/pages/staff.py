"""Staff: who can sign in, what they may do, and everybody's own password."""

from typing import Any, NamedTuple

from litestar import Response

from regulars import tenancy
from regulars.dashboard import attempts, security
from regulars.dashboard.cells import Link, Name, Small
from regulars.dashboard.desk import Desk
from regulars.dashboard.lists import Act, Asked, Column, Found, Listing, part_of
from regulars.dashboard.sheets import MAYBE, SECRET, TEXT, Field, Given, Shown, sheet
from regulars.dashboard.words import ago, plural
from regulars.kit import Reading, Tx, Unauthenticated, invalid
from regulars.tenancy import ApiKey, Person

_CHANGE_PEOPLE = "add, change and remove people"
ROLES = {"owner": "Owner", "editor": "Editor", "reader": "Reader"}
MAY = {
    "owner": "Everything, people and keys too",
    "editor": "Everything but people and keys",
    "reader": "Looks, and changes nothing",
}
_ROLE = [(role, label, f"{MAY[role]}.") for role, label in ROLES.items()]


class Member(NamedTuple):
    """`you`: whoever looks at the list; `leads`: whether they may go on to the person's page."""

    person: Person
    you: bool
    leads: bool


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Member]:
    leads, people = desk.who.role == "owner", await tenancy.list_staff(tx, desk.id)
    return part_of([Member(person, person.id == desk.who.id, leads) for person in people], asked)


def _named(row: Member) -> list[Any]:
    name = Name(row.person.name)
    return [Link(name, f"/staff/{row.person.id}") if row.leads else name, *([Small("you")] if row.you else [])]


STAFF = Listing[Member](
    path="/staff",
    purpose="Who can sign in to this dashboard, and what they may do.",
    columns=[
        Column("Name", _named),
        Column("E-mail", lambda row: row.person.email),
        Column("Role", lambda row: ROLES[row.person.role]),
        Column("May", lambda row: MAY[row.person.role]),
    ],
    read=_read,
    nothing="Nobody yet",
    nothing_why="Whoever is added here can sign in.",
    acts=[Act("Add somebody", "/staff/new", dialog=True)],
    owners_only=_CHANGE_PEOPLE,
)


_HOW = "How you sign in, wherever you are."
_WHICH = {"role": Field("choice", options=tuple(ROLES))}
_NEW = {"email": TEXT, "name": MAYBE, "password": SECRET} | _WHICH
_OWN = {"current_password": SECRET, "password": SECRET, "again": SECRET}


async def _editor(desk: Desk, tx: Reading) -> Shown:
    return Shown({"role": "editor"}, more={"roles": _ROLE})


@sheet("/staff/new", "Add somebody", "staff_new", _NEW, yes="Add", owners_only=_CHANGE_PEOPLE, load=_editor)
async def add(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    form = await desk.form()
    email, name, password, role = given["email"], given["name"], given["password"], given["role"]
    with form.faults:
        tenancy.check_staff(email, password, name, role)
    form.check()
    hashed = await tenancy.hashed(password, email, name)
    async with desk.changing("staff.create", email, role=role) as tx:
        await tenancy.add_staff(tx, desk.id, email, hashed, now=desk.now, name=name, role=role)
    return desk.see("/staff", f"{email} can sign in now.")


async def _member(desk: Desk, tx: Reading) -> Shown:
    """Shown to everybody, changed by owners."""
    if desk.request.method == "POST":
        desk.only_owners(_CHANGE_PEOPLE)
    person = await tenancy.get_staff(tx, desk.id, desk.key)
    return Shown({"role": person.role}, person, person.name, more={"roles": _ROLE})


@sheet("/staff/{id:uuid}", "", "staff_member", _WHICH, load=_member)
async def change_role(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    person, role = shown.thing, given["role"]
    try:
        async with desk.changing("staff.update", person.email, role=role) as tx:
            await tenancy.change_role(tx, desk.id, desk.key, role)
    except tenancy.LastOwner as refusal:
        refusal.fields = {"role": refusal.message}
        raise
    said = "Saved." if role == person.role else f"{person.email} is {role} now, and signs in again."
    return desk.see("/staff", said)


@sheet(
    "/staff/{id:uuid}/password",
    "A new password",
    "staff_password",
    {"password": SECRET},
    words="For somebody who lost theirs. Wherever they are signed in, they are signed out.",
    yes="Give this password",
    owners_only=_CHANGE_PEOPLE,
    load=_member,
)
async def give_password(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    person = shown.thing
    password = await tenancy.hashed(given["password"], person.email, person.name)
    async with desk.changing("staff.new_password", person.email) as tx:
        await tenancy.change_password(tx, desk.id, desk.key, password)
        await attempts.forget(tx, person.email)
    return desk.see("/staff", f"{person.email} signs in with the new password from now on.")


async def _ask_remove(desk: Desk, tx: Reading) -> Shown:
    person = await tenancy.get_staff(tx, desk.id, desk.key)
    keys = await tenancy.live_keys_of(tx, desk.id, person.actor)
    options = [(str(key.id), f"{key.name} ({key.hint})", _used(desk, key)) for key in keys]
    words = f"{person.email} can't sign in any more, at once. What they did stays in the audit log."
    return Shown(thing=person, title=f"Remove {person.name}?", words=words, more={"keys": options})


def _used(desk: Desk, key: ApiKey) -> str:
    return f"Last used {ago(key.last_used_at, desk.now, desk.zone)}" if key.last_used_at else "Never used"


@sheet(
    "/staff/{id:uuid}/remove",
    "",
    "staff_remove",
    {"key": Field("texts", optional=True, blank=())},
    yes="Remove",
    risky=True,
    owners_only=_CHANGE_PEOPLE,
    act="staff.delete",
    load=_ask_remove,
)
async def remove(desk: Desk, tx: Tx, given: Given, shown: Shown) -> Response[Any]:
    person, ticked = shown.thing, given["key"]
    desk.about(person.email)
    await tenancy.remove_staff(tx, desk.id, desk.key)
    revoked = [key for key in await tenancy.live_keys_of(tx, desk.id, person.actor) if str(key.id) in ticked]
    for key in revoked:
        await tenancy.revoke_key(tx, desk.id, key.id, desk.now)
        await desk.audit(tx, "key.revoke", key.id)
    also = f" {plural(len(revoked), 'key')} revoked." if revoked else ""
    return desk.see("/staff", f"{person.email} is removed.{also}")


@sheet("/password", "Change password", "password", _OWN, purpose=_HOW, yes="Change", for_readers=True)
async def change_own(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    """Whatever somebody's role: it is theirs. The session that asks is replaced by a new one; all others end."""
    form, password = await desk.form(), given["password"]
    if password != given["again"]:
        form.faults.add("again", "the new password once more, the same")
    with form.faults:
        tenancy.check_password(password, desk.who.email, desk.who.name)
    form.check()
    try:
        async with attempts.attempt(desk.app, attempts.at_own_password(desk.who), Unauthenticated):
            async with desk.reading() as tx:
                known = await tenancy.known_person(tx, desk.who)
            await tenancy.proven([known], given["current_password"])
    except Unauthenticated:
        raise invalid("current_password", "the password you sign in with now") from None
    new = await tenancy.hashed(password, desk.who.email, desk.who.name)
    async with desk.changing("staff.new_password", desk.who.email) as tx:
        await tenancy.change_password(tx, desk.id, desk.who.id, new)
        session = await tenancy.open_session(tx, tenancy.Known(desk.who, new), desk.now)
    response = desk.see("/", "Your password is changed. Wherever else you were signed in, you are signed out.")
    response.set_cookie(security.session_cookie(desk.app.settings, desk.request, session.token))
    return response
