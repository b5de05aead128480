"""What no hook told is fetched from a platform's own API, and goes the way of every hook.

WooCommerce sends each hook once, whether it arrives or not, so its orders are asked for by when they were changed last.
The network is asked between two transactions:

    due --claimed: asks_at moves on--> asked, a page at a time --each page kept, asked_until moves on--> told in words
"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit import Conflict, Database, Reading, Refusal, SecretBox, Tx
from regulars.kit.http import Answer, NoAnswer, Request, Sender
from regulars.shops import store
from regulars.shops.connecting import opened
from regulars.shops.intake import keep
from regulars.shops.model import NewHook, Source
from regulars.shops.reading import moment
from regulars.shops.store import sql
from regulars.shops.woocommerce_coupons import authorization

_TOPIC = "order.updated"


async def ask_soon(tx: Tx, workspace_id: UUID, source_id: UUID, now: datetime) -> None:
    """Have it asked at once. Raises NotFound, and Conflict for a source that is never asked."""
    source = await store.source(tx, workspace_id, source_id)
    if source.asks_at is None:
        raise Conflict("This source's API is not asked: give its keys among the settings first.")
    await tx.execute(sql.set_asks_at, workspace_id, source_id, now)


async def first_ask(tx: Reading) -> datetime | None:
    """When the next one is due, of any workspace."""
    due: datetime | None = await tx.fetchval(sql.first_ask)
    return due


async def claim_asks(tx: Tx, now: datetime, limit: int) -> list[Source]:
    """So many that are due, for whoever claims them to ask now; they are due again after a while, should that one
    die."""
    again = now + timedelta(seconds=limits.ASKS_EVERY_S)
    due = await tx.fetch(sql.due_asks, now, limit)
    claimed = [await tx.one(Source, sql.claim_ask, *row, now, again) for row in due]
    return [source for source in claimed if source]


async def fetch_missed(db: Database, sender: Sender, box: SecretBox, source: Source, now: datetime) -> str:
    """Ask for what was changed since it was asked last, and keep it; what came of it, in words, which are kept too.
    What goes wrong out there is said in these words, and asked again later."""
    try:
        said, again_s = await _fetch(db, sender, authorization(opened(source, box)), source, now)
    except Refusal as refusal:
        said, again_s = refusal.message, limits.ASKS_AGAIN_S
    async with db.transaction() as tx:
        again = now + timedelta(seconds=again_s)
        await tx.execute(sql.told, source.workspace_id, source.id, said, again)
    return said


async def _fetch(db: Database, sender: Sender, auth: str, source: Source, now: datetime) -> tuple[str, float]:
    """What came of it, and after how long it is asked again. Raises Refusal for what can't be read."""
    since = (source.asked_until or now) - timedelta(seconds=limits.ASKS_OVERLAP_S)
    fetched, page, more = 0, 1, True
    seen: set[tuple[str, str]] = set()
    for _ in range(limits.ASKS_PAGES_MAX):
        found = await _page(sender, source, auth, since, page)
        if isinstance(found, str):
            return found, limits.ASKS_AGAIN_S
        newest = max([since, *(at for order in found if (at := moment(order.get("date_modified_gmt"))))])
        async with db.transaction() as tx:
            fetched += await _keep_new(tx, source, [one for one in found if _name(one) not in seen], now)
            if found:
                await tx.execute(sql.asked, source.workspace_id, source.id, newest)
        seen |= {_name(order) for order in found}
        more = len(found) == limits.ASKS_PAGE_ORDERS
        if not more:
            break
        # Asked by time, so that what changes meanwhile shifts no page; by page only within one moment.
        after = newest - timedelta(seconds=1)
        since, page = (after, 1) if after > since else (since, page + 1)
    said = f"{fetched:,} fetched that no hook had told of." if fetched else "Nothing was missed."
    return said, 0.0 if more else limits.ASKS_EVERY_S


async def try_asking(sender: Sender, source: Source, box: SecretBox, now: datetime) -> str:
    """Why its API does not answer as it should, '' when it does. Raises Unreadable for its secrets."""
    answer = await _page(sender, source, authorization(opened(source, box)), now, 1)
    return answer if isinstance(answer, str) else ""


async def _page(sender: Sender, source: Source, auth: str, since: datetime, page: int) -> list[dict[str, Any]] | str:
    """Orders by when they were changed, oldest first; or why there are none, in words."""
    query = urlencode(
        {
            "modified_after": f"{since:%Y-%m-%dT%H:%M:%S}",
            "dates_are_gmt": "true",
            "orderby": "modified",
            "order": "asc",
            "status": "any",
            "per_page": limits.ASKS_PAGE_ORDERS,
            "page": page,
        }
    )
    url = f"{str(source.settings['url']).rstrip('/')}/wp-json/wc/v3/orders?{query}"
    headers = {"authorization": auth, "accept": "application/json"}
    request = Request("GET", url, headers, b"", frozenset({"authorization"}), limits.ASKS_ANSWER_BYTES_MAX)
    end = await sender.send(request)
    if isinstance(end, NoAnswer):
        return f"The shop did not answer: {end.detail}"
    return _orders(end)


def _orders(answer: Answer) -> list[dict[str, Any]] | str:
    if answer.status in (401, 403):
        return f"The shop answered {answer.status}: the REST API key was refused. Give another with Read permission."
    if answer.status != 200:
        return f"The shop answered {answer.status} where its REST API should be."
    try:
        return msgspec.json.decode(answer.body, type=list[dict[str, Any]])
    except msgspec.DecodeError:
        return "The shop answered something else than a list of orders."


def _name(order: dict[str, Any]) -> tuple[str, str]:
    return str(order.get("id")), str(order.get("date_modified_gmt"))


async def _keep_new(tx: Tx, source: Source, found: list[dict[str, Any]], now: datetime) -> int:
    """Those of which no hook told in this state; how many they are."""
    named = [(f"order {order.get('id')}", moment(order.get("date_modified_gmt")), order) for order in found]
    columns = [[subject for subject, _, _ in named], [version for _, version, _ in named]]
    rows = await tx.fetch(sql.told_of, source.workspace_id, source.id, *columns)
    known = {(row["subject"], row["version"]) for row in rows}
    hooks = [
        NewHook(source.id, _TOPIC, "", msgspec.json.encode(order))
        for subject, version, order in named
        if (subject, version) not in known
    ]
    await keep(tx, source.workspace_id, hooks, now)
    return len(hooks)
