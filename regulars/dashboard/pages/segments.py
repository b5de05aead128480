"""Segments: the list, the builder with its count beside, who is in one, and why."""

from typing import Any, NamedTuple
from uuid import UUID

from litestar import Response, post

from regulars import conditions, customers, limits
from regulars.customers import Customer
from regulars.dashboard.cells import Badge, Lines, Link
from regulars.dashboard.declaring import act, page
from regulars.dashboard.desk import Desk, Handed, uuid_of
from regulars.dashboard.forms import query_of, sent
from regulars.dashboard.lists import NAMED, Act, Asked, Column, Filter, Found, Listing, part_of, until_next
from regulars.dashboard.restrictions import Builder, condition_of, drawn
from regulars.dashboard.sheets import Field, Given, Shown, ask, sheet
from regulars.engagement import segments
from regulars.engagement.segments import Member, NewSegment, Segment
from regulars.kit import Reading, Refusal, Tx

_NAME = {"name": Field(chars_max=limits.TITLE_CHARS_MAX)}
_FIELDS = {**_NAME, "kind": Field("choice", options=("live", "static"))}


class Told(NamedTuple):
    segment: Segment
    sentence: str

    @property
    def badge(self) -> Badge:
        if self.segment.state == "finding":
            return Badge("busy", "Being found")
        return Badge("good", "Live") if self.segment.kind == "live" else Badge("off", "Static")


def _told(found: list[Segment], known: conditions.Language) -> list[Told]:
    return [Told(one, conditions.sentence(one.tree, known) if one.tree else "everybody") for one in found]


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Told]:
    found = _told(await segments.list_segments(tx, desk.id), await segments.language_of(tx, desk.workspace))
    return part_of([one for one in found if asked.chosen("kind") in (None, one.segment.kind)], asked)


SEGMENTS = Listing[Told](
    path="/segments",
    purpose="Customers who belong together: by what they are, and by what they have done or not done.",
    columns=[
        Column("Name", lambda row: Link(row.segment.name, f"/segments/{row.segment.id}")),
        Column("Who is in it", lambda row: Lines([row.sentence])),
        Column("State", lambda row: row.badge),
        Column("Customers", lambda row: row.segment.members, right=True),
        Column("Found", lambda row: row.segment.found_at),
    ],
    read=_read,
    nothing="No segments yet",
    nothing_why="A segment says who your champions are, or who has not come back: and follows them from then on.",
    filters=[Filter("kind", "Kind", "Any kind", [("live", "Live"), ("static", "Static")])],
    acts=[Act("Create a segment", "/segments/new")],
)


class Row(NamedTuple):
    member: Member
    customer: Customer


async def _members(desk: Desk, tx: Reading, asked: Asked) -> Found[Row]:
    of = await segments.get_segment(tx, desk.id, asked.id("segment_id") or UUID(int=0))
    found = await segments.members_of(tx, desk.id, of.id, before_id=asked.before_id, limit=asked.limit + 1)
    people = await customers.by_ids(tx, desk.id, [one.customer_id for one in found])
    rows = [Row(one, people[one.customer_id]) for one in found]
    return Found(*until_next(rows, asked.limit), choices={"segment_id": [(str(of.id), of.name)]}, more={"of": of})


MEMBERS = Listing[Row](
    path="/segments/members",
    called="Who is in a segment",
    purpose="Those who became customers last come first.",
    columns=[
        *NAMED,
        Column("E-mail", lambda row: row.customer.email),
        Column("In it since", lambda row: row.member.entered_at),
    ],
    read=_members,
    nothing="Nobody is in it",
    nothing_why="Customers are here as soon as the segment’s conditions hold for them.",
    filters=[Filter("segment_id", "Of")],
)


def _builder(pairs: Any, known: conditions.Language, stored: Any = None) -> Builder:
    return Builder(
        pairs,
        known,
        stored,
        legend="Who is in it",
        only="Customers of whom",
        nothing="Nothing is asked: everybody is in it.",
        nested=True,
    )


async def _blank(desk: Desk, tx: Reading) -> Shown:
    known = await segments.language_of(tx, desk.workspace)
    return Shown({"kind": "live"}, more={"condition": _builder(await drawn(desk, None), known)})


@sheet("/segments/new", "Create a segment", "segment_new", _FIELDS, yes="Create", act="segment.create", load=_blank)
async def create(desk: Desk, tx: Tx, given: Given, shown: Shown) -> Response[Any]:
    form = await desk.form()
    condition = condition_of(form, shown.more["condition"])
    form.check()
    desk.about(given["name"])
    new = NewSegment(name=given["name"], kind=given["kind"], condition=condition)
    made = await segments.create_segment(tx, desk.workspace, new, desk.now)
    return desk.see(f"/segments/{made.id}", "The segment is created; its members are being found.")


async def _load(desk: Desk, tx: Reading) -> Shown:
    of, known = await segments.get_segment(tx, desk.id, desk.key), await segments.language_of(tx, desk.workspace)
    (told,) = _told([of], known)
    found = await segments.members_of(tx, desk.id, of.id, limit=10)
    people = await customers.by_ids(tx, desk.id, [one.customer_id for one in found])
    more = {
        "condition": _builder(await drawn(desk, of.condition), known, of.condition),
        "told": told,
        "members": [Row(one, people[one.customer_id]) for one in found],
    }
    return Shown({"name": of.name}, of, of.name, more=more)


@sheet("/segments/{id:uuid}", "", "segment", _NAME, act="segment.update", load=_load)
async def change(desk: Desk, tx: Tx, given: Given, shown: Shown) -> str:
    form = await desk.form()
    changes = {"name": given["name"], "condition": condition_of(form, shown.more["condition"])}
    form.check()
    changed = await segments.change_segment(tx, desk.workspace, desk.key, changes, desk.now)
    return "Saved; its members are being found." if changed.version != shown.thing.version else ""


@act("/segments/{id:uuid}/find", "segment.find", "/segments/{id}", "Its members are being found anew.")
async def find_again(desk: Desk, tx: Tx) -> None:
    await segments.find_again(tx, desk.workspace, desk.key, desk.now)


async def _ask_delete(desk: Desk, tx: Reading) -> Shown:
    of = await segments.get_segment(tx, desk.id, desk.key)
    return Shown(words=f"“{of.name}” is gone then, and whatever asks about it finds nobody in it.")


@ask("/segments/{id:uuid}/delete", "Delete this segment?", "Delete", act="segment.delete", load=_ask_delete)
async def delete(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    await segments.delete_segment(tx, desk.workspace, desk.key)
    return desk.see("/segments", "The segment is deleted.")


@post("/segments/count")
async def count(desk: Handed) -> Response[str]:
    """How many the conditions that are being typed find: a sample at once, all of them when that is drawn."""
    form, exact = await desk.form(), query_of(desk.request).get("exact") == "yes"
    found, missing = None, ""
    try:
        async with desk.reading() as tx:
            known = await segments.language_of(tx, desk.workspace)
        tree = conditions.from_form((await sent(desk.request)).fields, known)
        async with desk.app.db.snapshot(whole=exact) as tx:
            asked = None if tree is None else conditions.dump(tree)
            found = await segments.count(tx, desk.workspace, asked, desk.now, exact=exact)
    except Refusal as refusal:
        missing = next(iter(form.refused(refusal).errors.values()), refusal.message)
    return desk.page("pages/segment_count.html", found=found, missing=missing)


@page("/segments/{id:uuid}/why", "segment_why")
async def why(desk: Desk, tx: Reading) -> dict[str, Any]:
    """Of the customer who is asked for by an id, an e-mail address or a number."""
    of, asked = await segments.get_segment(tx, desk.id, desk.key), query_of(desk.request).get("customer", "").strip()
    by = {"id": uuid_of(asked)} if uuid_of(asked) else {"email": asked} if "@" in asked else {"customer_id": asked}
    person = await customers.find(tx, desk.id, **by) if asked else None
    if person is None:
        return {"of": of, "asked": asked, "reason": None}
    return {"of": of, "asked": asked, "reason": await segments.why(tx, desk.workspace, of.id, person.id, desk.now)}
