"""Sources: where the shop sells, connected, and the hooks that came from there."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from regulars import limits, shops
from regulars.api.management.api import Call, DatedQuery, NoQuery, Resource, asked, management
from regulars.api.management.events import Replayed
from regulars.api.management.integrations import (
    Connection,
    ConnectionChange,
    Settings,
    ToolField,
    filled_in,
    tool_fields,
)
from regulars.kit import Listed, Page, Reading, Shown, Tx, copied, showing
from regulars.shops import PLATFORMS, Hook, Platform, Source, Tested
from regulars.shops import Shown as Made
from regulars.shops.model import State


@showing("platform label summary help_text help_url topics fields", Platform)
class PlatformItem(msgspec.Struct):
    """A platform that can be connected, and the topics that something is done with."""

    topics: list[str]
    fields: list[ToolField]


class SourceItem(Shown[Source], frozen=True, kw_only=True):
    """A connected source. `address` is where its hooks are sent: said to keys that may write alone, since whoever knows
    that of a website may need no more. `orders_source` is the `source` of its orders, and how its customers' ids begin.

    `heard_at`: when its newest hook came. `turned_away`: calls that were not signed as they must be, with when and why
    last. `asked`: what came of asking its own API last, in words; `asks_at`: when it is asked next, null where it is
    not.
    """

    orders_source: str
    address: str | None
    heard_at: datetime | None
    turned_away: int
    turned_away_at: datetime | None
    turned_away_why: str
    asked: str


class NewSource(Connection, frozen=True, forbid_unknown_fields=True, kw_only=True):
    platform: Annotated[str, Meta(max_length=64, examples=["shopify"])]
    settings: Annotated[Settings, Meta(examples=[{"shop_domain": "corner-shop.myshopify.com"}])]


class SourceTest(Tested, frozen=True):
    """What came of it, in words."""


class HookItem(Hook, frozen=True):
    """A hook that was let in. `state`: `pending`, `done`, `ignored` (nothing is done with it), `waiting` (for the order
    that it tells of), `open` (a person has to act) or `failed`; `outcome` says in words what came of it, `subject` what
    it is about, `version` when that was last changed at its source. `reference` is the platform's own id of the
    hook."""

    customer_id: Annotated[UUID | None, Meta(description="Our id of the customer, as in /customers/{id}.")]


class HookWithBody(msgspec.Struct, frozen=True):
    """`body` is what came, as text."""

    hook: HookItem
    body: str


class HookQuery(DatedQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`since` and `until` go by when hooks came."""

    source_id: UUID | None = None
    state: State | None = None
    topic: Annotated[str, Meta(max_length=limits.HOOK_TOPIC_CHARS_MAX)] | None = None


class HookReplay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hooks with these ids, whatever came of them; or all of a source that failed, that came since then (ever, when
    it is not said)."""

    hook_ids: Annotated[list[UUID], Meta(max_length=limits.HOOKS_REPLAYED_MAX, examples=[[]])] = []
    source_id: UUID | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None


@management.get("/platforms", "The platforms that can be connected", tag="Sources")
async def list_platforms(call: Call[NoQuery, None]) -> Listed[PlatformItem]:
    return Listed(
        [copied(PlatformItem, one, topics=list(one.topics), fields=tool_fields(one)) for one in PLATFORMS.values()]
    )


async def _said(call: Call[Any, Any], tx: Reading, found: Sequence[Source]) -> list[SourceItem]:
    heard = await shops.heard_at(tx, call.workspace_id, [source.id for source in found])
    writes = call.caller.key.may("rules", "WRITE")
    return [
        copied(
            SourceItem,
            source,
            orders_source=source.slug,
            address=shops.address_of(source, call.app.settings.address()) if writes else None,
            heard_at=heard.get(source.id),
            turned_away=source.wrong_count,
            turned_away_at=source.wrong_at,
            turned_away_why=source.wrong_why,
            asked=source.asked_said,
        )
        for source in found
    ]


connected = Resource(management, "/sources", SourceItem, tag="Sources", one="source", says=_said)
connected.all("The shop's sources", shops.list_sources, "Oldest first.")
connected.each(shops.get_source)


@connected.create("Connect a source", about=("platform",), secrets=True)
def connect_source(call: Call[NoQuery, NewSource], tx: Tx) -> Awaitable[Made]:
    """Its hooks are taken from now on, at its `address`."""
    return shops.connect(tx, call.workspace_id, call.app.box, **filled_in(asdict(call.body)), now=call.now)


@connected.change("Change a source")
def change_source(call: Call[NoQuery, ConnectionChange], tx: Tx) -> Awaitable[Source]:
    """A secret that another takes the place of holds beside it for a day."""
    given = filled_in(call.body.given())
    return shops.change(tx, call.workspace_id, call.path_id(), call.app.box, **given, now=call.now)


@connected.remove("Remove a source")
async def remove_source(call: Call[NoQuery, None], tx: Tx) -> dict[str, Any]:
    """Its hooks are taken no more and its secrets are forgotten; what came in stays."""
    source = await shops.get_source(tx, call.workspace_id, call.path_id())
    await shops.remove(tx, call.workspace_id, source.id, call.now)
    return {"name": source.name}


@connected.do("rotate", "Make a new secret", secrets=True)
def rotate_source_secret(call: Call[NoQuery, None], tx: Tx) -> Awaitable[Made]:
    """Where the secret is made here. For a day hooks may be signed with either, the new one or the old one."""
    return shops.rotate(tx, call.workspace_id, call.path_id(), call.app.box, now=call.now)


@connected.do("fetch", "Fetch what no hook told")
async def fetch_missed(call: Call[NoQuery, None], tx: Tx) -> Source:
    """In a moment, from the platform's own API. Where a source has a key for that, it is done every few minutes."""
    await shops.ask_soon(tx, call.workspace_id, call.path_id(), call.now)
    return await shops.get_source(tx, call.workspace_id, call.path_id())


@management.post("/sources/{id}/test", "Test a source", tag="Sources")
async def test_source(call: Call[NoQuery, None]) -> SourceTest:
    """An order is made up as the platform sends it, signed, let in, read, and held against the triggers; nothing is
    recorded. Where the platform's own API is asked for what was missed, that is tried too."""
    app = call.app
    async with app.db.reading() as tx:
        source = await shops.get_source(tx, call.workspace_id, call.path_id())
    return copied(SourceTest, await shops.test(app.db, app.http, call.workspace, source, app.box, call.now))


@management.get("/hooks", "Hooks that came in", tag="Sources", area="data")
async def list_hooks(call: Call[HookQuery, None], tx: Reading) -> Page[HookItem]:
    """Newest first; every condition that is given must hold."""
    found, after = await shops.search_hooks(tx, call.workspace_id, **asked(call.query, more=0))
    return Page([copied(HookItem, one) for one in found], after)


@management.get("/hooks/{id}", "One hook with its body", tag="Sources", area="data")
async def read_hook(call: Call[NoQuery, None], tx: Reading) -> HookWithBody:
    hook, body = await shops.get_hook(tx, call.workspace_id, call.path_id())
    return HookWithBody(copied(HookItem, hook), body.decode("utf-8", "replace"))


@management.post("/hooks/replay", "Handle hooks again", tag="Sources", area="data")
async def replay_hooks(call: Call[NoQuery, HookReplay], tx: Tx) -> Replayed:
    """As if they had just come; what they tell may be known by now, and then changes nothing. At most 1,000 a call."""
    body = call.body
    queued, left = len(set(body.hook_ids)), 0
    await shops.replay(tx, call.workspace_id, body.hook_ids, call.now)
    if body.source_id is not None:
        source = await shops.get_source(tx, call.workspace_id, body.source_id)
        failed, left = await shops.replay_failed(tx, call.workspace_id, source.id, body.since, call.now)
        queued += failed
    await call.audit(tx, "hooks.replay", body.source_id or "", queued=queued)
    return Replayed(queued, left)


hooks = Resource[Hook](management, "/hooks", HookItem, tag="Sources", one="hook", area="data")


@hooks.do("replay", "Handle a hook again")
async def replay_hook(call: Call[NoQuery, None], tx: Tx) -> Hook:
    """As if it had just come."""
    await shops.replay(tx, call.workspace_id, [call.path_id()], call.now)
    return (await shops.get_hook(tx, call.workspace_id, call.path_id()))[0]


@hooks.do("close", "Mark a hook as done")
async def close_hook(call: Call[NoQuery, None], tx: Tx) -> Hook:
    """Of one that a person had to act on."""
    await shops.close(tx, call.workspace_id, call.path_id(), call.caller.key.name, call.now)
    return (await shops.get_hook(tx, call.workspace_id, call.path_id()))[0]
