"""Automations: the list, the gallery they begin from, the builder, and who came through."""

from typing import Any

from litestar import Response

from regulars import conditions, customers, limits
from regulars.dashboard import block_forms, blocks
from regulars.dashboard.block_forms import Known, compared
from regulars.dashboard.blocks import OURS, Definition
from regulars.dashboard.cells import Badge, Link
from regulars.dashboard.declaring import act, page
from regulars.dashboard.desk import Desk, uuid_of
from regulars.dashboard.forms import query_of
from regulars.dashboard.lists import Act, Asked, Column, Filter, Found, Listing, part_of
from regulars.dashboard.pages.events import by_group
from regulars.dashboard.restrictions import Builder, condition_of, drawn
from regulars.dashboard.sheets import MAYBE, Field, Fields, Given, Shown, ask, draw, sheet
from regulars.dashboard.trials import somebody
from regulars.dashboard.words import plural
from regulars.engagement import automations
from regulars.engagement.automations import Automation, Overview
from regulars.kit import Invalid, Reading, Tx


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Overview]:
    found, state = await automations.overview(tx, desk.id), asked.chosen("state")
    return part_of([one for one in reversed(found) if state in (None, one.state)], asked)


AUTOMATIONS = Listing[Overview](
    path="/automations",
    purpose="What is done by itself for whom something happens to: step by step, while nobody looks.",
    columns=[
        Column("Name", lambda row: Link(row.name, f"/automations/{row.id}")),
        Column("State", lambda row: Badge(*OURS["states"][row.state])),
        Column("Inside now", lambda row: row.inside, right=True),
        Column("Messages sent", lambda row: row.sent, right=True),
        Column("Reached the goal", lambda row: row.goal, right=True),
        Column("Changed", lambda row: row.updated_at),
    ],
    read=_read,
    nothing="No automations yet",
    nothing_why="Begin with one from the gallery: a welcome, a reminder of {coins} that expire, a word on a birthday.",
    filters=[Filter("state", "State", "Any state", [(name, word) for name, (_, word) in OURS["states"].items()])],
    acts=[Act("Create an automation", "/automations/new")],
)


@page("/automations/new", "automation_new")
async def gallery(desk: Desk, tx: Reading) -> dict[str, Any]:
    return {"gallery": automations.gallery(desk.workspace)}


@act("/automations/new", "automation.create", "/automations")
async def create(desk: Desk, tx: Tx) -> Response[Any]:
    made = await automations.create_from(
        tx, desk.workspace, (await desk.form()).text("from"), desk.now, actor=desk.who.actor
    )
    desk.about(made.id, name=made.name)
    return desk.see(f"/automations/{made.id}", "It is a draft: nothing is sent before it is published and launched.")


async def _load(desk: Desk, tx: Reading, step: str = "", told: str = "") -> Shown:
    """What is looked at is said by the form or the address. A program's draft may be anything: what can't be drawn is
    shown as it is."""
    of = await automations.get_automation(tx, desk.id, desk.key)
    try:
        return await _drawn(desk, tx, of, step, told)
    except (blocks.Undrawable, *blocks.UNSOUND):
        return Shown({}, of, of.name, more={"raw": of.draft, "ours": OURS})


async def _drawn(desk: Desk, tx: Reading, of: Automation, step: str, told: str) -> Shown:
    asked, form, typed = query_of(desk.request), await desk.form(), desk.request.method == "POST" and not step
    draft = blocks.whole(of.draft)
    at = block_forms.chosen(draft, step or form.text("step") or asked.get("step") or "start")
    topic = form.text("topic") if typed else at.block.get("topic", "")
    known = await Known.of(tx, desk.workspace, draft, topic if at.id == "start" else None)
    legend, only, nothing = OURS["asked"][at.asks]
    pairs = await drawn(desk, at.tree) if typed else conditions.to_form(at.tree)
    newest = await automations.versions_of(tx, desk.id, of.id, limit=1)
    place, _, index = (form.text("put") if typed else "" if step else asked.get("put", "")).rpartition(":")
    (found,) = await automations.findings(tx, desk.id, [of.draft])
    more = {
        "at": at,
        "asked_for": step != form.text("step") if step else "step" in asked,
        "how": form.text("how") if typed else at.how,
        "draft": draft,
        "known": known,
        "put": (place, int(index)) if index.isdecimal() and len(index) < 4 else None,
        "condition": Builder(
            pairs, known.schema(at.asks, topic), at.tree, {}, only, nothing, legend, nested=at.asks != "where"
        ),
        "findings": found,
        "counts": {one.step_id: one for one in await automations.counts(tx, desk.id, of.id)},
        "stuck": (await automations.stuck(tx, desk.workspace, [of])).get(of.id, ()),
        "published": bool(newest) and newest[0].definition == of.draft,
        "told": told,
        "ways": blocks.ways,
        "ours": OURS,
        "groups": by_group(),
    }
    values = block_forms.values_of(at) | {"revision": of.revision, "step": at.id, "called": of.name}
    return Shown(values, of, of.name, more=more)


def _fields(shown: Shown) -> Fields:
    more = shown.more
    return {} if more.get("put") or "at" not in more else block_forms.fields_for(more["at"], more["how"])


@sheet("/automations/{id:uuid}", "", "automation", _fields, of="Automations", load=_load)
async def build(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    """What was typed is written into the draft, then what was pressed is done. Who changed it, its history says."""
    form, draft, at, shop = await desk.form(), shown.more["draft"], shown.more["at"], desk.workspace
    word, *rest = form.text("act").split(":")
    tree = condition_of(form, shown.more["condition"]) if at.asks and word != "undo" else None
    expected, actor = form.whole("revision"), desk.who.actor
    form.check()
    try:
        if word != "undo" and not shown.more["put"]:
            block_forms.write(draft, at, given, tree)
        step, told = _press(draft, at.id, word, rest)
    except (ValueError, IndexError, KeyError):
        raise blocks.Lost from None
    async with desk.app.db.transaction() as tx:
        if word == "undo":
            await automations.undo(tx, shop, desk.key, revision=expected, now=desk.now)
        else:
            await automations.change_draft(tx, shop, desk.key, draft, revision=expected, now=desk.now, actor=actor)
        if (called := form.text("called")) and called != shown.thing.name:
            await automations.rename(tx, shop, desk.key, called, desk.now)
    if word == "publish":
        try:
            async with desk.changing("automation.publish", desk.key) as tx:
                made = await automations.publish(tx, shop, desk.key, desk.now, actor=actor)
            told = f"Version {made.version} is published. Launch it, and whoever enters goes by it."
        except Invalid as no:
            told = f"It is not published yet: {plural(len(no.fields), 'thing')} marked at the blocks must be mended."
    if not desk.request.headers.get("hx-request"):
        return desk.see(f"/automations/{desk.key}?step={step}", told)
    async with desk.reading() as tx:
        return draw(desk, build, await _load(desk, tx, step, told))


def _press(draft: Definition, id: str, word: str, rest: list[str]) -> tuple[str, str]:
    """What is looked at then, and what is said. Raises Lost, ValueError, IndexError, KeyError."""
    match word, rest:
        case "add", [place, index, kind]:
            return blocks.add(draft, kind, place, int(index)), f"“{OURS['kinds'][kind]['title']}” is put in."
        case "move", [step, place, index]:
            blocks.put(draft, blocks.take(draft, step), place, int(index))
            return id, f"Moved to place {int(index) + 1}."
        case (("up" | "down" | "in" | "out"), [step]):
            return id, f"Moved {word}." if blocks.shift(draft, step, word) else f"It can’t go {word} from here."
        case "drop", [step]:
            dropped = draft["exits"].pop(int(step[6:])) if step.startswith("exits.") else blocks.take(draft, step)
            return "start", "Removed. Undo brings it back." if dropped else ""
        case "exit", _:
            draft["exits"].append({"topic": "order_create", "where": None})
            return f"exits.{len(draft['exits']) - 1}", ""
        case "way", [step]:
            blocks.find(draft, step).block["ways"].append({"share": 1, "steps": []})
        case "noway", [step]:
            blocks.find(draft, step).block["ways"].pop()
    return ("start", "Undone.") if word == "undo" else (id, "")


async def _ask_launch(desk: Desk, tx: Reading) -> Shown:
    of = await automations.get_automation(tx, desk.id, desk.key)
    inside = (await automations.people_inside(tx, desk.id, [of.id])).get(of.id, 0)
    return Shown({"people": "stay"}, of, f"Launch version {of.version}", more={"inside": inside})


_PEOPLE = {"people": Field("choice", options=("stay", "move"))}


@sheet("/automations/{id:uuid}/launch", "", "automation_launch", _PEOPLE, "/automations/{id}", yes="Launch",
       act="automation.launch", load=_ask_launch, said="It runs.")  # fmt: skip
async def launch(desk: Desk, tx: Tx, given: Given, _: Shown) -> None:
    await automations.launch(tx, desk.workspace, desk.key, desk.now, people_inside=given["people"])


@act(
    "/automations/{id:uuid}/pause", "automation.pause", "/automations/{id}", "Paused. Those inside stay where they are."
)
async def pause(desk: Desk, tx: Tx) -> None:
    await automations.pause(tx, desk.workspace, desk.key, desk.now)


@ask("/automations/{id:uuid}/delete", "Delete this automation?", "Delete", "/automations/{id}", act="automation.delete")
async def delete(desk: Desk, tx: Tx, *_: Any) -> Response[Any]:
    """Whoever is inside goes no further. What was sent stays to be read."""
    await automations.remove(tx, desk.workspace, desk.key, desk.now)
    return desk.see("/automations", "The automation is deleted.")


@page("/automations/{id:uuid}/versions", "automation_versions")
async def versions(desk: Desk, tx: Reading) -> dict[str, Any]:
    """What differs between the newest and the draft, unless the address says others."""
    of, asked = await automations.get_automation(tx, desk.id, desk.key), query_of(desk.request)
    found = await automations.versions_of(tx, desk.id, of.id, limit=limits.PAGE_ITEMS_DEFAULT)
    kept = {str(one.version): one.definition for one in found} | {"draft": of.draft}
    names = {"before": asked.get("before", next(iter(kept))), "after": asked.get("after", "draft")}
    was, now = (blocks.whole(kept.get(name, of.draft)) for name in names.values())
    more = {"rows": compared(was, now), "known": await Known.of(tx, desk.workspace, now)}
    return {"thing": of, "versions": found, "form": desk.blank(**names), "kept": kept, **more}


@page("/automations/{id:uuid}/people", "automation_people")
async def people(desk: Desk, tx: Reading) -> dict[str, Any]:
    """Who is in it or was; of a block, who waits there, or came through."""
    of, asked = await automations.get_automation(tx, desk.id, desk.key), query_of(desk.request)
    step, outcome = asked.get("step", ""), asked.get("outcome", "")
    how: Any = {"before_id": uuid_of(asked.get("after", "")), "limit": limits.PAGE_ITEMS_DEFAULT + 1}
    if step and outcome != "waiting":
        found: list[Any] = await automations.people_at(tx, desk.id, of.id, step, outcome=outcome or None, **how)
    else:
        state: Any = outcome if outcome in OURS["runs"] and not step else None
        found = await automations.runs(tx, desk.id, of.id, state=state, step_id=step or None, **how)
    who = await customers.by_ids(tx, desk.id, [one.customer_id for one in found])
    form = desk.blank(step=step, outcome=outcome)
    return {"thing": of, "found": found, "people": who, "titles": blocks.titles(of.draft), "form": form, "ours": OURS}


async def _rehearsed(desk: Desk, tx: Reading) -> Shown:
    of, days = await automations.get_automation(tx, desk.id, desk.key), query_of(desk.request).get("days", "")[:3]
    more: dict[str, Any] = {"dry": None, "tried": None, "unfinished": False, "days": days, "ours": OURS}
    try:
        if days.isdecimal():
            more["dry"] = await automations.dry_run(tx, desk.workspace, of.id, int(days), desk.now)
    except Invalid:
        more["unfinished"] = True
    return Shown({}, of, of.name, more=more | {"titles": blocks.titles(of.draft)})


@sheet("/automations/{id:uuid}/try", "", "automation_try", {"about": MAYBE, "test_to": MAYBE}, of="Automations",
       yes="Try it", load=_rehearsed)  # fmt: skip
async def rehearse(desk: Desk, given: Given, shown: Shown) -> Response[Any]:
    """With one customer; what they would get is sent to an address, if one is given."""
    async with desk.changing("automation.test", desk.key) as tx:
        whom = await somebody(desk, tx, given["about"])
        try:
            shown.more["tried"] = await automations.try_with(
                tx, desk.workspace, desk.key, whom, desk.now, test_to=given["test_to"]
            )
        except Invalid:
            shown.more["unfinished"] = True
    return draw(desk, rehearse, shown, await desk.form())
