"""Settings of the shop, its API keys, and who changed what."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from litestar import Response, get, post
from litestar.params import FromPath

from regulars import limits, tenancy
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.dashboard.paging import cursor
from regulars.kit import countries
from regulars.kit.errors import Forbidden, NotFound, Refusal
from regulars.kit.secrets import storefront_secret

ACCESS = {"WRITE": "Read and write", "READ": "Read only"}
PURPOSES = {"SERVER": "Your server", "STOREFRONT": "Your storefront"}


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
            await tenancy.change_workspace(tx, desk.id, changes, desk.now)
    except Refusal as refusal:
        return _settings_page(desk, form.refused(refusal), 422)
    return desk.see("/settings", "Saved.")


@get("/settings/storefront-secret")
async def reveal_secret(desk: Handed) -> Response[str]:
    """Owners alone: whoever has it can speak for every customer."""
    if desk.who.role != "owner":
        raise Forbidden("Only an owner of this workspace can see its storefront secret.")
    secret = storefront_secret(desk.app.settings.secret(), desk.id)
    return desk.page("pages/storefront_secret.html", secret=secret)


def _settings_of(form: Form) -> dict[str, Any]:
    """What only some shops set; None is how it is for everybody."""
    calls = form.whole("calls_per_minute", least=1) if form.text("calls_per_minute") else None
    if calls is not None and calls > limits.CALLS_PER_MINUTE_PER_KEY_MAX:
        form.faults.add("calls_per_minute", f"at most {limits.CALLS_PER_MINUTE_PER_KEY_MAX:,}")
    link = form.text("referral_link_base")
    if link and (not link.startswith(("https://", "http://")) or len(link) > limits.NAME_CHARS_MAX):
        form.faults.add("referral_link_base", "an address that starts with https:// or http://")
    if form.text("country") and form.text("country") not in countries.NAMES:
        form.faults.add("country", "a country of the list")
    utm_source = form.text("utm_source")
    if utm_source and not re.fullmatch(r"[A-Za-z0-9._-]{1,40}", utm_source):
        form.faults.add("utm_source", "at most 40 letters, digits, dots, - or _")
    return {
        "country": form.text("country") or None,
        "calls_per_minute": calls,
        "open_triggers_need_proof": None if form.on("open_triggers_need_proof") else False,
        "referral_link_base": link or None,
        "utm_source": utm_source or None,
    }


def _settings_page(desk: Desk, form: Form, status: int = 200) -> Response[str]:
    return desk.page(
        "pages/settings.html",
        status=status,
        form=form,
        zones=_zones(),
        countries=sorted(countries.NAMES.items(), key=lambda country: country[1]),
        calls_per_minute=limits.CALLS_PER_MINUTE_PER_KEY,
    )


@get("/keys")
async def keys(desk: Handed) -> Response[str]:
    async with desk.reading() as tx:
        found = await tenancy.list_keys(tx, desk.id)
    live = [key for key in reversed(found) if key.revoked_at is None]
    revoked = [key for key in reversed(found) if key.revoked_at is not None]
    return desk.page("pages/keys.html", live=live, revoked=revoked, access=ACCESS, purposes=PURPOSES)


@get("/keys/new")
async def new_key(desk: Handed) -> Response[str]:
    return desk.page("pages/key_new.html", form=Form(values={"access": "WRITE", "purpose": "SERVER"}), issued=None)


@post("/keys/new")
async def issue_key(desk: Handed) -> Response[str]:
    form = await desk.form()
    access: Any = form.text("access")
    purpose: Any = form.text("purpose")
    name = form.text("name")
    try:
        async with desk.changing("key.issue", name, access=access, purpose=purpose) as tx:
            issued = await tenancy.issue_key(tx, desk.id, name, access=access, purpose=purpose, now=desk.now)
    except Refusal as refusal:
        return desk.wrong("pages/key_new.html", form, refusal, issued=None)
    return desk.page("pages/key_new.html", form=form, issued=issued)


@get("/keys/{key_id:uuid}/revoke")
async def ask_revoke(desk: Handed, key_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        key = next((key for key in await tenancy.list_keys(tx, desk.id) if key.id == key_id), None)
    if key is None:
        raise NotFound("This key does not exist.")
    return desk.page(
        "pages/confirm.html",
        title=f"Revoke the key “{key.name}”?",
        words="Calls made with it are refused from now on. This can't be undone; a new key can be created at any time.",
        action=f"/keys/{key_id}/revoke",
        yes="Revoke",
        back="/keys",
    )


@post("/keys/{key_id:uuid}/revoke")
async def revoke_key(desk: Handed, key_id: FromPath[UUID]) -> Response[str]:
    async with desk.changing("key.revoke", key_id) as tx:
        await tenancy.revoke_key(tx, desk.id, key_id, desk.now)
    return desk.see("/keys", "The key is revoked.")


@get("/audit")
async def audit(desk: Handed) -> Response[str]:
    at = cursor(desk.request)
    async with desk.reading() as tx:
        found = await tenancy.audit_log(tx, desk.id, before_id=at.after_id, limit=at.limit)
    return desk.page("pages/audit.html", page=at.page(found, lambda line: line.id))


@cache
def _zones() -> list[tuple[str, str]]:
    named = sorted(
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix/", "right/"))
    )
    return [(zone, zone.replace("_", " ")) for zone in ["UTC", *named]]


HANDLERS = [
    settings,
    change_settings,
    reveal_secret,
    keys,
    new_key,
    issue_key,
    ask_revoke,
    revoke_key,
    audit,
]
