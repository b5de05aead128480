"""The box at the top: what is meant by what was typed, as one types; and why, of anything that is shown."""

from uuid import UUID

from litestar import Response, get

from regulars import customers, ledger, rewards, why
from regulars.dashboard.desk import Handed, uuid_of
from regulars.dashboard.forms import query_of
from regulars.search import everywhere
from regulars.why import Question


@get("/search")
async def found(desk: Handed) -> Response[str]:
    text = query_of(desk.request).get("q", "").strip()
    async with desk.reading() as tx:
        all_found = await everywhere(tx, desk.id, text)
        have = await ledger.balances(tx, desk.workspace, [one.id for one in all_found.customers], desk.now)
        buyers = await customers.by_ids(tx, desk.id, [order.customer_id for order in all_found.orders])
    return desk.page(
        "pages/search.html", q=text, found=all_found, have=have, people=buyers, coupon_name=rewards.coupon_name
    )


@get("/why")
async def explained(desk: Handed) -> Response[str]:
    given = {name: value for name, value in query_of(desk.request).items() if name in Question.__struct_fields__}
    ids = {name: value if name == "customer_id" else uuid_of(value) or UUID(int=0) for name, value in given.items()}
    async with desk.reading() as tx:
        told = await why.answer(tx, desk.workspace, Question(**ids), desk.now)  # type: ignore[arg-type]
    return desk.page("pages/why.html", found=told)


HANDLERS = [found, explained]
