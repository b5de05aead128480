"""Structs made of other structs, so that a field is declared once, with all that limits and explains it, where its room
keeps it.

    Partial[Rule]       every field may be left out: what a change gives (`RuleChange`)
    Setting[Rules]      every field may also be null, which sets it back to how it is for everybody
    Shown[Rule]         what a caller is answered
    @showing("id customer coins=amount", Firing)    the same, of these fields in this order, some of them its own
    Page[RuleItem]      a page of a list (`RulePage`)
    Listed[RuleItem]    a list as a whole (`RuleList`)
    Counted[CouponItem] a numbered page of a list (`CouponList`)
    One[CouponItem]     one of them, as `item` (`CouponAnswer`)

Each is a struct of its own, and may be the base of one that says more, or says a field otherwise. No caller is told or
may give a field that is INSIDE, holds bytes, or is the workspace's id.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from inspect import getdoc
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

import msgspec
from msgspec import NODEFAULT, UNSET, Meta, Struct, UnsetType

from regulars.kit.clock import wire_time

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

INSIDE = Meta(extra={"inside": True})
"""Of a field that is nobody's business but its room's: `Annotated[UUID, INSIDE]`."""


class Partial(Struct, Generic[T], frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Only what is given changes."""

    def given(self) -> dict[str, Any]:
        """What was given, by name; of a part within, that part."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}

    def over(self, whole: T) -> T:
        """The whole with what was given in place of its own."""
        changed: T = msgspec.structs.replace(whole, **self.given())  # type: ignore[type-var]
        return changed

    def __class_getitem__(cls, whole: type[Struct]) -> Any:
        return _partial(whole, Partial)


class Setting(Struct, Generic[T], frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Only what is given changes; null sets one back to how it is for everybody."""

    def __class_getitem__(cls, whole: type[Struct]) -> Any:
        return _partial(whole, Setting)


class Shown(Struct, Generic[T], frozen=True, kw_only=True):
    """What a caller is answered of one thing."""

    def __class_getitem__(cls, whole: type[Struct]) -> Any:
        return _shown(whole)


class _OfItems(Struct, frozen=True):
    def __class_getitem__(cls, item: type[Struct]) -> Any:
        return _list(cls, item)


class Page(_OfItems, Generic[T], frozen=True):
    """`next`, sent back as `before`, continues after the page. One may hold fewer than were asked for, or none, and
    still continue: on the last one `next` is null."""

    items: list[T]
    next: UUID | None


class Listed(_OfItems, Generic[T], frozen=True):
    """A list as a whole."""

    items: list[T]


class Counted(_OfItems, Generic[T], frozen=True):
    """`count` is how many there are on all pages."""

    items: list[T]
    count: int


class One(_OfItems, Generic[T], frozen=True):
    """One thing."""

    item: T


def showing(
    names: str, *rooms: type[Struct], worded: bool = False, units: bool = False
) -> Callable[[type[S]], type[S]]:
    """A struct of the fields with these names, in this order: those that the class declares, and for the rest what one
    of the rooms' structs has by that name, or by the one behind the `=`. `copied` fills them all by name. `worded`: the
    rooms' times are texts, '' for none. `units`: the rooms' whole numbers are amounts, which are told in units."""

    def shown(own: type[S]) -> type[S]:
        known = {field.name: field for room in reversed(rooms) for field in msgspec.structs.fields(room)}
        mine = {field.name: field for field in msgspec.structs.fields(own)}
        said = {name: known_as or name for name, _, known_as in (one.partition("=") for one in names.split())}
        assert said.keys() >= mine.keys(), f"{own.__name__} declares fields that it does not show"
        fields = [
            (name, mine[name].type, mine[name].default) if name in mine else (name, known[known_as].type, NODEFAULT)
            for name, known_as in said.items()
        ]
        times = [name for name, type_, _ in fields if worded and name not in mine and type_ in _TIMES]
        fields = [(name, str if name in times else type_, default) for name, type_, default in fields]
        fields = [
            (name, int | float if units and type_ is int and name not in mine else type_, default)
            for name, type_, default in fields
        ]
        inside = {"__doc__": own.__doc__, "known_as": said, "times": times}
        how: dict[str, Any] = {"namespace": inside, "module": own.__module__, "frozen": True, "kw_only": True}
        return cast("type[S]", msgspec.defstruct(own.__name__, fields, **how))

    return shown


def copied(type_: type[S], of: Any, *more: Any, **otherwise: Any) -> S:
    """One whose fields are those of the same names, or of what has `more` of them, but for what is said otherwise."""
    known_names: dict[str, str] | None = getattr(type_, "known_as", None)
    for name in type_.__struct_fields__:
        if name not in otherwise:
            known_as = known_names[name] if known_names else name
            known = of if not more or hasattr(of, known_as) else next(one for one in more if hasattr(one, known_as))
            otherwise[name] = getattr(known, known_as)
            if known_names and name in type_.times:  # type: ignore[attr-defined]
                otherwise[name] = wire_time(otherwise[name]) if otherwise[name] else ""
    return type_(**otherwise)


_TIMES = (datetime, datetime | None)


@cache
def _partial(whole: type[Struct], base: type[Struct]) -> Any:
    unset = UnsetType | None if base is Setting else UnsetType
    fields = [(field.name, field.type | unset, UNSET) for field in _open_fields(whole)]
    return _made(f"{whole.__name__.removeprefix('New')}Change", fields, base)


@cache
def _shown(whole: type[Struct]) -> Any:
    fields = [(field.name, field.type, msgspec.field(name=field.encode_name)) for field in _open_fields(whole)]
    return _made(f"{whole.__name__}Item", fields, Shown)


def _open_fields(whole: type[Struct]) -> list[msgspec.structs.FieldInfo]:
    return [
        field
        for field in msgspec.structs.fields(whole)
        if field.name != "workspace_id"
        and field.type is not bytes
        and INSIDE not in getattr(field.type, "__metadata__", ())
    ]


@cache
def _list(base: type[Struct], item: type[Struct]) -> Any:
    fields = [(field.name, field.type, NODEFAULT) for field in msgspec.structs.fields(base)]
    first = ("item", item, NODEFAULT) if base is One else ("items", list[item], NODEFAULT)  # type: ignore[valid-type]
    kind = {Page: "Page", One: "Answer"}.get(base, "List")
    return _made(f"{item.__name__.removesuffix('Item')}{kind}", [first, *fields[1:]], base, item.__module__)


def _made(name: str, fields: list[tuple[str, Any, Any]], base: type[Struct], module: str = __name__) -> Any:
    doc = {"__doc__": getdoc(base)}
    return msgspec.defstruct(name, fields, bases=(base,), namespace=doc, module=module, kw_only=True)
