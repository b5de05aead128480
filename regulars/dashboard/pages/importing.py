"""Orders, customers or coins out of a file: handed over and looked at, then taken in beside the requests, with every
row that could not be used named."""

from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from regulars import imports, limits
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.dashboard.words import zones
from regulars.imports import FileGone, Preview, Run
from regulars.kit import Conflict, Invalid, Refusal, invalid, tables
from regulars.kit.csv_file import Format


class Words(NamedTuple):
    """What a page says of a kind: what it is called, where the things are, what importing does, what a file looks
    like."""

    title: str
    back: tuple[str, str]
    again: str
    example: str


KINDS: dict[imports.Kind, Words] = {
    "orders": Words(
        "Import orders",
        ("Orders", "/orders"),
        "Importing the same file twice changes nothing.",
        "order_id,customer_id,amount,placed_at\n1028,shopify-7029064106277,84.95,2026-03-14T09:26:53Z",
    ),
    "customers": Words(
        "Import customers",
        ("Customers", "/customers"),
        "Who is new is created; of who is known what was missing is filled in.",
        "customer_id,name,email,mobile,country\nshopify-7029064106277,Asha Rao,asha@example.com,+91 98000 00000,ind",
    ),
    "coins": Words(
        "Import {coins}",
        ("Customers", "/customers"),
        "Customers are given what the file says. Importing the same file twice gives nothing twice.",
        "email,amount,reason,expire_in_days,reference\nasha@example.com,250,Balance of the old programme,90,old-1028",
    ),
    "reviews": Words(
        "Import reviews",
        ("Reviews", "/reviews"),
        "Nobody is told of them and they earn nothing. Importing the same file twice changes nothing.",
        "product_id,email,rating,title,text,written_at,status\n"
        "8198530236709,asha@example.com,5,Warm,It fits well.,2026-01-14,approved",
    ),
}
PATHS = [f"/{kind}/import" for kind in KINDS]
RUNS = [f"{path}/{{run_id:uuid}}" for path in PATHS]
SEPARATORS = [(sign, words.capitalize()) for sign, words in tables.SEPARATORS.items()]
DECIMALS = [("", "As it stands"), (".", "Point: 1.000 is one"), (",", "Comma: 1.000 is a thousand")]
DATES = [
    ("", "As it stands"),
    ("day_first", "Day first: 03/04 is in April"),
    ("month_first", "Month first: 03/04 is in March"),
]


@get(PATHS)
async def ask(desk: Handed) -> Response[str]:
    return await _page(desk, desk.blank(source="csv"))


@post(PATHS, request_max_body_size=limits.UPLOAD_BYTES_MAX + limits.BODY_BYTES_MAX)
async def take(desk: Handed) -> Response[str]:
    form = await desk.form()
    upload = form.files.get("file")
    try:
        if upload is None or not upload.filename:
            raise invalid("file", "a CSV file")
        format = Format(source=form.text("source").lower() or "csv")
        how: dict[str, Any] = {"filename": upload.filename, "actor": desk.who.actor, "kind": _kind(desk)}
        run_id = await imports.upload(desk.app, desk.workspace, upload.file, format=format, **how)
    except Refusal as refusal:
        form.values["file"] = ""
        return await _page(desk, form.refused(refusal), status=422)
    return desk.see(f"/{_kind(desk)}/import/{run_id}")


@get(RUNS)
async def shown(desk: Handed, run_id: FromPath[UUID]) -> Response[str]:
    """What would come of the file, and what has; while it runs, the page asks again by itself."""
    try:
        run, preview = await imports.look(desk.app, desk.workspace, run_id)
    except FileGone as gone:
        return await _page(desk, desk.blank(source="csv").refused(gone), status=404)
    if preview is None:
        return desk.page("pages/import_run.html", run=run, progress=run.progress, words=KINDS[run.kind])
    return _preview(desk, run, preview, desk.blank(**_chosen(run, preview)))


@post(RUNS)
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
    return desk.see(f"/{_kind(desk)}/import/{run_id}")


def _format(form: Form, run: Run) -> Format:
    """Raises Invalid naming the field."""
    columns: dict[str, str] = dict.fromkeys(imports.KINDS[run.kind].COLUMNS.known, "")
    for name in form.values:
        place = name.removeprefix("column-")
        field = form.text(name) if place != name else ""
        if columns.get(field):
            raise invalid("columns", f"each field in one column; {field} is chosen twice")
        if field:
            columns[field] = form.text(f"header-{place}")
    separator = form.values.get("separator", "")  # a tab is no blank here
    choices = ("encoding", "decimal", "dates", "zone", "source")
    given = {name: form.text(name) for name in choices if name in form.values}
    if run.encoding == tables.Encoding(form.text("encoding")):
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
        "pages/import_preview.html",
        status=status,
        form=form,
        run=run,
        preview=preview,
        progress=preview.progress,
        words=KINDS[run.kind],
        fields=[(name, name.replace("_", " ").capitalize()) for name in imports.KINDS[run.kind].COLUMNS.known],
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
    kind = _kind(desk)
    columns = imports.KINDS[kind].COLUMNS
    async with desk.reading() as tx:
        runs = await imports.newest_runs(tx, desk.id, desk.now, limits.IMPORTS_SHOWN, kind=kind)
    return desk.page(
        "pages/import.html",
        status=status,
        form=form,
        runs=runs,
        bytes_max=limits.UPLOAD_BYTES_MAX,
        kind=kind,
        words=KINDS[kind],
        required=columns.required,
        known=[name for name in columns.known if name not in columns.required],
    )


def _kind(desk: Desk) -> imports.Kind:
    """Each kind has its own place: that of what it brings."""
    return next(kind for kind in KINDS if desk.request.scope["path"].startswith(f"/{kind}/"))
