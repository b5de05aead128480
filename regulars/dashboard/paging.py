"""Lists, fifty a page, walked by key: the key of each page's start is kept in the address, so that going back needs no
second query and no list is ever counted."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request

from regulars.dashboard.forms import query_of

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
