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
    liability,
    orders,
    overview,
    people,
    rules,
    runs,
    search,
    sources,
    staff,
    triggers,
    wallets,
    workspace,
)
from regulars.api.management.api import management
