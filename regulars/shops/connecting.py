"""Connecting a source, changing, rotating and removing it."""

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from regulars import limits
from regulars.kit import Conflict, NotFound, Reading, SecretBox, Tx, invalid, new_id, wire_time
from regulars.kit.fields import beside, checked_connection, kept_secrets, made_here
from regulars.shops import store
from regulars.shops.model import Platform, Shown, Source
from regulars.shops.platforms import PLATFORMS
from regulars.shops.store import sql


async def connect(
    tx: Tx, workspace_id: UUID, box: SecretBox, *, platform: str, name: str, given: Mapping[str, Any], now: datetime
) -> Shown:
    """A new source, whose hooks are taken from now on. `given` holds the manifest's fields, secrets among them. Raises
    Invalid naming every wrong field, Conflict when the shop has too many."""
    manifest = PLATFORMS.chosen(platform)
    name, settings, secrets = checked_connection(manifest, name or manifest.label, given)
    slugs = {row["slug"]: row["connected"] for row in await tx.fetch(sql.slugs, workspace_id)}
    if sum(slugs.values()) >= limits.SOURCES_MAX:
        raise Conflict(f"A shop can have {limits.SOURCES_MAX} sources. Remove one that is not used.")
    # A source that was removed and is connected again goes on with its orders; two at once never share them.
    names = (platform if n == 1 else f"{platform}-{n}" for n in count(1))
    slug = next(one for one in names if not slugs.get(one))
    source_id, hook_id = new_id(), uuid4()
    sealed = box.seal(secrets, workspace_id=workspace_id, thing_id=source_id)
    asks_at = now if manifest.asks(settings, secrets) else None
    columns = (source_id, hook_id, platform, slug, name, settings, sealed, asks_at, now)
    await tx.execute(sql.insert_source, workspace_id, *columns)
    tx.say_changed(workspace_id)
    return Shown(await store.source(tx, workspace_id, source_id), made_here(secrets, given))


async def change(
    tx: Tx,
    workspace_id: UUID,
    source_id: UUID,
    box: SecretBox,
    *,
    given: Mapping[str, Any],
    now: datetime,
    name: str | None = None,
) -> Source:
    """Fields that are not given, and secrets given empty, stay as they are. A secret that another takes the place of
    holds beside it for `limits.SECRET_ROTATION_S`, while the platform changes over. Nothing is written when nothing is
    different. Raises Invalid, NotFound, Conflict."""
    known = await store.source(tx, workspace_id, source_id, locked=True)
    manifest = PLATFORMS.kept(known.platform)
    stored = kept_secrets(manifest, box, known.sealed, given, workspace_id=workspace_id, thing_id=source_id)
    before = (known.name, known.settings, stored)
    new_name, settings, secrets = filled = checked_connection(manifest, name, given, *before)
    if filled == before:
        return known
    if stored.get("secret") not in (None, secrets.get("secret")):
        settings, secrets = beside(settings, secrets, "secret", stored["secret"], now)
    return await _changed(tx, known, manifest, box, new_name, settings, secrets, now)


async def rotate(tx: Tx, workspace_id: UUID, source_id: UUID, box: SecretBox, *, now: datetime) -> Shown:
    """A new secret, where it is made here; the old one holds beside it for `limits.SECRET_ROTATION_S`. Raises Invalid
    where it is not, NotFound, Unreadable."""
    known = await store.source(tx, workspace_id, source_id, locked=True)
    manifest = PLATFORMS.kept(known.platform)
    generate = next((field.generate for field in manifest.fields if field.name == "secret"), None)
    if generate is None:
        raise invalid("secret", f"the one that {manifest.label} makes: paste it among the settings")
    secrets = opened(known, box)
    settings, secrets = beside(known.settings, secrets | {"secret": generate()}, "secret", secrets["secret"], now)
    changed = await _changed(tx, known, manifest, box, known.name, settings, secrets, now)
    return Shown(changed, {"secret": secrets["secret"]})


async def remove(tx: Tx, workspace_id: UUID, source_id: UUID, now: datetime) -> None:
    """No hook of it is taken any more and its secrets are gone; what came in stays. Raises NotFound."""
    if await tx.fetchval(sql.archive_source, workspace_id, source_id, now) is None:
        raise NotFound(store.MISSING)
    tx.say_changed(workspace_id)


async def list_sources(tx: Reading, workspace_id: UUID) -> list[Source]:
    """Oldest first, without those that were removed."""
    return await tx.all(Source, sql.sources, workspace_id)


def address_of(source: Source, server: str) -> str:
    """Where its hooks are sent."""
    return f"{server}/hooks/{source.platform}/{source.hook_id}"


def opened(source: Source, box: SecretBox) -> dict[str, str]:
    """Its secrets. Raises Unreadable."""
    return box.open(source.sealed, workspace_id=source.workspace_id, thing_id=source.id)


def live_secrets(source: Source, box: SecretBox, now: datetime) -> list[str]:
    """Those that its hooks may be signed with now. Raises Unreadable."""
    secrets = opened(source, box)
    live = [secrets["secret"]] if secrets.get("secret") else []
    if "secret_previous" in secrets and wire_time(now) < source.settings.get("secret_previous_until", ""):
        live.append(secrets["secret_previous"])
    return live


async def _changed(
    tx: Tx,
    known: Source,
    manifest: Platform,
    box: SecretBox,
    name: str,
    settings: dict[str, Any],
    secrets: dict[str, str],
    now: datetime,
) -> Source:
    sealed = box.seal(secrets, workspace_id=known.workspace_id, thing_id=known.id)
    asks_at = (known.asks_at or now) if manifest.asks(settings, secrets) else None
    await tx.execute(sql.change_source, known.workspace_id, known.id, name, settings, sealed, asks_at, now)
    tx.say_changed(known.workspace_id)
    return await store.source(tx, known.workspace_id, known.id)
