"""Sources: where the shop sells, connected by forms that are drawn from a manifest, and the hooks that came from
there."""

from typing import Any, NamedTuple

from litestar import Response, get, post
from litestar.types import ControllerRouterHandler

from regulars import customers, limits, orders, shops
from regulars.customers import Customer
from regulars.dashboard import lists, sheets
from regulars.dashboard.cells import Badge, Link, Name, Small
from regulars.dashboard.desk import Desk, Handed, uuid_of
from regulars.dashboard.forms import NOBODY
from regulars.dashboard.lists import Asked, Column, Filter, Found, Listing
from regulars.dashboard.pages import connecting
from regulars.dashboard.paging import address
from regulars.dashboard.sheets import Given, Shown, ask, sheet
from regulars.dashboard.words import plural
from regulars.kit.db import Reading
from regulars.kit.errors import NotFound
from regulars.shops import PLATFORMS, Hook


@get("/sources")
async def gallery(desk: Handed) -> Response[str]:
    async with desk.reading() as tx:
        connected = await shops.list_sources(tx, desk.id)
        heard = await shops.heard_at(tx, desk.id, [source.id for source in connected])
    return desk.page("pages/sources.html", connected=connected, heard=heard, platforms=PLATFORMS)


async def _blank(desk: Desk, tx: Reading) -> Shown:
    platform = desk.request.path_params["platform"]
    if platform not in PLATFORMS:
        raise NotFound("This version of Regulars does not know this platform.")
    return connecting.shown(PLATFORMS[platform], note="")


@sheet(
    "/sources/new/{platform:str}",
    "",
    "manifest",
    connecting.fields,
    "/sources",
    of="Sources",
    yes="Connect",
    load=_blank,
)
async def connect(desk: Desk, _: Given, shown: Shown) -> Response[Any]:
    platform, given = shown.more["manifest"].platform, connecting.given(await desk.form(), shown)
    async with desk.changing("source.create", platform) as tx:
        made = await shops.connect(tx, desk.id, desk.app.box, platform=platform, **given, now=desk.now)
    if made.new_secrets:
        return _secret(desk, made)
    return desk.see(f"/sources/{made.source.id}", "Connected. Give its address to the platform now.")


async def _load(desk: Desk, tx: Reading) -> Shown:
    source = await shops.get_source(tx, desk.id, desk.key)
    manifest = PLATFORMS[source.platform]
    return connecting.shown(
        manifest,
        source,
        tested=None,
        heard_at=(await shops.heard_at(tx, desk.id, [source.id])).get(source.id),
        failed=await shops.count_failed(tx, desk.id, source.id),
        address=shops.address_of(source, desk.app.settings.address()) if desk.who.may_write else "",
        rotates=any(field.name == "secret" and field.generate is not None for field in manifest.fields),
    )


@sheet("/sources/{id:uuid}", "", "source", connecting.fields, "/sources", of="Sources", load=_load)
async def change(desk: Desk, _: Given, shown: Shown) -> Response[Any]:
    given = connecting.given(await desk.form(), shown)
    async with desk.changing("source.update", desk.key) as tx:
        await shops.change(tx, desk.id, desk.key, desk.app.box, **given, now=desk.now)
    return desk.see(f"/sources/{desk.key}", "Saved.")


@post("/sources/{id:uuid}/test")
async def test(desk: Handed) -> Response[str]:
    async with desk.reading() as tx:
        shown = await _load(desk, tx)
    shown.more["tested"] = await shops.test(
        desk.app.db, desk.app.http, desk.workspace, shown.thing, desk.app.box, desk.now
    )
    return sheets.draw(desk, change, shown)


@post("/sources/{id:uuid}/fetch")
async def fetch(desk: Handed) -> Response[str]:
    async with desk.changing("source.fetch", desk.key) as tx:
        await shops.ask_soon(tx, desk.id, desk.key, desk.now)
    return desk.see(f"/sources/{desk.key}", "What was missed is fetched in a moment.")


@ask(
    "/sources/{id:uuid}/rotate",
    "Make a new secret?",
    "Make a new secret",
    "/sources/{id}",
    "The new one is shown once. For a day, hooks may be signed with either, while you change it over there.",
)
async def rotate(desk: Desk, *_: Any) -> Response[Any]:
    async with desk.changing("source.rotate", desk.key) as tx:
        made = await shops.rotate(tx, desk.id, desk.key, desk.app.box, now=desk.now)
    return _secret(desk, made)


def _secret(desk: Desk, made: shops.Shown) -> Response[str]:
    source, words = made.source, "Paste it there as the secret, beside the address below."
    address = shops.address_of(source, desk.app.settings.address())
    secrets, below = list(made.new_secrets.values()), "pages/source_address.html"
    title, done = f"{source.name}: its secret", f"/sources/{source.id}"
    return desk.secret(title, words, secrets, done, below=below, address=address)


async def _ask_delete(desk: Desk, tx: Reading) -> Shown:
    return Shown(title=f"Remove {(await shops.get_source(tx, desk.id, desk.key)).name}?")


@ask(
    "/sources/{id:uuid}/delete",
    "",
    "Remove",
    "/sources/{id}",
    "No hook of it is taken any more, and its secrets are forgotten. Orders, customers and hooks stay.",
    load=_ask_delete,
)
async def delete(desk: Desk, *_: Any) -> Response[Any]:
    async with desk.changing("source.delete", desk.key) as tx:
        await shops.remove(tx, desk.id, desk.key, desk.now)
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


@get("/sources/hooks/{id:uuid}")
async def hook(desk: Handed) -> Response[str]:
    async with desk.reading() as tx:
        one, body = await shops.get_hook(tx, desk.id, desk.key)
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


@post("/sources/hooks/{id:uuid}/replay")
async def replay(desk: Handed) -> Response[str]:
    async with desk.changing("hook.replay", desk.key) as tx:
        await shops.replay(tx, desk.id, [desk.key], desk.now)
    return desk.see(f"/sources/hooks/{desk.key}", "It is handled again now.")


@post("/sources/hooks/{id:uuid}/close")
async def close(desk: Handed) -> Response[str]:
    async with desk.changing("hook.close", desk.key) as tx:
        await shops.close(tx, desk.id, desk.key, desk.who.name, desk.now)
    return desk.see(f"/sources/hooks/{desk.key}", "Marked as done.")


HANDLERS: list[ControllerRouterHandler] = [
    *lists.handlers(HOOKS, "pages/hooks.html"),
    *(gallery, test, fetch, hook, replay, replay_all, close),
    *sheets.handlers(connect, change, rotate, delete),
]
