"""A form from one declaration: shown filled, read back with all that is wrong beside its field, locked for readers.

What a field holds and its limits are a struct's types; its words and its place stand in the sheet's template, a line
each (`components/sheets.html`).
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from functools import cache
from typing import Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.types import ControllerRouterHandler
from msgspec import inspect

from regulars import conditions, events, orders
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.dashboard.forms import sent
from regulars.dashboard.rendering import WORDS
from regulars.dashboard.words import in_shops_words
from regulars.kit import Reading, Refusal
from regulars.tenancy import Workspace

Kind = Literal["text", "secret", "lines", "texts", "tick", "choice", "uuid", "whole", "number", "money", "date"]
Given = dict[str, Any]
"""What was sent, by field."""


class Field(msgspec.Struct, frozen=True):
    """One thing to fill in. An empty one that is `optional` stands for `blank`. It is shown, and read, only while the
    field that `when` names holds one of its values. A text that does not match `pattern` is refused with what is
    `expected`."""

    kind: Kind = "text"
    least: int = 0
    most: int | None = None
    chars_max: int = 0
    optional: bool = False
    blank: Any = ""
    options: tuple[str, ...] = ()
    pattern: str = ""
    expected: str = ""
    when: tuple[str, ...] = ()

    def control(self, looks: Mapping[str, Any]) -> dict[str, Any]:
        """What the template's macro is called with; `looks` are the template's own."""
        must = not self.optional and not self.when
        said = {"maxlength": self.chars_max, "required": must, "optional": self.optional}
        return said | _LOOKS.get(self.kind, {}) | dict(looks)


_LOOKS: dict[str, dict[str, str]] = {
    "whole": {"inputmode": "numeric"},
    "number": {"inputmode": "decimal"},
    "money": {"inputmode": "decimal"},
    "date": {"type": "date"},
    "secret": {"type": "password"},
}
TEXT, MAYBE, SECRET, TICK, ID = Field(), Field(optional=True), Field("secret"), Field("tick"), Field("uuid")
Fields = Mapping[str, Field]


class Shown(msgspec.Struct):
    """What a sheet is about: `thing`, and `values` that fill its fields, of a struct or a mapping. `title`, `words`
    and `yes` stand in place of the sheet's own; `more` is for its template."""

    values: Any = {}
    thing: Any = None
    title: str = ""
    words: str = ""
    yes: str = ""
    more: dict[str, Any] = {}


Save = Callable[..., Awaitable[Any]]


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """`path`: where it is shown, and sent to. `save` is handed the desk, what was read and what was shown, and does it;
    what can't be read is noted in the form already, so that `Desk.changing` refuses. With the name of an `act`, it is
    done by `Desk.do`: `save` is handed the transaction behind the desk, and may leave it to `said` what is said then.
    What a room refuses of a part that is `inside` of a field stands at that field.

    `back` leads to the page that it belongs to, which `of` names; without a name it is a dialog over that page. The
    address may name what stands in the path: `/customers/{id}`. `risky`: it can't be undone. `owners_only` names what
    owners alone do here; `for_readers`: readers do it too. `state` says in a sentence how it stands.
    """

    path: str
    title: str
    fields: Fields | Callable[[Shown], Fields]
    save: Save
    act: str = ""
    said: str = "Saved."
    inside: Mapping[str, str] = {}
    load: Callable[[Desk, Reading], Awaitable[Shown]] | None = None
    purpose: str = ""
    words: str = ""
    yes: str = "Save"
    back: str = ""
    of: str = ""
    risky: bool = False
    owners_only: str = ""
    for_readers: bool = False
    state: Callable[[Workspace], str] = lambda shop: ""
    template: str = ""

    @property
    def dialog(self) -> bool:
        return bool(self.back) and not self.of

    @property
    def address(self) -> str:
        """With names alone in its braces."""
        return re.sub(r":\w+}", "}", self.path)


def sheet(
    path: str,
    title: str,
    template: str,
    fields: Fields | Callable[[Shown], Fields],
    back: str | None = None,
    **more: Any,
) -> Callable[[Save], Sheet]:
    """Of the function that saves it. It belongs to what stands before the end of its path, if to nothing else; one that
    ends with a name is a page, as its thing is, and not a dialog."""
    if back is None:
        back = re.sub(r":\w+}", "}", path).rpartition("/")[0].removesuffix("/new")
        if path.endswith("}"):
            more.setdefault("of", WORDS.get(back, ""))
    return lambda save: Sheet(path=path, title=title, template=template, fields=fields, back=back, save=save, **more)


def ask(path: str, title: str, yes: str, back: str | None = None, **more: Any) -> Callable[[Save], Sheet]:
    """A question before something that can't be undone, in a dialog or on a page of its own. What the function's
    docstring says, it says beside it."""

    def declare(do: Save) -> Sheet:
        words = " ".join((do.__doc__ or "").split())
        return sheet(path, title, "", {}, back, yes=yes, words=words, risky=True, **more)(do)

    return declare


@cache
def fields_of(struct: type[msgspec.Struct]) -> dict[str, Field]:
    """A struct's, by its types."""
    return {one.name: _of_type(one.type, one.default) for one in inspect.type_info(struct).fields}  # type: ignore[attr-defined]


def _of_type(type_: inspect.Type, default: Any) -> Field:
    match type_:
        case inspect.Metadata(type=inner):
            return _of_type(inner, default)
        case inspect.UnionType(types=types):
            inner = next(one for one in types if not isinstance(one, inspect.NoneType))
            return msgspec.structs.replace(_of_type(inner, default), optional=True, blank=None)
        case inspect.BoolType():
            return TICK
        case inspect.IntType(ge=least, le=most):
            return Field("whole", least or 0, most)
        case inspect.FloatType():
            return Field("number")
        case inspect.LiteralType(values=values):
            return Field("choice", options=tuple(map(str, values)))
        case inspect.VarTupleType():
            return Field("lines", optional=True, blank=())
        case inspect.StrType(max_length=most):
            return Field(chars_max=most or 0, optional=default == "")
        case inspect.DateType():
            return Field("date")
    return TEXT


def handlers(sheet: Sheet) -> list[ControllerRouterHandler]:
    """It is shown, and sent. A press of the condition builder's buttons, or of one named `redraw`,
    only draws it again."""

    @get(sheet.path)
    async def show(desk: Handed) -> Response[Any]:
        return draw(desk, sheet, await _load(sheet, desk))

    @post(sheet.path)
    async def send(desk: Handed) -> Response[Any]:
        shown, form = await _load(sheet, desk), await desk.form()
        if "redraw" in form.values or conditions.button_pressed((await sent(desk.request)).fields):
            return draw(desk, sheet, shown, form)
        try:
            given = read(desk, _fields(sheet, shown), form)
            if not sheet.act:
                return await sheet.save(desk, given, shown)  # type: ignore[no-any-return]
            then = sheet.back if sheet.dialog else sheet.address
            return await desk.do(sheet.act, then, sheet.said, lambda tx: sheet.save(desk, tx, given, shown))
        except Refusal as refusal:
            if sheet.risky or refusal.status in (403, 404, 429):
                raise
            return draw(desk, sheet, shown, form.refused(refusal, sheet.inside), 422)

    return [show, send]


def draw(desk: Desk, sheet: Sheet, shown: Shown, form: Form | None = None, status: int = 200) -> Response[str]:
    """`form` is what was sent; without it the sheet shows what there is."""
    fields, path = _fields(sheet, shown), desk.request.path_params
    dirty, form = form is not None, form or filled(desk, fields, shown.values)
    form.locked = not desk.who.may_write and not sheet.for_readers
    context: dict[str, Any] = {
        "sheet": sheet,
        "fields": fields,
        "shows": {one.when[0]: one.when[1:] for one in fields.values() if one.when},
        "form": form,
        "dirty": dirty,
        "title": in_shops_words(shown.title or sheet.title, desk.workspace),
        "words": in_shops_words(shown.words or sheet.words, desk.workspace),
        "yes": shown.yes or sheet.yes,
        "risky": sheet.risky,
        "thing": shown.thing,
        "action": sheet.address.format(**path),
        "back": sheet.back.format(**path),
    }
    template = f"sheets/{sheet.template}.html" if sheet.template else "pages/sheet.html"
    return desk.page(template, status=status, **context | shown.more)


def filled(desk: Desk, fields: Fields, values: Any) -> Form:
    """The form with what a struct or a mapping holds, each value as its field shows it."""
    held = dict(values) if isinstance(values, Mapping) else msgspec.structs.asdict(values)
    return desk.blank(**held | {name: _shown(one, held.get(name), desk) for name, one in fields.items()})


def read(desk: Desk, fields: Fields, form: Form) -> Given:
    """By field, of those that are shown. What can't be read is noted in the form's faults."""
    return {
        name: _read(name, one, form, desk)
        for name, one in fields.items()
        if not one.when or form.text(one.when[0]) in one.when[1:]
    }


def _fields(sheet: Sheet, shown: Shown) -> Fields:
    return sheet.fields(shown) if callable(sheet.fields) else sheet.fields


async def _load(sheet: Sheet, desk: Desk) -> Shown:
    if sheet.owners_only:
        desk.only_owners(sheet.owners_only)
    if sheet.load is None:
        return Shown()
    async with desk.reading() as tx:
        return await sheet.load(desk, tx)


def _shown(field: Field, value: Any, desk: Desk) -> Any:
    if value is None or value == "" or (field.optional and value == field.blank and field.kind != "choice"):
        return ""
    match field.kind:
        case "tick":
            return "yes" if value else ""
        case "lines":
            return "\n".join(value)
        case "texts":
            return list(value)
        case "money":
            return str(events.major_units(value, desk.workspace.currency_code))
        case "number":
            return f"{value:.12g}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _read(name: str, field: Field, form: Form, desk: Desk) -> Any:
    text = form.text(name)
    if field.optional and not text:
        return field.blank
    if plain := _PLAIN.get(field.kind):
        return plain(form, name)
    match field.kind:
        case "lines":
            return tuple(text.splitlines())
        case "choice":
            return form.choice(name, field.options)
        case "whole":
            return form.whole(name, least=field.least, most=field.most)
        case "money":
            return _money(name, field, form, desk)
    if field.pattern and not (re.fullmatch(field.pattern, text) and len(text) <= (field.chars_max or len(text))):
        form.faults.add(name, field.expected)
    return text


_PLAIN: dict[str, Callable[[Form, str], Any]] = {
    "tick": Form.on,
    "texts": Form.texts,
    "uuid": Form.uuid,
    "secret": Form.typed,
    "date": Form.day,
    "number": Form.number,
}


def _money(name: str, field: Field, form: Form, desk: Desk) -> int:
    amount = field.least
    with form.faults:
        amount = orders.minor_units(name, form.text(name), desk.workspace.currency_code)
        if not field.least <= amount <= (field.most or amount):
            form.faults.add(name, "an amount above 0")
    return amount
