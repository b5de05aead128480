"""Triggers applied to the orders that are in already, and how far that is."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from regulars import imports, limits
from regulars.api.management.api import Call, NoQuery, management
from regulars.imports import Application as Run
from regulars.imports import Progress
from regulars.kit import Listed, NotFound, Reading, copied, showing
from regulars.triggers.errors import UnknownTrigger


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`announced`: tools are told of the coins, as of any others; otherwise they are given and logged, and no tool is
    told."""

    announced: Annotated[bool, Meta(examples=[True])] = True


class Reason(msgspec.Struct, frozen=True):
    """Why so many orders earn nothing: a stable code, and the same in words."""

    reason: str
    explanation: str
    orders: int


@showing(
    "id trigger_id state done=part orders=rows rewarded=rewards customers coins unchanged refused reasons actor"
    " started_at seen_at",
    Run,
    Progress,
)
class RunItem(msgspec.Struct):
    """A trigger that is applied to orders that are in. `done` is how much of it is done, from 0 to 1.

    `orders` were looked at; `rewarded` of them earn so many `coins` for so many `customers`; `unchanged` had earned by
    it before; `refused` earn nothing, for these reasons.
    """

    state: Literal["running", "done", "stopped"]
    done: Annotated[float, Meta(ge=0, le=1)]
    reasons: list[Reason]


@management.post(
    "/triggers/{id}/applications", "Apply a trigger to past orders", tag="Triggers", status=202, check=Call.path_id
)
async def apply_trigger(call: Call[NoQuery, Application]) -> RunItem:
    """Give what it gives for the orders that are in already, each at most once, whatever it earned by other triggers.
    It goes on beside this call: ask for the run until it is `done`. One that has `stopped` is simply begun again."""
    actor, trigger_id = call.caller.actor, call.path_id()
    announced = call.body.announced
    try:
        run_id = await imports.begin_applying(call.app, call.workspace, trigger_id, actor=actor, announced=announced)
    except UnknownTrigger:
        raise NotFound("This trigger does not exist.") from None
    async with call.app.db.reading() as tx:
        return run_item(await imports.get_application(tx, call.workspace_id, run_id, call.now))


@management.get("/triggers/{id}/runs", "A trigger's applications", tag="Triggers")
async def list_trigger_runs(call: Call[NoQuery, None], tx: Reading) -> Listed[RunItem]:
    """The newest, newest first."""
    most = limits.PAGE_ITEMS_DEFAULT
    runs = await imports.newest_applications(tx, call.workspace_id, call.path_id(), call.now, most)
    return Listed([run_item(run) for run in runs])


@management.get("/runs/{id}", "One run", tag="Triggers")
async def read_run(call: Call[NoQuery, None], tx: Reading) -> RunItem:
    """How far it is, and what it came to so far."""
    return run_item(await imports.get_application(tx, call.workspace_id, call.path_id(), call.now))


def run_item(run: Run) -> RunItem:
    return copied(RunItem, run, run.progress, reasons=reasons(run.progress))


def reasons(progress: Progress) -> list[Reason]:
    return [Reason(why.reason, words, why.orders) for words, why in progress.reasons.items()]
