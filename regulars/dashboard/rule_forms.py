"""What a rule's form says beside tool and restrictions: properties told otherwise, for how many customers, and when.
The rows of properties need no JavaScript: a button named `redraw` draws the form with one more, or one less."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from regulars import limits
from regulars.dashboard.forms import Form
from regulars.dashboard.sheets import MAYBE, Field, Given
from regulars.dashboard.trials import value_of
from regulars.dispatch import WEEKDAYS, Rule

_PARTS = ("property", "action", "value")
FIELDS = {
    "sample_percent": Field("whole", 1, 100, optional=True, blank=100),
    **dict.fromkeys(("schedule.starts_at", "schedule.ends_at"), MAYBE),
    "schedule.weekdays": Field("texts"),
    "schedule.from_hour": Field("whole", 0, 23, optional=True, blank=0),
    "schedule.until_hour": Field("whole", 1, 24, optional=True, blank=24),
}


def values_of(rule: Rule) -> dict[str, Any]:
    said = {f"schedule.{name}": value for name, value in (rule.schedule or {}).items()}
    said["schedule.weekdays"] = list(map(str, said.get("schedule.weekdays", ())))
    rows = [[row["property"], row["action"], _shown(row.get("value", ""), row["action"])] for row in rule.mapping]
    return said | _named(rows) | {"sample_percent": rule.sample_percent}


def rows_of(values: Mapping[str, Any]) -> list[list[str]]:
    """As they are typed, without blank ones, after the button that was pressed."""
    rows, pressed = list[list[str]](), values.get("redraw")
    for n in range(limits.MAPPING_ROWS_MAX + 1):
        row = [str(values.get(f"mapping[{n}].{part}", "")).strip() for part in _PARTS]
        rows += [row] if (row[0] or row[2]) and pressed != f"mapping[{n}]" else []
    return [*rows, ["", "rename", ""]] if pressed == "mapping" else rows


def terms_of(form: Form, given: Given) -> dict[str, Any]:
    """What was sent of it, as the room takes it; nothing where the form was drawn without it."""
    of = {name.removeprefix("schedule."): given.pop(name) for name in FIELDS}
    if not form.on("terms_asked"):
        return {}
    rows = rows_of(form.values)
    form.values |= _named(rows)
    mapping = [{"property": name, "action": action, "value": _typed(value, action)} for name, action, value in rows]
    percent, days = of.pop("sample_percent"), [int(day) for day in of.pop("weekdays") if day in dict(WEEKDAYS)]
    return {"mapping": mapping, "sample_percent": percent, "schedule": {**of, "weekdays": days}}


def _named(rows: Sequence[Sequence[str]]) -> dict[str, str]:
    return {f"mapping[{n}].{part}": cell for n, row in enumerate(rows) for part, cell in zip(_PARTS, row, strict=True)}


def _typed(text: str, action: str) -> Any:
    """A constant that reads as a number, or as true or false, is one; in quotes it is a text."""
    value = value_of(text) if action == "constant" else text
    return value if isinstance(value, str | int | float) else text


def _shown(value: Any, action: str) -> str:
    return value if isinstance(value, str) and value == _typed(value, action) else msgspec.json.encode(value).decode()
