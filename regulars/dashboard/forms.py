"""What came in with a form, kept as it was typed: a form that fails is shown again with every value and the errors
beside their fields."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from regulars import limits
from regulars.kit import Faults, Refusal, forms

NOBODY = UUID(int=0)
NOTHING: Mapping[str, str] = {}


class Form(msgspec.Struct):
    """`values` by field's name as texts (a list where a name came more than once), `errors` as sentences by field.

    What is read and can't be is noted in `faults` and stood in for by some value that fits, so that all that is wrong
    is said at once: `Desk.changing` undoes what was done with it, and raises. Whoever changes nothing asks `check`.
    `locked`: shown, but not to be changed (by a reader).
    """

    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    message: str = ""
    locked: bool = False
    files: dict[str, forms.Upload] = {}
    faults: Faults = msgspec.field(default_factory=Faults)

    def text(self, name: str) -> str:
        """Without blanks around it."""
        value = self.values.get(name, "")
        return (value[-1] if isinstance(value, list) else str(value)).strip()

    def texts(self, name: str) -> list[str]:
        """Of boxes none of which is ticked nothing comes, though the form has them."""
        value = self.values.setdefault(name, [])
        return [str(item) for item in value] if isinstance(value, list) else [str(value)]

    def on(self, name: str) -> bool:
        return self.text(name) == "yes"

    def typed(self, name: str) -> str:
        """As it was typed: blanks around a password belong to it."""
        value = self.values.get(name, "")
        return value if isinstance(value, str) else ""

    def whole(self, name: str, *, least: int = 0, most: int | None = None, default: int | None = None) -> int:
        """A whole number, written with or without thousands separators."""
        text = self.text(name).replace(",", "").replace(" ", "")
        if not text and default is not None:
            return default
        if text.isascii() and text.isdigit() and len(text) <= 18 and least <= int(text) <= (most or int(text)):
            return int(text)
        words = f"of at least {least:,}" if most is None else f"from {least:,} to {most:,}"
        self.faults.add(name, f"a whole number {words}")
        return least

    def number(self, name: str) -> float:
        """With or without thousands separators."""
        try:
            number = float(self.text(name).replace(",", "").replace(" ", ""))
        except ValueError:
            number = -1.0
        if 0 <= number <= limits.AMOUNT_MINOR_MAX:
            return number
        self.faults.add(name, "a number such as 2 or 49.90")
        return 0.0

    def day(self, name: str) -> date:
        """One that no time zone takes out of what a clock can say."""
        with suppress(ValueError):
            day = date.fromisoformat(self.text(name))
            if 1900 <= day.year < 2200:
                return day
        self.faults.add(name, "a date such as 1990-05-26")
        return date(1990, 5, 26)

    def choice(self, name: str, options: Collection[str]) -> str:
        value = self.text(name)
        if value not in options:
            self.faults.add(name, "one from the list")
            return next(iter(options), "")
        return value

    def uuid(self, name: str, what: str = "one from the list") -> UUID:
        try:
            return UUID(self.text(name))
        except ValueError:
            self.faults.add(name, what)
            return NOBODY

    def check(self) -> None:
        """Raises Invalid naming each field that could not be read."""
        self.faults.check()

    @property
    def again(self) -> bool:
        """Whether something was given that is never shown again: a password, a file. Such fields say so themselves."""
        return any(self.values.get(name) or name in self.files for name in self.texts("_again"))

    def refused(self, refusal: Refusal, inside: Mapping[str, str] = NOTHING) -> Form:
        """The same form with what was wrong, in words. A setting (`settings.country`) stands in it by its last name,
        what is `inside` of one of its fields there."""
        named = {inside.get(name, name): words for name, words in refusal.fields.items()}
        self.errors = {
            name if name in self.values else name.rpartition(".")[2]: _sentence(words) for name, words in named.items()
        }
        shown = [name for name in self.errors if name in self.values]
        self.message = "Something here needs another look." if shown else refusal.message
        return self


async def sent(request: Request[Any, Any, Any]) -> forms.Sent:
    """What came with this request, read once. Raises Invalid and FormTooLarge."""
    if "form" not in request.state:
        request.state.form = await forms.read(request.headers.get("content-type", ""), request.stream())
    found: forms.Sent = request.state.form
    return found


async def read_form(request: Request[Any, Any, Any]) -> Form:
    """The form of this request; an empty one when it carries none."""
    came = await sent(request)
    form = Form(files=came.files)
    for name, value in came.fields:
        if name not in form.values:
            form.values[name] = value
        elif isinstance(form.values[name], list):
            form.values[name].append(value)
        else:
            form.values[name] = [form.values[name], value]
    return form


def query_of(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The parameters in this request's address; of several with one name the last. Raises Invalid."""
    return dict(forms.fields(request.scope["query_string"], "address"))


def _sentence(words: str) -> str:
    """`expected a whole number` as a sentence: `Give a whole number.`"""
    said = "Give " + words.removeprefix("expected ") if words.startswith("expected ") else words
    return said[:1].upper() + said[1:] + ("" if said.endswith((".", "!", "?")) else ".")
