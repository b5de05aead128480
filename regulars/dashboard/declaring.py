"""What a module of pages declares, beside sheets and lists: pages, and acts at the press of a button. All of it is
found and served."""

from collections.abc import Awaitable, Callable, Iterator
from types import ModuleType
from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.types import ControllerRouterHandler

from regulars.dashboard import lists, sheets
from regulars.dashboard.desk import Desk, Handed
from regulars.dashboard.lists import Listing
from regulars.dashboard.sheets import Sheet
from regulars.kit import Reading, Tx


def page(
    path: str | list[str], template: str
) -> Callable[[Callable[[Desk, Reading], Awaitable[dict[str, Any] | Response[Any]]]], HTTPRouteHandler]:
    """Of the function that reads what its template shows, or answers otherwise."""

    def declare(show: Callable[[Desk, Reading], Awaitable[dict[str, Any] | Response[Any]]]) -> HTTPRouteHandler:
        @get(path)
        async def shown(desk: Handed) -> Response[Any]:
            async with desk.reading() as tx:
                found = await show(desk, tx)
            return found if isinstance(found, Response) else desk.page(f"pages/{template}.html", **found)

        return shown

    return declare


def act(
    path: str, name: str, then: str, said: str = ""
) -> Callable[[Callable[[Desk, Tx], Awaitable[Any]]], HTTPRouteHandler]:
    """Of the function that does it: see `Desk.do`."""

    def declare(do: Callable[[Desk, Tx], Awaitable[Any]]) -> HTTPRouteHandler:
        @post(path)
        async def done(desk: Handed) -> Response[Any]:
            await desk.form()
            return await desk.do(name, then, said, lambda tx: do(desk, tx))

        return done

    return declare


def declared(module: ModuleType) -> Iterator[ControllerRouterHandler]:
    """What it serves; what it has from another of its kind is that one's."""
    for one in vars(module).values():
        if isinstance(one, HTTPRouteHandler):
            yield one
        elif isinstance(one, Sheet):
            yield from sheets.handlers(one)
        elif isinstance(one, Listing):
            yield from lists.handlers(one)
