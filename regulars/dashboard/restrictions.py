"""The condition builder in a sheet: what it is drawn from, and the condition that was sent."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from regulars import conditions
from regulars.conditions import Schema
from regulars.dashboard.desk import Desk, Form
from regulars.dashboard.forms import sent
from regulars.tenancy import Workspace

Pairs = Sequence[tuple[str, object]]


class Builder(msgspec.Struct):
    """`schema`: what can be asked about, None where nothing can; `labels`, the names of what can be asked elsewhere.
    `only`, `nothing` and `legend` are its words; `nested`: groups in groups, and what was done, may be added. `shop`:
    whose properties may be asked."""

    pairs: Pairs
    schema: Schema | None
    stored: Any = None
    labels: Mapping[str, str] = {}
    only: str = "Send it only when"
    nothing: str = "None: every such event is sent."
    legend: str = "Restrictions"
    nested: bool = False
    shop: Workspace | None = None

    operators_for = staticmethod(conditions.operators_for)

    @property
    def draft(self) -> Any:
        return conditions.draft(self.pairs)

    @property
    def deeds(self) -> Mapping[str, Any]:
        return conditions.deeds_of(self.schema or {})

    @property
    def deeds_words(self) -> list[tuple[str, str]]:
        return [(topic, deed.happening) for topic, deed in self.deeds.items()]

    done_operators = tuple((one.name, one.label) for one in conditions.DONE_OPERATORS)

    @property
    def pressed(self) -> str:
        return next((key for key, _ in self.pairs if key.startswith("condition.add")), "")


async def drawn(desk: Desk, stored: Any) -> Pairs:
    """The builder's fields: as they were sent, else as the stored condition has them."""
    if desk.request.method == "POST":
        return list((await sent(desk.request)).fields)
    return list(conditions.to_form(stored)) if stored is not None else []


def condition_of(form: Form, builder: Builder) -> Any:
    """What can't be read is noted. What is stored is kept where the builder was not drawn, where that was asked for,
    and where it came back as it was drawn, although it can't be read any more."""
    stored, pairs = builder.stored, builder.pairs
    if stored is not None and "condition_asked" not in form.values:
        return stored
    if stored is not None and conditions.draft(pairs) == conditions.draft(conditions.to_form(stored)):
        return stored
    parsed = None
    with form.faults:
        parsed = conditions.from_form(pairs, builder.schema or {})
    return None if parsed is None else conditions.dump(parsed)
