"""Staff: who can sign in, what they may do, and everybody's own password."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars import tenancy
from regulars.dashboard import attempts, security
from regulars.dashboard.cells import Link, Name, Small
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.dashboard.lists import Act, Asked, Column, Found, Listing, handlers, part_of
from regulars.dashboard.words import plural
from regulars.kit.db import Reading
from regulars.kit.errors import Invalid, Refusal, Unauthenticated, invalid
from regulars.tenancy import Person

_CHANGE_PEOPLE = "add, change and remove people"
ROLES = {"owner": "Owner", "editor": "Editor", "reader": "Reader"}


MAY = {
    "owner": "Everything, people and keys too",
    "editor": "Everything but people and keys",
    "reader": "Looks, and changes nothing",
}


class Member(NamedTuple):
    """`you`: whoever looks at the list; `leads`: whether they may go on to the person's page."""

    person: Person
    you: bool
    leads: bool

    @property
    def id(self) -> UUID:
        return self.person.id


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Member]:
    leads, people = desk.who.role == "owner", await tenancy.list_staff(tx, desk.id)
    return part_of([Member(person, person.id == desk.who.id, leads) for person in people], asked)


def _named(row: Member) -> list[Any]:
    name = Name(row.person.name)
    return [Link(name, f"/staff/{row.id}") if row.leads else name, *([Small("you")] if row.you else [])]


STAFF = Listing[Member](
    path="/staff",
    title="Staff",
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


@get("/staff/new")
async def new_staff(desk: Handed) -> Response[str]:
    desk.only_owners(_CHANGE_PEOPLE)
    return desk.page("pages/staff_new.html", form=Form(values={"role": "editor"}))


@post("/staff/new")
async def add_staff(desk: Handed) -> Response[str]:
    desk.only_owners(_CHANGE_PEOPLE)
    form = await desk.form()
    email = form.text("email")
    try:
        role: Any = form.choice("role", ROLES)
        with form.faults:
            tenancy.check_staff(email, _typed(form, "password"), form.text("name"), role)
        form.faults.check()
        password = await tenancy.hashed(_typed(form, "password"), email, form.text("name"))
        async with desk.changing("staff.create", email, role=role) as tx:
            known = {person.email for person in await tenancy.list_staff(tx, desk.id)}
            if email.strip().lower() in known:
                raise Refusal("They are here already.", fields={"email": "Somebody with this e-mail is here already."})
            await tenancy.add_staff(tx, desk.id, email, password, now=desk.now, name=form.text("name"), role=role)
    except Refusal as refusal:
        return desk.wrong("pages/staff_new.html", form, refusal)
    return desk.see("/staff", f"{email} can sign in now.")


@get("/staff/{staff_id:uuid}")
async def shown(desk: Handed, staff_id: FromPath[UUID]) -> Response[str]:
    person = await _person(desk, staff_id)
    return _page(desk, person, desk.blank(role=person.role), desk.blank())


@post("/staff/{staff_id:uuid}")
async def change_role(desk: Handed, staff_id: FromPath[UUID]) -> Response[str]:
    desk.only_owners(_CHANGE_PEOPLE)
    person, form = await _person(desk, staff_id), await desk.form()
    try:
        role: Any = form.choice("role", ROLES)
        async with desk.changing("staff.update", person.email, role=role) as tx:
            await tenancy.change_role(tx, desk.id, staff_id, role)
    except tenancy.LastOwner as refusal:
        refusal.fields = {"role": refusal.message}
        return _page(desk, person, form.refused(refusal), desk.blank(), 422)
    except Refusal as refusal:
        return _page(desk, person, form.refused(refusal), desk.blank(), 422)
    said = "Saved." if role == person.role else f"{person.email} is {role} now, and signs in again."
    return desk.see("/staff", said)


@post("/staff/{staff_id:uuid}/password")
async def give_password(desk: Handed, staff_id: FromPath[UUID]) -> Response[str]:
    desk.only_owners(_CHANGE_PEOPLE)
    person, form = await _person(desk, staff_id), await desk.form()
    try:
        password = await tenancy.hashed(_typed(form, "password"), person.email, person.name)
        async with desk.changing("staff.new_password", person.email) as tx:
            await tenancy.change_password(tx, desk.id, staff_id, password)
            await attempts.forget(tx, person.email)
    except Refusal as refusal:
        return _page(desk, person, desk.blank(role=person.role), form.refused(refusal), 422)
    return desk.see("/staff", f"{person.email} signs in with the new password from now on.")


@get("/staff/{staff_id:uuid}/remove")
async def ask_remove(desk: Handed, staff_id: FromPath[UUID]) -> Response[str]:
    desk.only_owners(_CHANGE_PEOPLE)
    person = await _person(desk, staff_id)
    async with desk.reading() as tx:
        keys = await tenancy.live_keys_of(tx, desk.id, person.actor)
    return desk.page("pages/staff_remove.html", person=person, keys=keys)


@post("/staff/{staff_id:uuid}/remove")
async def remove(desk: Handed, staff_id: FromPath[UUID]) -> Response[str]:
    desk.only_owners(_CHANGE_PEOPLE)
    person, ticked = await _person(desk, staff_id), (await desk.form()).texts("key")
    async with desk.changing("staff.delete", person.email) as tx:
        await tenancy.remove_staff(tx, desk.id, staff_id)
        revoked = [k for k in await tenancy.live_keys_of(tx, desk.id, person.actor) if str(k.id) in ticked]
        for key in revoked:
            await tenancy.revoke_key(tx, desk.id, key.id, desk.now)
            await tenancy.audit(tx, desk.id, desk.who.actor, "key.revoke", str(key.id), now=desk.now)
    also = f" {plural(len(revoked), 'key')} revoked." if revoked else ""
    return desk.see("/staff", f"{person.email} is removed.{also}")


@get("/password")
async def own_password(desk: Handed) -> Response[str]:
    return desk.page("pages/password.html", form=Form())


@post("/password")
async def change_own_password(desk: Handed) -> Response[str]:
    """Whatever somebody's role: it is theirs. The session that asks is replaced by a new one; all others end."""
    form = await desk.form()
    try:
        password = _typed(form, "password")
        if password != _typed(form, "again"):
            form.faults.add("again", "the new password once more, the same")
        with form.faults:
            tenancy.check_password(password, desk.who.email, desk.who.name)
        form.faults.check()
        async with attempts.attempt(desk.app, attempts.at_own_password(desk.who), Unauthenticated):
            async with desk.reading() as tx:
                known = await tenancy.known_person(tx, desk.who)
            await tenancy.proven([known], _typed(form, "current_password"))
        new = await tenancy.hashed(password, desk.who.email, desk.who.name)
        async with desk.changing("staff.new_password", desk.who.email) as tx:
            await tenancy.change_password(tx, desk.id, desk.who.id, new)
            session = await tenancy.open_session(tx, tenancy.Known(desk.who, new), desk.now)
    except Unauthenticated:
        refusal = invalid("current_password", "the password you sign in with now")
        return desk.wrong("pages/password.html", form, refusal)
    except Invalid as refusal:
        return desk.wrong("pages/password.html", form, refusal)
    response = desk.see("/", "Your password is changed. Wherever else you were signed in, you are signed out.")
    response.set_cookie(security.session_cookie(desk.app.settings, desk.request, session.token))
    return response


def _typed(form: Form, name: str) -> str:
    """As it was typed: blanks around a password belong to it."""
    value = form.values.get(name, "")
    return value if isinstance(value, str) else ""


async def _person(desk: Desk, staff_id: UUID) -> Person:
    async with desk.reading() as tx:
        return await tenancy.get_staff(tx, desk.id, staff_id)


def _page(desk: Desk, person: Person, form: Form, password: Form, status: int = 200) -> Response[str]:
    return desk.page("pages/staff_member.html", status=status, person=person, form=form, password=password, roles=ROLES)


HANDLERS: list[ControllerRouterHandler] = [
    *handlers(STAFF),
    new_staff,
    add_staff,
    shown,
    change_role,
    give_password,
    ask_remove,
    remove,
    own_password,
    change_own_password,
]
