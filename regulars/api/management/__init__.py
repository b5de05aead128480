"""The management API, `/api/v1`: everything the dashboard can do, by the same room functions."""

from importlib import import_module
from pkgutil import iter_modules

from regulars.api.management.api import management as management

for _module in sorted(module.name for module in iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")
