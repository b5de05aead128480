"""One module for each page of the left bar: parse what came, call the room, show what it said."""

from importlib import import_module
from pkgutil import iter_modules

from litestar.types import ControllerRouterHandler

from regulars.dashboard.declaring import declared

_MODULES = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
STYLEGUIDE: list[ControllerRouterHandler] = []
HANDLERS: list[ControllerRouterHandler] = []
for _module in _MODULES:
    (STYLEGUIDE if _module.__name__.endswith("styleguide") else HANDLERS).extend(declared(_module))
