"""Offers: made, changed in versions, put in order, found."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit import Conflict, Faults, Reading, Tx, invalid, new_id
from regulars.kit.clock import wall_clock
from regulars.rewards import store
from regulars.rewards.discounting import check_there
from regulars.rewards.errors import UnknownOffer
from regulars.rewards.model import Offer, OfferVersion, Terms
from regulars.rewards.store import sql
from regulars.tenancy import Workspace

CHANGEABLE = ("name", "active", "show_in_widget", "place", "terms", "public")
_ADDRESS = re.compile(r"(https?://|/)[!-~]*|[a-z0-9_-]{1,40}")


async def create_offer(
    tx: Tx,
    workspace: Workspace,
    name: str,
    terms: Terms,
    now: datetime,
    *,
    active: bool = True,
    show_in_widget: bool = True,
    public: bool = False,
    actor: str = "",
) -> Offer:
    """The last in order. Raises Invalid naming each field, and Conflict where there are limits.OFFERS_MAX."""
    name, terms = checked(name, terms, workspace, public=public)
    _check_partner(terms, terms, actor)
    await check_there(tx, workspace.id, terms)
    await _check_segments(tx, workspace.id, terms)
    there = await tx.fetchval(sql.count_offers, workspace.id)
    if there >= limits.OFFERS_MAX:
        raise Conflict(f"A shop can have {limits.OFFERS_MAX} offers at most. Change one that is not needed any more.")
    offer = Offer(new_id(), 1, name, active, show_in_widget, there + 1, terms, 0, 0, now, now, public)
    await store.save_offer(tx, workspace.id, offer)
    await _keep_version(tx, workspace.id, offer, actor, now)
    return offer


async def change_offer(
    tx: Tx, workspace: Workspace, id: UUID, changes: dict[str, Any], now: datetime, *, actor: str = ""
) -> Offer:
    """Set any of CHANGEABLE. Other terms are a new version: coupons that are out keep theirs. Raises Invalid naming
    each field, UnknownOffer. Locks the offer; with another place all offers, by id."""
    if "place" in changes:
        await store.lock_offers(tx, workspace.id, [one.id for one in await list_offers(tx, workspace.id)])
    kept = await store.lock_offer(tx, workspace.id, id)
    changed = msgspec.structs.replace(kept, **{name: changes[name] for name in CHANGEABLE if name in changes})
    name, terms = checked(changed.name, changed.terms, workspace, public=changed.public)
    if terms != kept.terms:
        _check_partner(terms, kept.terms, actor)
    changed = msgspec.structs.replace(changed, name=name, terms=terms)
    if changed.place != kept.place:
        there = [one.id for one in await list_offers(tx, workspace.id) if one.id != id]
        changed = msgspec.structs.replace(changed, place=min(changed.place, len(there) + 1))
        there.insert(changed.place - 1, id)
        await tx.execute(sql.put_in_order, workspace.id, there)
    if changed == kept:
        return kept
    changed = msgspec.structs.replace(changed, updated_at=now)
    if terms != kept.terms:
        await check_there(tx, workspace.id, terms)
        await _check_segments(tx, workspace.id, terms)
        changed = msgspec.structs.replace(changed, version=kept.version + 1)
        await _keep_version(tx, workspace.id, changed, actor, now)
    if terms.counted and not kept.terms.counted:
        row = await tx.fetchrow(sql.counted, workspace.id, id)
        assert row is not None
        changed = msgspec.structs.replace(changed, issued=row["issued"], taken_off_minor=row["taken_off"])
    await store.save_offer(tx, workspace.id, changed)
    return changed


async def list_offers(tx: Reading, workspace_id: UUID) -> list[Offer]:
    """In the order in which the widget shows them."""
    return [store.offer_of(row) for row in await tx.fetch(sql.offers, workspace_id)]


async def find_offer(tx: Reading, workspace_id: UUID, id: UUID) -> Offer:
    """Raises UnknownOffer."""
    found = await store.offers(tx, workspace_id, [id])
    if id not in found:
        raise UnknownOffer
    return found[id]


async def versions_of(tx: Reading, workspace_id: UUID, id: UUID) -> list[OfferVersion]:
    """Newest first."""
    rows = await tx.fetch(sql.versions, workspace_id, id)
    return [OfferVersion(row["version"], msgspec.convert(row["terms"], Terms), *row[2:]) for row in rows]


async def _keep_version(tx: Tx, workspace_id: UUID, offer: Offer, actor: str, now: datetime) -> None:
    terms = msgspec.to_builtins(offer.terms)
    await tx.execute(sql.insert_version, workspace_id, offer.id, offer.version, terms, actor, now)


def checked(name: str, terms: Terms, workspace: Workspace, *, public: bool = False) -> tuple[str, Terms]:
    """Raises Invalid naming each field. What a field may hold alone its type says; here is what they may together."""
    faults = Faults()
    name = name.strip()
    if not 1 <= len(name) <= limits.NAME_CHARS_MAX or "\x00" in name:
        faults.add("name", f"1 to {limits.NAME_CHARS_MAX} characters")
    _check_discount(terms, faults)
    _check_price(terms, faults)
    if terms.icon and not _ADDRESS.fullmatch(terms.icon):
        faults.add("icon", "an address that starts with https:// or /, or a name such as gift")
    some = terms.tiers or terms.segments or terms.balance_min or terms.first_order_only
    if public and (terms.code in ("fixed", "partner") or some):
        faults.add("public", "a code for each coupon, and for everybody: of others' customers you know nothing")
    if terms.code == "fixed" and not terms.fixed_code:
        faults.add("fixed_code", "the code that everybody uses")
    if terms.expires_after_days and terms.expires_on:
        faults.add("expires_on", "either a day or a number of days, not both")
    times = {}
    for field in ("starts_at", "ends_at", "expires_on"):
        with faults:
            times[field] = wall_clock(field, getattr(terms, field), workspace.zone)
    if (starts := times.get("starts_at")) and (ends := times.get("ends_at")) and ends <= starts:
        faults.add("ends_at", "a time after starts_at")
    faults.check()
    return name, terms


def _check_partner(terms: Terms, kept: Terms, actor: str) -> None:
    if "partner" in (terms.code, kept.code) and not actor.startswith("partner:"):
        raise invalid("code", "generated, fixed or list; what another shop's offer gives only that shop changes")


async def _check_segments(tx: Reading, workspace_id: UUID, terms: Terms) -> None:
    known = (
        {row["id"] for row in await tx.fetch(sql.inside, workspace_id, terms.segments, [])} if terms.segments else ()
    )
    if strangers := [str(id) for id in terms.segments if id not in known]:
        raise invalid("segments", f"ids of segments of this shop, and not {strangers[0]}")


def _check_discount(terms: Terms, faults: Faults) -> None:
    if terms.discount in ("amount", "percent") and not terms.value:
        faults.add("value", "what it takes off, above 0")
    if terms.discount == "percent" and terms.value * terms.steps[-1] > 100:
        faults.add("value", "at most 100 percent in all")
    if terms.target != "cart" and not terms.targets:
        faults.add("targets", f"the {terms.target} that it is counted on")
    if terms.discount == "free_product" and terms.target == "cart":
        faults.add("target", "products or collections, of which one is free")


def _check_price(terms: Terms, faults: Faults) -> None:
    if terms.price != "free" and not terms.coins:
        faults.add("coins", "what it costs, at least 1")
    if terms.price == "free" and terms.coins:
        faults.add("coins", "nothing: this offer is only given")
    if terms.price == "dynamic" and terms.discount not in ("amount", "percent"):
        faults.add("price", "fixed or free: only an amount or a percentage comes in steps")
    if terms.steps_max < terms.steps_min:
        faults.add("steps_max", f"at least {terms.steps_min}, the fewest steps")
    if terms.price == "dynamic" and terms.coins * terms.steps_max > limits.AMOUNT_MINOR_MAX:
        faults.add("steps_max", "fewer: so many coins don't fit into a wallet")
