"""Orders out of a file: handed over and looked at, then taken in beside the requests, with every row that could not be
used named."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from regulars import imports, limits
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.dashboard.words import zones
from regulars.imports import FileGone, Preview, Run
from regulars.kit import tables
from regulars.kit.errors import Conflict, Invalid, Refusal, invalid
from regulars.orders import csv_columns
from regulars.orders.csv_orders import Format

FIELDS = [(name, name.replace("_", " ").capitalize()) for name in csv_columns.KNOWN]
SEPARATORS = [(sign, words.capitalize()) for sign, words in tables.SEPARATORS.items()]
DECIMALS = [("", "As it stands"), (".", "Point: 1.000 is one"), (",", "Comma: 1.000 is a thousand")]
DATES = [
    ("", "As it stands"),
    ("day_first", "Day first: 03/04 is in April"),
    ("month_first", "Month first: 03/04 is in March"),
]


@get("/orders/import")
async def ask(desk: Handed) -> Response[str]:
    return await _page(desk, desk.blank(source="csv"))


@post("/orders/import", request_max_body_size=limits.UPLOAD_BYTES_MAX + limits.BODY_BYTES_MAX)
async def take(desk: Handed) -> Response[str]:
    form = await desk.form()
    upload = form.files.get("file")
    try:
        if upload is None or not upload.filename:
            raise invalid("file", "a CSV file")
        format = Format(source=form.text("source").lower() or "csv")
        actor = desk.who.actor
        run_id = await imports.upload(
            desk.app, desk.workspace, upload.file, filename=upload.filename, actor=actor, format=format
        )
    except Refusal as refusal:
        form.values["file"] = ""
        return await _page(desk, form.refused(refusal), status=422)
    return desk.see(f"/orders/import/{run_id}")


@get("/orders/import/{run_id:uuid}")
async def shown(desk: Handed, run_id: FromPath[UUID]) -> Response[str]:
    """What would come of the file, and what has; while it runs, the page asks again by itself."""
    try:
        run, preview = await imports.look(desk.app, desk.workspace, run_id)
    except FileGone as gone:
        return await _page(desk, desk.blank(source="csv").refused(gone), status=404)
    if preview is None:
        return desk.page("pages/orders_import_run.html", run=run, progress=run.progress)
    return _preview(desk, run, preview, desk.blank(**_chosen(run, preview)))


@post("/orders/import/{run_id:uuid}")
async def go_on(desk: Handed, run_id: FromPath[UUID]) -> Response[str]:
    """Look at it in another format, or take it in. What was stopped goes on as it was chosen before."""
    form = await desk.form()
    run, preview = await imports.look(desk.app, desk.workspace, run_id)
    try:
        if preview is not None:
            run, preview = await imports.choose(
                desk.app, desk.workspace, run_id, _format(form, run), replaces=form.on("replaces")
            )
        if form.text("act") == "import":
            await imports.begin(desk.app, desk.workspace, run_id, actor=desk.who.actor)
    except (Invalid, Conflict) as refusal:
        if preview is None:
            raise
        return _preview(desk, run, preview, form.refused(refusal), status=422)
    return desk.see(f"/orders/import/{run_id}")


def _format(form: Form, run: Run) -> Format:
    """Raises Invalid naming the field."""
    columns: dict[str, str] = dict.fromkeys(csv_columns.KNOWN, "")
    for name in form.values:
        place = name.removeprefix("column-")
        field = form.text(name) if place != name else ""
        if columns.get(field):
            raise invalid("columns", f"each field in one column; {field} is chosen twice")
        if field:
            columns[field] = form.text(f"header-{place}")
    separator = form.values.get("separator", "")  # a tab is no blank here
    given = {name: form.text(name) for name in ("encoding", "decimal", "dates", "zone", "source")}
    if run.encoding == tables.Encoding(given["encoding"]):
        given["encoding"] = ""  # nobody chose it: it was found, and there was nothing to ask
    try:
        return msgspec.convert({**given, "separator": separator, "columns": columns}, Format)
    except msgspec.ValidationError as error:
        raise invalid("format", f"one of the choices ({error})") from None


def _chosen(run: Run, preview: Preview) -> dict[str, Any]:
    """The format as the form shows it: what was found stands where nothing was chosen."""
    columns = {f"column-{at}": column.field for at, column in enumerate(preview.columns)}
    kept = msgspec.structs.asdict(run.format)
    found = {"encoding": preview.encodings[0], "separator": preview.separator, "zone": preview.zone}
    return kept | found | columns | {"replaces": run.replaces}


def _preview(desk: Desk, run: Run, preview: Preview, form: Form, *, status: int = 200) -> Response[str]:
    return desk.page(
        "pages/orders_import_preview.html",
        status=status,
        form=form,
        run=run,
        preview=preview,
        progress=preview.progress,
        fields=FIELDS,
        encodings=sorted(tables.ENCODINGS.items(), key=lambda one: one[0] not in preview.encodings),
        encoding=tables.ENCODINGS[preview.encodings[0]],
        separators=SEPARATORS,
        separator=tables.SEPARATORS[preview.separator],
        decimals=DECIMALS,
        dates=DATES,
        zones=zones(),
        problems_shown=limits.IMPORT_PROBLEMS_SHOWN_MAX,
    )


async def _page(desk: Desk, form: Form, *, status: int = 200) -> Response[str]:
    async with desk.reading() as tx:
        runs = await imports.newest_runs(tx, desk.id, desk.now, limits.IMPORTS_SHOWN)
    return desk.page(
        "pages/orders_import.html",
        status=status,
        form=form,
        runs=runs,
        bytes_max=limits.UPLOAD_BYTES_MAX,
        required=csv_columns.REQUIRED,
        known=[name for name in csv_columns.KNOWN if name not in csv_columns.REQUIRED],
    )


HANDLERS = [ask, take, shown, go_on]
