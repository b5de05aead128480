"""An OpenAPI document laid out for reading: each operation with its parameters, fields, and a call to copy."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from regulars.api.examples import example
from regulars.api.operations import Api

_DEPTH_MAX = 6


class Row(msgspec.Struct, frozen=True):
    """A parameter or a field; `depth` is how deep it stands in its object."""

    name: str
    kind: str
    required: bool
    words: str
    depth: int = 0


class Shown(msgspec.Struct, frozen=True):
    """One operation."""

    anchor: str
    method: str
    path: str
    tag: str
    summary: str
    paragraphs: list[str]
    parameters: list[Row]
    body: list[Row]
    body_paragraphs: list[str]
    answer: list[Row]
    answer_paragraphs: list[str]
    statuses: list[tuple[str, str]]
    curl: str


class Page(msgspec.Struct, frozen=True):
    title: str
    paragraphs: list[str]
    operations: list[Shown]


def page_of(api: Api, document: dict[str, Any]) -> Page:
    schemas = document["components"]["schemas"]
    shown = [
        _shown(api, path, method, operation, schemas)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    tags = list(api.tags)
    shown.sort(key=lambda operation: tags.index(operation.tag))
    return Page(api.title, _paragraphs(api.description), shown)


def _shown(api: Api, path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Shown:
    body = _json_schema(operation.get("requestBody", {}))
    good = next(status for status in operation["responses"] if status.startswith("2"))
    answer = _json_schema(operation["responses"][good])
    if api.style == "envelope" and answer:
        answer = answer["properties"]["data"]
    return Shown(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        tag=operation["tags"][0],
        summary=operation["summary"],
        paragraphs=_paragraphs(operation["description"]),
        parameters=[
            Row(
                parameter["name"],
                f"{_kind(parameter['schema'], schemas)}, {parameter['in']}",
                parameter["required"],
                parameter.get("description", ""),
            )
            for parameter in operation["parameters"]
        ],
        body=_rows(body, schemas, 0) if body else [],
        body_paragraphs=_words_of(body, schemas),
        answer=_rows(answer, schemas, 0) if answer else [],
        answer_paragraphs=_words_of(answer, schemas),
        statuses=[(status, response["description"]) for status, response in operation["responses"].items()],
        curl=_curl(api, path, method, operation, body, schemas),
    )


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _words_of(schema: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    """What is said of a body as a whole."""
    return _paragraphs(_resolved(schema, schemas).get("description", ""))


def _json_schema(holder: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _rows(schema: dict[str, Any], schemas: dict[str, Any], depth: int) -> list[Row]:
    schema = _resolved(schema, schemas)
    if schema.get("type") == "array":
        return _rows(schema["items"], schemas, depth)
    if depth > _DEPTH_MAX:
        return []
    rows = []
    for name, of in schema.get("properties", {}).items():
        words = of.get("description") or _one(of).get("description", "")
        rows.append(Row(name, _kind(of, schemas), name in schema.get("required", []), words, depth))
        inner = _resolved(of, schemas)
        rows += _rows(inner.get("items", inner), schemas, depth + 1)
    return rows


def _one(schema: dict[str, Any]) -> dict[str, Any]:
    """The one kind beside null; of one thing and a list of such things, the one thing."""
    options: list[dict[str, Any]] = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    named = [option for option in options if "$ref" in option]
    if len(options) == 1:
        return options[0]
    return named[0] if len(named) == 1 else schema


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = _one(schema)
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return schema


def _kind(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """`text of 8 to 128 characters`, `one of cr, dr`, `whole number of at least 1`, `list of objects`."""
    null = {"type": "null"} in schema.get("anyOf", [])
    of = _resolved(schema, schemas)
    if "enum" in of:
        said = "one of " + ", ".join(value if value else "''" for value in map(str, of["enum"]))
    elif of.get("type") == "array":
        said = f"list of: {_kind(of['items'], schemas)}"
    elif "anyOf" in of:
        # An integer is a number.
        whole = {"type": "integer"} if {"type": "number"} in of["anyOf"] else None
        said = " or ".join(dict.fromkeys(_kind(option, schemas) for option in of["anyOf"] if option != whole))
    else:
        words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
        formats = {"uuid": "UUID", "date": "date", "date-time": "time", "decimal": "decimal number"}
        said = formats.get(of.get("format", "")) or words.get(of.get("type", ""), of.get("type", "any value"))
        said += _bounds(of)
    return f"{said}, or null" if null else said


def _bounds(of: dict[str, Any]) -> str:
    low, high = of.get("minLength", of.get("minimum")), of.get("maxLength", of.get("maximum"))
    low, high = (int(end) if isinstance(end, float) and end == int(end) else end for end in (low, high))
    unit = " characters" if "minLength" in of or "maxLength" in of else ""
    if low is not None and high is not None:
        return f", {low:,} to {high:,}{unit}"
    if high is not None:
        return f", at most {high:,}{unit}"
    return f", at least {low:,}{unit}" if low is not None else ""


def _curl(
    api: Api, path: str, method: str, operation: dict[str, Any], body: dict[str, Any], schemas: dict[str, Any]
) -> str:
    wanted = [p for p in operation["parameters"] if p["in"] == "query" and p["required"]]
    query = "&".join(f"{p['name']}={example(p['schema'], schemas)}" for p in wanted)
    how = "" if method == "get" else f" -X {method.upper()}"
    lines = [f'curl{how} "$REGULARS{path}{"?" if query else ""}{query}"']
    if api.style == "envelope":
        lines += ['-H "x-apikey: $KEY"', '-H "x-workspaceid: $WORKSPACE"', '-H "x-source: unix"']
    else:
        lines += ['-H "Authorization: Bearer $KEY"', '-H "x-workspaceid: $WORKSPACE"']
    if body:
        text = json.dumps(example(body, schemas), ensure_ascii=False, indent=2)
        lines += ['-H "Content-Type: application/json"', f"-d '{text}'"]
    return " \\\n  ".join(lines)
