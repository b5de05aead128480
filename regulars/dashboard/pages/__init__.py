"""One module for each page of the left bar: parse what came, call the room, show what it said."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from regulars.dashboard.pages import (
    aside,
    checkout,
    coin_rules,
    customers,
    deliveries,
    earning,
    events,
    finding,
    firings,
    importing,
    integrations,
    liability,
    orders,
    overview,
    person,
    reminders,
    sandbox,
    shop,
    sources,
    staff,
    start,
    styleguide,
    triggers,
)

HANDLERS: list[ControllerRouterHandler] = [
    *overview.HANDLERS,
    *start.HANDLERS,
    *customers.HANDLERS,
    *person.HANDLERS,
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
    *sandbox.HANDLERS,
    *shop.HANDLERS,
    *coin_rules.HANDLERS,
    *earning.HANDLERS,
    *reminders.HANDLERS,
    *staff.HANDLERS,
]
STYLEGUIDE: list[ControllerRouterHandler] = [styleguide.show]
