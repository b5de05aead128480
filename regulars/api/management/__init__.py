"""The management API, `/api/v1`: everything the dashboard can do, by the same room functions."""

from regulars.api.management import keys, workspace
from regulars.api.management.api import management

__all__ = ["keys", "management", "workspace"]
