"""One module for each page of the left bar: parse what came, call the room, show what it said."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from regulars.dashboard.pages import styleguide

HANDLERS: list[ControllerRouterHandler] = []
STYLEGUIDE: list[ControllerRouterHandler] = [styleguide.show]
