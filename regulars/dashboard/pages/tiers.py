"""Tiers: the ladder and who stands on it; a changed one, and who would move, before it holds; customers placed by
hand."""

import re
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, post

from regulars import customers, limits, tiers
from regulars.api.reading import read_value
from regulars.customers import Customer
from regulars.dashboard import ladder
from regulars.dashboard.declaring import page
from regulars.dashboard.desk import Desk, Handed
from regulars.dashboard.forms import query_of
from regulars.dashboard.ladder import packed, unpacked
from regulars.dashboard.lists import NAMED, Asked, Column, Filter, Found, Listing, until_next
from regulars.dashboard.pages.customers import find
from regulars.dashboard.sheets import MAYBE, Field, Fields, Given, Shown, ask, fields_of, sheet
from regulars.kit import Invalid, NotFound, Reading, Tx, units_of
from regulars.tiers import Ladder, LadderVersion, Needs, Preview, Standing, Tier


@page("/tiers", "tiers")
async def show(desk: Desk, tx: Reading) -> dict[str, Any]:
    of = (await tiers.ladder_of(tx, desk.id)).ladder
    drawn = ladder.steps(of, await tiers.counts(tx, desk.id), desk.workspace)
    return {"ladder": of, "steps": drawn, "judging": await tiers.progress(tx, desk.id)}


@page("/tiers/example", "")
async def begin(desk: Desk, tx: Reading) -> Response[Any]:
    """A ladder to begin from, by what the shop's first customers have spent; nothing is written."""
    people = await customers.after(tx, desk.id, UUID(int=0), limits.TIERS_JUDGED_MAX)
    code = desk.workspace.currency_code
    return desk.see(_changing(ladder.example([one.spent.get(code, 0) / units_of(code) for one in people])))


class Member(NamedTuple):
    standing: Standing
    customer: Customer
    tier: str


async def _members(desk: Desk, tx: Reading, asked: Asked) -> Found[Member]:
    """Of one tier; without one that is asked for, of the highest."""
    of = (await tiers.ladder_of(tx, desk.id)).ladder
    key = asked.chosen("tier") or of.key(len(of.tiers) - 1)
    found = await tiers.members(tx, desk.id, key, before_id=asked.before_id, limit=asked.limit + 1) if key else []
    people = await customers.by_ids(tx, desk.id, [one.customer_id for one in found])
    names = ladder.names_of(of)
    page = [Member(one, people[one.customer_id], names.get(one.tier, one.tier)) for one in found]
    return Found(*until_next(page, asked.limit), choices={"tier": [(one.key, one.name) for one in of.tiers[::-1]]})


MEMBERS = Listing[Member](
    path="/tiers/members",
    called="Who stands on a tier",
    purpose="Those who became customers last come first.",
    columns=[
        *NAMED,
        Column("Tier", lambda row: row.tier),
        Column("Since", lambda row: row.standing.since),
        Column("Until", lambda row: row.standing.until or "as long as they qualify"),
        Column("Placed by hand", lambda row: row.standing.placed_reason),
    ],
    read=_members,
    nothing="Nobody stands here yet",
    nothing_why="Customers are here as soon as they have reached what the tier takes.",
    filters=[Filter("tier", "Tier", "The highest")],
)


@page("/tiers/change", "tiers_change")
async def change(desk: Desk, tx: Reading) -> dict[str, Any] | Response[Any]:
    """The ladder that is being changed, step by step. Moving one only leads to the address of that ladder."""
    of, draft, query = await _draft(desk, tx)
    for act in ("up", "down", "remove"):
        if query.get(act):
            return desk.see(_changing(ladder.rearranged(draft, act, query[act])))
    steps = ladder.steps(draft, {}, desk.workspace)
    return {"ladder": draft, "steps": steps, "draft": packed(draft), "changed": draft != of.ladder}


@page("/tiers/preview", "tiers_preview")
async def preview(desk: Desk, tx: Reading) -> dict[str, Any]:
    """Who would move; nothing is written. Of a large shop what was found so far: the page asks on by itself."""
    of, draft, query = await _draft(desk, tx)
    so_far = unpacked(query["so_far"], Preview) if query.get("so_far") else None
    async with desk.app.db.snapshot() as whole:
        found = await tiers.preview(whole, desk.workspace, draft, desk.now, so_far)
    on = urlencode({"draft": packed(draft), "so_far": packed(found)}) if found.next else ""
    moved = {way: sum(one.customers for one in found.moved if one.direction == way) for way in ("up", "down")}
    return {
        "found": found,
        "on": on,
        "changes": ladder.changes(draft, of.ladder, found),
        "names": ladder.names_of(of.ladder) | ladder.names_of(draft),
        **moved,
        "draft": packed(draft),
        "back": _changing(draft),
        "version": of.version,
    }


@post("/tiers/preview")
async def confirm(desk: Handed) -> Response[str]:
    """What was looked at is what will hold: not over a ladder that somebody else has changed meanwhile."""
    form = await desk.form()
    draft = unpacked(form.text("draft"), Ladder)
    async with desk.app.db.transaction() as tx:
        if form.text("version") != str((await tiers.ladder_of(tx, desk.id)).version):
            words = "The ladder was changed meanwhile. This is who would move now."
            return desk.see(f"/tiers/preview?{urlencode({'draft': packed(draft)})}", words)
        of = await tiers.change_ladder(tx, desk.workspace, draft, desk.now, actor=desk.who.actor)
        await desk.audit(tx, "tiers.update", desk.id, version=of.version)
    return desk.see("/tiers", "The ladder is changed. Everybody is judged anew by it.")


_NEEDS = {
    name: msgspec.structs.replace(field, optional=True, blank=0, chars_max=18)
    for name, field in fields_of(Needs).items()
}
_STEP = {name: fields_of(Tier)[name] for name in ("name", "match", "perks", "icon", "colour")} | {
    **{f"{part}.{name}": field for part in ("enter", "leave") for name, field in _NEEDS.items()},
    **{f"factors.{name}": Field("number", optional=True, blank=None, chars_max=8) for name in ladder.BY},
}


async def _step(desk: Desk, tx: Reading) -> Shown:
    """The one that the address names, or a new one above the others."""
    _, draft, given = await _draft(desk, tx)
    place = draft.place(given.get("step", ""))
    if given.get("step") and place < 0:
        raise NotFound("This ladder has no such tier.")
    more: dict[str, Any] = {"draft": packed(draft), "back": _changing(draft), "by": ladder.BY}
    if place < 0:
        colour = ladder.COLOURS[len(draft.tiers) % len(ladder.COLOURS)]
        return Shown({"match": "any", "colour": colour}, draft, more=more | {"step": ""})
    tier = draft.tiers[place]
    parts: dict[str, dict[Any, float]] = {
        "enter": tier.enter.asked(),
        "leave": tier.leave.asked() if tier.leave else {},
        "factors": dict(tier.factors),
    }
    values = msgspec.structs.asdict(tier) | {
        f"{part}.{name}": value for part, of in parts.items() for name, value in of.items()
    }
    return Shown(values, draft, tier.name, more=more | {"step": tier.key})


_CHANGE: dict[str, Any] = {"back": "/tiers/change", "of": "Change the ladder", "yes": "Done"}


def _fields(shown: Shown) -> Fields:
    return _STEP if shown.more["step"] else _STEP | {"key": MAYBE}


@sheet("/tiers/step", "Add a tier", "tier", _fields, **_CHANGE, load=_step)
async def change_step(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    form, draft, key = await desk.form(), shown.thing, shown.more["step"]
    place = draft.place(key) if key else len(draft.tiers)
    said: dict[str, Any] = {"enter": {}, "leave": {}, "factors": {}}
    for name, value in given.items():
        part, _, rest = name.rpartition(".")
        if not part:
            said[name] = value
        elif value is not None and (value or part == "factors"):
            said[part][rest] = value
    said["leave"] = said["leave"] or None
    said["key"] = key or given["key"] or _spelled(given["name"]) or f"tier-{place + 1}"
    said["perks"] = [perk.strip() for perk in given["perks"] if perk.strip()]
    changed = list(draft.tiers)
    with form.faults:
        changed[place : place + 1] = [read_value(Tier, said)]
        _check(msgspec.structs.replace(draft, tiers=tuple(changed)), place)
    form.check()
    return desk.see(_changing(msgspec.structs.replace(draft, tiers=tuple(changed))))


def _check(draft: Ladder, place: int) -> None:
    """Raises Invalid, naming what is wrong with this step as the form does."""
    try:
        tiers.check(draft)
    except Invalid as fault:
        inside = f"tiers[{place}]."
        found = {n.removeprefix(inside): words for n, words in fault.fields.items() if n.startswith(inside)}
        if "enter" in found:
            found["enter.spent"] = found.pop("enter")
        if found:
            raise Invalid(fault.message, fields=found) from None


_RULES = {name: field for name, field in fields_of(Ladder).items() if name != "tiers"}
_RULES["window_months"] = msgspec.structs.replace(_RULES["window_months"], least=1, when=("window", "rolling"))


async def _rules(desk: Desk, tx: Reading) -> Shown:
    _, draft, _ = await _draft(desk, tx)
    return Shown(draft, draft, more={"draft": packed(draft), "back": _changing(draft)})


@sheet("/tiers/rules", "Up, down and how long", "tier_rules", _RULES, **_CHANGE, load=_rules)
async def change_rules(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    (await desk.form()).check()
    return desk.see(_changing(msgspec.structs.replace(shown.thing, **given)))


async def _placing(desk: Desk, tx: Reading) -> Shown:
    customer, of = await find(tx, desk), (await tiers.ladder_of(tx, desk.id)).ladder
    standing = (await tiers.standing_of(tx, desk.workspace, customer, desk.now)).standing
    options = [(one.key, one.name) for one in of.tiers[::-1]]
    words = "They stand there until that day, or higher, whatever they have reached."
    return Shown({"tier": standing.tier, "until": None}, customer, "", words, "Place", {"options": options})


def _placed(shown: Shown) -> Fields:
    keys = tuple(key for key, _ in shown.more["options"])
    reason = Field(chars_max=limits.TITLE_CHARS_MAX)
    return {"tier": Field("choice", options=keys or ("",)), "reason": reason, "until": Field("date")}


@sheet("/customers/{id:uuid}/tier", "Place by hand", "tier_placing", _placed, act="tiers.place", load=_placing)
async def place(desk: Desk, tx: Tx, given: Given, shown: Shown) -> str:
    """The last day counts in full, by the shop's clocks."""
    customer, tier, reason = shown.thing, given["tier"], given["reason"]
    until = datetime.combine((given["until"] or desk.now.date()) + timedelta(days=1), time(), desk.zone)
    desk.about(customer.customer_id, tier=tier, reason=reason)
    await tiers.place_by_hand(tx, desk.workspace, customer, tier, reason, until, desk.now, actor=desk.who.actor)
    return "They are placed."


@ask("/customers/{id:uuid}/tier/release", "Release them?", "Release", "/customers/{id}", act="tiers.release")
async def release(desk: Desk, tx: Tx, *_: Any) -> str:
    """They stand where they belong by what they have reached, from now on."""
    customer = await find(tx, desk)
    desk.about(customer.customer_id)
    await tiers.take_off(tx, desk.workspace, customer, desk.now, actor=desk.who.actor)
    return "They stand where they belong."


async def _draft(desk: Desk, tx: Reading) -> tuple[LadderVersion, Ladder, dict[str, str]]:
    """The ladder that holds, the one that is being changed, and what was given. Raises Invalid."""
    if desk.request.method == "GET":
        given = query_of(desk.request)
    else:
        form = await desk.form()
        given = {name: form.text(name) for name in ("draft", "step")}
    of = await tiers.ladder_of(tx, desk.id)
    return of, unpacked(given["draft"], Ladder) if given.get("draft") else of.ladder, given


def _changing(draft: Ladder) -> str:
    return f"/tiers/change?{urlencode({'draft': packed(draft)})}"


def _spelled(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-")
