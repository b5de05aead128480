"""Settings: what there is to set and how it stands, the storefront secret, and who changed what."""

from typing import Any

from litestar import Response, get, post

from regulars import channels, tenancy
from regulars.dashboard import cells, words
from regulars.dashboard.declaring import page
from regulars.dashboard.desk import Desk, Handed
from regulars.dashboard.lists import Asked, Column, Found, Listing, until_next
from regulars.dashboard.pages import referrals
from regulars.dashboard.pages.shop import PAGES
from regulars.dashboard.sheets import ask
from regulars.kit import Reading, Tx

_SEE_STOREFRONT = "see and change its storefront secret"


@page("/settings", "settings")
async def index(desk: Desk, tx: Reading) -> dict[str, Any]:
    keys = sum(key.revoked_at is None for key in await tenancy.list_keys(tx, desk.id))
    ready = sum(one.state == "ready" for one in await channels.list_senders(tx, desk.id))
    people = words.plural(len(await tenancy.list_staff(tx, desk.id)), "person", "people")
    links = [(one.path, one.title, one.purpose, one.state(desk.workspace)) for one in (*PAGES, referrals.RULES)]
    links += [
        ("/keys", "API keys", "", f"{words.plural(keys, 'live key')}." if keys else "No program has a key."),
        ("/senders", "Senders", "From where e-mail, SMS and WhatsApp messages go out.", f"{ready or 'None'} ready."),
        ("/staff", "Staff", "", f"{people} can sign in."),
    ]
    return {"links": links}


@get("/settings/storefront-secret")
async def reveal_secret(desk: Handed) -> Response[str]:
    """Owners alone: whoever has it can speak for every customer."""
    desk.only_owners(_SEE_STOREFRONT)
    return _secret_page(desk, desk.workspace)


@post("/settings/storefront-secret/rotate")
async def rotate_secret(desk: Handed) -> Response[str]:
    desk.only_owners(_SEE_STOREFRONT)
    async with desk.changing("storefront_secret.create", desk.id) as tx:
        changed = await tenancy.rotate_storefront_secret(tx, desk.id, desk.now)
    return _secret_page(desk, changed)


@ask(
    "/settings/storefront-secret/retire",
    "Retire the older storefront secret?",
    "Retire",
    "/settings",
    act="storefront_secret.retire",
    owners_only=_SEE_STOREFRONT,
)
async def retire(desk: Desk, tx: Tx, *_: Any) -> str:
    """What your shop's server signs with it is refused from now on, and pages opened with it must be loaded again.
    Retire it when your server signs with the new one."""
    await tenancy.retire_storefront_secret(tx, desk.id, desk.now)
    return "The older storefront secret is retired."


def _secret_page(desk: Desk, workspace: tenancy.Workspace) -> Response[str]:
    newest, *older = tenancy.storefront_secrets(desk.app.settings.secret(), workspace)
    return desk.page("pages/storefront_secret.html", secret=newest, older=older[0] if older else "")


async def _read_audit(desk: Desk, tx: Reading, asked: Asked) -> Found[tenancy.AuditLine]:
    return Found(*until_next(await tenancy.audit_log(tx, desk.id, **asked.one_more()), asked.limit))


AUDIT = Listing[tenancy.AuditLine](
    path="/audit",
    purpose="Who changed what: people in this dashboard and programs through the API.",
    columns=[
        Column("What", lambda line: words.act(line.act)),
        Column("Who", lambda line: words.actor(line.actor)),
        Column("When", lambda line: line.created_at),
        Column("To what", lambda line: line.target),
        Column("Details", lambda line: cells.Folded(words.pretty(line.detail)) if line.detail else None),
    ],
    read=_read_audit,
    nothing="Nothing was changed yet",
    nothing_why="Each change that people or programs make is listed here, with who made it.",
    days="Changed",
)
