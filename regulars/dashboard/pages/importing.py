"""Orders out of a file: taken in, with every row that could not be used named."""

from __future__ import annotations

from litestar import Response, get, post

from regulars import limits
from regulars.activity import csv_orders
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.imports import Progress, import_orders
from regulars.kit.errors import Refusal, invalid


@get("/orders/import")
async def ask(desk: Handed) -> Response[str]:
    form = Form(values={"source": "csv"}, locked=not desk.who.may_write)
    return _page(desk, form)


@post("/orders/import", request_max_body_size=limits.UPLOAD_BYTES_MAX)
async def take(desk: Handed) -> Response[str]:
    """Each batch is a transaction of its own: a file that is cut off half-way is simply imported again."""
    form = await desk.form()
    upload = form.files.get("file")
    progress: Progress | None = None
    try:
        if upload is None or not upload.filename:
            raise invalid("file", "a CSV file")
        shop = desk.workspace
        rows = csv_orders.read(
            upload.file,  # type: ignore[arg-type]
            source=form.text("source") or "csv",
            currency_code=shop.currency_code,
            zone=shop.zone,
        )
        async for done in import_orders(desk.app.db, desk.app.clock, desk.id, rows, actor=desk.who.actor):
            progress = done
    except Refusal as refusal:
        form.values["file"] = ""
        return _page(desk, form.refused(refusal), status=422)
    progress = progress or Progress()
    async with desk.changing("orders.import", upload.filename, rows=progress.rows, created=progress.created):
        pass
    return _page(desk, form, progress=progress, filename=upload.filename)


def _page(
    desk: Desk, form: Form, *, status: int = 200, progress: Progress | None = None, filename: str = ""
) -> Response[str]:
    return desk.page(
        "pages/orders_import.html",
        status=status,
        form=form,
        progress=progress,
        filename=filename,
        bytes_max=limits.UPLOAD_BYTES_MAX - 10_000,
        required=csv_orders.REQUIRED,
        known=[name for name in csv_orders.KNOWN if name not in csv_orders.REQUIRED],
    )


HANDLERS = [ask, take]
