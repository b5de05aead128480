"""The management API, `/api/v1`: everything the dashboard can do, by the same room functions."""

from regulars.api.management import (
    aside,
    checkout,
    customers,
    deliveries,
    events,
    facts,
    imports,
    integrations,
    keys,
    orders,
    overview,
    rules,
    runs,
    search,
    staff,
    triggers,
    workspace,
)
from regulars.api.management.api import management

__all__ = [
    "aside",
    "checkout",
    "customers",
    "deliveries",
    "events",
    "facts",
    "imports",
    "integrations",
    "keys",
    "management",
    "orders",
    "overview",
    "rules",
    "runs",
    "search",
    "staff",
    "triggers",
    "workspace",
]
