"""API keys: made once and shown once, revoked, with what each may do."""

from typing import Any, NamedTuple

from litestar import Response

from regulars import limits, tenancy
from regulars.dashboard import cells, words
from regulars.dashboard.desk import Desk
from regulars.dashboard.lists import Act, Asked, Column, Filter, Found, Listing, part_of
from regulars.dashboard.sheets import Field, Given, Shown, ask, sheet
from regulars.kit import NotFound, Reading, Tx
from regulars.tenancy import ApiKey, Areas

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
