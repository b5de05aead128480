"""Staff: who can sign in, what they may do, and everybody's own password. API keys: made once and shown once, revoked,
with what each may do."""

from typing import Any, NamedTuple

from litestar import Response

from regulars import limits, tenancy
from regulars.dashboard import attempts, cells, security, words
from regulars.dashboard.cells import Link, Name, Small
from regulars.dashboard.desk import Desk
from regulars.dashboard.lists import Act, Asked, Column, Filter, Found, Listing, part_of
from regulars.dashboard.sheets import MAYBE, SECRET, TEXT, Field, Given, Shown, ask, sheet
from regulars.dashboard.words import ago, plural
from regulars.kit import NotFound, Reading, Tx, Unauthenticated, invalid
from regulars.tenancy import ApiKey, Areas, Person

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
        if len(await tenancy.known_by_email(tx, person.email)) == 1:
            # What was counted may have been guesses at what opens another shop.
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


ACCESS = {"WRITE": "Read and write", "READ": "Read only", "NONE": "Nothing"}
AREAS = {
    "data": ("Customers and orders", "Coins, events and deliveries too, with e-mail addresses and mobile numbers."),
    "rules": ("Rules", "Triggers, Send Events rules, and the tools that are told."),
    "settings": ("The shop", "Its settings, the switch for events, the audit log."),
    "staff": ("People and keys", "The storefront secret too. Whoever may write here can become an owner."),
}
_ISSUE_KEYS = "create and revoke API keys"


async def _blank(desk: Desk, tx: Reading) -> Shown:
    rights = {"access": "WRITE", "purpose": "SERVER"} | {f"areas.{area}": "NONE" for area in AREAS}
    return Shown(rights, more={"areas": AREAS, "access": ACCESS})


_FIELDS = {
    "name": Field(chars_max=limits.NAME_CHARS_MAX),
    "access": Field("choice", options=tuple(ACCESS)),
    "purpose": Field("choice", options=("SERVER", "STOREFRONT")),
    **{f"areas.{area}": Field("choice", optional=True, blank="NONE", options=tuple(ACCESS)) for area in AREAS},
}


@sheet("/keys/new", "Create an API key", "key", _FIELDS, yes="Create", owners_only=_ISSUE_KEYS, load=_blank)
async def issue(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    name, rights = given["name"], {"access": given["access"], "purpose": given["purpose"]}
    areas = {area: given[f"areas.{area}"] for area in AREAS}
    async with desk.changing("key.create", name, **rights, areas=areas) as tx:
        issued = await tenancy.issue_key(
            tx, desk.id, name, **rights, areas=Areas(**areas), made_by=desk.who.actor, now=desk.now
        )
    words = "Only its first characters are kept, so that you can tell keys apart."
    return desk.secret("Here is the key", words, [issued.key], "/keys", "key", "pages/key_issued.html")


async def _key(desk: Desk, tx: Reading) -> Shown:
    key = next((key for key in await tenancy.list_keys(tx, desk.id) if key.id == desk.key), None)
    if key is None:
        raise NotFound("This key does not exist.")
    return Shown(title=f"Revoke the key “{key.name}”?")


@ask("/keys/{id:uuid}/revoke", "", "Revoke", "/keys", act="key.revoke", load=_key, owners_only=_ISSUE_KEYS)
async def revoke(desk: Desk, tx: Tx, *_: Any) -> str:
    """Calls made with it are refused from now on. This can't be undone; a new key can be created at any time."""
    await tenancy.revoke_key(tx, desk.id, desk.key, desk.now)
    return "The key is revoked."


class Issued(NamedTuple):
    key: ApiKey
    may_revoke: bool


async def _read_keys(desk: Desk, tx: Reading, asked: Asked) -> Found[Issued]:
    revoked = bool(asked.chosen("state"))
    may_revoke = desk.who.role == "owner" and not revoked
    found = [key for key in await tenancy.list_keys(tx, desk.id) if (key.revoked_at is not None) == revoked]
    return part_of([Issued(key, may_revoke) for key in reversed(found)], asked)


def _revoke(row: Issued) -> cells.Press | None:
    return cells.Press("Revoke", f"/keys/{row.key.id}/revoke", row.key.name) if row.may_revoke else None


KEYS = Listing[Issued](
    path="/keys",
    purpose="With a key, your shop's programs reward customers and read what they have.",
    columns=[
        Column("Name", lambda row: [row.key.name, cells.Small(row.key.hint, code=True)]),
        Column("Begins with", lambda row: row.key.hint, only="file"),
        Column("May", lambda row: cells.Lines(_rights(row.key))),
        Column("Made", lambda row: [row.key.created_at, cells.Small(words.actor(row.key.made_by))]),
        Column("Made by", lambda row: words.actor(row.key.made_by), only="file"),
        Column("Last used", lambda row: row.key.last_used_at or "never"),
        Column("Revoked", lambda row: row.key.revoked_at, only="file"),
        Column("", _revoke, right=True, only="page"),
    ],
    read=_read_keys,
    nothing="No live key",
    nothing_why="A program needs a key to reward your customers. It is shown once, when it is created.",
    filters=[Filter("state", "State", "Live keys", [("revoked", "Revoked keys")])],
    acts=[Act("Create", "/keys/new", dialog=True)],
    owners_only=_ISSUE_KEYS,
)


def _rights(key: ApiKey) -> list[str]:
    """`Read and write: rewards, rules`, a line for each kind of right."""
    has = {"rewards": key.access} | {label.lower(): getattr(key.areas, area) for area, (label, _) in AREAS.items()}
    named = {right: ", ".join(what for what, its in has.items() if its == right) for right in ("WRITE", "READ")}
    lines = [f"{ACCESS[right]}: {what}" for right, what in named.items() if what]
    return [*lines, "Stands in your storefront"] if key.purpose == "STOREFRONT" else lines
