"""What coupons are at the shop's platform: looked for by their codes first, then made or taken away. The network
is asked between two transactions; what came of it is kept in the second."""

from datetime import datetime
from uuid import UUID

from regulars import rewards
from regulars.kit import Database, Reading, SecretBox, Unreadable, again_when_raced
from regulars.kit.http import NoAnswer, Request, Sender
from regulars.rewards import Came, Coupon, Terms
from regulars.schedule import Due
from regulars.shops.connecting import opened
from regulars.shops.dialect import Dialect, Discount, Heard, There
from regulars.shops.model import Source
from regulars.shops.shopify_discounts import SHOPIFY
from regulars.shops.store import sql
from regulars.shops.woocommerce_coupons import WOOCOMMERCE
from regulars.tenancy import Workspace

DIALECTS: dict[str, Dialect] = {"shopify": SHOPIFY, "woocommerce": WOOCOMMERCE}


async def makes_discounts(tx: Reading, workspace_id: UUID) -> UUID | None:
    """The source whose platform has the shop's coupons as discounts: of two the one connected first."""
    found: UUID | None = await tx.fetchval(sql.makes_discounts, workspace_id, list(DIALECTS))
    return found


async def cannot_make(tx: Reading, workspace_id: UUID, terms: Terms) -> dict[str, str]:
    """What of such terms the platform has no discount for: why, by their fields."""
    id = await makes_discounts(tx, workspace_id)
    (source,) = await tx.all(Source, sql.sources_by_ids, workspace_id, [id]) if id else (None,)
    return DIALECTS[source.platform].cannot(terms) if source else {}


async def look_after(
    db: Database, sender: Sender, box: SecretBox, workspace: Workspace, due: Due, now: datetime
) -> None:
    """A caller of the schedule."""
    await discounted(db, sender, box, workspace, UUID(due.key), now, due)


async def discounted(
    db: Database,
    sender: Sender,
    box: SecretBox,
    workspace: Workspace,
    coupon_id: UUID,
    now: datetime,
    due: Due | None = None,
) -> Coupon:
    """Ask for what is wanted of a coupon's discount; the coupon as it is then. `due`: the row that is on lease."""
    async with db.reading() as tx:
        coupon, terms = await rewards.find_coupon(tx, workspace.id, coupon_id)
        rows = await tx.all(Source, sql.sources_by_ids, workspace.id, [coupon.source_id])
    came = Came("done")
    if coupon.discount in ("making", "remaking", "removing"):
        came = await _ask(sender, box, rows[0] if rows else None, workspace, coupon, terms)
    elif due is None:
        return coupon
    tries = due.payload["tries"] if due else 0

    async def keep() -> Coupon:
        async with db.transaction() as tx:
            return await rewards.discount_told(tx, workspace, coupon_id, coupon.discount, came, tries, now)

    # A door, a worker and whoever holds or spends the same coins may wait for each other in a circle.
    return await again_when_raced(keep)


async def _ask(
    sender: Sender, box: SecretBox, source: Source | None, workspace: Workspace, coupon: Coupon, terms: Terms
) -> Came:
    dialect = DIALECTS.get(source.platform) if source else None
    if source is None or dialect is None:
        return Came("closed", "The source that made this coupon is not known any more.")
    try:
        secrets = opened(source, box)
    except Unreadable:
        return Came("closed", f"{source.name} is not connected any more, or its keys can't be read.")
    settings, code = source.settings, coupon.code
    heard = await _hear(sender, dialect, dialect.look(settings, secrets, code))
    if isinstance(heard, Came):
        return heard
    if heard and (coupon.discount == "removing" or (coupon.discount == "remaking" and heard.used)):
        gone = await _hear(sender, dialect, dialect.remove(settings, secrets, heard.id))
        if isinstance(gone, Came):
            return gone
        heard = None
    if heard or coupon.discount == "removing":
        return Came("done")
    if why := dialect.cannot(terms):
        return Came("refused", " ".join(why.values()))
    title = rewards.coupon_name(terms, coupon.steps, workspace)
    discount = Discount(code, title, terms, coupon.steps, coupon.created_at, coupon.expires_at)
    made = await _hear(sender, dialect, dialect.make(settings, secrets, discount))
    done = Came("done") if isinstance(made, There) else made
    return done or Came("unclear", f"{source.name} did not say whether it was made.")


async def _hear(sender: Sender, dialect: Dialect, request: Request) -> Heard:
    end = await sender.send(request)
    if isinstance(end, NoAnswer):
        return Came("unclear", f"The shop did not answer: {end.detail}")
    return dialect.hear(end)


async def try_discounts(sender: Sender, source: Source, box: SecretBox) -> str:
    """Why its API does not tell of discounts as it should, '' when it does. Raises Unreadable for its secrets."""
    dialect = DIALECTS[source.platform]
    heard = await _hear(sender, dialect, dialect.look(source.settings, opened(source, box), "REGULARS-TEST"))
    return heard.words if isinstance(heard, Came) else ""
