"""Sources: where the shop sells, connected by forms that are drawn from a manifest, and the hooks that came from
there."""

from typing import Any, NamedTuple

from litestar import Response, post

from regulars import customers, limits, orders, shops
from regulars.customers import Customer
from regulars.dashboard import sheets
from regulars.dashboard.cells import Badge, Link, Small
from regulars.dashboard.declaring import act, page
from regulars.dashboard.desk import Desk, Handed, uuid_of
from regulars.dashboard.forms import NOBODY
from regulars.dashboard.lists import CUSTOMER, Asked, Column, Filter, Found, Listing, address
from regulars.dashboard.pages import connecting
from regulars.dashboard.sheets import Given, Shown, ask, sheet
from regulars.dashboard.words import plural
from regulars.kit import NotFound, Reading, Tx
from regulars.shops import PLATFORMS, Hook


@page("/sources", "sources")
async def gallery(desk: Desk, tx: Reading) -> dict[str, Any]:
    connected = await shops.list_sources(tx, desk.id)
    heard = await shops.heard_at(tx, desk.id, [source.id for source in connected])
    return {"connected": connected, "heard": heard, "platforms": PLATFORMS}


async def _blank(desk: Desk, tx: Reading) -> Shown:
    platform = desk.request.path_params["platform"]
    if platform not in PLATFORMS:
        raise NotFound("This version of Regulars does not know this platform.")
    return connecting.shown(PLATFORMS[platform], note="")


@sheet(
    "/sources/new/{platform:str}", "", "manifest", connecting.fields, yes="Connect", act="source.create", load=_blank
)
async def connect(desk: Desk, tx: Tx, _: Given, shown: Shown) -> Response[Any]:
    platform, given = shown.more["manifest"].platform, connecting.given(await desk.form(), shown)
    desk.about(platform)
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


@sheet("/sources/{id:uuid}", "", "source", connecting.fields, act="source.update", load=_load)
async def change(desk: Desk, tx: Tx, _: Given, shown: Shown) -> None:
    given = connecting.given(await desk.form(), shown)
    await shops.change(tx, desk.id, desk.key, desk.app.box, **given, now=desk.now)


@post("/sources/{id:uuid}/test")
async def test(desk: Handed) -> Response[str]:
    async with desk.reading() as tx:
        shown = await _load(desk, tx)
    shown.more["tested"] = await shops.test(
        desk.app.db, desk.app.http, desk.workspace, shown.thing, desk.app.box, desk.now
    )
    return sheets.draw(desk, change, shown)


@act("/sources/{id:uuid}/fetch", "source.fetch", "/sources/{id}", "What was missed is fetched in a moment.")
async def fetch(desk: Desk, tx: Tx) -> None:
    await shops.ask_soon(tx, desk.id, desk.key, desk.now)


@ask("/sources/{id:uuid}/rotate", "Make a new secret?", "Make a new secret", act="source.rotate")
async def rotate(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    """The new one is shown once. For a day, hooks may be signed with either, while you change it over there."""
    return _secret(desk, await shops.rotate(tx, desk.id, desk.key, desk.app.box, now=desk.now))


def _secret(desk: Desk, made: shops.Shown) -> Response[str]:
    source, words = made.source, "Paste it there as the secret, beside the address below."
    address = shops.address_of(source, desk.app.settings.address())
    secrets, below = list(made.new_secrets.values()), "pages/source_address.html"
    title, done = f"{source.name}: its secret", f"/sources/{source.id}"
    return desk.secret(title, words, secrets, done, below=below, address=address)


async def _ask_delete(desk: Desk, tx: Reading) -> Shown:
    return Shown(title=f"Remove {(await shops.get_source(tx, desk.id, desk.key)).name}?")


@ask("/sources/{id:uuid}/delete", "", "Remove", act="source.delete", load=_ask_delete)
async def delete(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    """No hook of it is taken any more, and its secrets are forgotten. Orders, customers and hooks stay."""
    await shops.remove(tx, desk.id, desk.key, desk.now)
    return desk.see("/sources", "Removed.")


class CameIn(NamedTuple):
    hook: Hook
    source: str
    customer: Customer | None


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[CameIn]:
    names = {source.id: source.name for source in await shops.list_sources(tx, desk.id)}
    source_id, state = asked.id("source"), asked.chosen("state")
    by = asked.page(source_id=source_id, state=state, topic=asked.chosen("topic"))
    found, next_id = await shops.search_hooks(tx, desk.id, **by)
    people: dict[Any, Customer] = await customers.by_ids(
        tx, desk.id, list({id for one in found if (id := one.customer_id)})
    )
    rows = [CameIn(hook, names.get(hook.source_id, "A removed source"), people.get(hook.customer_id)) for hook in found]
    whole = state == "failed" and source_id in names
    failed = await shops.count_failed(tx, desk.id, source_id) if whole and source_id else 0
    choices = {
        "source": [(str(id), name) for id, name in names.items()],
        "topic": [(topic, topic) for topic in await shops.topics(tx, desk.id, desk.now)],
    }
    more = {"again": source_id if whole else None, "failed": failed, "most": limits.HOOKS_REPLAYED_MAX}
    return Found(rows, next_id, choices, more)


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
    called="What came in",
    purpose="Each hook that a source sent, and what came of it.",
    columns=[
        Column("What", lambda row: Link(row.hook.subject or row.hook.topic or "Hook", f"/sources/hooks/{row.hook.id}")),
        Column("Topic", lambda row: Small(row.hook.topic, code=True), only="page"),
        Column("Topic", lambda row: row.hook.topic, only="file"),
        Column("State", lambda row: Badge(*STATES[row.hook.state])),
        Column("Outcome", lambda row: row.hook.outcome),
        CUSTOMER,
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
    template="hooks",
)


@act("/sources/hooks/replay", "hooks.replay", "")
async def replay_all(desk: Desk, tx: Tx) -> Response[Any]:
    """All of one source that failed."""
    source_id = uuid_of((await desk.form()).text("source")) or NOBODY
    desk.about(source_id)
    await shops.get_source(tx, desk.id, source_id)
    count, left = await shops.replay_failed(tx, desk.id, source_id, None, desk.now)
    to = address("/sources/hooks", {"source": str(source_id), "state": "failed" if left else ""})
    return desk.see(to, f"{plural(count, 'hook')} {'is' if count == 1 else 'are'} handled again now.")


@page("/sources/hooks/{id:uuid}", "hook")
async def hook(desk: Desk, tx: Reading) -> dict[str, Any]:
    one, body = await shops.get_hook(tx, desk.id, desk.key)
    sources = {source.id: source for source in await shops.list_sources(tx, desk.id)}
    return {
        "one": one,
        "body": body.decode("utf-8", "replace"),
        "source": sources.get(one.source_id),
        "state": STATES[one.state],
        "order": (await orders.by_ids(tx, desk.id, [one.order_id])).get(one.order_id) if one.order_id else None,
        "customer": await customers.find(tx, desk.id, id=one.customer_id) if one.customer_id else None,
        "live": one.state == "pending",
    }


@act("/sources/hooks/{id:uuid}/replay", "hook.replay", "/sources/hooks/{id}", "It is handled again now.")
async def replay(desk: Desk, tx: Tx) -> None:
    await shops.replay(tx, desk.id, [desk.key], desk.now)


@act("/sources/hooks/{id:uuid}/close", "hook.close", "/sources/hooks/{id}", "Marked as done.")
async def close(desk: Desk, tx: Tx) -> None:
    await shops.close(tx, desk.id, desk.key, desk.who.name, desk.now)
