"""Set aside: what was due and could not be done, with why."""

from regulars import schedule
from regulars.dashboard import words
from regulars.dashboard.cells import Folded, Small
from regulars.dashboard.declaring import act
from regulars.dashboard.desk import Desk
from regulars.dashboard.lists import Asked, Column, Filter, Found, Listing, until_next
from regulars.kit import Reading, Tx
from regulars.schedule import Aside


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Aside]:
    kind = asked.chosen("kind")
    found = await schedule.aside(tx, desk.id, kind=kind, before_id=asked.before_id, limit=asked.limit + 1)
    kinds = await schedule.kinds_aside(tx, desk.id)
    failed = kinds.get(kind, 0) if kind else sum(kinds.values())
    choices = {"kind": [(one, words.due(one)) for one in kinds]}
    return Found(*until_next(found, asked.limit), choices, {"kind": kind or "", "failed": failed})


ASIDE = Listing[Aside](
    path="/set-aside",
    purpose="What was due and could not be done. Everything else went on; this waits until it is tried again.",
    columns=[
        Column("What", lambda row: [words.due(row.kind), Small(row.key, code=True)]),
        Column("Why", lambda row: row.reason),
        Column("Details", lambda row: Folded(words.pretty(row.payload)) if row.payload else None),
        Column("Was due", lambda row: row.due_at),
        Column("Set aside", lambda row: row.aside_at),
    ],
    read=_read,
    nothing="Nothing is set aside",
    nothing_why="What is due later is done at its time. What fails is listed here, with the reason.",
    filters=[Filter("kind", "What", "Everything")],
    template="set_aside",
)


@act("/set-aside/retry", "set_aside.retry", "/set-aside")
async def retry(desk: Desk, tx: Tx) -> str:
    kind = (await desk.form()).text("kind")
    desk.about(kind)
    count = await schedule.try_again(tx, desk.id, kind or None)
    return f"{words.plural(count, 'thing')} tried again. What fails once more is listed here again."
