"""Orders out of a file: handed over here, taken in beside the requests, with every row that could not be used named."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from regulars import imports, limits
from regulars.activity import csv_orders
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.kit.errors import Refusal, invalid


@get("/orders/import")
async def ask(desk: Handed) -> Response[str]:
    return await _page(desk, desk.blank(source="csv"))


@post("/orders/import", request_max_body_size=limits.UPLOAD_BYTES_MAX)
async def take(desk: Handed) -> Response[str]:
    form = await desk.form()
    upload = form.files.get("file")
    try:
        if upload is None or not upload.filename:
            raise invalid("file", "a CSV file")
        filename = upload.filename[: limits.NAME_CHARS_MAX]
        run_id = await imports.begin(
            desk.app,
            desk.workspace,
            upload.file,
            filename=filename,
            source=form.text("source") or "csv",
            actor=desk.who.actor,
        )
    except Refusal as refusal:
        form.values["file"] = ""
        return await _page(desk, form.refused(refusal), status=422)
    async with desk.changing("orders.import", filename):
        pass
    return desk.see(f"/orders/import/{run_id}")


@get("/orders/import/{run_id:uuid}")
async def shown(desk: Handed, run_id: FromPath[UUID]) -> Response[str]:
    """While it runs, the page asks again by itself."""
    async with desk.reading() as tx:
        run = await imports.get_run(tx, desk.id, run_id, desk.now)
    return desk.page("pages/orders_import_run.html", run=run, progress=run.progress)


async def _page(desk: Desk, form: Form, *, status: int = 200) -> Response[str]:
    async with desk.reading() as tx:
        runs = await imports.newest_runs(tx, desk.id, desk.now, limits.IMPORTS_SHOWN)
    return desk.page(
        "pages/orders_import.html",
        status=status,
        form=form,
        runs=runs,
        bytes_max=limits.UPLOAD_BYTES_MAX - 10_000,
        required=csv_orders.REQUIRED,
        known=[name for name in csv_orders.KNOWN if name not in csv_orders.REQUIRED],
    )


HANDLERS = [ask, take, shown]
