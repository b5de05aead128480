"""A list from one declaration: its page with table, filters, search, chips, pager and empty states, and the same as a
file, are all drawn from it.

Fifty a page, walked by key: the key of each page's start is kept in the address, so that going back needs no second
query and no list is ever counted.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from regulars import customers, limits
from regulars.customers import Customer
from regulars.dashboard import cells
from regulars.dashboard.cells import Link, Name, Small
from regulars.dashboard.desk import Desk, Handed, uuid_of
from regulars.dashboard.forms import query_of
from regulars.dashboard.rendering import WORDS
from regulars.dashboard.words import in_shops_words
from regulars.kit import Reading
from regulars.kit.sheets import csv_lines
from regulars.tenancy import Workspace

Row = TypeVar("Row")
Options = Sequence[tuple[str, str]]


class Column(msgspec.Struct, Generic[Row], frozen=True):
    """`header` may name the shop's {coins} or {Coins}. `cell` gives a value of `cells`, a text, a number, a time, or a
    list of them. `only`: "page" or "file" for a column that stands in one of the two."""

    header: str
    cell: Callable[[Row], Any]
    right: bool = False
    only: str = ""


def _of_customer(named: Callable[[Customer], Any]) -> Callable[[Any], Any]:
    return lambda row: row.customer and named(row.customer)


# Of rows that say whose they are, and of rows that are customers.
CUSTOMER = Column[Any]("Customer", _of_customer(lambda who: Name(who.name, who.customer_id)))
CUSTOMER_ID = Column[Any]("customer_id", _of_customer(lambda who: who.customer_id), only="file")
NAMED = (
    Column[Any](
        "Name",
        _of_customer(lambda who: [Link(Name(who.name), f"/customers/{who.id}"), Small(who.customer_id)]),
        only="page",
    ),
    Column[Any]("Name", _of_customer(lambda who: who.name), only="file"),
    CUSTOMER_ID,
)
SWITCHED = [("active", "Active"), ("off", "Off")]
"""What a filter of things that are switched on or off offers."""


def switched(active: bool) -> cells.Badge:
    return cells.Badge("good", "Active") if active else cells.Badge("off", "Off")


class Filter(msgspec.Struct, frozen=True):
    """One choice among `options`, pairs of a value and its words, or among those that `read` gives; `every` is said
    when nothing is chosen. Without `every` it is only shown once it is set, by a link from elsewhere. `gives_way` to
    these: it holds only while none of them is asked for, as an order of the whole list does."""

    name: str
    label: str
    every: str = ""
    options: Options = ()
    gives_way: Sequence[str] = ()


class Act(msgspec.Struct, frozen=True):
    """A button above a list that holds something, and in place of one that never did. `dialog`: its page is shown in
    place."""

    words: str
    href: str
    dialog: bool = False


class Found(msgspec.Struct, Generic[Row]):
    """`next` is where to go on, None at the end; `choices` are options by filter; `more` is for the page's template."""

    rows: list[Row]
    next: UUID | None
    choices: Mapping[str, Options] = {}
    more: dict[str, Any] = {}


class Asked(msgspec.Struct):
    """What the address asks for. `since` and `until` are the beginning of the first day and the end of the last."""

    values: dict[str, str]
    since: datetime | None
    until: datetime | None
    before_id: UUID | None
    limit: int

    def chosen(self, name: str) -> str | None:
        return self.values[name] or None

    def id(self, name: str) -> UUID | None:
        return uuid_of(self.values[name])

    def page(self, **by: Any) -> dict[str, Any]:
        """Which part of a list is asked for, as rooms are told it, and `by` what."""
        return {"since": self.since, "until": self.until, "before_id": self.before_id, "limit": self.limit, **by}

    def one_more(self, **by: Any) -> dict[str, Any]:
        """The same and one more, which tells whether the list goes on: see `until_next`."""
        return self.page(**by, limit=self.limit + 1)


class Listing(msgspec.Struct, Generic[Row], frozen=True):
    """`days` says of which time a first and a last day may be asked for, `search` what a text is looked for in.
    `nothing` and `nothing_why` are said of a list that is empty without any filter. `acts` are for whoever may write;
    or for owners alone, if `owners_only` names what they do. `template`: its page, where more stands on it. `called`:
    as the left bar calls it, unless it is not there. `own`: further columns of a file, of what a shop keeps itself."""

    path: str
    purpose: str
    columns: Sequence[Column[Row]]
    read: Callable[[Desk, Reading, Asked], Awaitable[Found[Row]]]
    nothing: str
    nothing_why: str
    filters: Sequence[Filter] = ()
    days: str = ""
    search: str = ""
    acts: Sequence[Act] = ()
    owners_only: str = ""
    template: str = "list"
    called: str = ""
    own: Callable[[Workspace], Sequence[Column[Row]]] = lambda shop: ()

    @property
    def title(self) -> str:
        return self.called or WORDS[self.path]


TRAIL_PAGES_MAX = 30


class Page(msgspec.Struct):
    """`newer` and `older` are addresses of the pages beside this one, empty at the ends."""

    newer: str
    older: str
    said: str


class Cursor(msgspec.Struct, frozen=True):
    """Where in a list the reader is: the last key of the page before, and the keys before that."""

    path: str
    params: dict[str, str]
    after: str
    trail: list[str]

    @property
    def after_id(self) -> UUID | None:
        """None on the first page, and when the address was tampered with."""
        try:
            return UUID(self.after) if self.after else None
        except ValueError:
            return None

    def page(self, next_id: UUID | None) -> Page:
        """This page, where it is known how to go on."""
        trail = [*self.trail, self.after or "-"][-TRAIL_PAGES_MAX:]
        older = self._address(str(next_id), trail) if next_id is not None else ""
        return Page(self._newer(), older, f"Page {len(trail)}")

    def _newer(self) -> str:
        if not self.after:
            return ""
        before = self.trail[-1] if self.trail else "-"
        return self._address("" if before == "-" else before, self.trail[:-1])

    def _address(self, after: str, trail: list[str]) -> str:
        return address(self.path, self.params | {"after": after, "trail": "~".join(trail)})


def cursor(request: Request[Any, Any, Any], *names: str) -> Cursor:
    """`names` are the filters that belong to the address of the list."""
    query = query_of(request)
    params = {name: query.get(name, "")[:200] for name in names}
    trail = [part for part in query.get("trail", "")[:2_000].split("~") if part]
    return Cursor(request.scope["path"], params, query.get("after", "")[:64], trail)


def address(path: str, params: dict[str, str]) -> str:
    """The path with the parameters that hold something."""
    kept = {name: value for name, value in params.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path


def handlers(listing: Listing[Any]) -> list[ControllerRouterHandler]:
    """The list's page and its file, which takes the same filters."""

    @get(listing.path)
    async def page(desk: Handed) -> Response[str]:
        async with desk.reading() as tx:
            found = await listing.read(desk, tx, _asked(listing, desk, limits.PAGE_ITEMS_DEFAULT))
        return desk.page(f"pages/{listing.template}.html", list=_view(listing, desk, found), **found.more)

    @get(f"{listing.path}.csv")
    async def file(desk: Handed) -> Stream:
        name = listing.path.rpartition("/")[2]
        headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
        parts = _file(listing, desk)
        # Its first part is read before the answer begins, so that what can't be read is refused in words.
        first = await anext(parts)
        return Stream(_after(first, parts), media_type="text/csv", headers=headers)

    return [page, file]


async def chosen_customer(desk: Desk, tx: Reading, customer_id: UUID | None) -> Options:
    """The one whom a list is narrowed to, by name."""
    person = await customers.find(tx, desk.id, id=customer_id) if customer_id else None
    return [(str(person.id), person.name or person.customer_id)] if person else []


def until_next(found: list[Row], limit: int) -> tuple[list[Row], UUID | None]:
    """Of a page's rows and one more, if there is one: the rows, and where to go on."""
    rows = found[:limit]
    return rows, _id(rows[-1]) if len(found) > limit else None


def part_of(rows: Sequence[Row], asked: Asked) -> Found[Row]:
    """A page of a list that is short enough to be read whole."""
    ids = [_id(row) for row in rows]
    start = ids.index(asked.before_id) + 1 if asked.before_id in ids else 0
    return Found(*until_next(list(rows[start : start + asked.limit + 1]), asked.limit))


def _id(row: Any) -> UUID:
    """A row's own, or that of the thing which it begins with: of one that has none, of whom it is."""
    of: Any = row if hasattr(row, "id") else row[0]
    found: UUID = of.id if hasattr(of, "id") else of.customer_id
    return found


def _names(listing: Listing[Any]) -> list[str]:
    days = ["from", "until"] if listing.days else []
    return [*(["q"] if listing.search else []), *days, *(one.name for one in listing.filters)]


def _cursor(listing: Listing[Any], desk: Desk) -> Cursor:
    at = cursor(desk.request, *_names(listing))
    for one in listing.filters:
        others = any(at.params[name] for name in one.gives_way)
        if (one.options and at.params[one.name] not in dict(one.options)) or others:
            at.params[one.name] = ""
    return at


def _asked(listing: Listing[Any], desk: Desk, limit: int) -> Asked:
    at = _cursor(listing, desk)
    values = at.params
    since = midnight_of(values.get("from", ""), desk.zone)
    until = midnight_of(values.get("until", ""), desk.zone, days=1)
    return Asked(values, since, until, at.after_id, limit)


def midnight_of(text: str, zone: ZoneInfo, *, days: int = 0) -> datetime | None:
    """None for what is no day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime.combine(day + timedelta(days=days), time(), zone) if 1970 <= day.year < 9999 else None


def _view(listing: Listing[Any], desk: Desk, found: Found[Any]) -> SimpleNamespace:
    """A page of it, as its template draws it."""
    at = _cursor(listing, desk)
    values = at.params
    choices = {one.name: one.options or found.choices.get(one.name, ()) for one in listing.filters}
    words = {one.name: f"{one.label}: {dict(choices[one.name]).get(values[one.name], '')}" for one in listing.filters}
    words |= {"q": f"“{values.get('q', '')}”"}
    words |= {end: f"{listing.days} {end} {values.get(end)}" for end in ("from", "until")}
    chips = [(words[name], address(listing.path, values | {name: ""})) for name in _names(listing) if values[name]]
    shown = [column for column in listing.columns if column.only != "file"]
    return SimpleNamespace(
        listing=listing,
        heads=[(in_shops_words(column.header, desk.workspace), column.right) for column in shown],
        rows=[[cells.parts(column.cell(row)) for column in shown] for row in found.rows],
        page=at.page(found.next),
        values=values,
        choices=choices,
        chips=chips,
        file=address(f"{listing.path}.csv", values),
        here=address("", query_of(desk.request)),
    )


async def _file(listing: Listing[Any], desk: Desk) -> AsyncIterator[bytes]:
    """A page of rows at a time: as much memory for a million rows as for a hundred. It begins with the mark by which
    spreadsheets know UTF-8."""
    columns = [one for one in (*listing.columns, *listing.own(desk.workspace)) if one.only != "page"]
    asked, written = _asked(listing, desk, limits.PAGE_ITEMS_MAX), 0
    head = "\ufeff" + csv_lines([[in_shops_words(column.header, desk.workspace) for column in columns]])
    while written < limits.EXPORT_ROWS_MAX:
        async with desk.reading() as tx:
            found = await listing.read(desk, tx, asked)
        lines = csv_lines([[cells.in_file(column.cell(row), desk.zone) for column in columns] for row in found.rows])
        yield (head + lines).encode()
        head = ""
        written += len(found.rows)
        if found.next is None:
            return
        asked.before_id = found.next
    yield csv_lines([[f"The first {limits.EXPORT_ROWS_MAX:,} rows. Narrow the list for the others."]]).encode()


async def _after(first: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in parts:
        yield part
