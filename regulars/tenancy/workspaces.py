"""A shop's workspace: made once, read by every act, changed in its settings."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from regulars import limits
from regulars.kit import Conflict, Faults, Queries, Reading, Tx, countries, currency, invalid, new_id
from regulars.kit.fitting import note_unfit
from regulars.tenancy.book_rules import dated
from regulars.tenancy.model import Retention, Workspace

_sql = Queries(__file__)
_ADVISORY_LOCK = 0x5245_4759  # "REGY"

_CHOSEN_ID = re.compile(rf"[a-z0-9._-]{{{limits.CHOSEN_ID_CHARS_MIN},{limits.CHOSEN_ID_CHARS_MAX}}}")
_KEPT = ("name", "uri", "time_zone", "currency_code", "currency_symbol", "coin_name")
CURRENCY_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "inr": "₹", "jpy": "¥", "aud": "A$", "cad": "C$", "chf": "CHF "}
"""Symbols for the currencies asked for most; any other three-letter code is written in capitals before the amount."""


async def create_workspace(
    tx: Tx,
    name: str,
    *,
    now: datetime,
    uri: str = "",
    time_zone: str = "UTC",
    currency_code: str = "usd",
    coin_name: str = "coins",
    chosen_id: str | None = None,
) -> Workspace:
    """A new shop, its events switched off. Raises Invalid naming the field, Conflict when its chosen id is taken."""
    workspace = Workspace(
        id=new_id(),
        name=name.strip(),
        uri=uri.strip().rstrip("/"),
        time_zone=time_zone,
        currency_code=currency_code.lower(),
        currency_symbol=_symbol(currency_code),
        coin_name=coin_name.strip(),
        events_on=False,
        settings={},
        created_at=now,
        updated_at=now,
        chosen_id=chosen_id,
    )
    _check(workspace)
    values = [getattr(workspace, field) for field in _KEPT]
    if chosen_id is not None:
        await tx.fetchval(_sql.take_turns, _ADVISORY_LOCK)
        if await tx.fetchval(_sql.workspace_by_chosen_id, chosen_id):
            raise Conflict(f"Another workspace has the id {chosen_id}.", code="workspace_exists")
    await tx.execute(_sql.insert_workspace, workspace.id, *values, now, chosen_id)
    return workspace


async def workspace_id_of(tx: Reading, text: str) -> UUID | None:
    """The id that a caller names, as it is or by its chosen name; None when it can be neither, or nobody chose it."""
    if _CHOSEN_ID.fullmatch(text) and not _is_uuid(text):
        found: UUID | None = await tx.fetchval(_sql.workspace_by_chosen_id, text)
        return found
    return UUID(text) if _is_uuid(text) else None


async def get_workspace(tx: Reading, workspace_id: UUID) -> Workspace:
    """Raises NotFound."""
    return await tx.the(_MISSING, Workspace, _sql.workspace, workspace_id)


async def lock_workspace(tx: Tx, workspace_id: UUID) -> Workspace:
    """The same, and nobody else changes it until the transaction ends. Raises NotFound."""
    return await tx.the(_MISSING, Workspace, _sql.lock_workspace, workspace_id)


_MISSING = "This workspace does not exist."


async def list_workspaces(tx: Reading, ids: Sequence[UUID] | None = None) -> list[Workspace]:
    """All, or those of them."""
    return await tx.all(Workspace, _sql.workspaces, ids)


async def change_workspace(tx: Tx, workspace_id: UUID, changes: dict[str, Any], now: datetime) -> Workspace:
    """Set any of name, uri, time_zone, currency_code, coin_name, events_on, settings (merged key by key, None
    drops one). Nothing is written when nothing is different.

    Raises Invalid naming the field, NotFound. Locks the workspace, so that two changes at once don't undo each other.
    """
    workspace = await lock_workspace(tx, workspace_id)
    allowed = {"name", "uri", "time_zone", "currency_code", "coin_name", "events_on", "settings"}
    for field in changes:
        if field not in allowed:
            raise invalid(field, f"one of {', '.join(sorted(allowed))}")
    if "settings" in changes:
        merged = merged_settings(workspace.settings, changes["settings"])
        if "book" in merged:
            merged = dated(workspace.settings, merged, now)
        changes = {**changes, "settings": merged}
    if "currency_code" in changes:
        code = str(changes["currency_code"])
        changes = {**changes, "currency_code": code.lower(), "currency_symbol": _symbol(code)}
    for field in ("name", "uri", "coin_name", "time_zone"):
        if field in changes:
            changes = {**changes, field: str(changes[field]).strip()}
    if "uri" in changes:
        changes = {**changes, "uri": changes["uri"].rstrip("/")}
    if not isinstance(changes.get("events_on", True), bool):
        raise invalid("events_on", "true or false")
    changed = msgspec.structs.replace(workspace, **changes)
    if changed == workspace:
        return workspace
    _check(changed)
    values = [getattr(changed, field) for field in (*_KEPT, "events_on", "settings")]
    await tx.execute(_sql.update_workspace, changed.id, *values, now)
    tx.say_changed(changed.id)
    return msgspec.structs.replace(changed, updated_at=now)


def merged_settings(settings: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Key by key, those inside of a key too; None drops one."""
    merged = {**settings, **given}
    for name, value in given.items():
        if isinstance(value, dict):
            merged[name] = merged_settings(settings.get(name) or {}, value) or None
    return {name: value for name, value in merged.items() if value is not None}


def _check_retention(workspace: Workspace, faults: Faults) -> None:
    note_unfit(faults, Retention, workspace.settings.get("retention") or {}, "settings.retention.")
    if any(field.startswith("settings.retention") for field in faults.fields):
        return
    if workspace.retention.deliveries_months > workspace.retention.events_months:
        words = "no longer than events, which deliveries are sent again from"
        faults.add("settings.retention.deliveries_months", words)


def _symbol(currency_code: str) -> str:
    return CURRENCY_SYMBOLS.get(currency_code.lower(), f"{currency_code.upper()} ")


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _check(workspace: Workspace) -> None:
    faults = Faults()
    chosen = workspace.chosen_id
    if chosen is not None and (not _CHOSEN_ID.fullmatch(chosen) or _is_uuid(chosen)):
        least, most = limits.CHOSEN_ID_CHARS_MIN, limits.CHOSEN_ID_CHARS_MAX
        faults.add("id", f"{least} to {most} lower-case letters, digits, dots, - or _, such as shopify-corner")
    for field in ("name", "uri", "coin_name"):
        if "\0" in getattr(workspace, field):
            faults.add(field, "text without NUL characters")
    if not 1 <= len(workspace.name) <= limits.NAME_CHARS_MAX:
        faults.add("name", f"1 to {limits.NAME_CHARS_MAX} characters")
    if not 1 <= len(workspace.coin_name) <= limits.COIN_NAME_CHARS_MAX:
        faults.add("coin_name", f"1 to {limits.COIN_NAME_CHARS_MAX} characters")
    if workspace.uri and not workspace.uri.startswith(("https://", "http://")):
        faults.add("uri", "an address that starts with https:// or http://")
    if workspace.currency_code not in currency.NAMES:
        faults.add("currency_code", "a three-letter ISO 4217 code such as usd")
    if workspace.country and workspace.country not in countries.NAMES:
        faults.add("settings.country", "the three-letter code of a country in lower case, such as ind")
    _check_retention(workspace, faults)
    try:
        ZoneInfo(workspace.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        faults.add("time_zone", "an IANA time zone such as Europe/Vilnius")
    faults.check()
