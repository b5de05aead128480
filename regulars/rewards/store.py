"""Typed functions over the statements that more than one act uses."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import astuple

from regulars.kit import Queries, Reading, Record, Tx
from regulars.rewards.errors import UnknownOffer
from regulars.rewards.model import Coupon, Offer, Terms

sql = Queries(__file__)
_TERMS = Offer.__struct_fields__.index("terms")


async def offers(tx: Reading, workspace_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Offer]:
    return {row["id"]: offer_of(row) for row in await tx.fetch(sql.offers_by_id, workspace_id, ids)}


async def lock_offers(tx: Tx, workspace_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Offer]:
    """Nobody else changes them, or counts in them, until the transaction ends."""
    rows = await tx.fetch(sql.lock_offers, workspace_id, sorted(set(ids)))
    return {row["id"]: offer_of(row) for row in rows}


async def lock_offer(tx: Tx, workspace_id: UUID, id: UUID) -> Offer:
    """Raises UnknownOffer."""
    found = await lock_offers(tx, workspace_id, [id])
    if id not in found:
        raise UnknownOffer
    return found[id]


async def save_offer(tx: Tx, workspace_id: UUID, offer: Offer) -> None:
    values = list(astuple(offer))
    values[_TERMS] = msgspec.to_builtins(offer.terms)
    await tx.execute(sql.save_offer, workspace_id, *values)


async def terms_of(tx: Reading, workspace_id: UUID, coupons: Iterable[Coupon]) -> dict[tuple[UUID, int], Terms]:
    """By offer and version, of all that the coupons were issued under."""
    wanted = sorted({(one.offer_id, one.offer_version) for one in coupons})
    rows = await tx.fetch(sql.terms, workspace_id, [id for id, _ in wanted], [version for _, version in wanted])
    return {(row["offer_id"], row["version"]): msgspec.convert(row["terms"], Terms) for row in rows}


async def lock_coupons(tx: Tx, workspace_id: UUID, ids: Iterable[UUID]) -> list[Coupon]:
    """In the order of their ids; each locked until the transaction ends."""
    return await tx.all(Coupon, sql.lock_coupons, workspace_id, sorted(set(ids)))


async def issued_for(tx: Reading, workspace_id: UUID, keys: Sequence[str]) -> dict[str, Coupon]:
    return {row["key"]: Coupon(*row) for row in await tx.fetch(sql.issued_for, workspace_id, keys)}


async def by_codes(tx: Reading, workspace_id: UUID, asked: Sequence[tuple[str, UUID | None, str]]) -> dict[int, Coupon]:
    """By the place of what was asked for: a code's key, whose it is, and what it is redeemed for."""
    rows = await tx.fetch(sql.by_codes, workspace_id, *map(list, zip(*asked, strict=True)))
    return {row[0] - 1: Coupon(*row[1:]) for row in rows}


def insert_coupons(tx: Tx, workspace_id: UUID, coupons: Sequence[Coupon]) -> None:
    tx.write(sql.insert_coupons, workspace_id, [astuple(one) for one in coupons])


async def set_coupons(tx: Tx, workspace_id: UUID, coupons: Sequence[Coupon], now: datetime) -> None:
    """Their status, reference, order, what they took off, and where their discount is; they are locked."""
    if coupons:
        columns = [[getattr(one, name) for one in coupons] for name in _SET]
        await tx.execute(sql.set_coupons, workspace_id, *columns, now)


_SET = ("id", "status", "reference", "order_id", "taken_off_minor", "discount", "discount_said")


def add_to_offers(tx: Tx, workspace_id: UUID, added: Mapping[UUID, tuple[int, int]]) -> None:
    """So many coupons issued and so much taken off, by offer."""
    if added:
        rows = sorted(added.items())
        issued, taken_off = [issued for _, (issued, _) in rows], [taken for _, (_, taken) in rows]
        tx.write(sql.add_to_offers, workspace_id, [id for id, _ in rows], issued, taken_off)


def offer_of(row: Record | Sequence[Any]) -> Offer:
    values = list(row)
    values[_TERMS] = msgspec.convert(values[_TERMS], Terms)
    return Offer(*values)
