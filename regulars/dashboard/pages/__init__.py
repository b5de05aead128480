"""One module for each page of the left bar: parse what came, call the room, show what it said."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from regulars.dashboard.pages import (
    aside,
    backtests,
    checkout,
    customers,
    deliveries,
    events,
    finding,
    firings,
    importing,
    integrations,
    keys,
    liability,
    lots,
    orders,
    overview,
    person,
    sandbox,
    settings,
    shop,
    sources,
    staff,
    start,
    styleguide,
    tiers,
    triggers,
)

HANDLERS: list[ControllerRouterHandler] = [
    *overview.HANDLERS,
    *start.HANDLERS,
    *customers.HANDLERS,
    *lots.HANDLERS,
    *person.HANDLERS,
    *tiers.HANDLERS,
    *finding.HANDLERS,
    *triggers.HANDLERS,
    *firings.HANDLERS,
    *orders.HANDLERS,
    *liability.HANDLERS,
    *importing.HANDLERS,
    *events.HANDLERS,
    *sources.HANDLERS,
    *integrations.HANDLERS,
    *checkout.HANDLERS,
    *deliveries.HANDLERS,
    *aside.HANDLERS,
    *backtests.HANDLERS,
    *sandbox.HANDLERS,
    *settings.HANDLERS,
    *shop.HANDLERS,
    *keys.HANDLERS,
    *staff.HANDLERS,
]
STYLEGUIDE: list[ControllerRouterHandler] = [styleguide.show]
