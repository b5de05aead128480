"""Automations: written, published, launched; and who passes through them."""

from collections.abc import Awaitable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from regulars import customers, limits
from regulars.api.management.api import Call, NoQuery, PageQuery, Resource, management
from regulars.api.management.items import Whose, named, of_customers
from regulars.customers.reported import CustomerId
from regulars.engagement import automations
from regulars.engagement.automations import (
    Automation,
    DryRun,
    Entry,
    Finding,
    Passed,
    People,
    Run,
    StepCount,
    Tried,
    Version,
)
from regulars.engagement.automations.model import Name, RunState
from regulars.kit import Listed, Reading, Shown, Tx, copied, invalid, showing

_STARTS = {"kind": "event", "topic": "walletreward_create"}
_EXAMPLE = {"trigger": _STARTS, "steps": [{"id": "wait", "kind": "wait", "for_s": 3600}, {"id": "out", "kind": "exit"}]}
Definition = Annotated[
    dict[str, Any],
    Meta(description="What starts it, whom it is for, and its steps: see the guide.", examples=[_EXAMPLE]),
]
Revision = Annotated[int, Meta(ge=1, description="Of the draft as it was read.", examples=[2])]
Step = Annotated[str, Meta(max_length=limits.FACT_NAME_CHARS_MAX, description="A step's id.", examples=["wait"])]


@showing(
    "id name state version launched revision definition=draft findings people_inside stuck created_at updated_at",
    Automation,
)
class AutomationItem(msgspec.Struct):
    """`definition` is the draft's, at its `revision`; `findings` is what keeps it from being published. `version` is
    the newest that was, `launched` the one that whoever enters goes by; 0 for none. `stuck` says in sentences what
    keeps people from going on, if anything does."""

    findings: list[Finding]
    people_inside: int
    stuck: list[str]


class NewAutomation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A draft, which may be unfinished. With `from`, the key of one of the gallery: that one, and the templates and the
    segment that it names; then `name` may be left out."""

    name: Name | None = None
    definition: Definition | None = None
    from_: Annotated[str, Meta(max_length=limits.FACT_NAME_CHARS_MAX)] | None = msgspec.field(name="from", default=None)


@showing("key name words templates segment", Entry)
class GalleryItem(msgspec.Struct):
    """An automation to begin from, with the names of the `templates`, and of the `segment`, that are made for it."""

    templates: list[str]
    segment: str | None


class AutomationChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another name, or another draft; with a draft the `revision` of the one that it was made of."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    definition: Definition | msgspec.UnsetType = msgspec.UNSET
    revision: Revision | None = None


class ToLaunch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Those inside `stay` on the version they entered by, or are moved to the newest, and wait as long as that says."""

    people_inside: People = "stay"


class ToUndo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    revision: Revision


VersionItem = Shown[Version]


class CountQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    version: Annotated[int, Meta(ge=1)] | None = None


class RunQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`step_id`: only those who are at it now."""

    state: RunState | None = None
    step_id: Step | None = None


class PassedQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    step_id: Step
    outcome: Annotated[str, Meta(max_length=limits.FACT_NAME_CHARS_MAX, examples=["sent"])] | None = None


@showing("id version customer at_step arrived_at state reason entered_at wakes_at waits_for ended_at cause_id", Run)
class RunItem(msgspec.Struct):
    """Somebody who is inside, or was. `cause_id` is the event that started it; `waits_for` the one that it waits for,
    until `wakes_at`. `reason` says why it ended, or what holds it up."""

    customer: Whose


@showing("id run_id version customer step_id outcome reason at", Passed)
class PassedItem(msgspec.Struct):
    """Somebody who came through a step. Of a message `id` is the message's."""

    customer: Whose


class ToTry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`days` of the log are gone through."""

    days: Annotated[int, Meta(ge=1, le=limits.CALENDAR_DAYS_MAX)] = 7


@showing("customer event_id entered_at steps", Tried)
class TriedItem(msgspec.Struct):
    """Which way somebody would go; `event_id` is null where no event of theirs starts it."""

    customer: Whose


@showing("looked_through entered steps people", DryRun)
class DryRunItem(msgspec.Struct):
    """Of so many events `looked_through` (or customers, where no event starts it) so many would have `entered`; `steps`
    is how many would have come to each step. The first few of them with all that they would have got."""

    people: list[TriedItem]


class ToTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`test_to`: to this address all messages of the way are sent, at once."""

    customer_id: CustomerId
    test_to: Annotated[str, Meta(max_length=limits.EMAIL_CHARS_MAX)] = ""


def _way(one: Tried) -> TriedItem:
    return copied(TriedItem, one, customer=named(one.customer))


async def _said(call: Call[Any, Any], tx: Reading, found: Sequence[Automation]) -> list[AutomationItem]:
    faults = await automations.findings(tx, call.workspace_id, [one.draft for one in found])
    inside = await automations.people_inside(tx, call.workspace_id, [one.id for one in found])
    stuck = await automations.stuck(tx, call.workspace, found)
    return [
        copied(AutomationItem, one, findings=some, people_inside=inside.get(one.id, 0), stuck=stuck.get(one.id, []))
        for one, some in zip(found, faults, strict=True)
    ]


of = Resource(management, "/automations", AutomationItem, tag="Automations", one="automation", says=_said)
of.all("Automations", automations.list_automations, "Those that were made first come first.")


@of.create("Create an automation", about=("name",))
def create_automation(call: Call[NoQuery, NewAutomation], tx: Tx) -> Awaitable[Automation]:
    """Nothing happens before it is published and launched."""
    new, shop, actor = call.body, call.workspace, call.caller.actor
    if new.from_ is not None:
        if new.definition is not None:
            raise invalid("definition", "nothing beside `from`, which brings its own")
        return automations.create_from(tx, shop, new.from_, call.now, actor=actor, name=new.name)
    if new.name is None:
        raise invalid("name", "a name, or `from`, the key of one of the gallery")
    return automations.create_automation(tx, shop, new.name, new.definition, call.now, actor=actor)


@management.get("/automations/gallery", "Automations to begin from", tag="Automations")
async def list_gallery(call: Call[NoQuery, None], tx: Reading) -> Listed[GalleryItem]:
    """Make one of them with `from`."""
    found = [one for one in automations.gallery(call.workspace) if one.key]
    return Listed(
        [
            copied(
                GalleryItem,
                one,
                templates=[name for name, _, _ in one.templates.values()],
                segment=one.segment and one.segment.name,
            )
            for one in found
        ]
    )


of.each(automations.get_automation)


@management.patch("/automations/{id}", "Change an automation", tag="Automations")
async def change_automation(call: Call[NoQuery, AutomationChange], tx: Tx) -> AutomationItem:
    """A draft is kept as it is given, finished or not; refused with 409 where it was changed meanwhile."""
    id, given = call.path_id(), call.body
    if given.definition is not msgspec.UNSET:
        if given.revision is None:
            raise invalid("revision", "that of the draft as it was read")
        how: dict[str, Any] = {"revision": given.revision, "now": call.now, "actor": call.caller.actor}
        await automations.change_draft(tx, call.workspace, id, given.definition, **how)
    if given.name is not msgspec.UNSET:
        await automations.rename(tx, call.workspace, id, given.name, call.now)
        await call.audit(tx, "automation.update", id, name=given.name)
    (item,) = await _said(call, tx, [await automations.get_automation(tx, call.workspace_id, id)])
    return item


@of.do("undo", "Undo the last change of a draft")
def undo_automation(call: Call[NoQuery, ToUndo], tx: Tx) -> Awaitable[Automation]:
    return automations.undo(tx, call.workspace, call.path_id(), revision=call.body.revision, now=call.now)


_NOT_YET = "It becomes a version. Nobody goes by it before it is launched."
_TOLD = ("name", "version")
of.press("publish", "Publish an automation's draft", automations.publish, _NOT_YET, about=_TOLD, signed=True)


@of.do("launch", "Launch an automation", about=("name", "launched", "people_inside"))
def launch_automation(call: Call[NoQuery, ToLaunch], tx: Tx) -> Awaitable[Automation]:
    """From now on people enter it, by its newest version. One that was paused goes on."""
    return automations.launch(tx, call.workspace, call.path_id(), call.now, people_inside=call.body.people_inside)


_STAY = "Nobody enters, and those inside stay where they are."
of.press("pause", "Pause an automation", automations.pause, _STAY, about=("name",))


@of.remove("Remove an automation")
def remove_automation(call: Call[NoQuery, None], tx: Tx) -> Awaitable[dict[str, Any]]:
    """Refused with 409 while it runs. Those inside go no further."""
    return automations.remove(tx, call.workspace, call.path_id(), call.now)


@management.get("/automations/{id}/versions", "An automation's versions", tag="Automations")
async def list_automation_versions(call: Call[NoQuery, None], tx: Reading) -> Listed[VersionItem]:
    """Newest first, at most 100 of them."""
    await automations.get_automation(tx, call.workspace_id, call.path_id())
    found = await automations.versions_of(tx, call.workspace_id, call.path_id(), limit=100)
    return Listed([copied(VersionItem, one) for one in found])


@management.get("/automations/{id}/counts", "How many came through each step", tag="Automations")
async def read_automation_counts(call: Call[CountQuery, None], tx: Reading) -> Listed[StepCount]:
    """Of all versions, or of one. With an empty `step_id`: of the automation as a whole."""
    return Listed(await automations.counts(tx, call.workspace_id, call.path_id(), version=call.query.version))


_PEOPLE: dict[str, Any] = {"tag": "Automations", "one": "automation_run", "area": "data"}
runs = Resource(management, "/automations/{id}/runs", RunItem, says=of_customers(RunItem), **_PEOPLE)
runs.page("Who is in an automation, or was", automations.runs, RunQuery, "Those who entered last come first.")
passed = Resource(management, "/automations/{id}/people", PassedItem, says=of_customers(PassedItem), **_PEOPLE)
passed.page("Who came through a step", automations.people_at, PassedQuery, "The last first.", "list_automation_people")


@management.post(
    "/automations/{id}/dry-run", "Try a draft on what happened", tag="Automations", area="data", access="READ"
)
async def dry_run_automation(call: Call[NoQuery, ToTry], tx: Reading) -> DryRunItem:
    """Nothing is sent, given or written. What is asked of customers is asked as it is now."""
    run = await automations.dry_run(tx, call.workspace, call.path_id(), call.body.days, call.now)
    return copied(DryRunItem, run, people=[_way(one) for one in run.people])


@management.post("/automations/{id}/test", "Try a draft with a customer", tag="Automations", area="data")
async def test_automation(call: Call[NoQuery, ToTest], tx: Tx) -> TriedItem:
    """By the customer's newest event, or one that is made up."""
    who, id = await customers.get(tx, call.workspace_id, customer_id=call.body.customer_id), call.path_id()
    return _way(await automations.try_with(tx, call.workspace, id, who, call.now, test_to=call.body.test_to))
