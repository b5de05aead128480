"""Settings of the shop, its API keys, and who changed what."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars import limits, orders, tenancy
from regulars.dashboard import cells, words
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.dashboard.lists import Act, Asked, Column, Filter, Found, Listing, handlers, part_of, until_next
from regulars.dashboard.words import zones
from regulars.kit import countries, currency
from regulars.kit.db import Reading
from regulars.kit.errors import NotFound, Refusal
from regulars.tenancy import ApiKey, Areas, Retention
from regulars.wiring import change_shop

ACCESS = {"WRITE": "Read and write", "READ": "Read only", "NONE": "Nothing"}
AREAS = {
    "data": ("Customers and orders", "Coins, events and deliveries too, with e-mail addresses and mobile numbers."),
    "rules": ("Rules", "Triggers, Send Events rules, and the tools that are told."),
    "settings": ("The shop", "Its settings, the switch for events, the audit log."),
    "staff": ("People and keys", "The storefront secret too. Whoever may write here can become an owner."),
}
_SEE_STOREFRONT = "see and change its storefront secret"
_ISSUE_KEYS = "create and revoke API keys"


@get("/settings")
async def settings(desk: Handed) -> Response[str]:
    shop = desk.workspace
    form = desk.blank(
        name=shop.name,
        uri=shop.uri,
        coin_name=shop.coin_name,
        currency_code=shop.currency_code,
        time_zone=shop.time_zone,
        country=shop.country,
        calls_per_minute=shop.settings.get("calls_per_minute") or "",
        open_triggers_need_proof="" if shop.settings.get("open_triggers_need_proof") is False else "yes",
        referral_link_base=shop.settings.get("referral_link_base") or "",
        utm_source=shop.settings.get("utm_source") or "",
        **(shop.settings.get("retention") or {}),
    )
    return _settings_page(desk, form)


@post("/settings")
async def change_settings(desk: Handed) -> Response[str]:
    form = await desk.form()
    changes: dict[str, Any] = {
        name: form.text(name) for name in ("name", "uri", "coin_name", "currency_code", "time_zone")
    }
    try:
        changes["settings"] = _settings_of(form)
        async with desk.changing("workspace.update", desk.id, **changes) as tx:
            known = form.on("currency_confirmed")
            await orders.check_currency_change(tx, desk.workspace, changes["currency_code"], confirmed=known)
            await change_shop(tx, desk.workspace, changes, desk.now)
    except Refusal as refusal:
        return _settings_page(desk, form.refused(refusal), 422)
    if changes["currency_code"].lower() != desk.workspace.currency_code:
        words = "Saved. Orders that earned nothing for their currency can earn now: apply a trigger to past orders."
        return desk.see("/triggers", words)
    return desk.see("/settings", "Saved.")


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


@get("/settings/storefront-secret/retire")
async def ask_retire(desk: Handed) -> Response[str]:
    desk.only_owners(_SEE_STOREFRONT)
    return desk.page(
        "pages/confirm.html",
        title="Retire the older storefront secret?",
        words="What your shop's server signs with it is refused from now on, and pages opened with it must be loaded "
        "again. Retire it when your server signs with the new one.",
        yes="Retire",
        back="/settings",
    )


@post("/settings/storefront-secret/retire")
async def retire_secret(desk: Handed) -> Response[str]:
    desk.only_owners(_SEE_STOREFRONT)
    async with desk.changing("storefront_secret.retire", desk.id) as tx:
        await tenancy.retire_storefront_secret(tx, desk.id, desk.now)
    return desk.see("/settings", "The older storefront secret is retired.")


def _secret_page(desk: Desk, workspace: tenancy.Workspace) -> Response[str]:
    newest, *older = tenancy.storefront_secrets(desk.app.settings.secret(), workspace)
    return desk.page("pages/storefront_secret.html", secret=newest, older=older[0] if older else "")


def _settings_of(form: Form) -> dict[str, Any]:
    """What only some shops set; None is how it is for everybody."""
    calls = form.whole("calls_per_minute", least=1) if form.text("calls_per_minute") else None
    if calls is not None and calls > limits.CALLS_PER_MINUTE_PER_KEY_MAX:
        form.faults.add("calls_per_minute", f"at most {limits.CALLS_PER_MINUTE_PER_KEY_MAX:,}")
    link = form.text("referral_link_base")
    if link and (not link.startswith(("https://", "http://")) or len(link) > limits.NAME_CHARS_MAX):
        form.faults.add("referral_link_base", "an address that starts with https:// or http://")
    utm_source = form.text("utm_source")
    if utm_source and not re.fullmatch(r"[A-Za-z0-9._-]{1,40}", utm_source):
        form.faults.add("utm_source", "at most 40 letters, digits, dots, - or _")
    months = {kind: form.whole(kind) if form.text(kind) else None for kind in Retention.__struct_fields__}
    return {
        "country": country_of(form),
        "calls_per_minute": calls,
        "open_triggers_need_proof": None if form.on("open_triggers_need_proof") else False,
        "referral_link_base": link or None,
        "utm_source": utm_source or None,
        "retention": months if any(months.values()) else None,
    }


def country_of(form: Form) -> str | None:
    code = form.text("country")
    if code and code not in countries.NAMES:
        form.faults.add("country", "a country of the list")
    return code or None


def _settings_page(desk: Desk, form: Form, status: int = 200) -> Response[str]:
    return desk.page(
        "pages/settings.html",
        status=status,
        form=form,
        zones=zones(),
        countries=countries.LISTED,
        currencies=currency.LISTED,
        calls_per_minute=limits.CALLS_PER_MINUTE_PER_KEY,
        usual=Retention(),
    )


@get("/keys/new")
async def new_key(desk: Handed) -> Response[str]:
    desk.only_owners(_ISSUE_KEYS)
    form = Form(values={"access": "WRITE", "purpose": "SERVER"})
    return desk.page("pages/key_new.html", form=form, issued=None, areas=AREAS, access=ACCESS)


@post("/keys/new")
async def issue_key(desk: Handed) -> Response[str]:
    desk.only_owners(_ISSUE_KEYS)
    form = await desk.form()
    name, access = form.text("name"), form.text("access")
    areas = {area: form.text(f"areas.{area}") or "NONE" for area in AREAS}
    rights: dict[str, Any] = {"access": access, "purpose": form.text("purpose"), "areas": areas}
    try:
        async with desk.changing("key.create", name, **rights) as tx:
            given: Any = rights | {"areas": Areas(**areas)}  # type: ignore[arg-type]
            issued = await tenancy.issue_key(tx, desk.id, name, **given, made_by=desk.who.actor, now=desk.now)
    except Refusal as refusal:
        return desk.wrong("pages/key_new.html", form, refusal, issued=None, areas=AREAS, access=ACCESS)
    return desk.page("pages/key_new.html", form=form, issued=issued)


@get("/keys/{key_id:uuid}/revoke")
async def ask_revoke(desk: Handed, key_id: FromPath[UUID]) -> Response[str]:
    desk.only_owners(_ISSUE_KEYS)
    async with desk.reading() as tx:
        key = next((key for key in await tenancy.list_keys(tx, desk.id) if key.id == key_id), None)
    if key is None:
        raise NotFound("This key does not exist.")
    return desk.page(
        "pages/confirm.html",
        title=f"Revoke the key “{key.name}”?",
        words="Calls made with it are refused from now on. This can't be undone; a new key can be created at any time.",
        yes="Revoke",
        back="/keys",
    )


@post("/keys/{key_id:uuid}/revoke")
async def revoke_key(desk: Handed, key_id: FromPath[UUID]) -> Response[str]:
    desk.only_owners(_ISSUE_KEYS)
    async with desk.changing("key.revoke", key_id) as tx:
        await tenancy.revoke_key(tx, desk.id, key_id, desk.now)
    return desk.see("/keys", "The key is revoked.")


class Issued(NamedTuple):
    key: ApiKey
    may_revoke: bool

    @property
    def id(self) -> UUID:
        return self.key.id


async def _read_keys(desk: Desk, tx: Reading, asked: Asked) -> Found[Issued]:
    revoked = bool(asked.chosen("state"))
    may_revoke = desk.who.role == "owner" and not revoked
    found = [key for key in await tenancy.list_keys(tx, desk.id) if (key.revoked_at is not None) == revoked]
    return part_of([Issued(key, may_revoke) for key in reversed(found)], asked)


def _revoke(row: Issued) -> cells.Press | None:
    return cells.Press("Revoke", f"/keys/{row.id}/revoke", row.key.name) if row.may_revoke else None


KEYS = Listing[Issued](
    path="/keys",
    title="API keys",
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


async def _read_audit(desk: Desk, tx: Reading, asked: Asked) -> Found[tenancy.AuditLine]:
    lines = await tenancy.audit_log(
        tx, desk.id, since=asked.since, until=asked.until, before_id=asked.before_id, limit=asked.limit + 1
    )
    return Found(*until_next(lines, asked.limit))


AUDIT = Listing[tenancy.AuditLine](
    path="/audit",
    title="Audit log",
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


def _rights(key: ApiKey) -> list[str]:
    """`Read and write: rewards, rules`, a line for each kind of right."""
    has = {"rewards": key.access} | {label.lower(): getattr(key.areas, area) for area, (label, _) in AREAS.items()}
    named = {right: ", ".join(what for what, its in has.items() if its == right) for right in ("WRITE", "READ")}
    lines = [f"{ACCESS[right]}: {what}" for right, what in named.items() if what]
    return [*lines, "Stands in your storefront"] if key.purpose == "STOREFRONT" else lines


HANDLERS: list[ControllerRouterHandler] = [
    settings,
    change_settings,
    reveal_secret,
    rotate_secret,
    ask_retire,
    retire_secret,
    *handlers(KEYS),
    new_key,
    issue_key,
    ask_revoke,
    revoke_key,
    *handlers(AUDIT),
]
