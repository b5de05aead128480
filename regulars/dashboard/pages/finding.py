"""The box at the top: what is meant by what was typed, as one types."""

from __future__ import annotations

from litestar import Response, get

from regulars import customers, ledger
from regulars.dashboard.desk import Handed
from regulars.dashboard.forms import query_of
from regulars.search import everywhere


@get("/search")
async def found(desk: Handed) -> Response[str]:
    text = query_of(desk.request).get("q", "").strip()
    async with desk.reading() as tx:
        all_found = await everywhere(tx, desk.id, text)
        have = await ledger.balances(tx, desk.workspace, [one.id for one in all_found.customers], desk.now)
        buyers = await customers.by_ids(tx, desk.id, [order.customer_id for order in all_found.orders])
    return desk.page("pages/search.html", q=text, found=all_found, have=have, people=buyers)


HANDLERS = [found]
