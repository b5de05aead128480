"""The box at the top: what is meant by what was typed, as one types; and why, of anything that is shown."""

from typing import Any
from uuid import UUID

from regulars import customers, ledger, rewards, why
from regulars.dashboard.declaring import page
from regulars.dashboard.desk import Desk, uuid_of
from regulars.dashboard.forms import query_of
from regulars.kit.db import Reading
from regulars.search import everywhere
from regulars.why import Question


@page("/search", "search")
async def found(desk: Desk, tx: Reading) -> dict[str, Any]:
    text = query_of(desk.request).get("q", "").strip()
    all_found = await everywhere(tx, desk.id, text)
    have = await ledger.balances(tx, desk.workspace, [one.id for one in all_found.customers], desk.now)
    buyers = await customers.by_ids(tx, desk.id, [order.customer_id for order in all_found.orders])
    return {"q": text, "found": all_found, "have": have, "people": buyers, "coupon_name": rewards.coupon_name}


@page("/why", "why")
async def explained(desk: Desk, tx: Reading) -> dict[str, Any]:
    given = {name: value for name, value in query_of(desk.request).items() if name in Question.__struct_fields__}
    ids = {name: value if name == "customer_id" else uuid_of(value) or UUID(int=0) for name, value in given.items()}
    return {"found": await why.answer(tx, desk.workspace, Question(**ids), desk.now)}  # type: ignore[arg-type]
