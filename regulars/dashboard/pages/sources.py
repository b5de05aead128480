"""Sources: where the shop sells, connected by forms that are drawn from a manifest, and the hooks that came from
there."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars import customers, limits, orders, shops
from regulars.customers import Customer
from regulars.dashboard.cells import Badge, Link, Name, Small
from regulars.dashboard.desk import Desk, Form, Handed, uuid_of
from regulars.dashboard.forms import NOBODY
from regulars.dashboard.lists import Asked, Column, Filter, Found, Listing, handlers
from regulars.dashboard.paging import address
from regulars.dashboard.words import plural
from regulars.kit.db import Reading
from regulars.kit.errors import NotFound, Refusal
from regulars.shops import PLATFORMS, Hook, Platform, Source

# What few shops ever touch, kept behind "More settings".
_RARE = frozenset({"signed"})
_NEW: dict[str, Any] = {"rare": _RARE, "of": ("Sources", "/sources"), "yes": "Connect", "note": ""}


@get("/sources")
async def gallery(desk: Handed) -> Response[str]:
    async with desk.reading() as tx:
        connected = await shops.list_sources(tx, desk.id)
        heard = await shops.heard_at(tx, desk.id, [source.id for source in connected])
    return desk.page("pages/sources.html", connected=connected, heard=heard, platforms=PLATFORMS)


@get("/sources/new/{platform:str}")
async def blank(desk: Handed, platform: FromPath[str]) -> Response[str]:
    manifest = _manifest(platform)
    values = {field.name: str(field.default if field.default is not None else "") for field in manifest.fields}
    return desk.page("pages/manifest_new.html", form=desk.blank(**values), manifest=manifest, **_NEW)


@post("/sources/new/{platform:str}")
async def connect(desk: Handed, platform: FromPath[str]) -> Response[str]:
    manifest = _manifest(platform)
    form = await desk.form()
    try:
        async with desk.changing("source.create", platform) as tx:
            given, name = _given(form, manifest), form.text("name")
            shown = await shops.connect(
                tx, desk.id, desk.app.box, platform=platform, name=name, given=given, now=desk.now
            )
    except Refusal as refusal:
        return desk.wrong("pages/manifest_new.html", form, refusal, manifest=manifest, **_NEW)
    if shown.new_secrets:
        return _secret(desk, shown)
    return desk.see(f"/sources/{shown.source.id}", "Connected. Give its address to the platform now.")


@get("/sources/{source_id:uuid}")
async def shown(desk: Handed, source_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        source = await shops.get_source(tx, desk.id, source_id)
    values = {name: str(value) for name, value in source.settings.items()}
    return await _page(desk, source, desk.blank(name=source.name, **values))


@post("/sources/{source_id:uuid}")
async def change(desk: Handed, source_id: FromPath[UUID]) -> Response[str]:
    form = await desk.form()
    async with desk.reading() as tx:
        source = await shops.get_source(tx, desk.id, source_id)
    try:
        async with desk.changing("source.update", source_id) as tx:
            given, name = _given(form, PLATFORMS[source.platform]), form.text("name")
            await shops.change(tx, desk.id, source_id, desk.app.box, given=given, name=name, now=desk.now)
    except Refusal as refusal:
        return await _page(desk, source, form.refused(refusal), 422)
    return desk.see(f"/sources/{source_id}", "Saved.")


@post("/sources/{source_id:uuid}/test")
async def test(desk: Handed, source_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        source = await shops.get_source(tx, desk.id, source_id)
    tested = await shops.test(desk.app.db, desk.app.http, desk.workspace, source, desk.app.box, desk.now)
    values = {name: str(value) for name, value in source.settings.items()}
    return await _page(desk, source, desk.blank(name=source.name, **values), tested=tested)


@post("/sources/{source_id:uuid}/fetch")
async def fetch(desk: Handed, source_id: FromPath[UUID]) -> Response[str]:
    async with desk.changing("source.fetch", source_id) as tx:
        await shops.ask_soon(tx, desk.id, source_id, desk.now)
    return desk.see(f"/sources/{source_id}", "What was missed is fetched in a moment.")


@get("/sources/{source_id:uuid}/rotate")
async def ask_rotate(desk: Handed, source_id: FromPath[UUID]) -> Response[str]:
    return desk.page(
        "pages/confirm.html",
        title="Make a new secret?",
        words="The new one is shown once. For a day, hooks may be signed with either, while you change it over there.",
        yes="Make a new secret",
        back=f"/sources/{source_id}",
    )


@post("/sources/{source_id:uuid}/rotate")
async def rotate(desk: Handed, source_id: FromPath[UUID]) -> Response[str]:
    async with desk.changing("source.rotate", source_id) as tx:
        made = await shops.rotate(tx, desk.id, source_id, desk.app.box, now=desk.now)
    return _secret(desk, made)


@get("/sources/{source_id:uuid}/delete")
async def ask_delete(desk: Handed, source_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        source = await shops.get_source(tx, desk.id, source_id)
    return desk.page(
        "pages/confirm.html",
        title=f"Remove {source.name}?",
        words="No hook of it is taken any more, and its secrets are forgotten. Orders, customers and hooks stay.",
        yes="Remove",
        back=f"/sources/{source_id}",
    )


@post("/sources/{source_id:uuid}/delete")
async def delete(desk: Handed, source_id: FromPath[UUID]) -> Response[str]:
    async with desk.changing("source.delete", source_id) as tx:
        await shops.remove(tx, desk.id, source_id, desk.now)
    return desk.see("/sources", "Removed.")


class CameIn(NamedTuple):
    hook: Hook
    source: str
    customer: Customer | None


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[CameIn]:
    names = {source.id: source.name for source in await shops.list_sources(tx, desk.id)}
    source_id, state = asked.id("source"), asked.chosen("state")
    found, next_id = await shops.search_hooks(
        tx,
        desk.id,
        source_id=source_id,
        state=state,
        topic=asked.chosen("topic"),
        since=asked.since,
        until=asked.until,
        before_id=asked.before_id,
        limit=asked.limit,
    )
    people = await customers.by_ids(tx, desk.id, list({hook.customer_id for hook in found if hook.customer_id}))
    rows = [
        CameIn(
            hook,
            names.get(hook.source_id, "A removed source"),
            people.get(hook.customer_id) if hook.customer_id else None,
        )
        for hook in found
    ]
    whole = state == "failed" and source_id in names
    return Found(
        rows,
        next_id,
        {
            "source": [(str(id), name) for id, name in names.items()],
            "topic": [(topic, topic) for topic in await shops.topics(tx, desk.id, desk.now)],
        },
        {
            "again": source_id if whole else None,
            "failed": await shops.count_failed(tx, desk.id, source_id) if whole and source_id else 0,
            "most": limits.HOOKS_REPLAYED_MAX,
        },
    )


STATES = {
    "pending": ("busy", "About to be handled"),
    "done": ("good", "Done"),
    "ignored": ("off", "Nothing to do"),
    "waiting": ("busy", "Waits"),
    "open": ("care", "For you to do"),
    "failed": ("bad", "Failed"),
}

HOOKS = Listing[CameIn](
    path="/sources/hooks",
    title="What came in",
    purpose="Each hook that a source sent, and what came of it.",
    columns=[
        Column("What", lambda row: Link(row.hook.subject or row.hook.topic or "Hook", f"/sources/hooks/{row.hook.id}")),
        Column("Topic", lambda row: Small(row.hook.topic, code=True), only="page"),
        Column("Topic", lambda row: row.hook.topic, only="file"),
        Column("State", lambda row: Badge(*STATES[row.hook.state])),
        Column("Outcome", lambda row: row.hook.outcome),
        Column("Customer", lambda row: row.customer and Name(row.customer.name, row.customer.customer_id)),
        Column("Source", lambda row: row.source),
        Column("When", lambda row: row.hook.received_at),
    ],
    read=_read,
    nothing="Nothing came in yet",
    nothing_why="Connect where you sell: each order and customer that is sent is listed here, with its outcome.",
    filters=[
        Filter("state", "State", "Any state", [(state, word) for state, (_, word) in STATES.items()]),
        Filter("source", "Source", "Every source"),
        Filter("topic", "Topic", "Every topic"),
    ],
    days="Came",
)


@post("/sources/hooks/replay")
async def replay_all(desk: Handed) -> Response[str]:
    """All of one source that failed."""
    source_id = uuid_of((await desk.form()).text("source")) or NOBODY
    async with desk.changing("hooks.replay", source_id) as tx:
        await shops.get_source(tx, desk.id, source_id)
        count, left = await shops.replay_failed(tx, desk.id, source_id, None, desk.now)
    more = {"state": "failed"} if left else {}
    to = address("/sources/hooks", {"source": str(source_id), **more})
    return desk.see(to, f"{plural(count, 'hook')} {'is' if count == 1 else 'are'} handled again now.")


@get("/sources/hooks/{hook_id:uuid}")
async def hook(desk: Handed, hook_id: FromPath[UUID]) -> Response[str]:
    async with desk.reading() as tx:
        one, body = await shops.get_hook(tx, desk.id, hook_id)
        sources = {source.id: source for source in await shops.list_sources(tx, desk.id)}
        order = (await orders.by_ids(tx, desk.id, [one.order_id])).get(one.order_id) if one.order_id else None
        customer = await customers.find(tx, desk.id, id=one.customer_id) if one.customer_id else None
    return desk.page(
        "pages/hook.html",
        one=one,
        body=body.decode("utf-8", "replace"),
        source=sources.get(one.source_id),
        state=STATES[one.state],
        order=order,
        customer=customer,
        live=one.state == "pending",
    )


@post("/sources/hooks/{hook_id:uuid}/replay")
async def replay(desk: Handed, hook_id: FromPath[UUID]) -> Response[str]:
    async with desk.changing("hook.replay", hook_id) as tx:
        await shops.replay(tx, desk.id, [hook_id], desk.now)
    return desk.see(f"/sources/hooks/{hook_id}", "It is handled again now.")


@post("/sources/hooks/{hook_id:uuid}/close")
async def close(desk: Handed, hook_id: FromPath[UUID]) -> Response[str]:
    async with desk.changing("hook.close", hook_id) as tx:
        await shops.close(tx, desk.id, hook_id, desk.who.name, desk.now)
    return desk.see(f"/sources/hooks/{hook_id}", "Marked as done.")


async def _page(
    desk: Desk, source: Source, form: Form, status: int = 200, tested: shops.Tested | None = None
) -> Response[str]:
    async with desk.reading() as tx:
        heard = await shops.heard_at(tx, desk.id, [source.id])
        failed = await shops.count_failed(tx, desk.id, source.id)
    manifest = _manifest(source.platform)
    return desk.page(
        "pages/source.html",
        status=status,
        source=source,
        manifest=manifest,
        form=form,
        rare=_RARE,
        tested=tested,
        heard_at=heard.get(source.id),
        failed=failed,
        address=shops.address_of(source, desk.app.settings.address()) if desk.who.may_write else "",
        rotates=any(field.name == "secret" and field.generate is not None for field in manifest.fields),
    )


def _secret(desk: Desk, shown: shops.Shown) -> Response[str]:
    source = shown.source
    return desk.page(
        "pages/source_secret.html",
        source=source,
        secrets=shown.new_secrets,
        address=shops.address_of(source, desk.app.settings.address()),
    )


def _manifest(platform: str) -> Platform:
    if platform not in PLATFORMS:
        raise NotFound("This version of Regulars does not know this platform.")
    return PLATFORMS[platform]


def _given(form: Form, manifest: Platform) -> dict[str, Any]:
    return {field.name: form.text(field.name) for field in manifest.fields if field.name in form.values}


HANDLERS: list[ControllerRouterHandler] = [
    *handlers(HOOKS, "pages/hooks.html"),
    *(gallery, blank, connect, shown, change, test, fetch, ask_rotate, rotate, ask_delete, delete),
    *(hook, replay, replay_all, close),
]
