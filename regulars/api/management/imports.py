"""Files of orders, customers, coins or reviews: handed over, looked at, taken in."""

from typing import Annotated, Any, BinaryIO
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import imports, limits
from regulars.api.management.api import Call, NoQuery, management
from regulars.imports import Preview, Progress, Run
from regulars.kit import Listed, Tx, copied, showing
from regulars.kit.csv_file import Format


@showing(
    "id kind filename state actor format replaces bytes=size_total bytes_read=size_done rows created updated unchanged"
    " rewards coins refused left_out_count=unusable_count left_out=unusable differing_count differing"
    " details_left_out=details started_at seen_at",
    Run,
    Progress,
)
class ImportItem(msgspec.Struct):
    """A file and how far it is. `uploaded` waits to be run, `stopped` can be run again. `left_out`, `differing` and
    `details_left_out` name the first of their rows: what can't be used, what says otherwise than is kept and newer, and
    details of known customers that can't be kept, whose orders were taken."""


class Looked(msgspec.Struct, frozen=True):
    """`preview` is of what waits to be run, null of the others."""

    run: ImportItem
    preview: Preview | None


class UploadQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`kind`: what its rows are. Coins without a reference are known by the file's name and what they say, and
    reviews by what they say, so that the same file gives nothing twice."""

    filename: Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX)] = "import.csv"
    kind: imports.Kind = "orders"


class Chosen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`replaces`: the file wins over what is kept of its orders, although it is not newer."""

    format: Format = Format()
    replaces: Annotated[bool, Meta(examples=[False])] = False


@management.post("/imports", "Hand a file over", tag="Imports", status=201)
async def upload_import(call: Call[UploadQuery, BinaryIO]) -> Looked:
    """The body is the CSV file as it is, of up to 50 MB. It is looked at, not taken in: `preview` says how it was read
    and what it would give. It is kept for a day."""
    how: dict[str, Any] = {"filename": call.query.filename, "kind": call.query.kind, "actor": call.caller.actor}
    run_id = await imports.upload(call.app, call.workspace, call.body, **how)
    return await _looked(call, run_id)


@management.get("/imports", "Files handed over", tag="Imports")
async def list_imports(call: Call[NoQuery, None], tx: Tx) -> Listed[ImportItem]:
    """The newest, newest first."""
    found = await imports.newest_runs(tx, call.workspace_id, call.now, limits.PAGE_ITEMS_DEFAULT)
    return Listed([_item(run) for run in found])


@management.get("/imports/{id}", "One file", tag="Imports")
async def read_import(call: Call[NoQuery, None]) -> Looked:
    """How far it is, or what it would give. A file that is not kept any more answers 404, `file_gone`."""
    return await _looked(call, call.path_id())


@management.post("/imports/{id}/preview", "Look at it in another format", tag="Imports", check=Call.path_id)
async def preview_import(call: Call[NoQuery, Chosen]) -> Looked:
    """What is empty in `format` is found out, or asked about."""
    run, preview = await imports.choose(
        call.app, call.workspace, call.path_id(), call.body.format, replaces=call.body.replaces
    )
    return Looked(_item(run), preview)


@management.post("/imports/{id}/run", "Take it in", tag="Imports", status=202)
async def run_import(call: Call[NoQuery, None]) -> ImportItem:
    """In the format that was chosen, beside other calls: read it to see how far it is. Running it again changes
    nothing."""
    await imports.begin(call.app, call.workspace, call.path_id(), actor=call.caller.actor)
    async with call.app.db.reading() as tx:
        return _item(await imports.get_run(tx, call.workspace_id, call.path_id(), call.now))


async def _looked(call: Call[Any, Any], run_id: UUID) -> Looked:
    run, preview = await imports.look(call.app, call.workspace, run_id)
    return Looked(_item(run), preview)


def _item(run: Run) -> ImportItem:
    return copied(ImportItem, run, run.progress)
