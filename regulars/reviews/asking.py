"""Orders whose customers are asked for reviews: each has one page, and is asked of so often and no more."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars.kit import Reading, Tx
from regulars.kit.secrets import same
from regulars.reviews.store import sql
from regulars.tenancy import Workspace


class Ask(msgspec.Struct, frozen=True, gc=False):
    """`token` opens the order's page. `outcome`, where nobody is asked any more, says why."""

    order_id: UUID
    token: str
    asked: int = 0
    outcome: str = ""

    def path(self, shop: Workspace) -> str:
        return f"/review/{shop.shown_id}/{self.order_id}/{self.token}"


async def asks_of(tx: Reading, workspace_id: UUID, order_ids: Sequence[UUID]) -> dict[UUID, Ask]:
    """By order, those that there are."""
    return {one.order_id: one for one in await tx.all(Ask, sql.asks, workspace_id, order_ids)}


async def open_asks(tx: Tx, workspace_id: UUID, order_ids: Sequence[UUID], now: datetime) -> set[UUID]:
    """Have a page for each; those that had none before."""
    tokens = [secrets.token_urlsafe(16) for _ in order_ids]
    return {row[0] for row in await tx.fetch(sql.insert_asks, workspace_id, order_ids, tokens, now)}


def save_asks(tx: Tx, workspace_id: UUID, asks: Sequence[Ask], now: datetime) -> None:
    if asks:
        columns = [[getattr(one, name) for one in asks] for name in Ask.__struct_fields__]
        tx.write(sql.save_asks, workspace_id, *columns, now)


async def opened_by(tx: Reading, workspace_id: UUID, order_id: UUID, token: str) -> bool:
    """Whether the token opens the order's page."""
    ask = (await asks_of(tx, workspace_id, [order_id])).get(order_id)
    return ask is not None and same(ask.token, token)
