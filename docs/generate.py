"""Writes docs/generated from the code (`make docs`). It is committed, and `make check` holds it against the code.

A new page is a function that returns text by path, named in `documents`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlglot
from sqlglot import exp

import regulars
from regulars import events
from regulars.api.codes import PAGE
from regulars.api.documents import documents as openapi_documents
from regulars.api.management import management
from regulars.api.merchant import merchant
from regulars.kit.settings import Settings

GENERATED = Path(__file__).parent / "generated"
_NOTE = "<!-- Written by `make docs` from the code; not to be edited by hand. -->"


def documents() -> dict[str, str]:
    """Every generated file: its text by its path below docs/generated."""
    pages = {**events.documents(), **openapi_documents([merchant, management])}
    return {**pages, "settings.md": settings(), "errors.md": f"{_NOTE}\n{PAGE}\n", "schema.md": schema()}


def settings() -> str:
    lines = [_NOTE, "# Settings", "", "Read from the environment when a process starts.", ""]
    for name, field in sorted(Settings.model_fields.items(), key=lambda item: item[0] != "database_url"):
        variable = str(field.validation_alias or f"REGULARS_{name.upper()}")
        default = "" if field.default is None or field.default_factory else f" (default: `{field.default}`)"
        lines += [f"- **`{variable}`**{default}: {field.description}"]
    lines += ["", "Traces are set by OpenTelemetry's own variables: [operate](../guides/operate.md#traces)."]
    return "\n".join(lines) + "\n"


def schema() -> str:
    lines = [
        _NOTE,
        "# Schema",
        "",
        "The tables, in the order of the migrations that make them. Keys are underlined.",
        "",
    ]
    for file in sorted(Path(regulars.__file__).parent.glob("migrations/[0-9]*.sql")):
        lines += [f"## {file.stem}", ""]
        for statement in sqlglot.parse(file.read_text(encoding="utf-8"), read="postgres"):
            if isinstance(statement, exp.Create) and isinstance(statement.this, exp.Schema):
                lines += [*_table(statement.this.this.name, statement.this.expressions), ""]
            elif isinstance(statement, exp.Alter):
                lines += [*_table(f"{statement.this.name}, more", statement.args["actions"]), ""]
    return "\n".join(lines)


def _table(title: str, parts: list[exp.Expr]) -> Iterator[str]:
    keys = {column.name for part in parts for key in part.find_all(exp.PrimaryKey) for column in key.expressions}
    yield f"### {title}"
    yield ""
    yield "| column | type | |"
    yield "|---|---|---|"
    for column in parts:
        if not isinstance(column, exp.ColumnDef):
            continue
        key = column.name in keys or any(column.find_all(exp.PrimaryKeyColumnConstraint))
        optional = "" if key or any(column.find_all(exp.NotNullColumnConstraint)) else "may be null"
        yield f"| {f'<u>{column.name}</u>' if key else column.name} | {_type(column)} | {optional} |"


def _type(column: exp.ColumnDef) -> str:
    return column.kind.sql(dialect="postgres").lower() if column.kind is not None else ""


def write() -> None:
    fresh = documents()
    for path in GENERATED.rglob("*"):
        if path.is_file() and str(path.relative_to(GENERATED)) not in fresh:
            path.unlink()
    for name, text in fresh.items():
        (GENERATED / name).parent.mkdir(parents=True, exist_ok=True)
        (GENERATED / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
